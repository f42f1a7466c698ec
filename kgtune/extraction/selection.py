"""What a caller gets of a model's graph: closed, nothing twice, with outside ids, filtered, located in the text.

Knows nothing about HTTP, models or where the items come from: a whole graph, or an answer still being written.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from kgtune import graph as graphs
from kgtune.extraction import merging
from kgtune.extraction.merging import Evidence, Mention, Merged
from kgtune.graph import Entity, Graph, IdStyle, Relationship
from kgtune.grounding import Haystack, Span
from kgtune.ontology.aliases import Aliases

Ungrounded = Literal["flag", "drop"]

_NO_ALIASES = Aliases()  # what a text calls by two names is told in its windows only, where each spelling is kept

MAX_MENTIONS = 100  # of one name; a text of one repeated word must not make an answer of megabytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which items a caller wants, and how they are shown. None allows every name.

    What does not stand in the text is counted ("flag") or left out and counted ("drop"), a relationship by its
    evidence, an entity by its name, unless its label is one of `unanchored`, whose names need not stand there.
    """

    labels: frozenset[str] | None = None
    types: frozenset[str] | None = None
    min_confidence: float = 0.0
    offsets: bool = False
    id_style: IdStyle = "slug"
    ungrounded: Ungrounded = "flag"
    unanchored: frozenset[str] = frozenset()


@dataclass
class Selection:
    """Takes items one by one, in any order, and returns those that are shown then.

    A relationship waits for the entities at its ends. An entity that was there before (see merging.key) is that one,
    and so is a relationship of equal type and ends: the first one stays, since it may have been shown already.
    `dropped` counts what was at fault (an id that is taken, an end that no entity has, what stands there twice),
    `withheld` what the caller did not want, `ungrounded` what does not stand in the text.
    Of a text that was answered in windows, `merged` knows all places.
    """

    text: str
    wanted: Wanted = field(default_factory=Wanted)
    merged: Merged | None = None
    dropped: Counter[str] = field(default_factory=Counter)
    withheld: Counter[str] = field(default_factory=Counter)
    ungrounded: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    entities: list[Entity] = field(default_factory=list)
    relationships: list[Relationship] = field(default_factory=list)
    _ids: dict[str, str | None] = field(default_factory=dict)  # the answer's id -> the outside's; None: withheld
    _taken: set[str] = field(default_factory=set)
    _first: dict[merging.Key, str] = field(default_factory=dict)  # what an entity is -> the answer's id of the first
    _triples: set[tuple[str, str, str]] = field(default_factory=set)  # that are shown
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

    def finish(self) -> list[dict[str, Any]]:
        """No more items come: relationships that still wait lead nowhere. Return what waited for them alone."""
        ready = [r for r in self._early if r.source in self._ids and r.target in self._ids]
        self.dropped["dangling"] += len(self._early) - len(ready)
        self.dropped, self._early = +self.dropped, []
        return [item for r in ready for item in self._take_relationship(r)]

    def _take_entity(self, entity: Entity) -> list[dict[str, Any]]:
        if entity.id in self._ids:
            self.dropped["duplicate_id"] += 1
            return []
        first = self._first.setdefault(merging.key(entity, _NO_ALIASES), entity.id)
        if first != entity.id:
            self.dropped["duplicate_entity"] += 1
            self._ids[entity.id] = self._ids[first]
            return self._released()
        outside = self._outside_id(entity)
        reason = self._withheld(entity)
        self._ids[entity.id] = outside if reason is None else None
        if reason is not None:
            self.withheld[reason] += 1
            return self._released()
        return [self._shown_entity(entity, outside), *self._released()]

    def _released(self) -> list[dict[str, Any]]:
        """Take the relationships that wait no more. Of one type they stay in order: of two alike the first is shown."""
        ready: list[Relationship] = []
        waiting: list[Relationship] = []
        types: set[str] = set()
        for r in self._early:
            if r.source in self._ids and r.target in self._ids and r.type not in types:
                ready.append(r)
            else:
                waiting.append(r)
                types.add(r.type)
        self._early = waiting
        return [item for r in ready for item in self._take_relationship(r)]

    def _withheld(self, entity: Entity) -> str | None:
        """Say why an entity is not shown; None where it is."""
        if self.wanted.labels is not None and entity.labels not in self.wanted.labels:
            return "label"
        if entity.labels in self.wanted.unanchored:
            return None
        is_grounded = self._count("name", self._haystack.first(entity.name))
        return None if is_grounded or self.wanted.ungrounded == "flag" else "ungrounded_name"

    def _outside_id(self, entity: Entity) -> str:
        if self.wanted.id_style == "numbered":
            return f"e{len(self._first)}"
        return graphs.slug_id(entity, self._taken)

    def _take_relationship(self, relationship: Relationship) -> list[dict[str, Any]]:
        source, target = self._ids[relationship.source], self._ids[relationship.target]
        if source is None or target is None:
            self.withheld["end"] += 1
        elif source == target and relationship.source != relationship.target:
            self.dropped[merging.ITSELF] += 1
        elif (relationship.type, source, target) in self._triples:
            self.dropped["duplicate_relationship"] += 1
        elif self.wanted.types is not None and relationship.type not in self.wanted.types:
            self.withheld["type"] += 1
        elif relationship.confidence < self.wanted.min_confidence:
            self.withheld["confidence"] += 1
        else:
            span = self._evidence_at(relationship)
            is_grounded = not relationship.evidence.strip() or self._count("evidence", span)
            if is_grounded or self.wanted.ungrounded == "flag":
                return [self._shown_relationship(relationship, source, target, span)]
            self.withheld["ungrounded_evidence"] += 1
        return []

    def _evidence_at(self, relationship: Relationship) -> Span | None:
        """Where the evidence stands: in the window that gave it, if there were windows."""
        if not relationship.evidence.strip():
            return None
        said = self.merged.evidence.get(relationship, ()) if self.merged else ()
        known = next((one.span for one in said if one.text == relationship.evidence and one.span), None)
        return known or self._haystack.first(relationship.evidence)

    def _shown_entity(self, entity: Entity, outside: str) -> dict[str, Any]:
        self.entities.append(replace(entity, id=outside))
        value = {key: getattr(self.entities[-1], key) for key in graphs.ENTITY_KEYS}
        if not self.wanted.offsets:
            return value
        if self.merged and entity in self.merged.mentions:
            value["mentions"] = [_mention(one) for one in self.merged.mentions[entity][:MAX_MENTIONS]]
            value["names"] = list(self.merged.names[entity])
        else:
            mentions = self._haystack.all(entity.name) if self._haystack.first(entity.name) else []
            value["mentions"] = [_place(span) for span in mentions[:MAX_MENTIONS]]
        return value

    def _shown_relationship(
        self, relationship: Relationship, source: str, target: str, span: Span | None
    ) -> dict[str, Any]:
        self._triples.add((relationship.type, source, target))
        self.relationships.append(replace(relationship, source=source, target=target))
        value = {key: getattr(self.relationships[-1], key) for key in graphs.RELATIONSHIP_KEYS}
        if self.wanted.offsets:
            value["evidence_at"] = _place(span) if span else None
            if self.merged and relationship in self.merged.evidence:
                value["all_evidence"] = [_evidence(one) for one in self.merged.evidence[relationship]]
        return value

    def _count(self, what: str, span: Span | None) -> bool:
        """Count a check; say whether the thing stands in the text."""
        self.checked[what] += 1
        if span is None:
            self.ungrounded[what] += 1
        return span is not None


def _place(span: Span) -> dict[str, Any]:
    """Code points of the text as it was sent, the end exclusive; `level` says how far the spelling is."""
    return {"start": span.start, "end": span.end, "level": span.level}


def _mention(mention: Mention) -> dict[str, Any]:
    return _place(Span(mention.start, mention.end, mention.level)) | {"window": mention.window}


def _evidence(said: Evidence) -> dict[str, Any]:
    place = {"start": None, "end": None, "level": None} if said.span is None else _place(said.span)
    return {"evidence": said.text, "confidence": said.confidence, "window": said.window, **place}


def select(
    graph: Graph, text: str, wanted: Wanted, merged: Merged | None = None
) -> tuple[dict[str, list[dict[str, Any]]], Selection]:
    """Select of a whole graph; return what is shown, keys in the contract's order, and the counts."""
    selection = Selection(text, wanted, merged)
    entities = [shown for entity in graph.entities for shown in selection.take(entity)]
    relationships = [shown for r in graph.relationships for shown in selection.take(r)] + selection.finish()
    return {"entities": entities, "relationships": relationships}, selection
