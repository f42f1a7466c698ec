"""Texts to extract from: read from files, folders, JSON Lines, standard input or the command line.

Knows nothing about graphs. UTF-8 only, a byte-order mark and CRLF are taken off; whatever can't be used
is reported all at once, before a model is loaded. PDF, DOCX and HTML are converted (see converting).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from kgtune import document
from kgtune.document import SOURCE_KEYS, Document, Source
from kgtune.errors import DataError, Problem
from kgtune.extraction import converting
from kgtune.graph import HALF_CHARACTER
from kgtune.parsing import loads_strict
from kgtune.spelling import nearest

log = logging.getLogger(__name__)

LINES_SUFFIX = ".jsonl"
LINE_KEYS = ("text", "id", *SOURCE_KEYS)
SUFFIXES = (".txt", ".md", LINES_SUFFIX, *converting.SUFFIXES)


@dataclass(frozen=True, slots=True)
class SourceText:
    """A text and the name of the place it came from (a path, the id of a line, "-" or "--text").

    `is_converted`: its places are those of the text that a conversion made, which nobody else has. `document` is what
    its line says of where it comes from.
    """

    source: str
    text: str
    is_converted: bool = False
    document: Document = field(default_factory=Document)


def read_texts(places: Sequence[str], stdin: BinaryIO) -> list[SourceText]:
    """Read every file, the files of a folder that can be read, and standard input for "-", in this order.

    A .jsonl file has a text a line, {"text": ..., "id": ...}; without an id it is called by file and line. A line's
    `title`, `url`, `published` and `tlp` are held to what the API allows. A key that is not known is named.
    """
    problems: list[Problem] = []
    texts: list[SourceText] = []
    for place in places:
        for source in _files(place, problems):
            texts += _texts(source, stdin, problems)
    for source, number in Counter(text.source for text in texts).items():
        if number > 1:
            problems.append(Problem("E-SAME-ID", source, f"is the name of {number} texts.", "Give each its own id."))
    if problems:
        raise DataError(problems)
    return texts


def _texts(source: str, stdin: BinaryIO, problems: list[Problem]) -> list[SourceText]:
    suffix = Path(source).suffix.lower()
    if suffix in converting.SUFFIXES and source != "-":
        text = converting.convert(source, problems)
        if text is not None and not text.strip():
            problems.append(Problem("E-EMPTY", source, "has no text.", "Scanned pages need text recognition first."))
        return [] if text is None else [SourceText(source, text, is_converted=True)]
    data = _bytes(source, stdin, problems)
    text = None if data is None else decode(data, source, problems)
    if text is None:
        return []
    return _of_lines(text, source, problems) if suffix == LINES_SUFFIX else [SourceText(source, text)]


def _of_lines(data: str, source: str, problems: list[Problem]) -> list[SourceText]:
    texts: list[SourceText] = []
    unread: Counter[str] = Counter()
    for number, line in enumerate(data.split("\n"), start=1):
        if line.strip():
            item = _item(line)
            unread.update(item.keys() - set(LINE_KEYS))
            texts += _of_line(item, f"{source}:{number}", problems)
    if unread:
        told = ", ".join(_counted(key, count) for key, count in sorted(unread.items()))
        log.warning("%s: not read: %s", source, told)
    return texts


def _of_line(item: Mapping[str, object], where: str, problems: list[Problem]) -> list[SourceText]:
    text, name = item.get("text"), item.get("id", where)
    if not isinstance(text, str) or not text.strip() or not isinstance(name, str) or HALF_CHARACTER.search(text + name):
        fix = 'Write {"text": "...", "id": "..."} on each line.'
        problems.append(Problem("E-LINE", where, 'is no JSON object with a "text" that has a text.', fix))
        return []
    try:
        origin = Source.model_validate({key: item[key] for key in SOURCE_KEYS if key in item})
    except ValidationError as error:
        faults = "; ".join(document.told(one) for one in error.errors())
        problems.append(Problem("E-LINE", where, f"{faults}.", "Mend the value, or leave the key out."))
        return []
    return [SourceText(name, text, document=origin.document())]


def _counted(key: str, count: int) -> str:
    close = nearest(key, LINE_KEYS)
    return f'"{key[:60]}" of {count} lines' + (f' (did you mean "{close}"?)' if close else "")


def _item(line: str) -> dict[str, object]:
    try:
        value = loads_strict(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


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
    files = sorted(str(path) for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    if not files:
        what = f"is a folder without {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]} files."
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
