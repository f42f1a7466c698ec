"""Where JSON is broken: the line, a caret, the line before, and what json-repair takes it for.

Knows nothing about graphs. The guess is shown and never used: a person mends the file.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass

from kgtune.lint import json_text
from kgtune.lint.files import SourceText

_EMPTY = ("{}", "[]", '""')
_WIDTH = 100  # characters of a line that are shown
_BEHIND = 2_000  # characters behind the fault that json-repair is shown
_MOST_CHARS = 20_000  # of all that it is shown: it is written in Python


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What stands there, and the guess; `guess` is "" where there is none."""

    lines: tuple[str, ...]
    guess: str


def excerpt(source: SourceText, line: int) -> Excerpt | None:
    """Show the fault that a reader reports on a line; None where the line can be read after all."""
    offset = _fault(source, line)
    if offset is None:
        return None
    number = source.line_of(offset)
    column = offset - source.start_of(number)
    shown, caret = _window(source.line(number), column)
    width = len(str(number))
    lines = [f"{number - 1:>{width}} | {source.line(number - 1)[:_WIDTH]}"] if number > 1 else []
    lines += [f"{number:>{width}} | {shown}", f"{'':>{width}} | {' ' * _columns(shown[:caret])}^"]
    return Excerpt(tuple(lines), _guess(source, offset))


def _fault(source: SourceText, line: int) -> int | None:
    """Find the fault in the file as a whole, or, where that is JSON Lines, in the line."""
    error = _error_in(source.text)
    # Of JSON Lines, all behind the first line is "extra data" to the standard library.
    if error and not error.msg.startswith("Extra data"):
        offset = _within(error, source.text)
        if abs(source.line_of(offset) - line) <= 1:
            return offset
    if source.line(line).lstrip().startswith("{") and (error := _error_in(source.line(line))):
        return source.start_of(line) + _within(error, source.line(line))
    return None


def _error_in(text: str) -> json.JSONDecodeError | None:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error
    except (ValueError, RecursionError):
        return None
    return None


def _within(error: json.JSONDecodeError, text: str) -> int:
    """Return the fault's place; one behind the end is put on the last character."""
    return min(error.pos, max(len(text.rstrip()) - 1, 0))


def _window(line: str, column: int) -> tuple[str, int]:
    start = max(0, column - _WIDTH * 2 // 3)
    return line[start : start + _WIDTH], column - start


def _columns(text: str) -> int:
    """Count columns of a terminal: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _guess(source: SourceText, offset: int) -> str:
    """Let json-repair read the broken record; show the stretch of its answer that matches the fault's surroundings."""
    start = _start_of_record(source, offset)
    end = min(len(source.text), offset + _BEHIND)
    if source.text[start] == "{" and "\n" in source.text[offset:end] and _is_lines(source, start):
        end = source.text.index("\n", offset)
    if end - start > _MOST_CHARS:
        return ""
    from json_repair import repair_json
    from rapidfuzz import fuzz

    try:
        repaired = repair_json(source.text[start:end], ensure_ascii=False)
        json.loads(repaired)
    except (ValueError, RecursionError, IndexError, TypeError):  # it gives up in more ways than one
        return ""
    if repaired in _EMPTY:
        return ""
    around = " ".join(source.text[max(start, offset - _WIDTH // 2) : offset + _WIDTH // 2].split())
    found = fuzz.partial_ratio_alignment(around, repaired) if len(around) < len(repaired) else None
    begin = found.dest_start if found else 0
    return repaired[begin : begin + _WIDTH].strip()


def _start_of_record(source: SourceText, offset: int) -> int:
    """Return the place behind the last record that can be read before the fault; of JSON Lines, the line's start."""
    start_of_line = source.start_of(source.line_of(offset))
    if _is_lines(source, start_of_line) and source.text[start_of_line] == "{":
        return start_of_line
    start = 0
    try:
        for item in json_text.items(source.text):
            if item.end > offset:
                break
            start = item.end
    except (ValueError, RecursionError):
        pass
    while start < offset and source.text[start] in ", \n\t[":
        start += 1
    return start


def _is_lines(source: SourceText, start: int) -> bool:
    return source.start_of(source.line_of(start)) == start and not source.text.lstrip().startswith("[")
