"""JSON records of a file or folder, one after the other: an array, JSON Lines, or one object; memory stays flat.

Knows nothing about what a record means. A file that is no JSON is refused with its place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from kgtune.errors import DataError, Problem

_CHUNK = 1 << 16
_SKIPPED = re.compile(r"[\s,]*")
_WRAPPERS = ("documents", "data", "rows")


class Record(NamedTuple):
    """One JSON value and its place: ``file: item 3``. `stem` is the name of the file that holds it alone, else ""."""

    value: Any
    where: str
    stem: str = ""


def read(path: Path) -> Iterator[Record]:
    """Yield the records of a file, or of every JSON file in a folder, one document each."""
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix in (".json", ".jsonl"))
        if not files:
            raise DataError([Problem("E-NO-FILE", str(path), "holds no .json file.", "Give another folder.")])
        for file in files:
            yield from read(file)
        return
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
    if text.peek() == "[":
        text.take(1)
        is_pair = False
        for index, value in enumerate(_values(path, text, end="]")):
            if index == 0 and isinstance(value, dict) and "subject" in value and "object" in value:
                is_pair = True  # a bare list of triples is one document's
            if not is_pair:
                yield Record(value, f"{path}: item {index + 1}")
                continue
            rest = [value, *_values(path, text, end="]")]
            yield Record({"triples": rest}, str(path), path.stem)
            return
        return
    first = True
    for index, value in enumerate(_values(path, text, end="")):
        alone = first and text.is_at_end()
        first = False
        wrapped = next((value[key] for key in _WRAPPERS if isinstance(value.get(key), list)), None) if (
            alone and isinstance(value, dict)
        ) else None  # fmt: skip
        if wrapped is None:
            yield Record(value, f"{path}: item {index + 1}", path.stem if alone else "")
            continue
        for place, item in enumerate(wrapped):
            yield Record(item, f"{path}: item {place + 1}")


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
