"""Which examples belong together, and which split each group goes to: without leakage, by hash alone.

Knows nothing about labels, files or augmentation. Neither the order of the examples nor a random state counts.
"""

from __future__ import annotations

import hashlib
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from kgtune.examples import Example, Split
from kgtune.grounding import fold

NEAR_DUPLICATE = 0.7
"""Jaccard similarity of character 5-grams from which two texts may not stand in two splits."""
_SHINGLE = 5
_LONG_PARAGRAPH = 200  # characters; vendor boilerplate is shared paragraph by paragraph
# Two sets of Jaccard 0.7 share none of their 8 smallest hashes about once in 10,000 pairs.
_NUM_SMALLEST = 8
_MIN_GROUPS = 3


def with_groups(examples: Sequence[Example]) -> list[Example]:
    """Give each example the group that may not be divided: same document, same text, or a near duplicate."""
    union = _Union(len(examples))
    first_with: dict[tuple[str, str], int] = {}
    for index, example in enumerate(examples):
        for key in _keys(example):
            union.join(index, first_with.setdefault(key, index))
    for one, other in _near_duplicates([example.text for example in examples], union):
        union.join(one, other)
    names: dict[int, list[str]] = defaultdict(list)
    for index, example in enumerate(examples):
        names[union.root(index)].append(example.group_id or example.doc_id)
    return [replace(example, group_id=min(names[union.root(i)])) for i, example in enumerate(examples)]


def split_by_group(examples: Sequence[Example], validation_ratio: float, test_ratio: float, seed: int) -> list[Example]:
    """Assign whole groups to train, validation and test; examples that carry a split keep it.

    Exact quotas of examples, filled by the hash of seed and group id within each language, empty graphs apart.
    """
    preset: dict[str, Split] = {}
    for example in examples:
        if example.split:
            preset.setdefault(example.group_id, example.split)
    open_groups: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        if not example.split and example.group_id not in preset:
            open_groups[example.group_id].append(example)
    chosen = {**preset, **_assigned(open_groups, validation_ratio, test_ratio, seed)}
    return [example if example.split else replace(example, split=chosen[example.group_id]) for example in examples]


def _assigned(
    groups: dict[str, list[Example]], validation_ratio: float, test_ratio: float, seed: int
) -> dict[str, Split]:
    chosen: dict[str, Split] = dict.fromkeys(groups, "train")
    if len(groups) < _MIN_GROUPS:  # nothing can be held out of one or two documents
        return chosen
    strata: dict[tuple[str, bool], list[str]] = defaultdict(list)
    for group_id in sorted(groups, key=lambda group_id: _rank(seed, group_id)):
        strata[_stratum(groups[group_id])].append(group_id)
    sizes = {stratum: sum(len(groups[g]) for g in ids) for stratum, ids in strata.items()}
    parts: tuple[tuple[Split, float], ...] = (("test", test_ratio), ("validation", validation_ratio))
    for split, ratio in parts:
        for stratum, quota in _quotas(sizes, ratio).items():
            filled = 0
            for group_id in strata[stratum]:
                size = len(groups[group_id])
                if chosen[group_id] == "train" and filled + size <= max(quota, 1 if quota else 0):
                    chosen[group_id], filled = split, filled + size
    return chosen


def _quotas(sizes: dict[tuple[str, bool], int], ratio: float) -> dict[tuple[str, bool], int]:
    """Divide the whole quota among the strata by largest remainder; a ratio above 0 gets at least one."""
    if ratio == 0:
        return {}
    total = max(1, round(ratio * sum(sizes.values())))
    quotas = {stratum: int(ratio * size) for stratum, size in sizes.items()}
    by_remainder = sorted(sizes, key=lambda stratum: (-(ratio * sizes[stratum] % 1), stratum))
    for stratum in by_remainder[: max(0, total - sum(quotas.values()))]:
        quotas[stratum] += 1
    return quotas


def _stratum(group: list[Example]) -> tuple[str, bool]:
    languages = Counter(example.lang for example in group)
    return min(languages, key=lambda lang: (-languages[lang], lang)), all(e.graph.is_empty for e in group)


def _rank(seed: int, group_id: str) -> str:
    return hashlib.sha256(f"{seed}\0{group_id}".encode()).hexdigest()


def _keys(example: Example) -> Iterator[tuple[str, str]]:
    yield "document", example.doc_id
    yield "text", fold(example.text).key
    if example.group_id:
        yield "group", example.group_id


def _near_duplicates(texts: Sequence[str], union: _Union) -> Iterator[tuple[int, int]]:
    """Find pairs whose whole texts, or any long paragraphs, are near duplicates."""
    units = [(index, shingles) for index, text in enumerate(texts) for shingles in _units(text)]
    buckets: dict[int, list[int]] = defaultdict(list)
    for number, (index, shingles) in enumerate(units):
        compared: set[int] = set()
        for smallest in sorted(shingles)[:_NUM_SMALLEST]:
            for other in buckets[smallest]:
                other_index, other_shingles = units[other]
                if other not in compared and union.root(other_index) != union.root(index):
                    compared.add(other)
                    if _jaccard(shingles, other_shingles) >= NEAR_DUPLICATE:
                        yield other_index, index
            buckets[smallest].append(number)


def _units(text: str) -> Iterator[frozenset[int]]:
    whole = fold(text).key
    paragraphs = [fold(paragraph).key for paragraph in text.split("\n") if len(paragraph) >= _LONG_PARAGRAPH]
    for unit in dict.fromkeys([whole, *paragraphs]):
        yield frozenset(zlib.crc32(unit[i : i + _SHINGLE].encode()) for i in range(max(1, len(unit) - _SHINGLE + 1)))


def _jaccard(one: frozenset[int], other: frozenset[int]) -> float:
    if min(len(one), len(other)) < NEAR_DUPLICATE * max(len(one), len(other)):
        return 0.0
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)


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


def divided_groups(examples: Iterable[Example]) -> list[str]:
    """List groups that stand in more than one split: only splits given by hand can do that."""
    splits: dict[str, set[str | None]] = defaultdict(set)
    for example in examples:
        splits[example.group_id].add(example.split)
    return sorted(group_id for group_id, found in splits.items() if len(found) > 1)
