"""Raw graphs in any of the supported shapes -> raw documents; the shape is found out by looking.

Knows nothing about splitting, augmentation or training. Every item read is used or dropped by a reason.

    reader, scanner   bytes -> records with their lines     fields   raw values -> a Graph, spellings read
    texts             shape (b) and rows, shape (c)         chunks   shape (a), one document per chunk
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from kgtune.sources import chunks, texts
from kgtune.sources.findings import Findings, RawDocument, RawSet
from kgtune.sources.reader import expand, read_contents
from kgtune.sources.scanner import FAULT, Contents, Record, place

__all__ = ["FORMATS", "Format", "RawDocument", "RawSet", "expand", "read_raw"]

Format = Literal["auto", "chunks", "texts", "rows"]
FORMATS: tuple[Format, ...] = ("auto", "chunks", "texts", "rows")


def read_raw(paths: Sequence[Path], *, source_format: Format = "auto", default_confidence: float = 0.9) -> RawSet:
    """Read files and folders. Problems are collected, not raised: see `RawSet.problems`."""
    findings = Findings()
    documents: list[RawDocument] = []
    unreadable: list[str] = []
    for path in expand([Path(path) for path in paths]):
        contents = read_contents(path, findings)
        if contents is None:
            unreadable.append(str(path))
        else:
            documents += _documents(path, contents, source_format, default_confidence, findings)
    kept = _with_unique_ids(documents, findings)
    return RawSet(tuple(kept), findings.problems, findings.counts, tuple(findings.repairs), tuple(unreadable))


def _documents(
    path: Path, contents: Contents, source_format: Format, default_confidence: float, findings: Findings
) -> list[RawDocument]:
    if contents.members is not None and _is_chunked(contents, source_format):
        return chunks.read_graph(path, contents.members, default_confidence, findings)
    documents = []
    for record in contents.records:
        findings.counts["read"] += 1
        before = len(findings.problems)
        document = _one(path, record, source_format, default_confidence, findings)
        if document is not None and FAULT not in record.value:
            documents.append(document)
            findings.counts["used"] += 1
        elif len(findings.problems) > before:
            findings.dropped(findings.problems[before].code)
        else:
            findings.dropped(record.value.get(FAULT, "augmented row"))
    return documents


def _is_chunked(contents: Contents, source_format: Format) -> bool:
    if source_format != "auto":
        return source_format == "chunks"
    value = contents.records[0].value
    return "text" not in value and "input" not in value and ("entities" in value or "relationships" in value)


def _one(
    path: Path, record: Record, source_format: Format, default_confidence: float, findings: Findings
) -> RawDocument | None:
    item = record.value
    if not isinstance(item, dict):
        findings.problem("E-TYPE", place(path, record), f"is {type(item).__name__}, not an object.",
                         "Give items of {text, entities, relationships}.")  # fmt: skip
        return None
    is_row = source_format == "rows" or (source_format == "auto" and "output" in item and "text" not in item)
    if is_row:
        if item.get("aug"):  # a variant says nothing that its parent does not say
            return None
        return texts.read_row(path, record, default_confidence, findings)
    return texts.read_item(path, record, default_confidence, findings)


def _with_unique_ids(documents: list[RawDocument], findings: Findings) -> list[RawDocument]:
    """Report ids that stand twice; a text given twice word by word is one document, and counted."""
    by_id: dict[str, RawDocument] = {}
    for document in documents:
        first = by_id.setdefault(document.id, document)
        if first is document:
            continue
        findings.counts["used"] -= 1
        if (first.text, first.graph) == (document.text, document.graph):
            findings.dropped("the same item again")
            continue
        findings.dropped("E-DUPLICATE-RECORD")
        findings.problem("E-DUPLICATE-RECORD", document.where, f'id "{document.id}" is also the id of {first.where}.',
                         "Give each item its own id.")  # fmt: skip
    return list(by_id.values())
