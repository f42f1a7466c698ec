"""Files of a run and the records in them: which files a folder gives, and one JSON record after the other.

Knows nothing about graphs: a reader of a format says what a record is, and every record is accounted for here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kgtune.errors import Problem
from kgtune.sources.decoding import pieces
from kgtune.sources.findings import Findings, RawDocument, UnreadableError
from kgtune.sources.scanner import FAULT, Record, Scanner, place

READ_IN_FOLDERS = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".ann")


@dataclass(frozen=True, slots=True)
class Options:
    """What the configuration says about reading."""

    default_confidence: float = 0.9
    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Of a table: our name of a column -> the name that it has in the header."""


@dataclass(frozen=True, slots=True)
class Contents:
    """All records of a JSON file."""

    records: tuple[Record, ...]


def expand(paths: Sequence[Path], findings: Findings | None = None) -> list[Path]:
    """Replace each folder by the files in and below it that can hold graphs, by name; the others are counted.

    A brat document is its .ann file, whichever of the pair is given. A file that `--fix` has mended is read in its
    mended form alone: both would be the same documents twice.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += _inside(path, findings or Findings())
        else:
            files.append(_annotation_of(path))
    return list(dict.fromkeys(files))


def _inside(folder: Path, findings: Findings) -> list[Path]:
    visible = [p for p in sorted(folder.rglob("*")) if not any(n.startswith(".") for n in p.relative_to(folder).parts)]
    files = [path for path in visible if path.is_file()]
    written = [path for path in files if is_own_output(path)]
    files = [path for path in files if path not in written]
    readable = [path for path in files if path.suffix.lower() in READ_IN_FOLDERS]
    kept = [path for path in readable if mended_copy(path) not in readable]
    if written:
        findings.note("file in a folder left aside: written by convert_data.py", len(written))
    aside = Counter(p.suffix.lower() or p.name for p in files if p not in readable and _annotation_of(p) == p)
    for suffix in sorted(aside):
        findings.note(f"file in a folder left aside: {suffix}", aside[suffix])
    if len(kept) < len(readable):
        findings.note("file in a folder read in its mended copy", len(readable) - len(kept))
    if not kept:
        what = f"holds no file that is read: {', '.join(READ_IN_FOLDERS)}."
        findings.unreadable_file(
            str(folder), Problem("E-NO-INPUT", str(folder), what, "Give another folder, or files.")
        )
    return kept


def is_own_output(path: Path) -> bool:
    """Tell by its name, or by the report beside it, what an earlier conversion wrote into a folder of inputs."""
    is_report = path.name.endswith((".report.json", ".report.html", ".fixed.diff")) or path.name == "splits.lock.json"
    return is_report or path.with_name(f"{path.stem}.report.json").is_file()


def mended_copy(path: Path) -> Path:
    """Return where the linter writes the mended copy of a file, whether there is one or not."""
    return path.with_name(f"{path.stem}.fixed{path.suffix}")


def _annotation_of(path: Path) -> Path:
    annotation = path.with_suffix(".ann")
    return annotation if path.suffix.lower() == ".txt" and annotation.is_file() else path


def scan(path: Path, findings: Findings) -> Scanner:
    """Open a JSON file for reading record by record."""
    return Scanner(path, pieces(path, findings), findings)


def read_contents(path: Path, findings: Findings) -> Contents | None:
    """Read all records of one file. On failure the problem is noted and None returned."""
    try:
        return Contents(tuple(scan(path, findings).records()))
    except UnreadableError as error:
        findings.problems.append(error.problem)
        return None


def each_record(
    path: Path, findings: Findings, read: Callable[[dict[str, Any], Record], RawDocument | str | None]
) -> Iterator[RawDocument]:
    """Read a file's records one by one; each is yielded as a document, or dropped by a reason.

    `read` takes the record's object and the record. It returns a document, the reason why there is
    none, or None when it has noted a problem: then the first problem's code is the reason.
    """
    for record in scan(path, findings).records():
        findings.counts["read"] += 1
        before = len(findings.problems)
        item = record.value
        if not isinstance(item, dict):
            what = f"is {type(item).__name__}, not an object: nothing of it could be read."
            findings.problem("E-TYPE", place(path, record), what, "Give items of {text, entities, relationships}.")
            findings.dropped("E-TYPE")
            continue
        document = read(item, record)
        if fault := item.get(FAULT):
            findings.dropped(fault)
            if isinstance(document, RawDocument):
                findings.partial(document)
        elif isinstance(document, RawDocument):
            yield document
        else:
            findings.dropped(document or findings.problems[before].code)
