"""The words of every check of a run, by its code: one catalogue, in messages.toml.

Knows nothing about how a fault is found.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from kgtune.errors import CheckFailed, Problem

FILE = Path(__file__).with_name("messages.toml")
Level = Literal["stops", "warns"]

_PAGE_HEAD = """# Checks of `python fine_tune.py`

Written from messages.toml by `python -m kgtune.checks > kgtune/checks/CODES.md`; a test holds the two equal.

A check that stops ends the run with exit code 2, before it costs anything where that can be. One that warns is
printed, and the run goes on.

| code | | what | why | what to do |
|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """The texts of one code. `say` and `fix` are templates: a check fills in what it found."""

    code: str
    level: Level
    title: str
    say: str
    why: str
    fix: str


@cache
def entries() -> dict[str, Entry]:
    """Return the catalogue by code, in the order of its file."""
    with FILE.open("rb") as file:
        return {code: Entry(code=code, **values) for code, values in tomllib.load(file).items()}


def problem(code: str, where: str, **facts: object) -> Problem:
    """Tell a fault in the catalogue's words."""
    entry = entries()[code]
    return Problem(code, where, entry.say.format_map(facts), entry.fix.format_map(facts))


def failed(code: str, where: str, **facts: object) -> CheckFailed:
    """Return the error for one fault; the caller raises it."""
    return CheckFailed([problem(code, where, **facts)])


def told(found: Problem) -> str:
    """Write a fault as a line for a person, its code first."""
    return f"{found.code}: {found}"


def stop_or_tell(problems: list[Problem]) -> list[str]:
    """Raise with all faults that stop; return the lines of those that only warn."""
    stopping = [found for found in problems if entries()[found.code].level == "stops"]
    if stopping:
        raise CheckFailed(stopping)
    return [told(found) for found in problems]


def page() -> str:
    """Write all codes as a Markdown page."""
    rows = [
        f"| {entry.code} | {entry.level} | {entry.title} | {entry.why} | {_plain(entry.fix)} |"
        for entry in entries().values()
    ]
    return _PAGE_HEAD + "\n".join(rows) + "\n"


def _plain(template: str) -> str:
    """A template's fields are told by their names: {free_gib} is N where no number is known yet."""
    return template.replace("{", "`").replace("}", "`")
