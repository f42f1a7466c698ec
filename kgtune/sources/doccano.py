"""doccano's JSON Lines: relation extraction and sequence labelling, in the spellings of its versions.

Knows nothing about files. Spans count code points. doccano also exports texts that nobody has looked at, so a
text without any mark is no example of an empty graph, unless somebody approved it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kgtune import grounding
from kgtune.sources import fields, mentions
from kgtune.sources.findings import Findings, RawDocument
from kgtune.sources.head import Head
from kgtune.sources.mentions import Annotation, Link, Mention
from kgtune.sources.passage import Passage
from kgtune.sources.reader import Options, each_record
from kgtune.sources.scanner import FAULT, Record, place
from kgtune.sources.shapes import SPAN_KEYS, is_mixed, items_of, shape_of
from kgtune.sources.texts import identity_of

_TEXT_KEYS = ("text", "data")
_KNOWN = {"id", *_TEXT_KEYS, *SPAN_KEYS, "relations", "meta", "annotation_approver", "is_confirmed", "Comments"}


def recognises(head: Head) -> bool:
    """Tell a file by its records: some mark spans, and no more of them name entities; or nobody has marked anything."""
    items = [item for item in head.items if isinstance(_text(item), str)]
    shapes = [shape_of(item) for item in items]
    num_spans, num_names = shapes.count("spans"), shapes.count("names")
    if num_spans or num_names:
        return num_spans > 0 and num_spans >= num_names
    return any(isinstance(item.get("relations"), list) and isinstance(item.get("entities"), list) for item in items)


def documents(path: Path, options: Options, findings: Findings) -> Iterator[RawDocument]:
    """Read one document an item."""

    def read(item: dict[str, Any], record: Record) -> RawDocument | str | None:
        where = place(path, record, item.get("id"))
        return _document(path, item, where, options.default_confidence, findings)

    return each_record(path, findings, read)


def _document(
    path: Path, item: Mapping[str, Any], where: str, default_confidence: float, findings: Findings
) -> RawDocument | str | None:
    if is_mixed(item, "spans", where, findings):
        return None
    before = len(findings.problems)
    for key in sorted(item.keys() - _KNOWN - {FAULT}):
        findings.note(f"item key ignored: {key}")
    text_key = next((key for key in _TEXT_KEYS if isinstance(item.get(key), str)), "text")
    if fields.string(item, text_key, where, findings, required=True) is None:
        return None
    spans = [span for key in SPAN_KEYS for span in items_of(item, key)]
    if not spans and not (item.get("annotation_approver") or item.get("is_confirmed")):
        return "doccano item without a mark: it may not have been annotated"
    passage = Passage(item[text_key])
    annotation = Annotation()
    for number, span in enumerate(spans):
        mention = _mention(passage, span, number, f"{where}: span {number + 1}", findings)
        if mention is not None:
            annotation.mentions.append(mention)
    for number, relation in enumerate(items_of(item, "relations")):
        link = _link(relation, f"{where}: relations[{number}]", findings)
        if link is not None:
            annotation.links.append(link)
    if len(findings.problems) > before:
        return None
    graph = mentions.graph(passage, annotation, default_confidence, findings)
    if graph is None:
        return None
    # Its numbers begin at 1 in every project, and its exports are all called all.jsonl.
    identity = identity_of(path, passage.text)
    return RawDocument(identity, identity, passage.text, graph, grounding.language_of(passage.text), where=where)


def _text(item: Mapping[str, Any]) -> object:
    return next((item[key] for key in _TEXT_KEYS if isinstance(item.get(key), str)), None)


def _mention(passage: Passage, span: object, number: int, where: str, findings: Findings) -> Mention | None:
    if isinstance(span, list) and len(span) == 3:
        start, end, label, key = *span, f"m{number + 1}"
    elif isinstance(span, Mapping):
        start, end, label = (span.get(name) for name in ("start_offset", "end_offset", "label"))
        key = str(span["id"]) if span.get("id") is not None else f"m{number + 1}"
    else:
        findings.problem("E-TYPE", where, f"is {span!r}, no span.", "Give [start, end, label], or an object of these.")
        return None
    if not isinstance(label, str) or not label.strip():
        findings.problem("E-LABEL", where, f"its label is {label!r}.",
                         "Export as JSONL, where labels are written by name.")  # fmt: skip
        return None
    place = passage.place(start, end) if type(start) is int and type(end) is int else None
    if place is None:
        what = f"goes from {start!r} to {end!r}, and the text has {len(passage.raw)} characters."
        findings.problem("E-SPAN", where, what, "Mark it again in doccano, and export again.")
        return None
    if passage.has_pairs:
        # doccano counts code points, or grapheme clusters when a project says so; an export does not tell.
        findings.note("doccano span in a text with characters such as emoji, read as code points")
    return Mention(key, fields.clean(label).strip(), where, (place,))


def _link(relation: object, where: str, findings: Findings) -> Link | None:
    if not isinstance(relation, Mapping) or not {"from_id", "to_id"} <= relation.keys():
        findings.problem("E-TYPE", where, f"is {relation!r}.", "Give from_id, to_id and type.")
        return None
    kind = fields.string(relation, "type", where, findings, required=True)
    return None if kind is None else Link(kind.strip(), str(relation["from_id"]), str(relation["to_id"]), where)
