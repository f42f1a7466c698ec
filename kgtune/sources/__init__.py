"""Annotated files in any of the supported formats -> raw documents, one by one, everything else counted by reason.

Knows nothing about splitting, augmentation or training. Reading holds one record at a time where the format allows.

    formats, head            which reader a file gets, by looking     refusals    what is not read, by name
    texts, rows, chunks      our own shapes                           fields, assembly    raw values -> a Graph
    triples, columns         tables                                   passage, mentions    marked spans -> a Graph
    doccano, labelstudio, brat    annotation tools                    stix, misp  threat intelligence
    shapes                   which of two shapes a record has
    reader, decoding, window, cursor, scanner, syntax    files -> text -> values -> records
    findings    what is handed back
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from kgtune.errors import Problem
from kgtune.sources.findings import Findings, Partial, RawDocument, RawSet, UnreadableError
from kgtune.sources.formats import FORMATS, READERS, Format, format_of
from kgtune.sources.reader import Options, expand

__all__ = ["FORMATS", "Findings", "Format", "Partial", "RawDocument", "RawSet", "expand", "read_raw", "stream"]

_CUT_SHORT = "in a file that can't be read to its end"


def stream(
    paths: Sequence[Path],
    findings: Findings,
    *,
    source_format: Format = "auto",
    default_confidence: float = 0.9,
    columns: Mapping[str, str] | None = None,
) -> Iterator[RawDocument]:
    """Yield the documents of files and folders as they are read; what is wrong is added to `findings`, not raised.

    At each document, and at the end, findings.counts["read"] is "used" plus all "dropped: ..."; "used" is the
    number of documents yielded. A file that turns out to be unreadable further on has yielded what came before:
    look at `findings.unreadable` at the end. `columns` is the map of `data.columns` for tables.
    """
    options = Options(default_confidence, columns or {})
    for _, document in _with_files(paths, source_format, options, findings):
        yield document


def read_raw(
    paths: Sequence[Path],
    *,
    source_format: Format = "auto",
    default_confidence: float = 0.9,
    columns: Mapping[str, str] | None = None,
) -> RawSet:
    """Read files and folders whole. Problems are collected, not raised: see `RawSet.problems`.

    Of a file that can't be read to its end no document is used.
    """
    findings = Findings()
    options = Options(default_confidence, columns or {})
    by_file: dict[str, list[RawDocument]] = {}
    for file, document in _with_files(paths, source_format, options, findings):
        by_file.setdefault(file, []).append(document)
    for file in findings.unreadable:
        if cut_short := by_file.pop(file, []):
            findings.counts["used"] -= len(cut_short)
            findings.dropped(_CUT_SHORT, len(cut_short))
    documents = tuple(document for group in by_file.values() for document in group)
    return RawSet(documents, findings.problems, findings.counts, tuple(findings.repairs), tuple(findings.unreadable))


def _with_files(
    paths: Sequence[Path], source_format: Format, options: Options, findings: Findings
) -> Iterator[tuple[str, RawDocument]]:
    """Yield each document with its file; a text given twice word by word is one document, and counted."""
    seen: dict[str, tuple[int, str]] = {}
    for path in expand([Path(path) for path in paths], findings):
        try:
            for document in _of_file(path, source_format, options, findings):
                if _is_new(document, seen, findings):
                    findings.counts["used"] += 1
                    yield str(path), document
        except UnreadableError as error:
            findings.unreadable_file(str(path), error.problem)
    if not findings.counts["used"] and not findings.problems:
        findings.problems.append(_nothing(paths, findings))


def _nothing(paths: Sequence[Path], findings: Findings) -> Problem:
    """Say that all was dropped, and why: a check that finds no fault must not pass for one that found documents."""
    dropped = {key.removeprefix("dropped: "): n for key, n in findings.counts.items() if key.startswith("dropped: ")}
    why = "; ".join(f"{number} {reason}" for reason, number in dropped.items())
    what = f"gives no document. Read {findings.counts['read']}, dropped: {why or 'none'}."
    return Problem(
        "E-NOTHING", ", ".join(map(str, paths)), what, "Give records that have a text and what is marked in it."
    )


def _of_file(path: Path, source_format: Format, options: Options, findings: Findings) -> Iterator[RawDocument]:
    name = format_of(path) if source_format == "auto" else source_format
    num_read, num_problems = findings.counts["read"], len(findings.problems)
    yield from READERS[name].documents(path, options, findings)
    if (findings.counts["read"], len(findings.problems)) == (num_read, num_problems):
        fix = f"Is it {name}? " + (
            "Leave --from out, and it is looked at." if source_format != "auto" else "Say --from."
        )
        raise UnreadableError(Problem("E-NO-RECORDS", str(path), f"holds no record of the format {name}.", fix))


def _is_new(document: RawDocument, seen: dict[str, tuple[int, str]], findings: Findings) -> bool:
    """Report an id that stands twice; only a hash of what was seen is kept, so that a million documents fit."""
    this = (hash((document.text, document.graph)), document.where)
    known = seen.setdefault(document.id, this)
    if known is this:
        return True
    if known[0] == this[0]:
        findings.dropped("the same item again")
        return False
    findings.dropped("E-DUPLICATE-RECORD")
    findings.problem("E-DUPLICATE-RECORD", document.where, f'id "{document.id}" is also the id of {known[1]}.',
                     "Give each item its own id.")  # fmt: skip
    findings.partial(document)
    return False
