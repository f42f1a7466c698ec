"""The documents that a report shows: best, median and worst, each answer beside the gold graph.

Knows nothing about HTML or files. Items are compared as the scorer compares them: by name, never by id.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kgtune import graph as graphs
from kgtune.graph import Entity, Graph, Relationship
from kgtune.scoring.matching import named

Kind = Literal["best", "median", "worst"]
MOST_ANSWER_CHARACTERS = 1500


@dataclass(frozen=True, slots=True)
class ShownEntity:
    """An entity, and whether the other side has it."""

    entity: Entity
    is_shared: bool


@dataclass(frozen=True, slots=True)
class ShownRelationship:
    """A relationship with the names of its ends, and whether the other side has it."""

    edge: Relationship
    source: str
    target: str
    is_shared: bool


@dataclass(frozen=True, slots=True)
class Side:
    """A graph as it is shown: the gold one, or an answer. `graph` is None where nothing could be read."""

    name: str
    graph: Graph | None
    entities: tuple[ShownEntity, ...] = ()
    relationships: tuple[ShownRelationship, ...] = ()
    f1: float | None = None
    reason: str | None = None
    answer: str = ""
    num_hidden: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """One document: its text, the gold graph, and what each column answered."""

    id: str
    kind: Kind
    lang: str
    text: str
    gold: Side
    sides: tuple[Side, ...]


def choose(
    documents: Sequence[Mapping[str, Any]], system: str, *, each: int = 2
) -> list[tuple[Kind, Mapping[str, Any]]]:
    """Pick the best, median and worst documents by a system's F1; of equals, the one with the larger gold graph.

    Documents without an F1 (nothing to find, nothing found) and without a text are left out; none is picked twice.
    """
    rated = [one for one in documents if one["text"] is not None and one["answers"][system]["f1"] is not None]
    by_size = sorted(rated, key=lambda one: (-len(one["gold"]), one["id"]))
    order = sorted(by_size, key=lambda one: -one["answers"][system]["f1"])  # stable: larger graphs first
    worst_first = sorted(by_size, key=lambda one: one["answers"][system]["f1"])
    middle = max(0, (len(order) - each) // 2)
    picked: dict[str, tuple[Kind, Mapping[str, Any]]] = {}
    wanted: tuple[tuple[Kind, Sequence[Mapping[str, Any]]], ...] = (
        ("best", order[:each]),
        ("worst", worst_first[:each]),
        ("median", order[middle : middle + each]),
    )
    for kind, found in wanted:
        for one in found:
            picked.setdefault(one["id"], (kind, one))
    rank = {"best": 0, "median": 1, "worst": 2}
    return sorted(picked.values(), key=lambda item: rank[item[0]])


def case(kind: Kind, document: Mapping[str, Any], systems: Sequence[str]) -> Case:
    """Set the gold graph beside the answers; an item of gold counts as shared when the last system has it."""
    gold = read_graph(document["gold"]) or Graph()
    answers = {system: document["answers"][system] for system in systems}
    # What the strict reader refuses counts as nothing found, though its repaired graph is shown.
    scored = {system: read_graph(one["graph"]) if one["reason"] is None else None for system, one in answers.items()}
    return Case(
        document["id"],
        kind,
        document["lang"],
        document["text"],
        _side("gold", gold, scored[systems[-1]]),
        tuple(_answered(system, one, gold) for system, one in answers.items()),
    )


def _answered(system: str, answer: Mapping[str, Any], gold: Graph) -> Side:
    raw = answer["answer"] or ""
    graph = read_graph(answer["graph"])
    if graph is None:
        shown = raw[:MOST_ANSWER_CHARACTERS]
        return Side(
            system, None, f1=answer["f1"], reason=answer["reason"], answer=shown, num_hidden=len(raw) - len(shown)
        )
    return _side(system, graph, gold, f1=answer["f1"], reason=answer["reason"])


def read_graph(text: str | None) -> Graph | None:
    """Read a graph of the results back."""
    return None if text is None else graphs.from_object(json.loads(text))[0]


def _side(name: str, graph: Graph, other: Graph | None, *, f1: float | None = None, reason: str | None = None) -> Side:
    mine, theirs = named(graph), named(other or Graph())
    shared = _shared(mine.entities, theirs.entities)
    shared_edges = _shared(mine.relationships, theirs.relationships)
    names = {entity.id: entity.name for entity in reversed(graph.entities)}  # of two with one id the first has it
    return Side(
        name,
        graph,
        tuple(ShownEntity(entity, is_shared) for entity, is_shared in zip(graph.entities, shared, strict=True)),
        tuple(
            ShownRelationship(edge, names.get(edge.source, edge.source), names.get(edge.target, edge.target), is_shared)
            for edge, is_shared in zip(graph.relationships, shared_edges, strict=True)
        ),
        f1,
        reason,
    )


def _shared(mine: Sequence[tuple[str, ...]], theirs: Sequence[tuple[str, ...]]) -> list[bool]:
    """Say of each item whether the other side has one for it; each of theirs is taken once."""
    left = Counter(theirs)
    found = []
    for item in mine:
        found.append(left[item] > 0)
        left[item] -= found[-1]
    return found
