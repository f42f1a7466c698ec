"""Which documents may not be divided between splits: one group for the same document, the same text, near duplicates.

Knows nothing about splits. Neither the order of the documents nor a random state counts.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from kgtune.conversion.cards import Card, card_of
from kgtune.examples import Example
from kgtune.splitting import near_duplicates
from kgtune.splitting.near_duplicates import NEAR_DUPLICATE, HeldOut, Shingles, Sketches

# A document's shingles are made anew when it is a candidate; a cluster's members come one after the other.
_MOST_SHINGLED = 256


@dataclass(slots=True)
class Units:
    """The units of all documents: whole texts and long paragraphs, as sketches; `owners` are positions of documents."""

    owners: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    rows: list[bytes] = field(default_factory=list)

    def add(self, owner: int, text: str) -> None:
        """Sketch a document's units."""
        self.extend(owner, *sketched(text))

    def extend(self, owner: int, sizes: Sequence[int], rows: Sequence[bytes]) -> None:
        """Add units that were sketched elsewhere."""
        self.owners += [owner] * len(sizes)
        self.sizes += sizes
        self.rows += rows

    def reordered(self, positions: Sequence[int]) -> Units:
        """Return the units of some documents, in their new order: `positions` are the old ones."""
        starts = np.searchsorted(self.owners, np.arange(max(self.owners, default=-1) + 2))
        units = Units()
        for owner, old in enumerate(positions):
            here = slice(starts[old], starts[old + 1])
            units.extend(owner, self.sizes[here], self.rows[here])
        return units

    def held_out(self, splits: Sequence[str]) -> HeldOut:
        """Return the units of the documents outside train; `splits` go by owner."""
        at = [i for i, owner in enumerate(self.owners) if splits[owner] != "train"]
        return HeldOut([self.owners[i] for i in at], [self.sizes[i] for i in at], [self.rows[i] for i in at])


def sketched(text: str) -> tuple[list[int], list[bytes]]:
    """Return the sizes and sketches of a text's units."""
    found = near_duplicates.units(text)
    return [len(unit) for unit in found], [near_duplicates.sketch(unit) for unit in found]


def group_ids(cards: Sequence[Card], units: Units, text_of: Callable[[int], str]) -> list[str]:
    """Name each document's group: the smallest of its members' given group ids, or document ids where none is given.

    `text_of` gives the text of the document at a position; it is asked for those of likely near duplicates only.
    """
    union = _Union(len(cards))
    first_with: dict[tuple[str, str | bytes], int] = {}
    for position, card in enumerate(cards):
        for key in _keys(card):
            union.join(position, first_with.setdefault(key, position))
    for one, other in _near_duplicates(units, text_of, union):
        union.join(one, other)
    # A given name comes before a document's own, so that a new document never renames the group that it joins.
    names: dict[int, list[tuple[bool, str]]] = defaultdict(list)
    for position, card in enumerate(cards):
        names[union.root(position)].append((not card.group_id, card.group_id or card.doc_id))
    return [min(names[union.root(position)])[1] for position in range(len(cards))]


def with_groups(examples: Sequence[Example]) -> list[Example]:
    """Give each of some examples in memory its group."""
    units = Units()
    for position, example in enumerate(examples):
        units.add(position, example.text)
    groups = group_ids([card_of(example) for example in examples], units, lambda position: examples[position].text)
    return [replace(example, group_id=group) for example, group in zip(examples, groups, strict=True)]


def _keys(card: Card) -> Iterator[tuple[str, str | bytes]]:
    yield "document", card.doc_id
    yield "text", card.folded_key
    if card.group_id:
        yield "group", card.group_id


def _near_duplicates(units: Units, text_of: Callable[[int], str], union: _Union) -> Iterator[tuple[int, int]]:
    compare = Comparison(units, text_of)
    looked_at: set[tuple[int, int]] = set()
    for left, right in near_duplicates.likely_pairs(compare.sketches, units.sizes):
        one, other = units.owners[left], units.owners[right]
        if union.root(one) == union.root(other) or (left, right) in looked_at:
            continue
        looked_at.add((left, right))
        if compare.similarity(left, right) >= NEAR_DUPLICATE:
            yield one, other


class Comparison:
    """Compares units by their shingles, which are made from the texts when they are asked for."""

    def __init__(self, units: Units, text_of: Callable[[int], str]) -> None:
        self.owners = np.asarray(units.owners, dtype=np.intp)
        self.sketches: Sketches = near_duplicates.stacked(units.rows)
        self._starts = np.searchsorted(self.owners, self.owners)
        self._text_of = text_of
        self._shingles: OrderedDict[int, list[Shingles]] = OrderedDict()

    def similarity(self, left: int, right: int) -> float:
        """Return the Jaccard similarity of the units at two positions."""
        return near_duplicates.similarity(self._at(left), self._at(right))

    def _at(self, position: int) -> Shingles:
        owner = int(self.owners[position])
        if owner not in self._shingles:
            self._shingles[owner] = near_duplicates.units(self._text_of(owner))
            if len(self._shingles) > _MOST_SHINGLED:
                self._shingles.popitem(last=False)
        return self._shingles[owner][position - int(self._starts[position])]


class _Union:
    """Union-find over positions; the smallest position of a set is its root."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def root(self, item: int) -> int:
        while self._parent[item] != item:
            self._parent[item] = self._parent[self._parent[item]]
            item = self._parent[item]
        return item

    def join(self, one: int, other: int) -> None:
        low, high = sorted((self.root(one), self.root(other)))
        self._parent[high] = low
