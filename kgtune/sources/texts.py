"""Shape (b): items of {id?, text, lang?, entities[], relationships[]}, and shape (c): rows of {input, output}.

Knows nothing about files' encodings or syntax, nor about chunks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kgtune import grounding
from kgtune.parsing import DuplicateKeyError, loads_strict
from kgtune.sources import fields
from kgtune.sources.findings import Findings, RawDocument
from kgtune.sources.scanner import FAULT, Record, place

SPLITS = ("train", "validation", "test")
_ITEM_KEYS = frozenset({"id", "doc_id", "group_id", "text", "lang", "split", "entities", "relationships"})
_ROW_KEYS = frozenset({"id", "doc_id", "group_id", "input", "output", "lang", "split", "aug"})


def read_item(path: Path, record: Record, default_confidence: float, findings: Findings) -> RawDocument | None:
    """Read one text-centred item; None when it is a problem."""
    item = record.value
    where = place(path, record, item.get("id"))
    for key in item:
        if key not in _ITEM_KEYS and key != FAULT:
            findings.note(f"item key ignored: {key}")
    before = len(findings.problems)
    text = fields.string(item, "text", where, findings, required=True)
    lists: dict[str, list[tuple[str, object]]] = {}
    for key in ("entities", "relationships"):
        value = item.get(key)
        if not isinstance(value, list):
            what = f'"{key}" is missing.' if value is None else f'"{key}" is {type(value).__name__}, not a list.'
            findings.problem("E-MISSING-KEY" if value is None else "E-TYPE", where, what, "Give a list, [] when empty.")
            continue
        lists[key] = [(f"{where}: {key}[{i}]", one) for i, one in enumerate(value)]
    if len(lists) < 2:
        return None
    graph = fields.graph(lists["entities"], lists["relationships"], default_confidence, findings)
    head = _head(item, where, path, text or "", findings)
    if text is None or graph is None or len(findings.problems) > before:
        return None
    return RawDocument(text=text, graph=graph, where=where, **head)


def read_row(path: Path, record: Record, default_confidence: float, findings: Findings) -> RawDocument | None:
    """Read one training row: `output` holds the graph as a JSON string (or, by mistake, as an object)."""
    row = record.value
    where = place(path, record, row.get("id"))
    for key in row:
        if key not in _ROW_KEYS and key != FAULT:
            findings.note(f"item key ignored: {key}")
    output = row.get("output")
    if isinstance(output, str):
        try:
            output = loads_strict(output)
        except DuplicateKeyError as error:
            findings.problem("E-DUPLICATE-KEY", f"{where}: output", f"{error}.", "Keep one of the two.")
            return None
        except (ValueError, RecursionError) as error:
            findings.problem(
                "E-OUTPUT", f"{where}: output", f"is not JSON: {error}.", "Give the graph as a JSON string."
            )
            return None
    if not isinstance(output, Mapping):
        findings.problem("E-OUTPUT", f"{where}: output", "is no graph.", "Give the graph as a JSON string.")
        return None
    item = {key: value for key, value in row.items() if key in _ITEM_KEYS}
    item |= {"text": row.get("input"), "entities": output.get("entities"), "relationships": output.get("relationships")}
    return read_item(path, Record(item, record.line, record.index), default_confidence, findings)


def _head(item: Mapping[str, Any], where: str, path: Path, text: str, findings: Findings) -> dict[str, Any]:
    digest = hashlib.sha256(text.encode("utf-8")).hexdigest()[:12]
    identity = _identifier(item, "id", where, findings) or f"{path.stem}-{digest}"
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
