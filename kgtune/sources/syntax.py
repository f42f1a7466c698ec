"""What is wrong with JSON text, in words: the fault that the decoder met, and where in the text it is.

Knows nothing about files or records.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kgtune.parsing import DuplicateKeyError


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault at text[at]."""

    at: int
    code: str
    what: str
    fix: str


def explain(error: Exception, text: str, at: int) -> Fault:
    """Put an error of the decoder, which was reading the value at `at`, into words."""
    if isinstance(error, RecursionError):
        return Fault(at, "E-JSON", "is nested too deeply to be read.", "Flatten it.")
    if isinstance(error, DuplicateKeyError):
        return Fault(at, "E-DUPLICATE-KEY", f"{error}.", "Keep one of the two.")
    if not isinstance(error, json.JSONDecodeError):
        return Fault(at, "E-JSON", f"can't be read as JSON: {error}.", "Correct the value.")
    if _is_cut_off(error, text):
        what = "the file ends in the middle of a value: it seems to be cut off."
        return Fault(error.pos, "E-CUT-OFF", what, "Export or copy the file again.")
    around = text[max(0, error.pos - 25) : error.pos + 15].replace("\n", " ")
    return Fault(error.pos, "E-JSON", f"is not JSON: {error.msg}, near `{around}`.", "Correct the syntax.")


def path_to(owner: dict[str, Any], value: Any, path: str = "") -> str | None:
    """Return the path to an object in a value, "" where it is the value; None where a later value took its place."""
    if value is owner:
        return path
    below: Iterable[tuple[str, Any]] = ()
    if isinstance(value, dict):
        below = ((f"{path}.{key}" if path else key, one) for key, one in value.items())
    elif isinstance(value, list):
        below = ((f"{path}[{index}]", one) for index, one in enumerate(value))
    return next((found for at, one in below if (found := path_to(owner, one, at)) is not None), None)


def is_object(line: str) -> bool:
    """Tell a line that is an object by itself."""
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _is_cut_off(error: json.JSONDecodeError, text: str) -> bool:
    """Tell an end that comes too early, inside a string, a word or between two values, from bad syntax."""
    if error.msg.startswith(("Extra data", "Illegal trailing comma")):
        return False
    rest = text[error.pos : error.pos + 40].strip()
    return error.msg.startswith("Unterminated string") or re.fullmatch(r"[\w.+-]*", rest) is not None
