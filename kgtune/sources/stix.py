"""STIX 2.0 and 2.1 bundles, ATT&CK's, OpenCTI's and txt2stix's too: the texts are descriptions in them.

Knows nothing about other formats. A report's description becomes a text with those of its objects that it
names; a relationship's description becomes a text with that relationship. Labels and types are STIX's own names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from kgtune import grounding
from kgtune.grounding import Span
from kgtune.sources import mentions
from kgtune.sources import stix_objects as objects
from kgtune.sources.findings import Findings, RawDocument
from kgtune.sources.head import Head
from kgtune.sources.mentions import Annotation, Link, Mention
from kgtune.sources.passage import Passage
from kgtune.sources.reader import Options, scan
from kgtune.sources.scanner import FAULT
from kgtune.sources.stix_objects import StixObject, StixRelationship, StixReport

_ENVELOPE = frozenset({"type", "id", "spec_version", "created", "modified", "more", "next"})


@dataclass(slots=True)
class _Bundle:
    """The objects of a file by id, each in its newest version."""

    things: dict[str, StixObject] = field(default_factory=dict)
    relationships: dict[str, StixRelationship] = field(default_factory=dict)
    reports: dict[str, StixReport] = field(default_factory=dict)
    modified: dict[str, str] = field(default_factory=dict)


def recognises(head: Head) -> bool:
    """Tell a bundle, or a list of STIX objects, by ids such as malware--<uuid>."""
    if head.whole is not None and isinstance(head.whole.get("objects"), list):
        inside = head.whole["objects"]
        return head.whole.get("type") == "bundle" or any(objects.is_stix(one) for one in inside[:20])
    return any(objects.is_stix(item) for item in head.items)


def documents(path: Path, options: Options, findings: Findings) -> Iterator[RawDocument]:
    """Read the file's objects, then yield one document for each description that says something of them."""
    bundle = _Bundle()
    for where, item in _objects(path, findings):
        _add(bundle, where, item, findings)
    for report in bundle.reports.values():
        findings.counts["read"] += 1
        document = _from_report(report, bundle, options, findings)
        if isinstance(document, RawDocument):
            yield document
        else:
            findings.dropped(document)
    for text, relationships in _by_text(bundle, findings).items():
        findings.counts["read"] += 1
        document = _from_relationships(text, relationships, bundle, options, findings)
        if isinstance(document, RawDocument):
            yield document
        else:
            findings.dropped(document)


def _objects(path: Path, findings: Findings) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, record in scan(path, findings).members():
        if key not in ("objects", ""):
            if key not in _ENVELOPE:
                findings.note(f"top-level key ignored: {key}")
            continue
        where = f"{path}:{record.line}: objects[{record.index}]"
        value = record.value
        if isinstance(value, Mapping) and FAULT in value:
            findings.note("STIX object with a fault left out")
        elif objects.is_stix(value):
            inside = value.get("objects") if value["type"] == "bundle" else None
            if isinstance(inside, list):
                yield from ((where, one) for one in inside if objects.is_stix(one))
            else:
                yield f"{where} (id={value['id']})", value
        else:
            findings.counts["read"] += 1
            findings.dropped("E-STIX")
            findings.problem("E-STIX", where, "is no STIX object: it needs a type, and an id that begins with it.",
                             "Export the bundle again, or remove the object.")  # fmt: skip


def _add(bundle: _Bundle, where: str, item: Mapping[str, Any], findings: Findings) -> None:
    identity, kind, modified = item["id"], item["type"], str(item.get("modified", ""))
    if identity in bundle.modified:
        findings.note("older version of a STIX object left out")
        if modified <= bundle.modified[identity]:
            return
    bundle.modified[identity] = modified
    if kind == "relationship":
        bundle.relationships[identity] = objects.relationship(item, where)
        return
    if kind in objects.REPORTS:
        bundle.reports[identity] = objects.report(item, where)
    if kind in objects.NO_ENTITIES:
        findings.note(f"STIX object that is no entity: {kind}")
    else:
        bundle.things[identity] = objects.thing(item, where)


def _from_report(report: StixReport, bundle: _Bundle, options: Options, findings: Findings) -> RawDocument | str:
    kind = report.id.partition("--")[0]
    if report.is_withdrawn:
        return f"STIX {kind} revoked or deprecated"
    if not report.text:
        return f"STIX {kind} without a description"
    passage = Passage(report.text)
    places: dict[str, list[Span]] = {}
    for ref in report.refs:
        thing = bundle.things.get(ref)
        if thing is None and ref not in bundle.relationships:
            findings.note("object of a report that is not in the file")
        if thing is None or thing.is_withdrawn:
            continue
        if spans := _places(passage, thing):
            places[ref] = spans
        else:
            findings.note("object of a report that its description does not name, left out")
    if not places:
        return f"STIX {kind} whose description names none of its objects"
    annotation = Annotation([_mention(bundle.things[ref], spans) for ref, spans in places.items()])
    edges = [bundle.relationships[ref] for ref in report.refs if ref in bundle.relationships]
    for edge in edges:
        if edge.source in places and edge.target in places and not edge.is_withdrawn:
            annotation.links.append(_link(edge, passage, places))
        else:
            findings.note("relationship of a report whose ends its description does not both name, left out")
    return _document(report.id, report.where, passage, annotation, options, findings)


def _by_text(bundle: _Bundle, findings: Findings) -> dict[str, list[StixRelationship]]:
    """Group relationships by their description: one text is one document. Those without one are dropped here."""
    by_text: dict[str, list[StixRelationship]] = {}
    for edge in bundle.relationships.values():
        ends = [bundle.things.get(edge.source), bundle.things.get(edge.target)]
        reason = ""
        if not edge.type:
            reason = "STIX relationship without a relationship_type"
        elif edge.is_withdrawn:
            reason = "STIX relationship revoked or deprecated"
        elif not edge.text:
            reason = "STIX relationship without a description"
        elif any(end is None for end in ends):
            reason = "STIX relationship with an end that is not in the file"
        elif any(end is not None and end.is_withdrawn for end in ends):
            reason = "STIX relationship with an end that is revoked or deprecated"
        if reason:
            findings.counts["read"] += 1
            findings.dropped(reason)
        elif edge.text in by_text:
            findings.note("STIX relationship joined to another of the same description")
            by_text[edge.text].append(edge)
        else:
            by_text[edge.text] = [edge]
    return by_text


def _from_relationships(
    text: str, edges: Sequence[StixRelationship], bundle: _Bundle, options: Options, findings: Findings
) -> RawDocument | str:
    passage = Passage(text)
    ends = {end: bundle.things[end] for edge in edges for end in (edge.source, edge.target)}
    places = {end: _places(passage, thing) for end, thing in ends.items()}
    annotation = Annotation()
    for edge in edges:
        reason = _unfounded(edge, ends, places, text)
        if reason:
            findings.note(f"STIX relationship {reason}, left out")
        else:
            annotation.links.append(_link(edge, passage, places))
    if not annotation.links:
        return "STIX relationship whose description does not bear it out"
    kept = dict.fromkeys(end for link in annotation.links for end in (link.source, link.target))
    annotation.mentions = [_mention(ends[end], places[end]) for end in kept]
    return _document(edges[0].id, edges[0].where, passage, annotation, options, findings)


def _unfounded(
    edge: StixRelationship, ends: Mapping[str, StixObject], places: Mapping[str, list[Span]], text: str
) -> str:
    """Say why a description does not bear its relationship out, "" when it does.

    A technique may be told in other words, an actor, a tool or an address must be named: "It sleeps by day" is no
    text from which a reader could know what sleeps.
    """
    both = (edge.source, edge.target)
    spans = [span for end in both for span in places[end]]
    if not all(ends[end].names for end in both):
        return "with an end that has no name"
    if not spans:
        return "whose description names neither end"
    if any(not places[end] and _must_be_named(ends[end].type) for end in both):
        return "whose description leaves an end unnamed that must be named"
    if max(span.end - span.start for span in spans) + 3 >= len(text):
        return "whose description is the name of an end"
    return ""


@cache
def _must_be_named(label: str) -> bool:
    """Say whether the shipped STIX ontology wants an entity's name in the text."""
    from kgtune import ontology  # reads YAML, which `--help` need not wait for

    known = ontology.load("stix21").label(label)
    return known is not None and known.anchored == "require"


def _places(passage: Passage, thing: StixObject) -> list[Span]:
    """Return where the text names the thing, by the first of its names that it uses outside longer indicators."""
    return next((spans for name in thing.names if (spans := passage.mentions_of(name))), [])


def _mention(thing: StixObject, spans: Sequence[Span]) -> Mention:
    if not spans:
        return Mention(thing.id, thing.type, thing.where, name=thing.names[0])
    return Mention(thing.id, thing.type, thing.where, ((spans[0].start, spans[0].end),))


def _link(edge: StixRelationship, passage: Passage, places: Mapping[str, list[Span]]) -> Link:
    ones, others = places[edge.source], places[edge.target]
    evidence = passage.sentences_around(*passage.closest(ones, others)) if ones and others else passage.text
    return Link(edge.type, edge.source, edge.target, edge.where, edge.confidence, evidence)


def _document(
    identity: str, where: str, passage: Passage, annotation: Annotation, options: Options, findings: Findings
) -> RawDocument | str:  # fmt: skip
    before = len(findings.problems)
    graph = mentions.graph(passage, annotation, options.default_confidence, findings)
    if graph is None:
        return findings.problems[before].code
    return RawDocument(identity, identity, passage.text, graph, grounding.language_of(passage.text), where=where)
