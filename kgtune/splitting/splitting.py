"""Which split each group goes to: whole groups, exact shares, every language and label in each split where it can be.

Knows nothing about texts or files. What was assigned once is handed in as fixed and never moves.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kgtune.examples import Split

TRAIN: Split = "train"
HELD_OUT: tuple[Split, ...] = ("test", "validation")  # at equal need, the test split comes first
MIN_GROUPS = 3
"""Groups below which nothing is held out; and a label in fewer groups stays in train."""
NOTHING = ""
"""Stands for a label in groups that hold nothing to extract: these are spread as a label is."""


@dataclass(frozen=True, slots=True)
class Group:
    """Documents that stay together. `labels` are those of their entities, `NOTHING` where there is none."""

    id: str
    size: int
    lang: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Assigned:
    """The split of every group by id, and the labels that are in too few groups to be held out."""

    splits: Mapping[str, Split]
    rare_labels: tuple[str, ...] = ()


def assign(
    groups: Sequence[Group], ratios: Mapping[Split, float], seed: int, fixed: Mapping[str, Split] | None = None
) -> Assigned:
    """Assign every group; `fixed` holds groups that have their split already and count towards its share.

    Language by language, the rarest label first, each group goes to the split that lacks the label most. Groups with
    a label that fewer than `MIN_GROUPS` have stay in train, unless a split would be empty without them.
    """
    fixed = fixed or {}
    splits = {group.id: fixed[group.id] for group in groups if group.id in fixed}
    if len(groups) < MIN_GROUPS:  # nothing can be held out of one or two documents
        return Assigned({group.id: splits.get(group.id, TRAIN) for group in groups})
    counts = Counter(label for group in groups for label in group.labels if label != NOTHING)
    rare = {label for label, number in counts.items() if number < MIN_GROUPS}
    ordered = sorted(groups, key=lambda group: _rank(seed, group.id))
    room = _room(ordered, ratios, splits)
    for lang in sorted({group.lang for group in groups}):
        stratum = _Stratum([group for group in ordered if group.lang == lang], ratios, room[lang], splits, rare)
        stratum.spread()
        stratum.fill()
    _never_empty(ordered, ratios, splits, fixed)
    return Assigned(splits, tuple(sorted(rare)))


def _room(
    groups: Iterable[Group], ratios: Mapping[Split, float], splits: Mapping[str, Split]
) -> dict[str, dict[Split, int]]:
    """Return how many documents each held-out split may still take, by language: exact shares of the whole."""
    sizes: Counter[str] = Counter()
    taken: Counter[tuple[str, Split]] = Counter()
    for group in groups:
        sizes[group.lang] += group.size
        if group.id in splits:
            taken[group.lang, splits[group.id]] += group.size
    quotas = {split: _quotas(sizes, ratios.get(split, 0)) for split in HELD_OUT}
    return {lang: {split: quotas[split].get(lang, 0) - taken[lang, split] for split in HELD_OUT} for lang in sizes}


def _quotas(sizes: Mapping[str, int], ratio: float) -> dict[str, int]:
    """Divide the whole quota among the languages by largest remainder; a ratio above 0 gets at least one."""
    if ratio == 0:
        return {}
    total = max(1, round(ratio * sum(sizes.values())))
    quotas = {lang: int(ratio * size) for lang, size in sizes.items()}
    by_remainder = sorted(sizes, key=lambda lang: (-(ratio * sizes[lang] % 1), lang))
    for lang in by_remainder[: max(0, total - sum(quotas.values()))]:
        quotas[lang] += 1
    return quotas


@dataclass
class _Stratum:
    """The groups of one language, in the order of their hashes, while they are assigned; `splits` is filled in."""

    groups: Sequence[Group]
    ratios: Mapping[Split, float]
    room: dict[Split, int]
    splits: dict[str, Split]
    rare: set[str]
    needs: dict[str, dict[Split, float]] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.open = {group.id for group in self.groups if group.id not in self.splits}
        sizes: Counter[str] = Counter()
        numbers: Counter[str] = Counter()
        for group in self.groups:
            sizes.update(dict.fromkeys(group.labels, group.size))
            numbers.update(group.labels)
        for label, size in sizes.items():
            least = 1 if numbers[label] >= MIN_GROUPS and label not in self.rare else 0
            held_out = {split: max(least, self.ratios[split] * size) for split in HELD_OUT if self.ratios.get(split)}
            self.needs[label] = {**held_out, TRAIN: size - sum(held_out.values())}
        for group in self.groups:
            if group.id in self.splits:
                self._met(group, self.splits[group.id])

    def spread(self) -> None:
        """Assign the open groups label by label, the one in fewest open groups first."""
        waiting: dict[str, list[Group]] = defaultdict(list)
        for group in self.groups:
            for label in group.labels if group.id in self.open else ():
                waiting[label].append(group)
        left = Counter({label: len(found) for label, found in waiting.items()})
        while left:
            label = min(left, key=lambda label: (left[label], label))
            for group in waiting[label]:
                if group.id not in self.splits:
                    self._put(group, self._neediest(group, label))
                    left.subtract(group.labels)
            del left[label]

    def fill(self) -> None:
        """Fill the room that is left with groups from train, as long as each of their labels stays there as well."""
        numbers = Counter(label for group in self.groups if self.splits[group.id] == TRAIN for label in group.labels)
        for split in HELD_OUT:
            for group in self.groups:
                is_free = group.id in self.open and self.splits[group.id] == TRAIN and not self._is_rare(group)
                stays = all(numbers[label] > 1 for label in group.labels)
                if is_free and stays and group.size <= self.room[split]:
                    self._put(group, split)
                    numbers.subtract(group.labels)

    def _neediest(self, group: Group, label: str) -> Split:
        if self._is_rare(group):
            return "train"
        fitting = [split for split in HELD_OUT if group.size <= self.room[split] and split in self.needs[label]]
        return max((*fitting, TRAIN), key=lambda split: self.needs[label][split])

    def _is_rare(self, group: Group) -> bool:
        return not self.rare.isdisjoint(group.labels)

    def _put(self, group: Group, split: Split) -> None:
        self.splits[group.id] = split
        if split != TRAIN:
            self.room[split] -= group.size
        self._met(group, split)

    def _met(self, group: Group, split: Split) -> None:
        for label in group.labels:
            if split in self.needs[label]:
                self.needs[label][split] -= group.size


def _never_empty(
    groups: Sequence[Group], ratios: Mapping[Split, float], splits: dict[str, Split], fixed: Mapping[str, Split]
) -> None:
    """Give a held-out split that nothing fitted into the smallest group: rather a rare label there than no measure."""
    for split in HELD_OUT:
        if ratios.get(split, 0) == 0 or split in splits.values():
            continue
        train = [group for group in groups if splits[group.id] == TRAIN]
        free = [group for group in train if group.id not in fixed]
        if free and len(train) > 1:
            splits[min(free, key=lambda group: group.size).id] = split


def _rank(seed: int, group_id: str) -> str:
    return hashlib.sha256(f"{seed}\0{group_id}".encode()).hexdigest()
