"""JSON records of a file or folder, one after the other: an array, JSON Lines, or one object; memory stays flat.

Knows nothing about what a record means. A file that is no JSON is refused with its place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from kgtune.errors import DataError, Problem

_CHUNK = 1 << 16
_SKIPPED = re.compile(r"[\s,]*")
_NOTHING = object()
_WRAPPERS = ("documents", "data", "rows")


class Record(NamedTuple):
    """One JSON value and its place: ``file: item 3``.

    `stem` is the name of the file that holds it alone in a folder of such files, else "".
    """

    value: Any
    where: str
    stem: str = ""


def read(path: Path) -> Iterator[Record]:
    """Yield the records of a file, or of every JSON file in a folder."""
    if not path.is_dir():
        yield from _of_file(path)
        return
    files = sorted(file for file in path.iterdir() if file.suffix in (".json", ".jsonl"))
    if not files:
        raise DataError([Problem("E-NO-FILE", str(path), "holds no .json file.", "Give another folder.")])
    for file in files:
        found = list(_of_file(file))
        yield from found if len(found) > 1 else (Record(one.value, one.where, file.stem) for one in found)


def _of_file(path: Path) -> Iterator[Record]:
    try:
        with path.open(encoding="utf-8-sig") as stream:
            yield from _records(path, stream)
    except UnicodeDecodeError as error:
        what = f"is not UTF-8 text (byte {error.start})."
        raise DataError([Problem("E-ENCODING", str(path), what, "Save the file as UTF-8.")]) from None
    except OSError as error:
        what = f"can't be read: {error.strerror or error}."
        raise DataError([Problem("E-NO-FILE", str(path), what, "Give the path of a JSON file.")]) from None


def _records(path: Path, stream: TextIO) -> Iterator[Record]:
    """Read values piece by piece; a root array is walked into, and so is a lone object that wraps one."""
    text = _Text(stream)
    text.skip()
    is_array = text.peek() == "["
    text.take(int(is_array))
    values = _values(path, text, end="]" if is_array else "")
    first = next(values, _NOTHING)
    if is_array and isinstance(first, dict) and {"subject", "object"} <= first.keys():
        yield Record({"triples": [first, *values]}, str(path))  # a bare list of triples is one document's
        return
    wrapped = _wrapped(first) if not is_array and text.is_at_end() else None
    everything = wrapped if wrapped is not None else chain([] if first is _NOTHING else [first], values)
    for index, value in enumerate(everything):
        yield Record(value, f"{path}: item {index + 1}")


def _wrapped(value: Any) -> list[Any] | None:
    lists = [value[key] for key in _WRAPPERS if isinstance(value.get(key), list)] if isinstance(value, dict) else []
    return lists[0] if lists else None


class _Text:
    """A text that is read as it is needed; what has been taken is forgotten."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.buffer = ""
        self.at = 0
        self.is_whole = False

    def more(self) -> bool:
        """Read on; False at the end of the file."""
        piece = self.stream.read(max(_CHUNK, len(self.buffer)))  # doubling keeps a long value's cost linear
        self.buffer = self.buffer[self.at :] + piece
        self.at = 0
        self.is_whole = not piece
        return bool(piece)

    def skip(self) -> None:
        """Skip white space and the commas between values."""
        while True:
            match = _SKIPPED.match(self.buffer, self.at)
            self.at = match.end() if match else self.at
            if self.at < len(self.buffer) or not self.more():
                return

    def peek(self) -> str:
        return self.buffer[self.at : self.at + 1]

    def take(self, number: int) -> None:
        self.at += number

    def is_at_end(self) -> bool:
        self.skip()
        return not self.peek()


def _values(path: Path, text: _Text, *, end: str) -> Iterator[Any]:
    decoder = json.JSONDecoder()
    count = 0
    while True:
        text.skip()
        if text.peek() == end:
            text.take(len(end))
            return
        while True:
            try:
                value, stop = decoder.raw_decode(text.buffer, text.at)
            except (json.JSONDecodeError, RecursionError) as error:
                if not isinstance(error, RecursionError) and text.more():
                    continue
                where = f"{path}: item {count + 1}"
                raise DataError([Problem("E-JSON", where, f"is not JSON: {error}.", "Correct the file.")]) from None
            if stop == len(text.buffer) and text.more():  # a number may go on
                continue
            break
        text.take(stop - text.at)
        count += 1
        yield value
