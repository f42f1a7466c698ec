"""Where reading stands in a JSON text: the value at hand, read whole however the file is cut into pieces.

Knows nothing about records or files. A fault in a value that can be read all the same is noted, and told by the caller.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

from kgtune.sources import syntax
from kgtune.sources.window import Window

# What may still be missing of a token at a window's edge: "-Infinity" has 9 characters, "\ud83d\ude00" 12.
_EDGE = 64


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault in a value that was parsed all the same; `owner` is the very object that has it, `key` where in it."""

    code: str
    what: str
    fix: str
    owner: dict[str, Any] | None = None
    key: str = ""


class Cursor:
    """Goes through a text value by value; `at` is its place in the window."""

    def __init__(self, pieces: Iterable[str]) -> None:
        self.window, self.at = Window(pieces), 0
        self.faults: list[Fault] = []
        self._decode = json.JSONDecoder(object_pairs_hook=self._pairs, parse_constant=self._constant).raw_decode

    def value(self) -> Any:
        """Read the value at hand, taking up more of the file where it is cut off; a fault in it is noted."""
        while True:
            try:
                value, end = self._decode(self.window.text, self.at)
            except (ValueError, RecursionError) as error:
                if not self.may_be_cut(error):
                    raise
                self.faults.clear()
            else:
                # A number near the window's edge may go on behind it: of "1.5e-7" the decoder takes "1", "1.5" or all.
                if type(value) not in (int, float) or end < len(self.window.text) - _EDGE or self.window.is_last:
                    self.at = end
                    return value
            self.at = self.window.more(self.at)

    def is_last_value(self) -> bool:
        """Try the value at hand without reading it or more of the file: whether it ends and nothing follows."""
        _, end = self._decode(self.window.text, self.at)
        return self.window.is_last and not self.window.text[end:].strip()

    def may_be_cut(self, error: Exception) -> bool:
        """Tell a fault from the end of what the window holds."""
        if self.window.is_last or not isinstance(error, json.JSONDecodeError):
            return False
        return error.msg.startswith("Unterminated string") or error.pos >= len(self.window.text) - _EDGE

    def peek(self) -> str:
        """Go to the next character that is no white space and return it, "" at the end."""
        self.at, character = self.window.next_from(self.at)
        return character

    def line(self) -> int:
        """Return the line at hand."""
        return self.window.line_of(self.at)

    def skip_line(self) -> None:
        """Go behind the line at hand."""
        self.at = self.window.behind_line(self.at)

    def expect_end(self) -> None:
        """Ask that nothing more follows."""
        if self.peek():
            self.fail("Extra data")

    def fail(self, what: str) -> NoReturn:
        """Raise a fault of syntax at this place."""
        raise json.JSONDecodeError(what, self.window.text, self.at)

    def has_objects_further_on(self) -> bool:
        """Tell a broken first line of many from one broken object: a later line is, unindented, an object by itself."""
        return any(
            line.startswith("{") and syntax.is_object(line) for line in self.window.text[self.at :].split("\n")[1:]
        )

    def _pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) < len(pairs):
            keys = [key for key, _ in pairs]
            for key in sorted({key for key in keys if keys.count(key) > 1}):
                what = f'key "{key}" stands twice in one object.'
                self.faults.append(Fault("E-DUPLICATE-KEY", what, "Keep one of the two.", result, key))
        return result

    def _constant(self, name: str) -> float:
        self.faults.append(Fault("E-JSON", f"{name} is not JSON.", "Write a number, or null."))
        return 0.0
