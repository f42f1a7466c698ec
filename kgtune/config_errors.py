"""Turns what pydantic found wrong with a configuration into what, where and what to do.

Knows nothing about files or layers: the caller says where a key stands.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from kgtune.checks import catalogue
from kgtune.errors import Problem
from kgtune.settings import KEYS
from kgtune.spelling import nearest
from kgtune.yaml_file import KeyPath


def explained(error: ValidationError, place: Callable[[KeyPath], str]) -> list[Problem]:
    """List one problem per key, in the order of the keys. `place` names where a key path stands."""
    by_path: dict[KeyPath, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        by_path.setdefault(_key_path(detail), []).append(detail)
    return [_problem(path, details, place(path)) for path, details in by_path.items()]


def _key_path(detail: ErrorDetails) -> KeyPath:
    """Cut what pydantic appends to a key: the member of a union, the index into a list."""
    location = detail["loc"]
    if detail["type"] == "extra_forbidden":
        return _to_the_leaf(location, detail["input"])
    for end in range(len(location), 0, -1):
        if location[:end] in KEYS:
            return location[:end]
    return location


def _to_the_leaf(path: KeyPath, value: object) -> KeyPath:
    """Follow an unknown section down while it holds one key: ``traning.max_steps=5`` is told as a whole."""
    while isinstance(value, dict) and len(value) == 1:
        key, value = next(iter(value.items()))
        path = (*path, key)
    return path


def _problem(path: KeyPath, details: Sequence[ErrorDetails], where: str) -> Problem:
    name = _dotted(path)
    first = details[0]
    if first["type"] == "extra_forbidden":
        return catalogue.problem("C7-UNKNOWN-KEY", where, key=name, nearest=nearest_key(path))
    if first["type"] == "value_error":
        return Problem("E-CONFIG-VALUE", where, f"{name}: {first['ctx']['error']}.", "Lower one of them.")
    shown = json.dumps(first["input"], ensure_ascii=False, default=str)
    key = KEYS[path]
    if key.is_section:
        return Problem("E-CONFIG-VALUE", where, f"{name} is {shown}, not a section.", "Write its keys below it.")
    # pydantic begins every such text with what it checked: "Input should be ...", "String should match ..."
    expected = ", or ".join(detail["msg"].partition(" ")[2] for detail in details)
    return Problem("E-CONFIG-VALUE", where, f"{name} is {shown}; it {expected}.", f"What it is: {key.documentation}")


def nearest_key(path: KeyPath) -> str:
    """Suggest the key that was meant; the same last word in another section goes first."""
    known = [_dotted(candidate) for candidate, key in KEYS.items() if not key.is_section]
    last_words: dict[str, list[str]] = {}
    for candidate in known:
        last_words.setdefault(candidate.rpartition(".")[2], []).append(candidate)
    last = str(path[-1])
    close = last_words.get(last)
    if close is None and (whole := nearest(_dotted(path), [_dotted(candidate) for candidate in KEYS])) is not None:
        close = [whole]
    if close is None and (word := nearest(last, last_words)) is not None:
        close = last_words[word]
    return f"Did you mean {' or '.join(close)}?" if close else "config.yaml states every key there is."


def _dotted(path: KeyPath) -> str:
    return ".".join(map(str, path))
