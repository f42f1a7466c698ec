"""A user's file as one text: decoded, its line ends plain, and what was done to it on the way.

Knows nothing about JSON or graphs. The readers stream a file; who points into it or mends it needs all of it.
"""

from __future__ import annotations

import codecs
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

_MARKS = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8 byte order mark"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16 encoding"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16 encoding"),
)


@dataclass(frozen=True)
class SourceText:
    """The text of a file with LF line ends. `mark` names the byte order mark that it started with, "" for none."""

    path: Path
    text: str
    mark: str = ""
    has_other_line_ends: bool = False

    @cached_property
    def _newlines(self) -> list[int]:
        found: list[int] = []
        at = self.text.find("\n")
        while at >= 0:
            found.append(at)
            at = self.text.find("\n", at + 1)
        return found

    def line_of(self, offset: int) -> int:
        """Return the line, from 1, on which text[offset] stands."""
        return bisect_right(self._newlines, offset - 1) + 1

    def line(self, number: int) -> str:
        """Return a line without its end; "" where there is none."""
        if not 1 <= number <= len(self._newlines) + 1:
            return ""
        start = self._newlines[number - 2] + 1 if number > 1 else 0
        end = self._newlines[number - 1] if number <= len(self._newlines) else len(self.text)
        return self.text[start:end]

    def start_of(self, number: int) -> int:
        """Return the offset at which a line starts."""
        return self._newlines[number - 2] + 1 if number > 1 else 0


def read_source(path: Path) -> SourceText | None:
    """Read a file; None when it is not there or no Unicode text, which the readers have reported."""
    try:
        raw = path.read_bytes()
    except OSError:
        return None
    encoding, mark = "utf-8", ""
    for bom, name, what in _MARKS:
        if raw.startswith(bom):
            raw, encoding, mark = raw[len(bom) :], name, what
            break
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        return None
    plain = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
    return SourceText(path, plain, mark, plain is not text)
