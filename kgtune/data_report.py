"""What a conversion read, used, dropped and wrote: the figures, and their text for a person.

Knows nothing about how any of it was done.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from kgtune.examples import Example, counts_by
from kgtune.grounding import Haystack
from kgtune.ontology import Ontology
from kgtune.preparation import Prepared
from kgtune.sources import RawSet

SCHEMA_VERSION = 1


def build(raw_set: RawSet, prepared: Prepared, ontology: Ontology) -> dict[str, Any]:
    """Gather the figures; plain values only, in a fixed order."""
    originals = [example for example in prepared.examples if not example.aug]
    entities = Counter(entity.labels for example in originals for entity in example.graph.entities)
    types = Counter(edge.type for example in originals for edge in example.graph.relationships)
    counts = raw_set.counts
    return {
        "schema_version": SCHEMA_VERSION,
        "documents": {
            "read": counts["read"],
            "used": len(originals),
            "dropped": _prefixed(counts, "dropped: ") | _repeats(prepared.counts),
        },
        "notes": _prefixed(counts, "note: ") | _prefixed(prepared.counts, "note: "),
        "ontology": {"name": ontology.name, "sha256": ontology.hash},
        "languages": counts_by(originals, "lang"),
        "empty_documents": sum(example.graph.is_empty for example in originals),
        "labels": dict(entities.most_common()),
        "types": dict(types.most_common()),
        "anchored": _anchored(originals),
        "groups": len({example.group_id for example in originals}),
        "rows": {
            "all": len(prepared.examples),
            "by_split": counts_by(prepared.examples, "split"),
            "by_augmentation": {k or "original": v for k, v in counts_by(prepared.examples, "aug").items()},
            "variants_dropped": _variants_dropped(prepared.counts),
        },
        "answer_chars": _quantiles([len(example.answer) for example in prepared.examples]),
        "text_chars": _quantiles([len(example.text) for example in prepared.examples]),
    }


def _prefixed(counts: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {key.removeprefix(prefix): counts[key] for key in sorted(counts) if key.startswith(prefix) and counts[key]}


def _repeats(counts: Mapping[str, int]) -> dict[str, int]:
    return {key: number for key, number in _prefixed(counts, "dropped: ").items() if key.startswith("same text")}


def _variants_dropped(counts: Mapping[str, int]) -> dict[str, int]:
    return {key: number for key, number in _prefixed(counts, "dropped: ").items() if not key.startswith("same text")}


def _anchored(examples: Sequence[Example]) -> dict[str, Any]:
    """Share of names, by label, and of evidence that stand in their text."""
    hits: dict[str, list[bool]] = defaultdict(list)
    evidence: list[bool] = []
    for example in examples:
        haystack = Haystack(example.text)
        for entity in example.graph.entities:
            hits[entity.labels].append(haystack.first(entity.name) is not None)
        evidence += [haystack.first(e.evidence) is not None for e in example.graph.relationships if e.evidence]
    names = {label: _share(found) for label, found in sorted(hits.items())}
    everything = [hit for found in hits.values() for hit in found]
    return {"names": _share(everything), "names_by_label": names, "evidence": _share(evidence)}


def _share(found: Sequence[bool]) -> dict[str, float | int]:
    return {"number": len(found), "anchored_rate": round(sum(found) / len(found), 4) if found else 0.0}


def _quantiles(values: Sequence[int]) -> dict[str, int]:
    ordered = sorted(values) or [0]
    last = len(ordered) - 1
    return {"p50": ordered[last // 2], "p95": ordered[round(last * 0.95)], "max": ordered[-1]}


def as_text(report: Mapping[str, Any]) -> str:
    """Write the figures for a person."""
    documents, rows, anchored = report["documents"], report["rows"], report["anchored"]
    lines = [
        f"documents: {documents['read']} read, {documents['used']} used, {sum(documents['dropped'].values())} dropped",
        *(f"  dropped {number:>5}  {reason}" for reason, number in documents["dropped"].items()),
        *(f"  note    {number:>5}  {what}" for what, number in report["notes"].items()),
        f"languages: {_listed(report['languages'])}; without anything to extract: {report['empty_documents']}",
        f"ontology: {report['ontology']['name']}",
        f"labels: {_listed(report['labels'])}",
        f"types: {_listed(report['types'])}",
        f"stands in its text: {_rate(anchored['names'])} of names, {_rate(anchored['evidence'])} of evidence",
        *(f"  {label:<24} {_rate(share)}" for label, share in anchored["names_by_label"].items()),
        f"rows: {rows['all']} in {report['groups']} groups and the empties: {_listed(rows['by_split'])}",
        f"  {_listed(rows['by_augmentation'])}",
        *(f"  not made {number:>4}  {reason}" for reason, number in rows["variants_dropped"].items()),
        f"text characters: {_listed(report['text_chars'])}; answer characters: {_listed(report['answer_chars'])}",
    ]
    return "\n".join(lines)


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{key} {number}" for key, number in counts.items()) or "none"


def _rate(share: Mapping[str, float]) -> str:
    return f"{share['anchored_rate']:.1%} ({share['number']})"
