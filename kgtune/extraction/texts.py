"""Texts to extract from: read from files, folders, JSON Lines, standard input or the command line.

Knows nothing about graphs. UTF-8, or what a byte-order mark says; the mark and CRLF are taken off. Whatever can't be
used is reported all at once, before a model is loaded. PDF, DOCX and HTML are converted (see converting).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

from pydantic import ValidationError

from kgtune import document
from kgtune.document import SOURCE_KEYS, Document, Source
from kgtune.errors import DataError, Problem
from kgtune.extraction import converting
from kgtune.graph import HALF_CHARACTER
from kgtune.parsing import loads_strict
from kgtune.sources.decoding import MARKS
from kgtune.spelling import nearest

log = logging.getLogger(__name__)

LINES_SUFFIX = ".jsonl"
LINE_KEYS = ("text", "id", *SOURCE_KEYS)
SUFFIXES = (".txt", ".md", LINES_SUFFIX, *converting.SUFFIXES)
_MOST_NAMED = 10
_WIDE_MARKS = tuple(mark for mark, name, _ in MARKS if name != "utf-8")


@dataclass(frozen=True, slots=True)
class SourceText:
    """A text and the name of the place it came from (a path, the id of a line, "-" or "--text").

    `is_converted`: its places are those of the text that a conversion made, which nobody else has. `document` is what
    its line says of where it comes from. `is_id`: its line names it, so that `source` is no path.
    """

    source: str
    text: str
    is_converted: bool = False
    document: Document = field(default_factory=Document)
    is_id: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Texts:
    """What is extracted from, and the problems that kept something else out, counted by code."""

    texts: list[SourceText]
    skipped: Counter[str] = field(default_factory=Counter)

    @property
    def report(self) -> str:
        """How much was skipped, by reason; empty where nothing was."""
        counts = ", ".join(f"{count} {code}" for code, count in sorted(self.skipped.items()))
        return f"{self.skipped.total()} skipped: {counts}" if self.skipped else ""


def read_texts(places: Sequence[str], stdin: BinaryIO, on_error: Literal["refuse", "drop"] = "refuse") -> Texts:
    """Read every file, the files of a folder that can be read, and standard input for "-", in this order.

    A .jsonl file has a text a line, {"text": ..., "id": ...}; without an id it is called by file and line. A line's
    `title`, `url`, `published` and `tlp` are held to what the API allows. A key that is not known is named, and so is
    what of a folder is not read. What can't be used is refused, or told, counted and left out.
    """
    problems: list[Problem] = []
    texts: dict[str, SourceText] = {}
    again: Counter[str] = Counter()
    for place in places:
        for source in _files(place, problems):
            for text in _texts(source, stdin, problems):
                again[text.source] += text.source in texts
                texts.setdefault(text.source, text)
    first = " The first one is taken." if on_error == "drop" else ""
    for source, number in (+again).items():
        what = f"is the name of {number + 1} texts.{first}"
        problems.append(Problem("E-SAME-ID", source, what, "Give each its own id."))
    _settle(problems, on_error, is_empty=not texts)
    skipped = Counter(problem.code for problem in problems if problem.code != "E-SAME-ID")
    return Texts([*texts.values()], skipped + Counter({"E-SAME-ID": again.total()}))


def _settle(problems: Sequence[Problem], on_error: Literal["refuse", "drop"], *, is_empty: bool) -> None:
    """Raise the problems, or tell them where the rest can do without."""
    number = f"{len(problems)} problem{'s' if len(problems) > 1 else ''} in the input"
    if problems and is_empty:
        raise DataError(problems, summary=f"{number}, and no text is left to extract from:")
    if problems and on_error == "refuse":
        summary = f"{number}, nothing extracted (data.on_error=drop leaves out what has one, counted):"
        raise DataError(problems, summary=summary)
    for problem in problems:
        log.warning("skipped: %s", problem)


def _texts(source: str, stdin: BinaryIO, problems: list[Problem]) -> list[SourceText]:
    suffix = Path(source).suffix.lower()
    if suffix in converting.SUFFIXES and source != "-":
        text = converting.convert(source, problems)
        if text is not None and not text.strip():
            problems.append(Problem("E-EMPTY", source, "has no text.", "Scanned pages need text recognition first."))
        return [] if text is None else [SourceText(source, text, is_converted=True)]
    data = _bytes(source, stdin, problems)
    if data is None:
        return []
    if suffix == LINES_SUFFIX:
        return _of_lines(_lines(data, source, problems), source, problems)
    text = decode(data, source, problems)
    return [] if text is None else [SourceText(source, text)]


def _lines(data: bytes, source: str, problems: list[Problem]) -> Iterator[tuple[int, str]]:
    """Number the lines that are not blank. Each is decoded alone, so that one that can't be leaves the others."""
    if data.startswith(_WIDE_MARKS) or not data.strip():
        whole = decode(data, source, problems) or ""
        yield from ((number, line) for number, line in enumerate(whole.split("\n"), start=1) if line.strip())
        return
    for number, line in enumerate(data.split(b"\n"), start=1):
        text = decode(line, f"{source}:{number}", problems, within="of the line") if line.strip() else None
        if text is not None:
            yield number, text


def _of_lines(lines: Iterable[tuple[int, str]], source: str, problems: list[Problem]) -> list[SourceText]:
    texts: list[SourceText] = []
    unread: Counter[str] = Counter()
    for number, line in lines:
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
    return [SourceText(name, text, document=origin.document(), is_id="id" in item)]


def _counted(key: str, count: int) -> str:
    close = nearest(key, LINE_KEYS)
    return f'"{key[:60]}" of {count} lines' + (f' (did you mean "{close}"?)' if close else "")


def _item(line: str) -> dict[str, object]:
    try:
        value = loads_strict(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def decode(data: bytes, source: str, problems: list[Problem], *, within: str = "of the file") -> str | None:
    """Decode UTF-8, or what a mark says, or add a problem with the first byte that is none."""
    mark, encoding = next(((mark, name) for mark, name, _ in MARKS if data.startswith(mark)), (b"", "utf-8"))
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        offset = error.start + len(mark)
        what = f"byte {offset} {within} (0x{data[offset]:02x}) is not {encoding[:6].rstrip('-').upper()}."
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
    here = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    files = [str(path) for path in here if path.suffix.lower() in SUFFIXES and path.is_file()]
    if others := [path.name + "/" * path.is_dir() for path in here if str(path) not in files]:
        more = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
        log.warning(
            "%s: %d not read, of no kind that is: %s%s", place, len(others), ", ".join(others[:_MOST_NAMED]), more
        )
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
