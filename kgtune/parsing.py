"""The one reader of a model's answer: `Parsed(graph)` or `Unparsed(reason, text)`.

Knows nothing about the model, the text it read, or the ontology. A bad answer is data, not an error.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from kgtune import graph as graphs
from kgtune.graph import Graph

Reason = Literal[
    "empty", "prose_around", "code_fence", "cut_off", "not_json", "duplicate_key", "array_root", "not_object", "schema"
]

# What may be left of a token at the end of a cut answer: half a literal, number or \u escape.
_UNFINISHED = re.compile(r"\s*|-|\.|\.?\d*[eE][+-]?|t|tr|tru|f|fa|fal|fals|n|nu|nul|\\?u[0-9a-fA-F]{0,4}")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A graph in the contract's shape. Its references may still dangle; `is_closed` says."""

    graph: Graph
    is_closed: bool


@dataclass(frozen=True, slots=True)
class Unparsed:
    """An answer that is no graph. `is_json` tells bad JSON from good JSON of the wrong shape."""

    reason: Reason
    text: str
    detail: str = ""
    is_json: bool = False


def parse_answer(text: str) -> Parsed | Unparsed:
    """Read an answer strictly: nothing is trimmed off but white space, nothing is repaired."""
    stripped = text.strip()
    if not stripped:
        return Unparsed("empty", text)
    try:
        value = loads_strict(stripped)
    except json.JSONDecodeError as error:
        return Unparsed(_why(stripped, error), text, str(error))
    except DuplicateKeyError as error:
        return Unparsed("duplicate_key", text, str(error))
    except (ValueError, RecursionError) as error:
        return Unparsed("not_json", text, str(error))
    if not isinstance(value, dict):
        return Unparsed("array_root" if isinstance(value, list) else "not_object", text, is_json=True)
    graph, problems = graphs.from_object(value)
    if graph is None:
        return Unparsed("schema", text, "; ".join(map(str, problems[:5])), is_json=True)
    return Parsed(graph, is_closed=not graphs.reference_problems(graph))


class DuplicateKeyError(ValueError):
    """An object names a key twice: whichever value won, the other would be lost silently."""


def loads_strict(text: str) -> Any:
    """`json.loads` that refuses NaN, Infinity and duplicate keys."""
    return json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise DuplicateKeyError(f"key {json.dumps(key)} stands twice in one object")
        result[key] = value
    return result


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _why(text: str, error: json.JSONDecodeError) -> Reason:
    if text.startswith("```"):
        return "code_fence"
    if not text.startswith(("{", "[")) or error.msg == "Extra data":
        return "prose_around" if "{" in text else "not_json"
    # The decoder ran off the end: inside a string, between two tokens, or in an unfinished one.
    if error.msg.startswith("Unterminated string") or _UNFINISHED.fullmatch(text, error.pos):
        return "cut_off"
    return "not_json"
