"""Which rows a person is shown: a few, chosen by hash, with everything among them that there is to see.

Knows nothing about pages. Neither the order of the documents nor a random state counts.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from kgtune.examples import Example


@dataclass(slots=True)
class Family:
    """A document's row, or an invented row without one, and the variants made of it."""

    row: Example
    variants: list[Example] = field(default_factory=list)

    def features(self) -> set[tuple[str, str]]:
        """What a reader filters by."""
        found = {("aug", row.aug or "original") for row in (self.row, *self.variants)}
        found |= {("label", entity.labels) for entity in self.row.graph.entities}
        return found | {("lang", self.row.lang), ("split", self.row.split or "")}


def sample(rows: Iterable[Example], most: int) -> list[Family]:
    """Choose families by the hash of their id, so that every label, language, split and operation is among them.

    Reads the rows once and keeps no more than the chosen ones and one for each thing to be shown.
    """
    best: dict[tuple[str, str], tuple[str, Family]] = {}
    lowest: list[tuple[int, str, Family]] = []
    for family in _families(rows):
        rank = hashlib.sha256(family.row.id.encode("utf-8", "replace")).hexdigest()
        for feature in family.features():
            if feature not in best or rank < best[feature][0]:
                best[feature] = (rank, family)
        entry = (-int(rank[:15], 16), rank, family)
        if len(lowest) < most:
            heapq.heappush(lowest, entry)
        elif entry[:2] > lowest[0][:2]:
            heapq.heapreplace(lowest, entry)
    return _covering([best[key] for key in sorted(best)], [(rank, family) for _, rank, family in lowest], most)


def _covering(best: list[tuple[str, Family]], others: list[tuple[str, Family]], most: int) -> list[Family]:
    chosen: dict[str, Family] = {}
    covered: set[tuple[str, str]] = set()
    for rank, family in sorted(best, key=lambda item: (-len(item[1].features()), item[0])):
        if len(chosen) < most and family.features() - covered:
            chosen[rank] = family
            covered |= family.features()
    for rank, family in sorted(others, key=lambda item: item[0]):
        if len(chosen) < most:
            chosen.setdefault(rank, family)
    return [chosen[rank] for rank in sorted(chosen)]


def _families(rows: Iterable[Example]) -> Iterator[Family]:
    current: Family | None = None
    for row in rows:
        if current and row.aug and row.id.startswith(f"{current.row.id}+"):
            current.variants.append(row)
            continue
        if current:
            yield current
        current = Family(row)
    if current:
        yield current
