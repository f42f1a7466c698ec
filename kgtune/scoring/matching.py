"""Which predicted items are gold ones: by name, never by id; strictly, relaxed, and whatever their type.

Knows nothing about texts or statistics. Every match is one to one: a gold item answered twice is found once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from kgtune.graph import Graph
from kgtune.grounding import match_key
from kgtune.scoring.assignment import Pair, assign
from kgtune.scoring.likeness import NO_ALIASES, Aliases, likeness

DANGLING = "?"
"""Stands for the label of an end that no entity has; no gold end has it."""

_PAIR = 1_000_000  # outweighs any sum of likenesses: most pairs first, then the closest ones

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A graph without ids: entities as (label, name), relationships as (type, label, name, label, name).

    Names are folded. The end of a relationship that points nowhere is (DANGLING, its id).
    """

    entities: tuple[tuple[str, str], ...]
    relationships: tuple[tuple[str, str, str, str, str], ...]


Respell = Callable[[Named], Named]


def named(graph: Graph) -> Named:
    """Put names in the place of ids. Of entities that share an id, the first has it."""
    by_id: dict[str, tuple[str, str]] = {}
    entities = []
    for entity in graph.entities:
        entities.append((entity.labels, match_key(entity.name)))
        by_id.setdefault(entity.id, entities[-1])
    edges = [
        (r.type, *by_id.get(r.source, (DANGLING, r.source)), *by_id.get(r.target, (DANGLING, r.target)))
        for r in graph.relationships
    ]
    return Named(tuple(entities), tuple(edges))


@dataclass(frozen=True, slots=True)
class Matches:
    """Of one kind of item: how many are gold, how many predicted, and which predicted ones are hits in each sense.

    `like_gold` are those that are like any gold one at all, whichever of them got the match.
    """

    num_gold: int
    num_predicted: int
    strict: frozenset[int]
    relaxed: frozenset[int]
    type_agnostic: frozenset[int]
    like_gold: frozenset[int]


def match_entities(
    gold: Named, predicted: Named, aliases: Aliases = NO_ALIASES, spelt: Respell | None = None
) -> Matches:
    """Match entities: label and name; like name under one label; name alone.

    `spelt` writes labels and types as their ontology does; the relaxed match alone goes by what it writes.
    """
    like = _likenesses(*_sides(gold, predicted, spelt, "entities"), lambda g, p: likeness(g[1], p[1], aliases))
    return Matches(
        len(gold.entities),
        len(predicted.entities),
        _equal(gold.entities, predicted.entities),
        frozenset(place for _, place in assign(like)),
        _equal([e[1:] for e in gold.entities], [e[1:] for e in predicted.entities]),
        frozenset(place for _, place in like),
    )


def match_relationships(
    gold: Named, predicted: Named, aliases: Aliases = NO_ALIASES, spelt: Respell | None = None
) -> Matches:
    """Match relationships: type and both ends; like ends under one type; the ends' names alone, in their direction."""

    def ends_alike(g: Key, p: Key) -> int:
        if (g[1], g[3]) != (p[1], p[3]):  # no gold label is DANGLING
            return 0
        source = likeness(g[2], p[2], aliases)
        target = likeness(g[4], p[4], aliases) if source else 0
        return source + target if target else 0

    like = _likenesses(*_sides(gold, predicted, spelt, "relationships"), ends_alike)
    return Matches(
        len(gold.relationships),
        len(predicted.relationships),
        _equal(gold.relationships, predicted.relationships),
        frozenset(place for _, place in assign(like)),
        _equal([_ends(r) for r in gold.relationships], [_ends(r) for r in predicted.relationships]),
        frozenset(place for _, place in like),
    )


def _sides(
    gold: Named, predicted: Named, spelt: Respell | None, thing: Literal["entities", "relationships"]
) -> tuple[tuple[Key, ...], tuple[Key, ...]]:
    sides = (gold, predicted) if spelt is None else (spelt(gold), spelt(predicted))
    return getattr(sides[0], thing), getattr(sides[1], thing)


def _ends(relationship: Key) -> Key:
    """Both ends' names; of an end that points nowhere its mark too, so that an id is never taken for a name."""
    _, source_label, source, target_label, target = relationship
    marks = (label if label == DANGLING else "" for label in (source_label, target_label))
    return (source, target, *marks)


def _equal(gold: tuple[Key, ...] | list[Key], predicted: tuple[Key, ...] | list[Key]) -> frozenset[int]:
    """Return the places of predicted items that equal a gold one that no earlier item has taken."""
    left = Counter(gold)
    hits = []
    for place, item in enumerate(predicted):
        if left[item] > 0:
            left[item] -= 1
            hits.append(place)
    return frozenset(hits)


def _likenesses(gold: tuple[Key, ...], predicted: tuple[Key, ...], like: Callable[[Key, Key], int]) -> dict[Pair, int]:
    """Weigh the pairs that share their first part (label or type) and are alike: most pairs first, then the closest."""
    weights: dict[Pair, int] = {}
    for row, g in enumerate(gold):
        for column, p in enumerate(predicted):
            if g[0] == p[0] and (value := like(g, p)):
                weights[row, column] = _PAIR + value
    return weights
