"""The counts of many answers, kept as whole numbers: what remains of them is small, whatever their texts' length.

Knows nothing about graphs. Rows are added up by document, since rows of one document are no independent trials.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from kgtune.scoring.documents import Document
from kgtune.scoring.metrics import COUNTERS
from kgtune.scoring.statistics import Counts
from kgtune.scoring.tally import Cell, Row

NUM_ROWS_SHOWN = 50
"""Row ids kept per finding."""
TRAITS = ("language", "length", "source")
_LENGTHS = ((200, "under 200"), (500, "200-499"), (1000, "500-999"), (2000, "1000-1999"))


def length_bucket(text: str | None) -> str:
    """Sort a text by its characters; without one there is no bucket."""
    if text is None:
        return ""
    return next((name for limit, name in _LENGTHS if len(text) < limit), "2000 and more")


@dataclass(slots=True)
class Sample:
    """Grows by one row at a time; about a kilobyte each."""

    rows: array[int] = field(default_factory=lambda: array("q"))
    documents: dict[str, int] = field(default_factory=dict)
    document_of: array[int] = field(default_factory=lambda: array("q"))
    traits: dict[str, list[str]] = field(default_factory=lambda: {trait: [] for trait in TRAITS})
    cell_numbers: dict[Cell, int] = field(default_factory=dict)
    cells: array[int] = field(default_factory=lambda: array("q"))
    reasons: dict[str, int] = field(default_factory=dict)
    findings: dict[str, list[str]] = field(default_factory=dict)
    finding_counts: dict[str, int] = field(default_factory=dict)

    def add(self, document: Document, row: Row) -> None:
        """Add one answer's counts."""
        number = self.documents.setdefault(document.unit, len(self.documents))
        self.document_of.append(number)
        self.rows.extend(row.counts[name] for name in COUNTERS)
        for trait, value in (
            ("language", document.lang),
            ("length", length_bucket(document.text)),
            ("source", document.source),
        ):
            self.traits[trait].append(sys.intern(value))
        for cell, (hits, gold, predicted) in row.cells.items():
            cell_number = self.cell_numbers.setdefault(cell, len(self.cell_numbers))
            self.cells.extend((cell_number, number, hits, gold, predicted))
        if row.reason is not None:
            self.reasons[row.reason] = self.reasons.get(row.reason, 0) + 1
        for code in row.findings:
            self.finding_counts[code] = self.finding_counts.get(code, 0) + 1
            shown = self.findings.setdefault(code, [])
            if len(shown) < NUM_ROWS_SHOWN:
                shown.append(document.id)

    @property
    def num_rows(self) -> int:
        return len(self.document_of)

    def matrix(self) -> Counts:
        """Return the counts of every row, (rows, counters)."""
        return np.array(self.rows, dtype=np.int64).reshape(self.num_rows, len(COUNTERS))

    def by_document(self, rows: Iterable[int] | None = None) -> Counts:
        """Return the counts summed by document, (documents, counters); of some rows only, if they are given."""
        matrix, document_of = self.matrix(), np.array(self.document_of, dtype=np.int64)
        if rows is not None:
            chosen = np.fromiter(rows, dtype=np.int64)
            matrix, document_of = matrix[chosen], document_of[chosen]
        return summed_by(document_of, matrix)

    def rows_with(self, trait: str) -> dict[str, list[int]]:
        """Return the rows of each value of a trait, by value; rows that don't have it are left out."""
        found: dict[str, list[int]] = {}
        for row, value in enumerate(self.traits[trait]):
            if value:
                found.setdefault(value, []).append(row)
        return dict(sorted(found.items()))

    def cell_counts(self, cell: Cell) -> Counts:
        """Return (hits, gold, predicted) of a slice of the items, for every document."""
        cells = np.array(self.cells, dtype=np.int64).reshape(-1, 5)
        mine = cells[cells[:, 0] == self.cell_numbers[cell]]
        counts = np.zeros((len(self.documents), 3), dtype=np.int64)
        np.add.at(counts, mine[:, 1], mine[:, 2:])
        return counts


def summed_by(groups: Counts, matrix: Counts) -> Counts:
    """Sum the lines of a matrix by group, in the order of first appearance."""
    _, first, number = np.unique(groups, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))
    summed = np.zeros((len(first), matrix.shape[1]), dtype=np.int64)
    np.add.at(summed, order[number], matrix)
    return summed
