"""What a conversion refuses beside the readers' problems: names that its ontology does not have, each with its place.

Knows nothing about other checks. Asked only where names were counted that the ontology lacks, so that data without
any is never gone through for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from kgtune.errors import Problem
from kgtune.graph import Graph
from kgtune.lint import catalogue, names, remainder
from kgtune.lint.findings import Finding, Once, read_place
from kgtune.lint.places import Locator
from kgtune.ontology import Ontology
from kgtune.sources import Partial, RawDocument

MOST_KEPT = 10_000
"""Problems that are told; where a common label is missing from a file there is one for every use of it."""


class Strangers:
    """Takes documents as they are read, and keeps the problems; `counts` holds how many there are of each code."""

    def __init__(self, ontology: Ontology, most_kept: int = MOST_KEPT) -> None:
        self._ontology = ontology
        self._most_kept = most_kept
        self._locator, self._once = Locator(), Once()
        self.counts: Counter[str] = Counter()
        self.problems: list[Problem] = []

    def look(self, document: RawDocument) -> None:
        """Look at a document."""
        found = names.unknown(document.graph, read_place(document.where).at(""), self._ontology)
        self._keep(replace(one, place=self._locator.located(one.place, document.graph)) for one in found)

    def look_at_part(self, partial: Partial) -> None:
        """Look at what could be read of an item that has a problem of its own."""
        document = partial.document
        found = names.unknown(document.graph, read_place(document.where).at(""), self._ontology)
        self._keep(remainder.located(one, partial, self._locator) for one in found)

    @property
    def num_untold(self) -> int:
        """How many problems there are beside those kept."""
        return self.counts.total() - len(self.problems)

    def _keep(self, findings: Iterable[Finding]) -> None:
        for finding in self._once.each(findings):
            self.counts[finding.code] += 1
            if len(self.problems) < self._most_kept:
                what, fix = catalogue.what(finding, "en"), catalogue.fix(finding, "en")
                self.problems.append(Problem(finding.code, str(finding.place), what, fix))


def reason(graph: Graph, ontology: Ontology) -> str:
    """Return the code for which a graph is dropped, "" where the ontology has all its names."""
    return next((finding.code for finding in names.unknown(graph, read_place(""), ontology)), "")
