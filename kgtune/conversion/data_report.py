"""What a conversion read, used, dropped and wrote: the figures, and their text for a person.

Knows nothing about how any of it was done. Figures of parts of the data add up to those of the whole, in any order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kgtune.examples import Example
from kgtune.grounding import haystack
from kgtune.ontology import Ontology
from kgtune.splitting import leaks
from kgtune.splitting.split_lock import NAME as LOCK

SCHEMA_VERSION = 1


@dataclass(slots=True)
class Figures:
    """What documents hold, counted. `names` and `names_anchored` go by label."""

    languages: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    anchored: Counter[str] = field(default_factory=Counter)
    evidence: Counter[str] = field(default_factory=Counter)
    renamed: Counter[str] = field(default_factory=Counter)
    num_documents: int = 0
    num_empty: int = 0

    def add(self, example: Example, renamed: Mapping[str, int] | None = None) -> None:
        """Count a document; its names and evidence are looked for in its text."""
        text = haystack(example.text)
        self.num_documents += 1
        self.num_empty += example.graph.is_empty
        self.languages[example.lang] += 1
        for entity in example.graph.entities:
            self.labels[entity.labels] += 1
            self.anchored[entity.labels] += text.anchor(entity.name) is not None
        for edge in example.graph.relationships:
            self.types[edge.type] += 1
            if edge.evidence:
                self.evidence["number"] += 1
                self.evidence["anchored"] += text.first(edge.evidence) is not None
        self.renamed.update(renamed or {})

    def update(self, other: Figures) -> None:
        """Add the figures of other documents."""
        for name in ("languages", "labels", "types", "anchored", "evidence", "renamed"):
            getattr(self, name).update(getattr(other, name))
        self.num_documents += other.num_documents
        self.num_empty += other.num_empty


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of the training data, counted; `drops` are the variants that were not made."""

    by_split: Mapping[str, int]
    by_aug: Mapping[str, int]
    text_chars: Sequence[int]
    answer_chars: Sequence[int]
    drops: Mapping[str, int]


def build(
    counts: Mapping[str, int],
    figures: Figures,
    rows: Rows,
    ontology: Ontology,
    leakage: Mapping[str, Any],
    splits: Mapping[str, Any],
) -> dict[str, Any]:
    """Gather the figures; plain values only, in a fixed order.

    `counts` are the readers' and the placement's: "read", "dropped: ..." and "note: ...".
    """
    notes = _prefixed(counts, "note: ")
    for what, number in sorted(figures.renamed.items()):
        notes[what] = notes.get(what, 0) + number
    return {
        "schema_version": SCHEMA_VERSION,
        "documents": {
            "read": counts.get("read", 0),
            "used": figures.num_documents,
            "dropped": _prefixed(counts, "dropped: "),
        },
        "notes": notes,
        "ontology": {"name": ontology.name, "sha256": ontology.hash},
        "languages": _by_count(figures.languages),
        "empty_documents": figures.num_empty,
        "labels": _by_count(figures.labels),
        "types": _by_count(figures.types),
        "anchored": {
            "names": _share(figures.labels.total(), figures.anchored.total()),
            "names_by_label": {
                label: _share(number, figures.anchored[label]) for label, number in sorted(figures.labels.items())
            },
            "evidence": _share(figures.evidence["number"], figures.evidence["anchored"]),
        },
        "groups": splits["groups"],
        "rows": {
            "all": len(rows.text_chars),
            "by_split": _by_count(rows.by_split),
            "by_augmentation": {name or "original": number for name, number in _by_count(rows.by_aug).items()},
            "variants_dropped": dict(sorted(rows.drops.items())),
        },
        "answer_chars": _quantiles(rows.answer_chars),
        "text_chars": _quantiles(rows.text_chars),
        "splits": dict(splits),
        "leaks": dict(leakage),
    }


def _by_count(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _prefixed(counts: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {key.removeprefix(prefix): counts[key] for key in sorted(counts) if key.startswith(prefix) and counts[key]}


def _share(number: int, anchored: int) -> dict[str, float | int]:
    return {"number": number, "anchored_rate": round(anchored / number, 4) if number else 0.0}


def _quantiles(values: Iterable[int]) -> dict[str, int]:
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
        *_kept(report["splits"]),
        *leaks.lines(report["leaks"], report["splits"]["rare_labels"]),
        f"text characters: {_listed(report['text_chars'])}; answer characters: {_listed(report['answer_chars'])}",
    ]
    return "\n".join(lines)


def _kept(splits: Mapping[str, Any]) -> list[str]:
    """Say what the lock did, where it did anything."""
    if not splits["kept_by_the_lock"] + len(splits["moved_from_the_lock"]):
        return []
    moved = f"; moved: {', '.join(splits['moved_from_the_lock'])}" if splits["moved_from_the_lock"] else ""
    return [f"  {splits['kept_by_the_lock']} groups are where {LOCK} has them (delete it to split anew){moved}"]


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{key} {number}" for key, number in counts.items()) or "none"


def _rate(share: Mapping[str, float]) -> str:
    return f"{share['anchored_rate']:.1%} ({share['number']})"
