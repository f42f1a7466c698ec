"""Shape (c): training rows of {input, output}, the output a graph as a JSON string.

Knows nothing about splitting or augmentation, but leaves variants out: they say nothing that their parent does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kgtune.parsing import DuplicateKeyError, loads_strict
from kgtune.sources.fields import ITEM_KEYS, ROW_KEYS
from kgtune.sources.findings import Findings, RawDocument
from kgtune.sources.head import Head
from kgtune.sources.reader import Options, each_record
from kgtune.sources.scanner import FAULT, Record, place
from kgtune.sources.texts import read_item


def recognises(head: Head) -> bool:
    """Tell rows by both their keys."""
    return any({"input", "output"} <= item.keys() and "text" not in item for item in head.items)


def documents(path: Path, options: Options, findings: Findings) -> Iterator[RawDocument]:
    """Read one document a row, augmented rows left out."""

    def read(row: Mapping[str, Any], record: Record) -> RawDocument | str | None:
        return "augmented row" if row.get("aug") else read_row(path, record, options.default_confidence, findings)

    return each_record(path, findings, read)


def read_row(path: Path, record: Record, default_confidence: float, findings: Findings) -> RawDocument | None:
    """Read one training row: `output` holds the graph as a JSON string (or, by mistake, as an object)."""
    row = record.value
    where = place(path, record, row.get("id"))
    for key in sorted(row.keys() - ROW_KEYS - {FAULT}):
        findings.note(f"item key ignored: {key}")
    output = row.get("output")
    if isinstance(output, str):
        try:
            output = loads_strict(output)
        except DuplicateKeyError as error:
            findings.problem("E-DUPLICATE-KEY", f"{where}: output", f"{error}.", "Keep one of the two.")
            return None
        except (ValueError, RecursionError) as error:
            findings.problem(
                "E-OUTPUT", f"{where}: output", f"is not JSON: {error}.", "Give the graph as a JSON string."
            )
            return None
    if not isinstance(output, Mapping):
        findings.problem("E-OUTPUT", f"{where}: output", "is no graph.", "Give the graph as a JSON string.")
        return None
    item = {key: value for key, value in row.items() if key in ITEM_KEYS}
    item |= {"text": row.get("input"), "entities": output.get("entities"), "relationships": output.get("relationships")}
    return read_item(path, Record(item, record.line, record.index), default_confidence, findings)
