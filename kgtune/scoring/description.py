"""How the keys of a result are described: a small language of types, and a result held against a description.

Knows nothing about scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Type = Literal["text", "whole number", "number", "truth value", "object", "list", "anything"]
_TYPES: dict[Type, tuple[type, ...]] = {
    "text": (str,), "whole number": (int,), "number": (int, float), "truth value": (bool,), "object": (dict,),
    "list": (list,), "anything": (object,),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Key:
    """One key. `keys` are those of an object, `each` is every entry of a list or of an object with free names."""

    type: Type
    words: str
    may_be_null: bool = False
    keys: Mapping[str, Key] = field(default_factory=dict)
    each: Key | None = None
    shape: str = ""
    """A name for what stands in many places; the table shows its keys once."""


def text(words: str, *, null: bool = False) -> Key:
    """A string."""
    return Key("text", words, null)


def whole(words: str, *, null: bool = False) -> Key:
    """A whole number."""
    return Key("whole number", words, null)


def number(words: str, *, null: bool = False) -> Key:
    """A number."""
    return Key("number", words, null)


def an_object(words: str, keys: Mapping[str, Key], *, null: bool = False, shape: str = "") -> Key:
    """An object with fixed keys."""
    return Key("object", words, null, keys, shape=shape)


def any_of(words: str, each: Key) -> Key:
    """An object whose names are not fixed."""
    return Key("object", words, each=each)


def a_list(words: str, each: Key) -> Key:
    """A list of entries of one kind."""
    return Key("list", words, each=each)


def faults(result: Any, key: Key, path: str = "") -> Iterator[str]:
    """List what a result has and the description has not, and the other way round."""
    if result is None:
        if not key.may_be_null:
            yield f"{path or 'the result'}: is null"
        return
    # True is an int to Python, and no number to a reader of the file.
    is_truth_misplaced = isinstance(result, bool) and key.type not in ("truth value", "anything")
    if not isinstance(result, _TYPES[key.type]) or is_truth_misplaced:
        yield f"{path or 'the result'}: is {type(result).__name__}, not {key.type}"
    elif isinstance(result, dict) and key.type == "object":
        for name in sorted(result.keys() - key.keys.keys()) if key.each is None else ():
            yield f"{path}.{name}: is not described"
        for name in sorted(key.keys.keys() - result.keys()):
            yield f"{path}.{name}: is missing"
        for name, value in result.items():
            inner = key.each or key.keys.get(name)
            if inner is not None:
                yield from faults(value, inner, f"{path}.{name}")
    elif isinstance(result, list) and key.each is not None:
        for place, value in enumerate(result):
            yield from faults(value, key.each, f"{path}[{place}]")


def described(key: Key, path: str = "") -> Iterator[tuple[str, Key]]:
    """Walk the description: dotted path and key, `*` for a free name, `[]` for an entry of a list."""
    if path:
        yield path, key
    for name, inner in key.keys.items():
        yield from described(inner, f"{path}.{name}" if path else name)
    if key.each is not None:
        yield from described(key.each, f"{path}[]" if key.type == "list" else f"{path}.*")


def written(result: Any, key: Key, path: str = "") -> Iterator[str]:
    """Walk a result along its description: the paths that hold a value, spelled as `described` spells them."""
    if path:
        yield path
    if isinstance(result, dict):
        for name, value in result.items():
            inner = key.each or key.keys.get(name)
            if inner is not None:
                yield from written(value, inner, f"{path}.{'*' if key.each else name}".lstrip("."))
    elif isinstance(result, list) and key.each is not None:
        for value in result:
            yield from written(value, key.each, f"{path}[]")


def table(key: Key) -> str:
    """Write a description as Markdown: the keys, then those of each shape."""
    shapes: dict[str, Key] = {}
    lines = ["| key | type | what it is |", "|---|---|---|", *_lines(key, "", shapes)]
    done: set[str] = set()
    while rest := sorted(shapes.keys() - done):
        name = rest[0]
        done.add(name)
        lines += ["", f"{name}:", "", "| key | type | what it is |", "|---|---|---|"]
        lines += _lines(shapes[name], "", shapes)
    return "\n".join(lines)


def _lines(key: Key, path: str, shapes: dict[str, Key]) -> Iterator[str]:
    inner = {f"{path}.{name}" if path else name: one for name, one in key.keys.items()}
    if key.each is not None:
        inner[f"{path}[]" if key.type == "list" else f"{path}.*"] = key.each
    for place, one in inner.items():
        null = " or null" if one.may_be_null else ""
        yield f"| `{place}` | {one.shape or one.type}{null} | {one.words} |"
        if one.shape:
            shapes[one.shape] = one
        else:
            yield from _lines(one, place, shapes)
