"""How much several answers to one text agree: the Jaccard index of their sets of items, by document.

Knows nothing about gold graphs. An answer that can't be read says nothing, as everywhere; two that say nothing agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from kgtune.graph import Graph
from kgtune.scoring import statistics
from kgtune.scoring.column import rounded
from kgtune.scoring.matching import named
from kgtune.scoring.metrics import FIXED
from kgtune.scoring.statistics import Bootstrap


@dataclass(slots=True)
class Agreement:
    """Grows by one text's answers at a time."""

    num_runs: int = 0
    documents: dict[str, list[int]] = field(default_factory=dict)
    """By document: texts, and the sums of the indices of their entities and relationships, in millionths."""

    def add(self, document_id: str, graphs: Sequence[Graph | None]) -> None:
        """Add the answers to one text."""
        self.num_runs = max(self.num_runs, len(graphs))
        views = [named(graph or Graph()) for graph in graphs]
        indices = [
            _mean_jaccard([frozenset(view.entities) for view in views]),
            _mean_jaccard([frozenset(view.relationships) for view in views]),
        ]
        sums = self.documents.setdefault(document_id, [0, 0, 0])
        for place, value in enumerate((1, *indices)):
            sums[place] += value

    def result(self, bootstrap: Bootstrap) -> dict[str, Any] | None:
        """Average over the texts, with intervals; None where no text has two answers."""
        if self.num_runs < 2:
            return None
        counts = np.array(list(self.documents.values()), dtype=np.int64)
        resampled = statistics.resampled_sums(counts, bootstrap)
        found: dict[str, Any] = {"num_runs": self.num_runs, "num_documents": len(counts)}
        for place, name in ((1, "entity_jaccard"), (2, "relationship_jaccard")):
            bounds = statistics.percentiles(resampled[:, place] / (FIXED * resampled[:, 0]))
            mean = float(counts[:, place].sum() / (FIXED * counts[:, 0].sum()))
            found[name] = {
                "value": rounded(mean),
                "low": rounded(bounds[0]) if bounds else None,
                "high": rounded(bounds[1]) if bounds else None,
            }
        return found


def _mean_jaccard(sets: Sequence[frozenset[tuple[str, ...]]]) -> int:
    pairs = [(one & other, one | other) for one, other in combinations(sets, 2)]
    return round(FIXED * sum(len(both) / len(either) if either else 1.0 for both, either in pairs) / max(len(pairs), 1))
