"""Whether a record marks spans of its text, as annotation tools do, or names what stands in it, as our own shape does.

Knows nothing about files. An empty list of entities says neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from kgtune.sources.findings import Findings

SPAN_KEYS = ("entities", "label", "labels", "annotations")
Shape = Literal["spans", "names", ""]


def shape_of(item: Mapping[str, Any]) -> Shape:
    """Tell by what a record's lists hold; "" where they hold nothing that tells."""
    if any(_is_span(one) for key in SPAN_KEYS for one in items_of(item, key)[:1]):
        return "spans"
    if any(isinstance(one, Mapping) and {"from_id", "to_id"} <= one.keys() for one in items_of(item, "relations")[:1]):
        return "spans"
    named = any(isinstance(one, Mapping) and "name" in one for one in items_of(item, "entities"))
    return "names" if named or "relationships" in item else ""


def is_mixed(item: Mapping[str, Any], expected: Shape, where: str, findings: Findings) -> bool:
    """Say whether a record is of another shape than its file's others, which is a problem."""
    found = shape_of(item)
    if found in ("", expected):
        return False
    spans, names = "marks spans, as doccano does", "names entities by text, entities and relationships"
    this, others = (spans, names) if found == "spans" else (names, spans)
    what = f"{this}, and its file is read as one that {others}: nothing of it was read."
    findings.problem("E-MIXED", where, what, "Put it into a file of its own, or write it as the others are.")
    return True


def items_of(item: Mapping[str, Any], key: str) -> list[Any]:
    """Return a record's list; an empty one where there is none."""
    value = item.get(key)
    return value if isinstance(value, list) else []


def _is_span(one: object) -> bool:
    if isinstance(one, Mapping):
        return "start_offset" in one and "name" not in one
    return isinstance(one, list) and len(one) == 3 and isinstance(one[0], int) and isinstance(one[1], int)
