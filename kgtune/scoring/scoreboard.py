"""Several systems' answers to the same documents, added document by document, and the results they make together.

Knows nothing about files or models. Only counts are kept: ten thousand documents take a few megabytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kgtune import graph as graphs
from kgtune.graph import Graph
from kgtune.scoring import comparison, statistics
from kgtune.scoring.column import Cost, column
from kgtune.scoring.consistency import Agreement
from kgtune.scoring.documents import Document, Judged
from kgtune.scoring.sample import Sample
from kgtune.scoring.statistics import Bootstrap
from kgtune.scoring.tally import Row, Rules, tally

SCHEMA_VERSION = 3


@dataclass(slots=True)
class Scoreboard:
    """Grows by one document at a time, with one answer of each system; `systems` are the names of the columns."""

    systems: Sequence[str]
    rules: Rules
    bootstrap: Bootstrap = field(default_factory=Bootstrap)
    samples: dict[str, Sample] = field(default_factory=dict)
    agreements: dict[str, Agreement] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.samples = {system: Sample() for system in self.systems}
        self.agreements = {system: Agreement() for system in self.systems}

    @property
    def num_rows(self) -> int:
        return next(iter(self.samples.values())).num_rows

    def add(self, document: Document, answers: Mapping[str, Judged]) -> dict[str, Row]:
        """Measure each system's answer to a document."""
        rows = {}
        for system, sample in self.samples.items():
            rows[system] = tally(answers[system], self.rules)
            sample.add(document, rows[system])
        return rows

    def add_runs(self, document: Document, system: str, graphs: Sequence[Graph | None]) -> None:
        """Add a system's further answers to a document: how far it agrees with itself."""
        self.agreements[system].add(document.unit, graphs)

    def results(self, pairs: Iterable[tuple[str, str]] = (), costs: Mapping[str, Cost] | None = None) -> dict[str, Any]:
        """Score every system, and compare the pairs that are named."""
        columns = {}
        for system, sample in self.samples.items():
            columns[system] = column(sample, self.bootstrap, (costs or {}).get(system, Cost()))
            columns[system]["consistency"] = self.agreements[system].result(self.bootstrap)
        return {
            "schema_version": SCHEMA_VERSION,
            "statistics": {
                "unit": "document",
                "resamples": self.bootstrap.resamples,
                "seed": self.bootstrap.seed,
                "level": statistics.LEVEL,
                "least_documents": statistics.LEAST_DOCUMENTS,
                "rules": " ".join((comparison.__doc__ or "").partition("A difference is ")[2].split()),
            },
            "columns": columns,
            "comparisons": [
                {
                    "first": first,
                    "second": second,
                    **comparison.compare(self.samples[first], self.samples[second], self.bootstrap),
                }
                for first, second in pairs
            ],
        }


def written_document(document: Document, judged: Mapping[str, Judged], rows: Mapping[str, Row]) -> dict[str, Any]:
    """Return a row of the results' `documents`: text, gold graph, and every answer with what was found in it."""
    return {
        "id": document.id,
        "doc_id": document.unit,
        "lang": document.lang,
        "source": document.source,
        "kind": document.kind,
        "text": document.text,
        "gold": graphs.dumps(document.gold),
        "answers": {system: _answer(one, rows[system]) for system, one in judged.items()},
    }


def _answer(judged: Judged, row: Row) -> dict[str, Any]:
    def dumped(graph: Graph | None) -> str | None:
        return None if graph is None else graphs.dumps(graph)

    return {
        "answer": judged.answer,
        "graph": dumped(judged.repaired),
        "reason": row.reason,
        "findings": list(row.findings),
        "is_truncated": judged.is_truncated,
        "f1": row.f1,
        "probabilities": list(judged.probabilities),
        "hits": row.hits,
    }
