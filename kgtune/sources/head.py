"""A look at the start of a file: its first bytes, its first text, and its first JSON values, cut off or not.

Knows nothing about formats, and reports nothing: what can't be made out is left to the reader of the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kgtune.sources.decoding import start_of
from kgtune.sources.scanner import WRAPPERS

NUM_BYTES = 1 << 16
_MOST_VALUES = 20
_CLOSER = {"[": "]", "{": "}"}
_MARK = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+(?=[\s\[\]{},:]))', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Head:
    """What a look shows. `items` are the first objects: JSON Lines, elements of an array or of a wrapped list."""

    path: Path
    raw: bytes
    text: str
    items: tuple[Mapping[str, Any], ...] = ()
    whole: Mapping[str, Any] | None = None
    """The lone top-level object, as far as the look goes."""

    @property
    def suffix(self) -> str:
        return self.path.suffix.lower()

    @property
    def looks_like_json(self) -> bool:
        return self.text.lstrip()[:1] in ("{", "[")


def look(path: Path) -> Head:
    """Read the start of a file that is there."""
    raw, text = start_of(path, NUM_BYTES)
    start = text.lstrip()
    if start.startswith("["):
        values = _value(_closed(start)[0])
        return Head(path, raw, text, _objects(values if isinstance(values, list) else []))
    if not start.startswith("{"):
        return Head(path, raw, text)
    closed, end = _closed(start)
    first = _value(closed)
    if end is None and isinstance(first, dict):
        return _lone(path, raw, text, first)
    values = list(_lines(start))
    if end is not None and isinstance(first, dict) and not start[end:].strip():
        return _lone(path, raw, text, first)
    return Head(path, raw, text, _objects(values))


def _lone(path: Path, raw: bytes, text: str, whole: dict[str, Any]) -> Head:
    wrapped = next((whole[key] for key in WRAPPERS if isinstance(whole.get(key), list)), None)
    return Head(path, raw, text, _objects([whole] if wrapped is None else wrapped), whole)


def _objects(values: list[Any]) -> tuple[Mapping[str, Any], ...]:
    return tuple(value for value in values[:_MOST_VALUES] if isinstance(value, dict))


def _lines(text: str) -> Iterator[Any]:
    """Yield the first values of JSON Lines; a broken line is passed over."""
    decoder, at, number = json.JSONDecoder(), 0, 0
    while at < len(text) and number < _MOST_VALUES:
        try:
            value, at = decoder.raw_decode(text, at)
            yield value
        except (ValueError, RecursionError):
            at = (text.find("\n", at) + 1) or len(text)
        number += 1
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1


def _closed(text: str) -> tuple[str, int | None]:
    """Cut a JSON value behind its last whole part and close what is open; also say where it ends if it does."""
    still_open: list[str] = []
    at, whole = 0, 0
    while match := _MARK.match(text, at):
        mark, at = match[1], match.end()
        if mark in _CLOSER:
            still_open.append(_CLOSER[mark])
        elif mark in ("]", "}"):
            if not still_open or still_open.pop() != mark:
                break
            if not still_open:
                return text[:at], at
        elif mark == ",":
            whole = match.start(1)
            continue
        else:
            continue
        whole = at
    return text[:whole] + "".join(reversed(still_open)), None


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
