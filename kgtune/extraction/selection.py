"""What a caller gets of a model's graph: closed over its references, with outside ids, filtered, located in the text.

Knows nothing about HTTP, models or where the items come from: a whole graph, or an answer still being written.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from kgtune import graph as graphs
from kgtune.graph import Entity, Graph, IdStyle, Relationship
from kgtune.grounding import Haystack, Span

MAX_MENTIONS = 100  # of one name; a text of one repeated word must not make an answer of megabytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which items a caller wants, and how they are shown. None allows every name."""

    labels: frozenset[str] | None = None
    types: frozenset[str] | None = None
    min_confidence: float = 0.0
    offsets: bool = False
    id_style: IdStyle = "slug"


@dataclass
class Selection:
    """Takes items one by one, in any order, and returns those that are shown then.

    A relationship waits for the entities at its ends. `dropped` counts what was at fault (an id that is taken,
    an end that no entity has), `withheld` what the caller did not want, `ungrounded` what does not stand in the text.
    """

    text: str
    wanted: Wanted = field(default_factory=Wanted)
    dropped: Counter[str] = field(default_factory=Counter)
    withheld: Counter[str] = field(default_factory=Counter)
    ungrounded: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    entities: list[Entity] = field(default_factory=list)
    relationships: list[Relationship] = field(default_factory=list)
    _ids: dict[str, str | None] = field(default_factory=dict)  # the answer's id -> the outside's; None: withheld
    _taken: set[str] = field(default_factory=set)
    _early: list[Relationship] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._haystack = Haystack(self.text)

    @property
    def graph(self) -> Graph:
        """What has been shown so far."""
        return Graph(tuple(self.entities), tuple(self.relationships))

    def take(self, item: Entity | Relationship) -> list[dict[str, Any]]:
        """Take an item and return what is shown now: nothing, the item, or with it those that waited for it."""
        if isinstance(item, Entity):
            return self._take_entity(item)
        if item.source not in self._ids or item.target not in self._ids:
            self._early.append(item)
            return []
        return self._take_relationship(item)

    def finish(self) -> None:
        """No more items come: relationships that still wait lead nowhere."""
        if self._early:
            self.dropped["dangling"] += len(self._early)
            self._early = []

    def _take_entity(self, entity: Entity) -> list[dict[str, Any]]:
        if entity.id in self._ids:
            self.dropped["duplicate_id"] += 1
            return []
        is_wanted = self.wanted.labels is None or entity.labels in self.wanted.labels
        outside = self._outside_id(entity)
        self._ids[entity.id] = outside if is_wanted else None
        shown = []
        if is_wanted:
            shown.append(self._shown_entity(replace(entity, id=outside)))
        else:
            self.withheld["label"] += 1
        ready = [r for r in self._early if r.source in self._ids and r.target in self._ids]
        self._early = [r for r in self._early if r not in ready]
        return shown + [item for r in ready for item in self._take_relationship(r)]

    def _outside_id(self, entity: Entity) -> str:
        if self.wanted.id_style == "numbered":
            return f"e{len(self._ids) + 1}"
        return graphs.slug_id(entity, self._taken)

    def _take_relationship(self, relationship: Relationship) -> list[dict[str, Any]]:
        source, target = self._ids[relationship.source], self._ids[relationship.target]
        if source is None or target is None:
            self.withheld["end"] += 1
        elif self.wanted.types is not None and relationship.type not in self.wanted.types:
            self.withheld["type"] += 1
        elif relationship.confidence < self.wanted.min_confidence:
            self.withheld["confidence"] += 1
        else:
            return [self._shown_relationship(replace(relationship, source=source, target=target))]
        return []

    def _shown_entity(self, entity: Entity) -> dict[str, Any]:
        self.entities.append(entity)
        first = self._haystack.first(entity.name)
        self._count("name", first)
        value = {key: getattr(entity, key) for key in graphs.ENTITY_KEYS}
        if self.wanted.offsets:
            mentions = self._haystack.all(entity.name) if first else []
            value["mentions"] = [_place(span) for span in mentions[:MAX_MENTIONS]]
        return value

    def _shown_relationship(self, relationship: Relationship) -> dict[str, Any]:
        self.relationships.append(relationship)
        span = self._haystack.first(relationship.evidence) if relationship.evidence.strip() else None
        if relationship.evidence.strip():
            self._count("evidence", span)
        value = {key: getattr(relationship, key) for key in graphs.RELATIONSHIP_KEYS}
        if self.wanted.offsets:
            value["evidence_at"] = _place(span) if span else None
        return value

    def _count(self, what: str, span: Span | None) -> None:
        self.checked[what] += 1
        if span is None:
            self.ungrounded[what] += 1


def _place(span: Span) -> dict[str, Any]:
    """Code points of the text as it was sent, the end exclusive; `level` says how far the spelling is."""
    return {"start": span.start, "end": span.end, "level": span.level}


def select(graph: Graph, text: str, wanted: Wanted) -> tuple[dict[str, list[dict[str, Any]]], Selection]:
    """Select of a whole graph; return what is shown, keys in the contract's order, and the counts."""
    selection = Selection(text, wanted)
    entities = [shown for entity in graph.entities for shown in selection.take(entity)]
    relationships = [shown for r in graph.relationships for shown in selection.take(r)]
    selection.finish()
    return {"entities": entities, "relationships": relationships}, selection
