"""Strict reading of files: found or not, encoding, line ends.

Knows nothing about graphs, and leaves JSON to the scanner. Nothing is guessed: what can't be read is a problem.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from pathlib import Path

from kgtune.sources.findings import Findings
from kgtune.sources.scanner import Contents, Scanner

_BOMS = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8 byte order mark"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16 encoding"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16 encoding"),
)


def expand(paths: Sequence[Path]) -> list[Path]:
    """Replace each folder by the JSON and JSON Lines files in it, by name."""
    files: list[Path] = []
    for path in paths:
        files += sorted(p for p in path.iterdir() if p.suffix in (".json", ".jsonl")) if path.is_dir() else [path]
    return files


def read_contents(path: Path, findings: Findings) -> Contents | None:
    """Read one file. On failure the problem is noted and None returned; JSON Lines go on after a bad line."""
    text = _read_text(path, findings)
    if text is None:
        return None
    if not text.strip():
        findings.problem("E-EMPTY-FILE", str(path), "is empty.", "Write the annotated graphs into it, or give another.")
        return None
    return Scanner(path, text, findings).contents()


def nearest_file(path: Path) -> str:
    """Name the file beside `path` whose name is closest, as a sentence, or say what is there."""
    from rapidfuzz import process

    if not path.parent.is_dir():
        return f"The folder {path.parent} does not exist either."
    names = sorted(p.name for p in path.parent.iterdir() if p.suffix in (".json", ".jsonl"))
    best = process.extractOne(path.name, names, score_cutoff=60)
    if best:
        return f"Did you mean {path.parent / best[0]}?"
    return f"JSON files there: {', '.join(names) or 'none'}."


def _read_text(path: Path, findings: Findings) -> str | None:
    if not path.is_file():
        findings.problem("E-NO-FILE", str(path), "does not exist.", nearest_file(path))
        return None
    raw = path.read_bytes()
    encoding = "utf-8"
    for mark, name, what in _BOMS:
        if raw.startswith(mark):
            raw, encoding = raw[len(mark) :], name
            findings.repaired("F-ENCODING", str(path), f"starts with a mark of {what}.")
            break
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        findings.problem("E-ENCODING", f"{path}:{line}", *_why_undecodable(raw, error))
        return None
    if "\r" in text:
        findings.repaired("F-NEWLINE", str(path), "has CRLF or CR line ends.")
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text


def _why_undecodable(raw: bytes, error: UnicodeDecodeError) -> tuple[str, str]:
    what = f"byte {error.start} (0x{raw[error.start]:02X}) is not valid {error.encoding.upper()}."
    try:
        raw.decode("gb18030")
    except UnicodeDecodeError:
        return what, "Save the file as UTF-8."
    return what, "It reads as GB18030: convert it with `iconv -f GB18030 -t UTF-8`."
