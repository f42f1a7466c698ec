"""MISP events with reports: the report is the text, and its marks of attributes, objects and tags the mentions.

Knows nothing about other formats. A mark such as @[attribute](uuid) is replaced by the value that it stands for;
an event without a report has no text, and is counted as such.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kgtune import grounding
from kgtune.sources import fields, mentions
from kgtune.sources import misp_objects as objects
from kgtune.sources.findings import Findings, RawDocument
from kgtune.sources.head import Head
from kgtune.sources.mentions import Annotation, Link, Mention
from kgtune.sources.misp_objects import MispThing
from kgtune.sources.passage import Passage, Place
from kgtune.sources.reader import Options, scan
from kgtune.sources.scanner import FAULT

_MARK = re.compile(r'@!?\[(?P<kind>attribute|object|tag|galaxymatrix)\]\((?P<what>(?:[^()"\n]|"[^"\n]*")+)\)')


@dataclass(frozen=True, slots=True)
class _Marked:
    """A report's text with its marks replaced, and where each value came to stand."""

    text: str
    places: list[tuple[MispThing, Place]]


def recognises(head: Head) -> bool:
    """Tell an event, a list of events, or a server's response of events."""
    wrapped = head.whole.get("response") if head.whole is not None else None
    items = [*head.items, *objects.dicts(wrapped)]
    return any(isinstance(item.get("Event"), Mapping) for item in items)


def documents(path: Path, options: Options, findings: Findings) -> Iterator[RawDocument]:
    """Read one document a report of an event."""
    for where, event in _events(path, findings):
        if FAULT in event:
            findings.counts["read"] += 1
            findings.dropped(event[FAULT])
            continue
        reports = objects.dicts(event.get("EventReport"))
        if not reports:
            findings.counts["read"] += 1
            findings.dropped("MISP event without a report: no text")
        by_uuid = {thing.uuid: thing for thing in objects.things(event)} if reports else {}
        for number, report in enumerate(reports):
            findings.counts["read"] += 1
            place = f"{where}: EventReport[{number}]"
            document = _document(report, event, by_uuid, place, options, findings)
            if isinstance(document, RawDocument):
                yield document
            else:
                findings.dropped(document)


def _events(path: Path, findings: Findings) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, record in scan(path, findings).members():
        value = record.value
        event = value if key == "Event" else value.get("Event") if isinstance(value, Mapping) else None
        if isinstance(event, Mapping):
            if isinstance(value, Mapping) and FAULT in value:
                event = {**event, FAULT: value[FAULT]}
            yield f"{path}:{record.line}: event {event.get('uuid', record.index + 1)}", event
        elif key in ("", "response"):
            findings.counts["read"] += 1
            findings.dropped("MISP record that is no event")
        else:
            findings.note(f"top-level key ignored: {key}")


def _document(
    report: Mapping[str, Any],
    event: Mapping[str, Any],
    by_uuid: Mapping[str, MispThing],
    where: str,
    options: Options,
    findings: Findings,
) -> RawDocument | str:
    before = len(findings.problems)
    if objects.is_deleted(report):
        return "MISP report deleted"
    if not isinstance(report.get("content"), str) or not report["content"].strip():
        return "MISP report without content: no text"
    content = fields.string(report, "content", where, findings, required=True)
    if content is None:
        return findings.problems[before].code
    marked = _replaced(content, by_uuid, findings)
    passage = Passage(marked.text)
    annotation = _annotation(passage, marked, event, by_uuid, where, findings)
    if not annotation.mentions:
        return "MISP report that names nothing of its event"
    graph = mentions.graph(passage, annotation, options.default_confidence, findings)
    if graph is None:
        return findings.problems[before].code
    identity = str(report.get("uuid") or report.get("id") or where)
    doc_id = str(event.get("uuid") or identity)
    return RawDocument(identity, doc_id, passage.text, graph, grounding.language_of(passage.text), where=where)


def _replaced(content: str, by_uuid: Mapping[str, MispThing], findings: Findings) -> _Marked:
    """Write the value in place of each mark, and keep where it stands."""
    parts: list[str] = []
    places: list[tuple[MispThing, Place]] = []
    length = at = 0
    for match in _MARK.finditer(content):
        before = content[at : match.start()]
        at = match.end()
        thing = objects.from_tag(match["what"]) if match["kind"] == "tag" else by_uuid.get(match["what"].strip())
        value = thing.names[0] if thing is not None and thing.names else ""
        if not value:
            findings.note(f"mark of an unknown {match['kind']} taken out of a MISP report")
        parts += [before, value]
        length += len(before)
        if thing is not None and value and thing.label and not thing.is_deleted:
            places.append((thing, (length, length + len(value))))
        length += len(value)
    return _Marked("".join([*parts, content[at:]]), places)


def _annotation(
    passage: Passage,
    marked: _Marked,
    event: Mapping[str, Any],
    by_uuid: Mapping[str, MispThing],
    where: str,
    findings: Findings,
) -> Annotation:
    annotation = Annotation()
    first: dict[str, str] = {}
    for number, (thing, (start, end)) in enumerate(marked.places):
        place = passage.place(start, end)
        if place is not None:
            key = thing.uuid if thing.uuid not in first else f"{thing.uuid} #{number}"
            first.setdefault(thing.uuid, key)
            annotation.mentions.append(Mention(key, thing.label, where, (place,)))
    for thing in by_uuid.values():
        if thing.uuid in first or not thing.label or thing.is_deleted:
            continue
        span = next((spans[0] for name in thing.names if (spans := passage.mentions_of(name))), None)
        if span is not None:
            findings.note("named in a MISP report without a mark, taken as a mention")
            first[thing.uuid] = thing.uuid
            annotation.mentions.append(Mention(thing.uuid, thing.label, where, ((span.start, span.end),)))
    for source, kind, target in objects.references(event):
        if source in first and target in first:
            annotation.links.append(Link(kind, first[source], first[target], where))
        else:
            findings.note("reference whose ends a MISP report does not both name, left out")
    return annotation
