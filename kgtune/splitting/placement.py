"""Where each document goes: repeats out, groups, the splits given in the data, the lock's, and new ones.

Knows nothing about files, annotation or augmentation: it is given cards, and hands back a group and a split for each.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from kgtune import graph as graphs
from kgtune.conversion.cards import Annotated, Card
from kgtune.examples import Split
from kgtune.graph import Graph
from kgtune.splitting.grouping import Units, group_ids
from kgtune.splitting.split_lock import SAFEST_FIRST, Lock
from kgtune.splitting.splitting import NOTHING, Group, assign


class Shares(Protocol):
    """What is asked of the split."""

    @property
    def validation_ratio(self) -> float: ...

    @property
    def test_ratio(self) -> float: ...

    @property
    def seed(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Placed:
    """The documents that are kept, in the order of their ids, each with its group and split.

    `positions` are those in the order given; `counts` holds drops and notes as `Prepared` does; `lock` is the new one.
    """

    positions: tuple[int, ...]
    cards: tuple[Card, ...]
    groups: tuple[str, ...]
    splits: tuple[Split, ...]
    units: Units
    lock: Lock
    counts: Counter[str] = field(default_factory=Counter)
    rare_labels: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    """Groups whose members the lock had in different splits."""
    num_locked: int = 0
    """Groups that are where the lock had them."""
    is_as_given: bool = False
    """Every document came with its group and its split: nothing was placed, and no variants are made."""


def place(
    cards: Sequence[Card],
    units: Units,
    document: Callable[[int], Annotated],
    shares: Shares,
    lock: Lock | None = None,
) -> Placed:
    """Place every document. What is given in the data is never changed; what the lock knows, only where it must be.

    `document` gives the document at a position of `cards`; it is asked for likely duplicates only.
    """
    counts: Counter[str] = Counter()
    kept = _without_repeats(cards, document, counts)
    ordered = tuple(cards[position] for position in kept)
    ours = units.reordered(kept)
    groups = group_ids(ordered, ours, lambda position: document(kept[position]).text)
    given = _given(ordered, groups)
    members = _members(groups)
    free = {group: found for group, found in members.items() if group not in given}
    fixed, moved = _locked(free, ordered, lock or Lock())
    ratios: dict[Split, float] = {"validation": shares.validation_ratio, "test": shares.test_ratio}
    assigned = assign([_group(name, free[name], ordered) for name in free], ratios, shares.seed, fixed)
    by_group = {**given, **assigned.splits}
    splits = tuple(card.split or by_group[group] for card, group in zip(ordered, groups, strict=True))
    named = {group: _names(found, ordered) for group, found in free.items()}
    if divided := divided_groups(groups, splits):
        counts["note: group divided by the splits given in the data"] += len(divided)
    if moved:
        counts["note: group moved, since its documents were locked in different splits"] += len(moved)
    if sum(ratios.values()) > 0 and set(splits) == {"train"}:
        counts["note: too few documents to hold any out"] += 1
    return Placed(
        positions=tuple(kept),
        cards=ordered,
        groups=tuple(groups),
        splits=splits,
        units=ours,
        lock=(lock or Lock()).with_groups(assigned.splits, named),
        counts=counts,
        rare_labels=assigned.rare_labels,
        moved=moved,
        num_locked=len(fixed) - len(moved),
    )


def as_given(cards: Sequence[Card], units: Units) -> Placed:
    """Leave every document where the data puts it, in the order of the data; each must have its group and split."""
    splits = tuple(card.split for card in cards if card.split)
    assert len(splits) == len(cards), "a document without a split"
    groups = tuple(card.group_id for card in cards)
    return Placed(tuple(range(len(cards))), tuple(cards), groups, splits, units, Lock(), is_as_given=True)


def _without_repeats(cards: Sequence[Card], document: Callable[[int], Annotated], counts: Counter[str]) -> list[int]:
    """Keep one of documents with the same text; a held-out copy of a train text would measure memory.

    What carries a split comes before what does not, and is never dropped: two that put one text into two splits are a
    divided group, which is for the user to mend.
    """
    by_text: dict[bytes, int] = {}
    kept = []
    for position in sorted(range(len(cards)), key=lambda position: (not cards[position].split, cards[position].id)):
        first = by_text.setdefault(cards[position].text_key, position)
        if first == position or cards[position].split:
            kept.append(position)
        else:
            same = _canonical(document(first)) == _canonical(document(position))
            counts["dropped: same text again" if same else "dropped: same text again, annotated differently"] += 1
    return sorted(kept, key=lambda position: cards[position].id)


def _canonical(document: Annotated) -> Graph:
    return graphs.canonical(document.graph, document.text)


def _given(cards: Sequence[Card], groups: Sequence[str]) -> dict[str, Split]:
    """Return the groups' given splits, of several the safest: there go the documents of the group that carry none."""
    found: dict[str, set[Split]] = defaultdict(set)
    for card, group in zip(cards, groups, strict=True):
        if card.split:
            found[group].add(card.split)
    return {group: min(splits, key=SAFEST_FIRST.index) for group, splits in found.items()}


def _members(groups: Sequence[str]) -> dict[str, list[int]]:
    members: dict[str, list[int]] = defaultdict(list)
    for position, group in enumerate(groups):
        members[group].append(position)
    return members


def _names(positions: Sequence[int], cards: Sequence[Card]) -> set[str]:
    names = {cards[position].doc_id for position in positions}
    return names | {cards[position].group_id for position in positions if cards[position].group_id}


def _locked(
    members: Mapping[str, Sequence[int]], cards: Sequence[Card], lock: Lock
) -> tuple[dict[str, Split], tuple[str, ...]]:
    """Return the splits that the lock knows, and the groups for which it knows more than one."""
    fixed: dict[str, Split] = {}
    moved = []
    for group, positions in members.items():
        if found := lock.splits_of(_names(positions, cards)):
            fixed[group] = found[0]
            if len(found) > 1:
                moved.append(group)
    return fixed, tuple(moved)


def _group(name: str, positions: Sequence[int], cards: Sequence[Card]) -> Group:
    languages = Counter(cards[position].lang for position in positions)
    labels = {label for position in positions for label in cards[position].labels}
    lang = min(languages, key=lambda lang: (-languages[lang], lang))
    return Group(name, len(positions), lang, tuple(sorted(labels)) or (NOTHING,))


def divided_groups(groups: Iterable[str], splits: Iterable[Split]) -> list[str]:
    """List groups that stand in more than one split: only splits given by hand can do that."""
    found: dict[str, set[Split]] = defaultdict(set)
    for group, split in zip(groups, splits, strict=True):
        found[group].add(split)
    return sorted(group for group, places in found.items() if len(places) > 1)
