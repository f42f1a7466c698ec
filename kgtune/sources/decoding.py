"""Bytes of a file -> its text, piece by piece: the encoding by its mark, else UTF-8; line ends made LF.

Knows nothing about JSON or any format. Nothing is guessed: a byte that can't be decoded ends the file, with its place.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from kgtune.errors import Problem
from kgtune.sources.findings import Findings, UnreadableError
from kgtune.spelling import nearest

PIECE_BYTES = 1 << 18

MARKS = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8 byte order mark"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16 encoding"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16 encoding"),
)


def read_text(path: Path, findings: Findings, *, keep_line_ends: bool = False) -> str:
    """Return a whole text; raise UnreadableError where there is none."""
    return "".join(pieces(path, findings, keep_line_ends=keep_line_ends))


def pieces(path: Path, findings: Findings, *, keep_line_ends: bool = False) -> Iterator[str]:
    """Yield a file's text in pieces of about `PIECE_BYTES`; raise UnreadableError at what can't be decoded."""
    if not path.is_file():
        raise UnreadableError(Problem("E-NO-FILE", str(path), "does not exist.", nearest_file(path)))
    line_ends = io.IncrementalNewlineDecoder(None, translate=True)
    has_carriage_return = False
    for piece in _decoded(path, findings):
        if not has_carriage_return and "\r" in piece and not keep_line_ends:
            has_carriage_return = True
            findings.repaired("F-NEWLINE", str(path), "has CRLF or CR line ends.")
        yield line_ends.decode(piece) if has_carriage_return else piece
    if has_carriage_return:
        yield line_ends.decode("", final=True)


def nearest_file(path: Path) -> str:
    """Name the file beside `path` whose name is closest, as a sentence, or say what is there."""
    if not path.parent.is_dir():
        return f"The folder {path.parent} does not exist either."
    names = sorted(p.name for p in path.parent.iterdir() if p.is_file())
    if close := nearest(path.name, names):
        return f"Did you mean {path.parent / close}?"
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return f"Files there: {shown or 'none'}."


def start_of(path: Path, num_bytes: int) -> tuple[bytes, str]:
    """Return a file's first bytes, and their text as far as it can be made out; for a look, not for reading."""
    with _opened(path) as file:
        raw = file.read(num_bytes)
    mark = next((mark for mark in MARKS if raw.startswith(mark[0])), (b"", "utf-8", ""))
    text = raw[len(mark[0]) :].decode(mark[1], errors="replace")
    return raw, text.replace("\r\n", "\n").replace("\r", "\n")


@dataclass(slots=True)
class _Progress:
    """How much of a file is decoded, for the place of a byte that is not."""

    num_bytes: int = 0
    line: int = 1
    is_end: bool = False


def _decoded(path: Path, findings: Findings) -> Iterator[str]:
    with _opened(path) as file:
        raw = file.read(PIECE_BYTES)
        encoding, at = "utf-8", _Progress()
        for mark, name, what in MARKS:
            if raw.startswith(mark):
                raw, encoding, at.num_bytes = raw[len(mark) :], name, len(mark)
                findings.repaired("F-ENCODING", str(path), f"starts with a mark of {what}.")
                break
        else:
            _refuse_nul(path, raw)
        decoder = codecs.getincrementaldecoder(encoding)()
        while True:
            pending = decoder.getstate()[0]
            try:
                text = decoder.decode(raw, final=at.is_end)
            except UnicodeDecodeError as error:
                raise UnreadableError(_undecodable(path, pending, raw, error, at)) from None
            yield text
            if at.is_end:
                return
            at.num_bytes += len(raw)
            at.line += raw.count(b"\n")
            raw = file.read(PIECE_BYTES)
            at.is_end = not raw


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        what = f"can't be read: {error.strerror}."
        raise UnreadableError(Problem("E-FILE", str(path), what, "Give a file that may be read.")) from None


def _refuse_nul(path: Path, raw: bytes) -> None:
    if b"\0" in raw:
        what = f"byte {raw.index(0)} is 0: the file is UTF-16 without a mark, or no text at all."
        raise UnreadableError(Problem("E-ENCODING", str(path), what, "Save the file as UTF-8."))


def _undecodable(path: Path, pending: bytes, raw: bytes, error: UnicodeDecodeError, at: _Progress) -> Problem:
    data = pending + raw
    offset = at.num_bytes - len(pending) + error.start
    line = at.line + data.count(b"\n", 0, error.start)
    what = f"byte {offset} (0x{data[error.start]:02X}) is not valid {error.encoding.upper()}."
    fix = "Save the file as UTF-8."
    if _reads_as_gb18030(path):
        fix = "It reads as GB18030: convert it with `iconv -f GB18030 -t UTF-8`"
        fix += ', or save it in Excel as "CSV UTF-8".' if path.suffix.lower() in (".csv", ".tsv") else "."
    return Problem("E-ENCODING", f"{path}:{line}", what, fix)


def _reads_as_gb18030(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("gb18030")()
    try:
        with path.open("rb") as file:
            while raw := file.read(PIECE_BYTES):
                decoder.decode(raw)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
