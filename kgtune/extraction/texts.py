"""Texts to extract from: read from files, folders, standard input or the command line.

Knows nothing about graphs. UTF-8 only, a byte-order mark and CRLF are taken off; whatever can't be used
is reported all at once, before a model is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from kgtune.errors import DataError, Problem

TEXT_SUFFIXES = (".txt", ".md")


@dataclass(frozen=True, slots=True)
class SourceText:
    """A text and the name of the place it came from (a path, "-" or "--text")."""

    source: str
    text: str


def read_texts(places: Sequence[str], stdin: BinaryIO) -> list[SourceText]:
    """Read every file, every .txt and .md file of a folder, and standard input for "-", in this order."""
    problems: list[Problem] = []
    texts: list[SourceText] = []
    for place in places:
        for source in _files(place, problems):
            data = _bytes(source, stdin, problems)
            text = None if data is None else decode(data, source, problems)
            if text is not None:
                texts.append(SourceText(source, text))
    if problems:
        raise DataError(problems)
    return texts


def decode(data: bytes, source: str, problems: list[Problem]) -> str | None:
    """Decode UTF-8, or add a problem with the first byte that is none."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # utf-8-sig counts from behind the mark; the reader counts from the start of the file.
        offset = error.start + (3 if data.startswith(b"\xef\xbb\xbf") else 0)
        what = f"byte {offset} (0x{data[offset]:02x}) is not UTF-8."
        problems.append(Problem("E-ENCODING", source, what, "Save the file as UTF-8."))
        return None
    if not text.strip():
        problems.append(Problem("E-EMPTY", source, "has no text.", "Remove the file, or put a report into it."))
        return None
    return text.replace("\r\n", "\n")


def _files(place: str, problems: list[Problem]) -> Iterable[str]:
    folder = Path(place)
    if place == "-" or not folder.is_dir():
        return [place]
    files = sorted(str(path) for path in folder.iterdir() if path.suffix.lower() in TEXT_SUFFIXES and path.is_file())
    if not files:
        what = f"is a folder without {' or '.join(TEXT_SUFFIXES)} files."
        problems.append(Problem("E-NO-TEXTS", place, what, "Give another folder, or name the files."))
    return files


def _bytes(source: str, stdin: BinaryIO, problems: list[Problem]) -> bytes | None:
    if source == "-":
        return stdin.read()
    try:
        return Path(source).read_bytes()
    except OSError as error:
        what = f"can't be read: {error.strerror}."
        problems.append(Problem("E-FILE", source, what, "Give a file that is there and may be read."))
        return None
