"""JSON text with the place of every value: what is needed to point at one, and to rewrite one and nothing else.

Knows nothing about graphs or files. Reads what the standard library reads; whatever else is a ValueError.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")
# A comma with nothing behind it but the end of its list or object; strings are read over.
_TRAILING_COMMA = re.compile(r'"(?:[^"\\]|\\.)*+"|(?P<comma>,)(?=[ \t\n\r]*[\]}])', re.DOTALL)
_MAYBE_TRAILING_COMMA = re.compile(r",[ \t\n\r]*[\]}]")
_WRAPPERS = ("data", "texts", "documents")
_GRAPH_LISTS = ("entities", "relationships")


@dataclass(slots=True)
class Node:
    """A value at text[start:end]; of an object its members, of a list its items."""

    start: int
    end: int
    value: Any
    members: dict[str, Node] = field(default_factory=dict)
    items: list[Node] = field(default_factory=list)

    def walk(self, path: str = "") -> Iterator[tuple[str, Node]]:
        """Yield every value below with its path: ``entities[2].name``."""
        for key, node in self.members.items():
            here = f"{path}.{key}" if path else key
            yield here, node
            yield from node.walk(here)
        for index, node in enumerate(self.items):
            here = f"{path}[{index}]"
            yield here, node
            yield from node.walk(here)


@dataclass(frozen=True, slots=True)
class Item:
    """A record of a file, or a member of the one graph that the file is (`path` then says which)."""

    start: int
    end: int
    value: Any
    index: int
    path: str = ""


def parse(text: str, at: int = 0) -> Node:
    """Read the value at `at` with the places of all below it."""
    at = _skip(text, at)
    start = at
    character = text[at : at + 1]
    if character == "{":
        return _object(text, start)
    if character == "[":
        return _list(text, start)
    value, end = _DECODER.raw_decode(text, at)
    return Node(start, end, value)


def _object(text: str, start: int) -> Node:
    node = Node(start, start, {})
    at = _skip(text, start + 1)
    while text[at : at + 1] != "}":
        key, at = _DECODER.raw_decode(text, at)
        member = parse(text, _behind(text, at, ":"))
        node.members[key] = member
        node.value[key] = member.value
        at = _next(text, member.end, "}")
    node.end = at + 1
    return node


def _list(text: str, start: int) -> Node:
    node = Node(start, start, [])
    at = _skip(text, start + 1)
    while text[at : at + 1] != "]":
        item = parse(text, at)
        node.items.append(item)
        node.value.append(item.value)
        at = _next(text, item.end, "]")
    node.end = at + 1
    return node


def items(text: str) -> Iterator[Item]:
    """Yield a file's records: of an array, of JSON Lines (broken lines are skipped), or the members of one graph."""
    at = _skip(text, 0)
    if text[at : at + 1] == "[":
        yield from _elements(text, at)
    elif text[at : at + 1] == "{":
        end = _end_of_value(text, at)
        if end is not None and _skip(text, end) == len(text):
            yield from _lone_object(text, at, end)
        elif end is not None or "\n" in text[at:]:
            yield from _lines(text, at)


def _lone_object(text: str, at: int, end: int) -> Iterator[Item]:
    lists = {key: start for key, start in _members(text, at) if text[start : start + 1] == "["}
    keys = {key for key, _ in _members(text, at)}
    wrapper = next((key for key in _WRAPPERS if key in lists), None)
    if "text" not in keys and "input" not in keys and keys & {*_GRAPH_LISTS}:
        for key in _GRAPH_LISTS:
            if key in lists:
                yield from _elements(text, lists[key], key)
    elif wrapper and "text" not in keys:
        yield from _elements(text, lists[wrapper])
    else:
        yield Item(at, end, _DECODER.raw_decode(text, at)[0], 0)


def _members(text: str, at: int) -> Iterator[tuple[str, int]]:
    at = _skip(text, at + 1)
    while text[at : at + 1] != "}":
        key, at = _DECODER.raw_decode(text, at)
        at = _behind(text, at, ":")
        yield key, at
        at = _next(text, _DECODER.raw_decode(text, at)[1], "}")


def _elements(text: str, at: int, key: str = "") -> Iterator[Item]:
    index, at = 0, _skip(text, at + 1)
    while text[at : at + 1] != "]":
        value, end = _DECODER.raw_decode(text, at)
        yield Item(at, end, value, index, f"{key}[{index}]" if key else "")
        index, at = index + 1, _next(text, end, "]")


def _lines(text: str, at: int) -> Iterator[Item]:
    index = 0
    while at < len(text):
        try:
            value, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = (text.find("\n", at) + 1) or len(text)
        else:
            yield Item(at, end, value, index)
        index, at = index + 1, _skip(text, end)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)


def trailing_commas(text: str) -> list[int]:
    """Return the places of all commas that stand before a closing bracket."""
    if not _MAYBE_TRAILING_COMMA.search(text):  # the usual case: no need to tell strings from the rest
        return []
    return [match.start() for match in _TRAILING_COMMA.finditer(text) if match["comma"]]


def written_as(value: Any, around: str) -> str:
    """Write a value as JSON the way its record is: escaped to ASCII where that is, else with Unicode kept."""
    return json.dumps(value, ensure_ascii="\\u" in around and around.isascii())


def _end_of_value(text: str, at: int) -> int | None:
    try:
        return _DECODER.raw_decode(text, at)[1]
    except (ValueError, RecursionError):
        return None


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _behind(text: str, at: int, character: str) -> int:
    at = _skip(text, at)
    if text[at : at + 1] != character:
        raise json.JSONDecodeError(f"Expecting {character!r} delimiter", text, at)
    return _skip(text, at + 1)


def _next(text: str, at: int, closing: str) -> int:
    """Return the place of the next item, or of the closing bracket."""
    at = _skip(text, at)
    if text[at : at + 1] == ",":
        return _skip(text, at + 1)
    if text[at : at + 1] != closing:
        raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
    return at
