"""The words of every finding, in English and Chinese, by its code: one catalogue, in messages.toml.

Knows nothing about how findings are found or grouped.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

from kgtune.lint.findings import Finding, short

Lang = Literal["en", "zh"]
LANGS: tuple[Lang, ...] = ("en", "zh")
FILE = Path(__file__).with_name("messages.toml")
_KEYS = ("title", "say", "near", "why", "fix")
# What a finding of a reader carries: its own sentences, in English.
DETAIL, READERS_FIX = "detail", "readers_fix"

_PAGE_HEAD = """# Findings of `python convert_data.py --check`

Written from messages.toml by `python -m kgtune.lint > kgtune/lint/CODES.md`; a test holds the two equal.

An error (E-) can't be used: a conversion refuses it, and --check exits with 3. A warning (W-) is used and is
suspicious: with --strict it counts as an error does. A note (N-, F-) is there to be known; what F- names is read as
meant, and written plainly by --fix.
"""

_PAGE_COLUMNS: tuple[tuple[Lang, str, str], ...] = (
    ("en", "code | what | why | what to do", "the name"),
    ("zh", "代码 | 含义 | 原因 | 处理", "该名称"),
)

Texts = Mapping[Lang, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """The texts of one code; a text that it does not have is empty. `phrases` are sentences of readers."""

    code: str
    title: Texts
    say: Texts
    near: Texts
    why: Texts
    fix: Texts
    phrases: tuple[tuple[str, str], ...] = ()


@cache
def entries() -> dict[str, Entry]:
    """Return the catalogue by code, in the order of its file."""
    with FILE.open("rb") as file:
        return {code: _entry(code, values) for code, values in tomllib.load(file).items()}


def entry(code: str) -> Entry:
    """Return a code's texts; of a code that is not in the catalogue, its name for all."""
    return entries().get(code) or _entry(code, {"title": [code, code], "why": ["", ""], "fix": ["", ""]})


def language(setting: str, environment: Mapping[str, str]) -> Lang:
    """Follow --lang: "auto" is Chinese where the environment's messages are."""
    if setting in LANGS:
        return "zh" if setting == "zh" else "en"
    locale = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return "zh" if locale.casefold().startswith("zh") else "en"


def what(finding: Finding, lang: Lang) -> str:
    """Say what was found, and the nearest candidate where there is one."""
    texts = entry(finding.code)
    if DETAIL in finding.facts:
        said = _reader_said(texts, str(finding.facts[DETAIL]), lang)
    else:
        said = texts.say[lang].format_map(_shown(finding))
    if finding.nearest and texts.near[lang]:
        said = f"{said}{' ' if lang == 'en' else ''}{texts.near[lang].format_map(_shown(finding))}"
    return said


def fix(finding: Finding, lang: Lang) -> str:
    """Say what to do about it, in one line."""
    own = finding.facts.get(READERS_FIX)
    if own and lang == "en":
        return str(own)
    return entry(finding.code).fix[lang].format_map(_shown(finding))


def page() -> str:
    """Write all codes as a Markdown page: one table in each language."""
    lines = [_PAGE_HEAD]
    for lang, columns, stands_for in _PAGE_COLUMNS:
        lines += [f"| {columns} |", "|---|---|---|---|"]
        for code, texts in entries().items():
            fixed = texts.fix[lang].replace("{nearest}", stands_for)
            lines.append(f"| {code} | {texts.title[lang]} | {texts.why[lang]} | {fixed} |")
        lines.append("")
    return "\n".join(lines)


def groups(code: str, detail: str) -> Mapping[str, str] | None:
    """Read the values out of a reader's sentence; None when the catalogue does not know the sentence."""
    for english, _ in entry(code).phrases:
        if match := _pattern(english).fullmatch(detail):
            return match.groupdict()
    return None


def _reader_said(texts: Entry, detail: str, lang: Lang) -> str:
    if lang == "en":
        return detail
    for english, chinese in texts.phrases:
        if match := _pattern(english).fullmatch(detail):
            return chinese.format_map(match.groupdict())
    return f"{texts.title[lang]}：{detail}"


def _shown(finding: Finding) -> dict[str, Any]:
    return {**finding.facts, "value": short(finding.value), "nearest": short(finding.nearest)}


@lru_cache(maxsize=512)
def _pattern(english: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", english)
    pattern = "".join(f"(?P<{part}>.*?)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    return re.compile(pattern, re.DOTALL)


def _entry(code: str, values: Mapping[str, Any]) -> Entry:
    texts = {key: _pair(values.get(key, ["", ""])) for key in _KEYS}
    phrases = tuple((str(english), str(chinese)) for english, chinese in values.get("phrases", ()))
    return Entry(code, **texts, phrases=phrases)


def _pair(texts: Sequence[str]) -> Texts:
    return dict(zip(LANGS, texts, strict=True))
