"""Some originals beside their variants, as text for a person to read: are they fluent, and still true.

Knows nothing about how variants are made. No check can tell whether a synonym reads well; this is for the eye.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from kgtune.examples import Example

NUM_PAIRS = 20


def as_text(rows: Iterable[Example], seed: int, number: int = NUM_PAIRS) -> str:
    """Write pairs of original and variant, the operations in turn; chosen by hash, so that a run shows the same."""
    rows = list(rows)
    originals = {row.id: row for row in rows if not row.aug}
    by_operation: dict[str, list[Example]] = {}
    for row in sorted(rows, key=lambda row: hashlib.sha256(f"{seed}\0{row.id}".encode()).digest()):
        if row.aug and _parent_id(row) in originals:
            by_operation.setdefault(row.aug, []).append(row)
    chosen: list[Example] = []
    while len(chosen) < number and any(by_operation.values()):
        for operation in sorted(by_operation):
            if by_operation[operation] and len(chosen) < number:
                chosen.append(by_operation[operation].pop(0))
    pairs = [_pair(place, originals[_parent_id(row)], row) for place, row in enumerate(chosen, start=1)]
    return "\n".join(pairs) if pairs else "no variants\n"


def _parent_id(variant: Example) -> str:
    return variant.id.rpartition("+")[0]


def _pair(place: int, parent: Example, variant: Example) -> str:
    old, new = ({entity.name for entity in example.graph.entities} for example in (parent, variant))
    told = f", {len(new - old)} names replaced" if new - old else ""
    head = f"{place}. {variant.aug} of {parent.id}{told}"
    return "\n".join([head, "  original", _indented(parent.text), "  variant", _indented(variant.text), ""])


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.strip().split("\n"))
