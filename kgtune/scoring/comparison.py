"""Two systems on the same documents: what changed, how sure that is, and where the sample can't say.

Knows nothing about how the answers were made. A difference is second minus first. It is called better or worse only
where all three hold: at least ten documents say something about the metric; the paired 95 % interval leaves out zero;
and the p-value, adjusted for the number of metrics tested (Holm), is below 0.05. The p-value of a metric that each
document has or has not is McNemar's exact one, that of any other the share of resamples in which the sign turns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from kgtune.scoring import statistics
from kgtune.scoring.column import CELLS, least_words, rounded, widened
from kgtune.scoring.metrics import COMPARED, METRICS, Metric, values
from kgtune.scoring.sample import TRAITS, Sample
from kgtune.scoring.statistics import Bootstrap, Counts, Floats
from kgtune.scoring.tally import Cell

IN_SLICES = ("strict_parse_rate", "entity_f1", "relationship_f1")

Verdict = Literal["better", "worse", "no difference shown", "too few documents", "not measured"]


@dataclass(frozen=True, slots=True)
class Paired:
    """The counts of both systems, line by line the same documents, and the sums of the same resamples of them."""

    first: Counts
    second: Counts
    first_resampled: Floats
    second_resampled: Floats


def paired(first: Counts, second: Counts, bootstrap: Bootstrap) -> Paired:
    """Resample both systems' documents by the same draws."""
    assert first.shape == second.shape, (first.shape, second.shape)
    both = statistics.resampled_sums(np.hstack([first, second]), bootstrap)
    return Paired(first, second, both[:, : first.shape[1]], both[:, first.shape[1] :])


def compare(first: Sample, second: Sample, bootstrap: Bootstrap) -> dict[str, Any]:
    """Compare two samples of the same rows in the same order."""
    same_rows = first.documents == second.documents and first.document_of == second.document_of
    assert same_rows, "two columns hold different documents"
    whole = paired(first.by_document(), second.by_document(), bootstrap)
    return {
        "num_documents": len(whole.first),
        "metrics": _judged({name: difference(METRICS[name], whole) for name in COMPARED}),
        "slices": _slices(first, second, bootstrap),
    }


def difference(metric: Metric, both: Paired) -> dict[str, Any]:
    """Give the difference in one metric; its verdict waits for the other p-values."""
    before = float(values(metric, both.first.sum(axis=0)))
    after = float(values(metric, both.second.sum(axis=0)))
    differences = values(metric, both.second_resampled) - values(metric, both.first_resampled)
    bounds = statistics.percentiles(differences)
    first, second = values(metric, both.first), values(metric, both.second)
    num_counting = int(np.count_nonzero(~np.isnan(first) | ~np.isnan(second)))
    least = statistics.minimum_detectable(differences, num_documents=num_counting, per_row=metric.per_row)
    # a document has it when all its rows do
    only_first = int(np.count_nonzero((first == 1) & (second < 1)))
    only_second = int(np.count_nonzero((second == 1) & (first < 1)))
    p = statistics.mcnemar(only_first, only_second) if metric.per_row else statistics.sign_share(differences)
    return {
        "first": rounded(before),
        "second": rounded(after),
        "difference": rounded(after - before),
        "low": rounded(bounds[0]) if bounds else None,
        "high": rounded(bounds[1]) if bounds else None,
        "num_documents": num_counting,
        "test": "mcnemar" if metric.per_row else "bootstrap",
        "only_first": only_first if metric.per_row else None,
        "only_second": only_second if metric.per_row else None,
        "p": rounded(p) if bounds else None,
        "least_difference": rounded(least),
        "words": least_words(metric.name, num_counting, least),
    }


def _judged(differences: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Adjust the p-values for their number, and say what may be claimed."""
    metric_of = {name: METRICS[name.rpartition("/")[2]] for name in differences}
    adjusted = statistics.holm({name: d["p"] for name, d in differences.items() if d["p"] is not None})
    for name, found in differences.items():
        found["p_adjusted"] = rounded(adjusted.get(name))
        found["verdict"] = verdict(metric_of[name], found)
    return differences


def verdict(metric: Metric, found: Mapping[str, Any]) -> Verdict:
    """Apply the rules that the module states."""
    if found["difference"] is None:
        return "not measured"
    if found["num_documents"] < statistics.LEAST_DOCUMENTS:
        return "too few documents"
    low, high, p = found["low"], found["high"], found["p_adjusted"]
    if low is None or high is None or p is None or low <= 0 <= high or p >= statistics.LEVEL:
        return "no difference shown"
    return "better" if (low > 0) == (metric.better == "higher") else "worse"


def _slices(first: Sample, second: Sample, bootstrap: Bootstrap) -> dict[str, dict[str, dict[str, Any]]]:
    """Compare within each slice; the p-values of all slices are adjusted together."""
    found: dict[str, dict[str, Any]] = {}
    for trait in TRAITS:
        for value, rows in first.rows_with(trait).items():
            part = paired(first.by_document(rows), second.by_document(rows), bootstrap)
            for name in IN_SLICES:
                found[f"{trait}/{value}/{name}"] = difference(METRICS[name], part)
    for cell, part in _cells(first, second, bootstrap).items():
        name = f"{CELLS[cell[0]]}_f1"
        found[f"{cell[0]}/{cell[1]}/{name}"] = difference(METRICS[name], part)
    nested: dict[str, dict[str, dict[str, Any]]] = {dimension: {} for dimension in (*TRAITS, *CELLS)}
    for path, one in _judged(found).items():
        dimension, _, rest = path.partition("/")
        value, _, name = rest.rpartition("/")
        nested[dimension].setdefault(value, {})[name] = one
    return nested


def _cells(first: Sample, second: Sample, bootstrap: Bootstrap) -> dict[Cell, Paired]:
    cells = sorted({*first.cell_numbers, *second.cell_numbers})
    if not cells:
        return {}
    sides = [
        [
            side.cell_counts(cell) if cell in side.cell_numbers else np.zeros((len(side.documents), 3), dtype=np.int64)
            for cell in cells
        ]
        for side in (first, second)
    ]
    both = statistics.resampled_sums(np.hstack([*sides[0], *sides[1]]), bootstrap)
    made = {}
    for place, cell in enumerate(cells):
        thing = CELLS[cell[0]]
        parts = [both[:, 3 * at : 3 * at + 3] for at in (place, place + len(cells))]
        wide = [widened(thing, side[place]) for side in sides]
        made[cell] = Paired(*wide, *(widened(thing, part) for part in parts))
    return made


def regressions(comparison: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List where the second system is worse beyond chance, the whole set first, then each slice."""
    places = [("all", "", comparison["metrics"])]
    places += [(d, v, found) for d, values_ in comparison["slices"].items() for v, found in values_.items()]
    return [
        {"slice": dimension, "of": value, "metric": name, "difference": one["difference"],
         "low": one["low"], "high": one["high"]}
        for dimension, value, metrics in places
        for name, one in metrics.items()
        if one["verdict"] == "worse"
    ]  # fmt: skip
