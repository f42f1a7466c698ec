"""One system's numbers over a set of documents, as they stand in the results: metrics, intervals, findings, slices.

Knows nothing about other systems or files. The keys are described in schema.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kgtune.scoring import statistics
from kgtune.scoring.grounded import EVIDENCE_LEVELS, NAME_LEVELS
from kgtune.scoring.metrics import COMPARED, COUNTERS, FIXED, IN_SLICES, INDEX, METRICS, NUM_BINS, Metric, values
from kgtune.scoring.sample import TRAITS, Sample
from kgtune.scoring.statistics import Bootstrap, Counts, Floats
from kgtune.scoring.tally import Cell

CELLS = {
    "label": "entity", "type": "relationship", "entity_names": "entity", "relationship_names": "relationship",
}  # fmt: skip
"""Slices of the items, and the kind of item that each one holds."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a system's answers cost, all documents together; None is unknown."""

    seconds: float | None = None
    num_prompt_tokens: int | None = None
    num_answer_tokens: int | None = None
    num_forward_passes: int | None = None


def column(sample: Sample, bootstrap: Bootstrap, cost: Cost = Cost()) -> dict[str, Any]:
    """Score a sample."""
    documents = sample.by_document()
    resampled = statistics.resampled_sums(documents, bootstrap)
    sums = documents.sum(axis=0)
    return {
        "num_rows": sample.num_rows,
        "num_documents": len(documents),
        "num_rows_with_text": int(sums[INDEX["rows_with_text"]]),
        "metrics": {name: number(metric, documents, resampled) for name, metric in METRICS.items()},
        "levels": {
            "names": {level: int(sums[INDEX[f"name_{level}"]]) for level in NAME_LEVELS},
            "evidence": {level: int(sums[INDEX[f"evidence_{level}"]]) for level in EVIDENCE_LEVELS},
        },
        "reliability": reliability(sums, ""),
        "reliability_given": reliability(sums, "given_"),
        "reasons": dict(sorted(sample.reasons.items(), key=lambda item: (-item[1], item[0]))),
        "findings": {
            code: {"count": sample.finding_counts[code], "rows": sample.findings[code]}
            for code in sorted(sample.findings, key=lambda code: (-sample.finding_counts[code], code))
        },
        "resolution": resolution(documents, resampled),
        "cost": _cost(cost, sample.num_rows),
        "slices": slices(sample, bootstrap),
    }


def number(metric: Metric, documents: Counts, resampled: Floats) -> dict[str, Any]:
    """Give a metric's value with its 95 % interval and the sums it is made of."""
    sums = documents.sum(axis=0)
    interval = statistics.interval(metric, documents, resampled)
    return {
        "value": rounded(float(values(metric, sums))),
        "low": rounded(interval.low),
        "high": rounded(interval.high),
        "interval": interval.method,
        "count": int(sum(sums[INDEX[name]] for name in metric.up)) if metric.up else None,
        "of": int(sum(sums[INDEX[name]] for name in metric.down)),
    }


def rounded(value: float | None) -> float | None:
    """Round to four decimals; NaN, a share of nothing, is None. -0.0 becomes 0.0."""
    return None if value is None or math.isnan(value) else round(value, 4) + 0.0


def reliability(sums: Counts, prefix: str) -> list[dict[str, Any]]:
    """Compare, bin by bin, the confidence that was stated, or given, with the share that was right."""
    table = []
    for b in range(NUM_BINS):
        whats = ("count", "right", "confidence")
        count, right, confidence = (int(sums[INDEX[f"{prefix}bin{b}_{what}"]]) for what in whats)
        table.append(
            {
                "from": b / NUM_BINS,
                "to": (b + 1) / NUM_BINS,
                "count": count,
                "mean_confidence": rounded(confidence / FIXED / count) if count else None,
                "share_right": rounded(right / count) if count else None,
            }
        )
    return table


def resolution(documents: Counts, resampled: Floats) -> dict[str, dict[str, Any]]:
    """Say for each compared metric how small a difference to a second system these documents can show."""
    told = {}
    for name in COMPARED:
        metric = METRICS[name]
        counting = int(np.count_nonzero(~np.isnan(values(metric, documents))))
        differences = statistics.column_differences(values(metric, resampled))
        least = statistics.minimum_detectable(differences, num_documents=counting, per_row=metric.per_row)
        told[name] = {"least_difference": rounded(least), "words": least_words(name, counting, least)}
    return told


def least_words(name: str, num_documents: int, least: float | None) -> str:
    """Say in plain words what a sample can't show."""
    if num_documents < statistics.LEAST_DOCUMENTS:
        return f"{num_documents} documents say something about {name}: too few to compare two systems by it."
    if least is None:
        return f"All {num_documents} documents agree in {name}: how small a difference would show can't be said."
    if least >= 1:
        return f"With {num_documents} documents no difference in {name} can be told from chance."
    return f"With {num_documents} documents you can't see less than {100 * least:.0f} points in {name}."


def slices(sample: Sample, bootstrap: Bootstrap) -> dict[str, dict[str, Any]]:
    """Score each slice of the documents and each slice of the items."""
    made: dict[str, dict[str, Any]] = {
        trait: {value: _part(sample, rows, bootstrap) for value, rows in sample.rows_with(trait).items()}
        for trait in TRAITS
    }
    made.update({dimension: {} for dimension in CELLS})
    cells = sorted(sample.cell_numbers)
    counts = [sample.cell_counts(cell) for cell in cells]
    resampled = statistics.resampled_sums(np.hstack(counts), bootstrap) if counts else np.zeros((0, 0))
    for place, cell in enumerate(cells):
        mine = resampled[:, 3 * place : 3 * place + 3]
        made[cell[0]][cell[1]] = _cell(cell, counts[place], mine)
    return made


def _part(sample: Sample, rows: list[int], bootstrap: Bootstrap) -> dict[str, Any]:
    documents = sample.by_document(rows)
    resampled = statistics.resampled_sums(documents, bootstrap)
    return {
        "num_rows": len(rows),
        "num_documents": len(documents),
        "metrics": {name: number(METRICS[name], documents, resampled) for name in IN_SLICES},
    }


def _cell(cell: Cell, counts: Counts, resampled: Floats) -> dict[str, Any]:
    thing = CELLS[cell[0]]
    documents, sums = widened(thing, counts), widened(thing, resampled)
    return {
        "num_documents": int(np.count_nonzero(counts.any(axis=1))),
        "metrics": {
            name: number(METRICS[f"{thing}_{name}"], documents, sums) for name in ("precision", "recall", "f1")
        },
    }


def widened(thing: str, counts: Any) -> Any:
    """Set (hits, gold, predicted) in the places of all counters, so that the metrics' own lines score them."""
    wide = np.zeros((len(counts), len(COUNTERS)), dtype=counts.dtype)
    for place, name in enumerate((f"{thing}_hits_strict", f"{thing}_gold", f"{thing}_predicted")):
        wide[:, INDEX[name]] = counts[:, place]
    return wide


def _cost(cost: Cost, num_rows: int) -> Mapping[str, float | None]:
    def each(total: float | None, digits: int) -> float | None:
        return None if total is None or not num_rows else round(total / num_rows, digits)

    return {
        "seconds_per_row": each(cost.seconds, 3),
        "prompt_tokens_per_row": each(cost.num_prompt_tokens, 1),
        "answer_tokens_per_row": each(cost.num_answer_tokens, 1),
        "forward_passes_per_row": each(cost.num_forward_passes, 1),
    }
