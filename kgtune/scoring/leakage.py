"""Documents that were trained on may not be measured: who shares an id, a document, a group or a text is refused.

Knows nothing about scores.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from kgtune.errors import DataError, Problem
from kgtune.graph import Graph
from kgtune.grounding import fold, match_key
from kgtune.runs import text_hash


@dataclass(frozen=True, slots=True)
class Identity:
    """What a row can be recognised by; an empty part recognises nothing."""

    id: str
    doc_id: str = ""
    group_id: str = ""
    text: str = ""

    def marks(self) -> dict[str, str]:
        """Return each part by its name; a text is compared folded."""
        text = text_hash(fold(self.text).key) if self.text else ""
        parts = {"id": self.id, "doc_id": self.doc_id, "group_id": self.group_id, "text": text}
        return {name: value for name, value in parts.items() if value}


@dataclass(slots=True)
class Trained:
    """The train rows, as far as recognising them goes, and the names that stand in them."""

    marks: dict[str, dict[str, str]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def add(self, row: Identity, graph: Graph) -> None:
        """Remember a train row."""
        for name, value in row.marks().items():
            self.marks.setdefault(name, {}).setdefault(value, row.id)
        self.names.update(match_key(entity.name) for entity in graph.entities)

    def leak(self, measured: Identity) -> Problem | None:
        """Name the train row that a measured row shares something with."""
        for name, value in measured.marks().items():
            row = self.marks.get(name, {}).get(value)
            if row is not None:
                shown = "the same text" if name == "text" else f'the same {name} "{value}"'
                what = f'is measured, and train row "{row}" has {shown}: the model has seen it.'
                return Problem("E-LEAK", f'row "{measured.id}"', what, "Split by document, or leave the row out.")
        return None


def refuse(trained: Trained, measured: Iterable[Identity]) -> None:
    """Raise a DataError with every measured row that was trained on."""
    problems = [problem for row in measured if (problem := trained.leak(row))]
    if problems:
        raise DataError(problems, summary=f"{len(problems)} measured rows were trained on.")
