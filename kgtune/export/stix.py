"""A STIX 2.1 bundle: deterministic ids, confidence from 0 to 100, evidence kept, and nothing said that is not meant.

Knows nothing about labels and types: stix_mapping says what they become. A relationship that the standard does not
have is no `related-to`: it becomes a note on the objects at its ends, and is counted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from kgtune.document import Document, moment
from kgtune.export import stix_mapping as mapping
from kgtune.export import stix_objects
from kgtune.export.records import Content, Exported
from kgtune.export.stix_mapping import End, Object, Said
from kgtune.export.stix_objects import Properties, our_id
from kgtune.graph import Relationship
from kgtune.ontology import Ontology

UNKNOWN_TIME = "1970-01-01T00:00:00.000Z"
"""Where a document does not say when it was published: an object needs a time, and now would change the bytes."""
NO_DATE = "no publication date: timestamps are 1970-01-01, give published"
_TLP_EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
# TLP 2.0 as OASIS publishes it for STIX 2.1, whose own markings are TLP 1.0.
_TLP = {
    "clear": "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    "green": "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "amber": "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "amber+strict": "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    "red": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}


def write(content: Content) -> Exported:
    """Write the bundle; what the standard has no place for is among the findings."""
    bundle = _Bundle(content.document, mapping.ontology_of(content.graph, content.ontology))
    ends = {entity.id: mapping.end_of(entity, bundle.ontology) for entity in content.graph.entities}
    bundle.add_entities(list(ends.values()))
    for edge in content.graph.relationships:
        bundle.add_relationship(edge, ends[edge.source], ends[edge.target])
    bundle.finish(ends)
    objects = [*bundle.markings(), *bundle.report(), *bundle.objects.values()]
    if content.document.published is None and any("created" in one for one in bundle.objects.values()):
        bundle.findings[NO_DATE] += 1
    text = json.dumps(objects, ensure_ascii=False, separators=(",", ":"))
    whole: dict[str, Any] = {"type": "bundle", "id": our_id("bundle", text)} | ({"objects": objects} if objects else {})
    written = json.dumps(whole, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    return Exported(written.encode("utf-8"), bundle.findings)


@dataclass
class _Bundle:
    """The objects so far, by id."""

    document: Document
    ontology: Ontology
    objects: dict[str, Properties] = field(default_factory=dict)
    findings: Counter[str] = field(default_factory=Counter)
    _held: set[str] = field(default_factory=set)  # ids of entities that a property or a note holds

    def add_entities(self, ends: Sequence[End]) -> None:
        for end in ends:
            for number, one in enumerate(end.objects):
                if one.id in self.objects:
                    self.findings["two entities are one STIX object"] += number == 0
                    self._describe(one, end.entity.description)
                else:
                    self.objects[one.id] = self._object(one, end.entity.description)
            if len(end.objects) > 1:
                first, second = end.objects[:2]
                self._relate(Said(first, second, verb="consists-of"), "", None)

    def _describe(self, one: Object, description: str) -> None:
        if description and not stix_objects.is_observable(one.type):
            self.objects[one.id].setdefault("description", description)

    def _object(self, one: Object, description: str) -> Properties:
        if stix_objects.is_observable(one.type):
            return {"type": one.type, "spec_version": "2.1", "id": one.id} | self._marking() | one.properties
        made = self._head(one.type, one.id) | one.properties
        made |= {"valid_from": self.time} if one.type == "indicator" else {}
        made |= {"published": self.time} if one.type == "report" else {}
        made |= {"description": description} if description and one.type != "note" else {}
        if references := [*made.pop("external_references", []), *self._references()]:
            made["external_references"] = references
        return made

    def add_relationship(self, edge: Relationship, source: End, target: End) -> None:
        way = mapping.said(edge.type, source, target, self.ontology)
        if way is not None and way.verb:
            self._relate(way, edge.evidence, edge)
        elif way is not None and way.other is not None:
            self._refer(way.owner, way.other.id)
        elif way is not None:
            holder = target if way.owner in source.objects else source
            self._held.add(holder.entity.id)
            phases = self.objects[way.owner.id].setdefault(way.property, [])
            if (phase := mapping.phase(holder.entity.name, self.ontology)) not in phases:
                phases.append(phase)
        if way is None or not way.verb:
            self._note(edge, source, target, way)

    def _relate(self, way: Said, evidence: str, edge: Relationship | None) -> None:
        assert way.other is not None, way
        said = (edge.type, evidence) if edge else ("", "")
        id_ = our_id("relationship", way.owner.id, way.verb, way.other.id, *said)
        made = self._head("relationship", id_) | {"relationship_type": way.verb}
        made |= {"description": evidence} if evidence else {}
        made |= {"source_ref": way.owner.id, "target_ref": way.other.id}
        made |= {"confidence": _percent(edge)} if edge else {}
        if references := self._references():
            made["external_references"] = references
        self.findings["relationship given twice"] += edge is not None and id_ in self.objects
        self.objects.setdefault(id_, made)

    def _refer(self, owner: Object, ref: str) -> None:
        refs = self.objects[owner.id].setdefault("object_refs", [])
        if ref not in refs and ref != owner.id:
            refs.append(ref)

    def _note(self, edge: Relationship, source: End, target: End, way: Said | None) -> None:
        """Say on the objects at hand what a relationship object can't say; a property can't hold the evidence."""
        refs = list(dict.fromkeys(end.objects[0].id for end in (source, target) if end.objects))
        where = f"{source.entity.labels} {edge.type} {target.entity.labels}"
        if way is None:
            self.findings[f"no STIX relationship: {where}"] += 1
        if not refs:
            self.findings["relationship left out, no STIX object at either end"] += 1
            return
        self._held |= {end.entity.id for end in (source, target) if not end.objects}
        names = (
            f"{source.entity.name} ({source.entity.labels}) {edge.type} {target.entity.name} ({target.entity.labels})"
        )
        text = f"{names}: {edge.evidence}" if edge.evidence else names
        id_ = our_id("note", text, *refs)
        made = self._head("note", id_) | {"abstract": where, "content": text, "confidence": _percent(edge)}
        self.objects.setdefault(id_, made | {"object_refs": refs})

    def finish(self, ends: dict[str, End]) -> None:
        """Fill or drop what must refer to others, and count the entities that have no object."""
        for end in ends.values():
            if not end.objects and end.entity.id not in self._held:
                self.findings[f"entity left out, no STIX object for it: {end.entity.labels}"] += 1
        collecting = [id_ for id_, made in self.objects.items() if made["type"] in stix_objects.COLLECTING]
        for id_ in collecting:
            self._collect(id_)
        while empty := [id_ for id_ in collecting if id_ in self.objects and not self.objects[id_].get("object_refs")]:
            for id_ in empty:
                self._drop(id_)
        self.findings = +self.findings

    def _collect(self, id_: str) -> None:
        """Refer to whatever a relationship joins a report to: the standard wants one object at least."""
        made = self.objects[id_]
        if made.get("object_refs"):
            return
        edges = [one for one in self.objects.values() if id_ in (one.get("source_ref"), one.get("target_ref"))]
        ends = [one["source_ref"] if one["target_ref"] == id_ else one["target_ref"] for one in edges]
        if refs := [ref for ref in dict.fromkeys(ends) if ref != id_]:
            made["object_refs"] = refs

    def _drop(self, id_: str) -> None:
        """Take out an object without references, and whatever leads to it."""
        made = self.objects.pop(id_)
        self.findings[f"{made['type']} left out, it refers to nothing"] += 1
        for other_id, other in list(self.objects.items()):
            if id_ in (other.get("source_ref"), other.get("target_ref")):
                del self.objects[other_id]
                self.findings["relationship left out, its end was"] += 1
            elif id_ in other.get("object_refs", ()):
                other["object_refs"] = [ref for ref in other["object_refs"] if ref != id_]

    # --- the document

    @property
    def time(self) -> str:
        return _time(self.document.published) if self.document.published else UNKNOWN_TIME

    def markings(self) -> list[Properties]:
        """Return the definition of the document's sharing label."""
        tlp = self.document.tlp
        if tlp is None or not self.objects:
            return []
        extension = {_TLP_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": tlp}}
        head = {"type": "marking-definition", "spec_version": "2.1", "id": _TLP[tlp]}
        return [head | {"created": "2022-10-01T00:00:00.000Z", "name": f"TLP:{tlp.upper()}", "extensions": extension}]

    def report(self) -> list[Properties]:
        """Return the report that the document is, where it has a name and there is something in it."""
        if not self.document.name or not self.objects:
            return []
        document = self.document
        id_ = our_id("report", document.title or "", document.url or "", document.published or "")
        made = self._head("report", id_) | {"name": document.name, "published": self.time}
        made |= {"object_refs": list(self.objects)}
        return [made | ({"external_references": self._references()} if document.url else {})]

    def _head(self, type_: str, id_: str) -> Properties:
        head = {"type": type_, "spec_version": "2.1", "id": id_, "created": self.time, "modified": self.time}
        return head | self._marking()

    def _marking(self) -> Properties:
        return {"object_marking_refs": [_TLP[self.document.tlp]]} if self.document.tlp else {}

    def _references(self) -> list[Properties]:
        if not self.document.name:
            return []
        name = {"source_name": self.document.name}
        return [name | ({"url": self.document.url} if self.document.url else {"description": self.document.name})]


def _percent(edge: Relationship) -> int:
    return round(100 * edge.confidence)


def _time(value: str) -> str:
    """Write a date or time as STIX does: UTC, milliseconds."""
    return f"{moment(value).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
