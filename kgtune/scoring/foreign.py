"""Graphs in other systems' clothes: subject-relation-object triples, and head-relation-tail rows.

Knows nothing about files or answers. A system that gives no labels gets one label for all, one that gives no
confidence or evidence gets none: what it does not say is not measured on it.

    triples   CTINexus: {explicit_triplets | triplets | IE: {triplets}, entities?}, ends as strings or {text, class}
    rows      DeepKE, IEPile and OneKE: {entity?, relation?}, or {instruction, output} with JSON in both
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from kgtune.graph import Entity, Graph, Relationship
from kgtune.grounding import match_key

UNTYPED = "Entity"
_TRIPLE_LISTS = ("explicit_triplets", "triplets", "triples", "typed_triplets", "aligned_triplets")
_STAGES = ("ET", "IE")  # the stage with labels first
_SPELLINGS = {
    "source": ("subject", "head", "subj", "source"),
    "type": ("relation", "predicate", "type"),
    "target": ("object", "tail", "obj", "target"),
    "name": ("text", "mention_text", "entity_text", "entity_name", "name", "entity"),
    "label": ("class", "mention_class", "entity_type", "type", "label", "labels"),
}


class ForeignError(ValueError):
    """A record that looks like one of these formats and can't be read as one; the text says why."""


class _Builder:
    """Gathers entities by name and label, and the relationships between them."""

    def __init__(self) -> None:
        self.labels: dict[str, str] = {}
        self.entities: dict[tuple[str, str], Entity] = {}
        self.relationships: dict[tuple[str, str, str], Relationship] = {}

    def entity(self, name: str, label: str = "") -> str:
        """Return the id of an entity; one without a label takes the one that its name had before."""
        key = match_key(name)
        label = label or self.labels.get(key, UNTYPED)
        self.labels.setdefault(key, label)
        return self.entities.setdefault((key, label), Entity(label, f"e{len(self.entities) + 1}", name)).id

    def relate(self, source: str, kind: str, target: str) -> None:
        """Add a relationship between two ids, once."""
        self.relationships.setdefault((source, kind, target), Relationship(kind, source, target, 1.0))

    def graph(self) -> Graph:
        return Graph(tuple(self.entities.values()), tuple(self.relationships.values()))


def is_triples(record: Mapping[str, Any]) -> bool:
    """Say whether a record holds triples, at the top or under one of CTINexus' stages."""
    stages = (record.get(stage) for stage in _STAGES)
    return any(
        isinstance(part, Mapping) and any(isinstance(part.get(key), list) for key in _TRIPLE_LISTS)
        for part in (record, *stages)
    )


def from_triples(record: Mapping[str, Any]) -> Graph:
    """Read triples; implied ones (implicit_triplets, predicted links) are left out, since no text states them."""
    builder = _Builder()
    for item in _maps(record.get("entities")):
        builder.entity(_text(item, "name"), _first(item, "label"))
    parts = (record, *(record[stage] for stage in _STAGES if isinstance(record.get(stage), Mapping)))
    triples = next(part[key] for part in parts for key in _TRIPLE_LISTS if isinstance(part.get(key), list))
    for item in triples:
        if not isinstance(item, Mapping):
            raise ForeignError(f"a triple is {json.dumps(item, ensure_ascii=False)[:60]}, not an object")
        source, target = _end(item, "source", builder), _end(item, "target", builder)
        builder.relate(source, _text(item, "type"), target)
    return builder.graph()


def is_row(record: Mapping[str, Any]) -> bool:
    """Say whether a record holds lists of entities and relations by name, or an instruction with JSON in it."""
    if isinstance(record.get("instruction"), str) and "output" in record:
        return str(record["instruction"]).lstrip().startswith("{")
    return any(isinstance(record.get(key), list) for key in ("relation", "entity", "event"))


def from_row(record: Mapping[str, Any]) -> Graph:
    """Read a row with gold lists."""
    if "event" in record:
        raise ForeignError("events are no graph of entities and relationships")
    builder = _Builder()
    for item in _maps(record.get("entity")):
        builder.entity(_text(item, "name"), _first(item, "label"))
    for item in _maps(record.get("relation")):
        source = builder.entity(_text(item, "source"), str(item.get("head_type") or ""))
        target = builder.entity(_text(item, "target"), str(item.get("tail_type") or ""))
        builder.relate(source, _text(item, "type"), target)
    return builder.graph()


def instruction_text(record: Mapping[str, Any]) -> str | None:
    """Return the text that an instruction carries."""
    try:
        asked = json.loads(record["instruction"])
    except (ValueError, RecursionError):
        return None
    text = asked.get("input") if isinstance(asked, dict) else None
    return text if isinstance(text, str) else None


def from_output(output: object) -> Graph:
    """Read the answer to an instruction: {label: [name, ...]} or {type: [{subject, object}, ...]}, as JSON or in it."""
    if isinstance(output, str):
        try:
            output = json.loads(output)
        except (ValueError, RecursionError):
            raise ForeignError("the output is no JSON") from None
    if not isinstance(output, dict):
        raise ForeignError("the output is no object of lists by type")
    builder = _Builder()
    for kind, items in output.items():
        for item in items if isinstance(items, list) else [items]:
            if isinstance(item, str):
                builder.entity(item, kind)
            elif isinstance(item, Mapping) and _first(item, "source") and _first(item, "target"):
                ends = [builder.entity(_text(item, end)) for end in ("source", "target")]
                builder.relate(ends[0], kind, ends[1])
            else:
                raise ForeignError(f'"{kind}" holds neither names nor pairs of subject and object')
    return builder.graph()


def _end(item: Mapping[str, Any], end: str, builder: _Builder) -> str:
    value = next((item[key] for key in _SPELLINGS[end] if key in item), None)
    if isinstance(value, Mapping):
        return builder.entity(_text(value, "name"), _first(value, "label"))
    return builder.entity(_text(item, end))


def _maps(value: object) -> Iterable[Mapping[str, Any]]:
    items = value if isinstance(value, list) else []
    for item in items:
        if not isinstance(item, Mapping):
            raise ForeignError(f"{json.dumps(item, ensure_ascii=False)[:60]} is no object")
        yield item


def _first(item: Mapping[str, Any], what: str) -> str:
    found = next((item[key] for key in _SPELLINGS[what] if isinstance(item.get(key), str | int)), "")
    return str(found).strip()


def _text(item: Mapping[str, Any], what: str) -> str:
    found = _first(item, what)
    if not found:
        raise ForeignError(f"{json.dumps(item, ensure_ascii=False)[:80]} has no {' or '.join(_SPELLINGS[what][:2])}")
    return found
