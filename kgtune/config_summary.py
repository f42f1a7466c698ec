"""Tells the configuration of a run: what is not at its default, or every value, by section or line by line.

Knows nothing about how it was put together (see config), nor where it is shown or saved.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from kgtune.config import COMMAND_LINE, Resolved, dotted, leaves
from kgtune.settings import Config

WIDTH = 120
"""Columns of a line of `compact`."""


class _Value(NamedTuple):
    section: str
    name: str
    text: str
    origin: str
    """Empty where the value is the default, wherever it was written."""

    @property
    def key(self) -> str:
        return f"{self.section}.{self.name}" if self.section else self.name


def short(resolved: Resolved, saved: Path | None = None) -> str:
    """Say what a run was told: by origin and section what is not the default, then where the rest can be seen.

    What the command line sets is named even where it sets a default: somebody wanted it there.
    """
    values = list(_values(resolved))
    num_defaults = sum(not one.origin for one in values)
    where = "--show-config" if saved is None else f"{saved}, or --show-config"
    return "\n".join([*_told(resolved, values), f"  {num_defaults} values at their defaults; the whole: {where}"])


def compact(resolved: Resolved) -> str:
    """List every value by origin and section, in a page: what the log of a long run keeps."""
    values = list(_values(resolved))
    defaults = (one for one in values if not one.origin)
    return "\n".join([*_told(resolved, values), "  at their defaults:", *_sections(defaults)])


def whole(resolved: Resolved) -> str:
    """List every key with its value, and behind each that is not the default, where it came from."""
    values = list(_values(resolved))
    width = max(len(one.key) for one in values)
    rows = (f"  {one.key:<{width}}  {one.text}" + (f"  ({one.origin})" if one.origin else "") for one in values)
    return "\n".join([_head(resolved), *rows])


def _told(resolved: Resolved, values: list[_Value]) -> list[str]:
    """Name by origin what is not the default, under a head."""
    told = [one for one in values if one.origin]
    lines = [_head(resolved)]
    for origin in dict.fromkeys(one.origin for one in sorted(told, key=lambda one: _rank(one.origin))):
        lines += [f"  {origin}:", *_sections(one for one in told if one.origin == origin)]
    return lines


def _sections(values: Iterable[_Value]) -> list[str]:
    return [_line(section, list(ones)) for section, ones in groupby(values, key=lambda one: one.section)]


def _head(resolved: Resolved) -> str:
    return f"configuration: {resolved.path}, profile {resolved.profile}"


def _values(resolved: Resolved) -> Iterator[_Value]:
    default = dict(leaves(Config().model_dump()))
    for path, value in leaves(resolved.config.model_dump()):
        origin = resolved.origins[dotted(path)]
        is_told = value != default[path] or origin == COMMAND_LINE
        text = json.dumps(value, ensure_ascii=False)
        yield _Value(dotted(path[:-1]), str(path[-1]), text, origin if is_told else "")


def _rank(origin: str) -> int:
    """Order origins as they overlay each other: the file, a profile, the command line."""
    return 2 if origin == COMMAND_LINE else int(origin.startswith("profile "))


def _line(section: str, values: list[_Value]) -> str:
    told = ", ".join(f"{one.name}={one.text}" for one in values)
    line = f"    {section}: {told}" if section else f"    {told}"
    return textwrap.fill(line, WIDTH, subsequent_indent="      ", break_long_words=False, break_on_hyphens=False)
