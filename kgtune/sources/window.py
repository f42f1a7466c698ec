"""A stretch of a file's text that moves on: what lies behind is let go of, lines are counted all the same.

Knows nothing about what the text means. A position counts from the start of the stretch held.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_SPACE = re.compile(r"[ \t\n\r]*")
# Characters kept from before the position asked for, so that a message can quote what stands there.
_KEPT = 64


class Window:
    """Text held from a moving position on."""

    def __init__(self, pieces: Iterable[str]) -> None:
        self.text = ""
        self._pieces = filter(None, pieces)
        self._ahead = next(self._pieces, None)
        self._line_at, self._line = 0, 1

    @property
    def is_last(self) -> bool:
        """Whether nothing comes behind what is held."""
        return self._ahead is None

    def more(self, at: int) -> int:
        """Read on, at least as much as is held from `at`, and return the position that `at` now has.

        Doubling keeps the reading of one long record linear: it is tried again once a doubling.
        """
        start = max(0, at - _KEPT)
        self.line_of(start)
        held = self.text[start:]
        parts, num_read = [held], 0
        while self._ahead is not None and num_read < max(1, len(held)):
            parts.append(self._ahead)
            num_read += len(self._ahead)
            self._ahead = next(self._pieces, None)
        self.text = "".join(parts)
        self._line_at -= start
        return at - start

    def next_from(self, at: int) -> tuple[int, str]:
        """Return the first place at or behind `at` that is no white space, and its character; "" at the end."""
        while True:
            character = self.text[at : at + 1]
            if character > " ":  # the usual case, without a search
                return at, character
            match = _SPACE.match(self.text, at)
            at = match.end() if match else at
            if at < len(self.text):
                return at, self.text[at]
            if self.is_last:
                return at, ""
            at = self.more(at)

    def behind_line(self, at: int) -> int:
        """Return the place behind the end of the line at `at`."""
        while (end := self.text.find("\n", at)) < 0:
            if self.is_last:
                return len(self.text)
            at = self.more(len(self.text))
        return end + 1

    def line_of(self, at: int) -> int:
        """Return the line of a place, 1-based; counted on from the last one asked for, linear in all."""
        if at >= self._line_at:
            self._line += self.text.count("\n", self._line_at, at)
        else:
            self._line -= self.text.count("\n", at, self._line_at)
        self._line_at = at
        return self._line
