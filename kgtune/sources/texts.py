"""Shape (b): items of {id?, text, lang?, entities[], relationships[]}, one a document.

Knows nothing about files' encodings or syntax, nor about other shapes; they may write themselves as this one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kgtune import grounding
from kgtune.graph import to_object
from kgtune.sources import assembly, fields
from kgtune.sources.fields import ITEM_KEYS
from kgtune.sources.findings import Findings, RawDocument
from kgtune.sources.head import Head
from kgtune.sources.reader import Options, each_record
from kgtune.sources.scanner import FAULT, Record, place
from kgtune.sources.shapes import is_mixed

SPLITS = ("train", "validation", "test")


def recognises(head: Head) -> bool:
    """Tell items with a text or with lists of a graph."""
    return any({"text", "entities", "relationships"} & item.keys() for item in head.items)


def documents(path: Path, options: Options, findings: Findings) -> Iterator[RawDocument]:
    """Read one document an item."""
    return each_record(path, findings, lambda _, record: read_item(path, record, options.default_confidence, findings))


def read_item(path: Path, record: Record, default_confidence: float, findings: Findings) -> RawDocument | None:
    """Read one text-centred item; None when it is a problem."""
    item = record.value
    where = place(path, record, item.get("id"))
    if is_mixed(item, "names", where, findings):
        return None
    if not item.keys() <= ITEM_KEYS:
        for key in sorted(item.keys() - ITEM_KEYS - {FAULT}):
            findings.note(f"item key ignored: {key}")
    before = len(findings.problems)
    text = fields.string(item, "text", where, findings, required=True)
    entities = _members(item, "entities", where, findings, lost=", so its relationships were not read either")
    edges = _members(item, "relationships", where, findings)
    read = assembly.graph(entities or [], edges or [] if entities is not None else [], default_confidence, findings)
    head = _head(item, where, path, text or "", findings)
    document = RawDocument(text=text or "", graph=read.graph, where=where, **head)
    if len(findings.problems) == before:
        return document
    findings.partial(document, read.entity_places, read.edge_places)
    return None


def _members(
    item: Mapping[str, Any], key: str, where: str, findings: Findings, *, lost: str = ""
) -> list[tuple[str, object]] | None:
    value = item.get(key)
    fix = "Give a list, [] when empty."
    if isinstance(value, list):
        return [(f"{where}: {key}[{i}]", one) for i, one in enumerate(value)]
    if value is None:
        fields.missing(item, key, where, fix, findings, lost=lost)
    else:
        what = f'"{key}" is {type(value).__name__}, not a list{lost}.'
        findings.problem("E-TYPE", fields.below(where, key), what, fix)
    return None


def to_item(document: RawDocument) -> dict[str, Any]:
    """Write a document as an item that reads back equal."""
    item = {"id": document.id, "doc_id": document.doc_id, "text": document.text, "lang": document.lang}
    given = {"group_id": document.group_id, "split": document.split}
    return item | {key: value for key, value in given.items() if value} | to_object(document.graph)


def identity_of(path: Path, text: str) -> str:
    """Name a document that has no id of its own: by its file and its text, so that it is found again."""
    return f"{path.stem}-{hashlib.sha256(text.encode('utf-8')).hexdigest()[:12]}"


def has_id(item: Mapping[str, Any]) -> bool:
    """Tell whether an item or row has an id of its own."""
    return _identifier(item, "id", "", Findings()) is not None


def _head(item: Mapping[str, Any], where: str, path: Path, text: str, findings: Findings) -> dict[str, Any]:
    identity = _identifier(item, "id", where, findings) or identity_of(path, text)
    split = item.get("split") or None
    if split is not None and split not in SPLITS:
        findings.problem("E-SPLIT", where, f'split is "{split}".', f"Give one of {', '.join(SPLITS)}, or leave it out.")
        split = None
    lang = item.get("lang")
    if lang not in ("zh", "en", "mixed"):
        if lang:
            findings.note(f'lang "{lang}" replaced by what the text shows')
        lang = grounding.language_of(text)
    return {
        "id": identity,
        "doc_id": _identifier(item, "doc_id", where, findings) or identity,
        "group_id": _identifier(item, "group_id", where, findings),
        "lang": lang,
        "split": split,
    }


def _identifier(item: Mapping[str, Any], key: str, where: str, findings: Findings) -> str | None:
    value = item.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    text = fields.string(item, key, where, findings, required=False)
    return text.strip() or None if text else None
