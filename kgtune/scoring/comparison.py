"""Two systems on the same documents: what changed, how sure that is, and where the sample can't say.

Knows nothing about how the answers were made. A difference is second minus first. It is called better or worse only
where all three hold: at least ten documents say something about the metric; the paired 95 % interval leaves out zero;
and the p-value, adjusted for the number of metrics tested (Holm), is below 0.05. The p-value of a metric that each
document has or has not is McNemar's exact one, that of any other the approximate randomisation test's, which swaps
the systems document by document.
"""

from __future__ import annotations

import math
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
    """The counts of both systems, line by line the same documents.

    Beside them the sums of the same resamples of both, and those of both with documents swapped by chance.
    """

    first: Counts
    second: Counts
    resampled: tuple[Floats, Floats]
    swapped: tuple[Floats, Floats]


def paired(first: Counts, second: Counts, bootstrap: Bootstrap) -> Paired:
    """Resample both systems' documents by the same draws, and swap them."""
    assert first.shape == second.shape, (first.shape, second.shape)
    both = statistics.resampled_sums(np.hstack([first, second]), bootstrap)
    resampled = both[:, : first.shape[1]], both[:, first.shape[1] :]
    return Paired(first, second, resampled, statistics.swapped_sums(first, second, bootstrap))


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
    differences = values(metric, both.resampled[1]) - values(metric, both.resampled[0])
    bounds = statistics.percentiles(differences)
    first, second = values(metric, both.first), values(metric, both.second)
    num_counting = int(np.count_nonzero(~np.isnan(first) | ~np.isnan(second)))
    least = statistics.minimum_detectable(differences, num_documents=num_counting, per_row=metric.per_row)
    # a document has it when all its rows do
    only_first = int(np.count_nonzero((first == 1) & (second < 1)))
    only_second = int(np.count_nonzero((second == 1) & (first < 1)))
    if metric.per_row:
        p = statistics.mcnemar(only_first, only_second)
    else:
        swapped = values(metric, both.swapped[1]) - values(metric, both.swapped[0])
        p = statistics.randomisation(after - before, swapped)
    return {
        "first": rounded(before),
        "second": rounded(after),
        "difference": rounded(after - before),
        "low": rounded(bounds[0]) if bounds else None,
        "high": rounded(bounds[1]) if bounds else None,
        "num_documents": num_counting,
        "test": "mcnemar" if metric.per_row else "randomisation",
        "only_first": only_first if metric.per_row else None,
        "only_second": only_second if metric.per_row else None,
        "p": round(p, 6) if bounds and not math.isnan(after - before) else None,
        "least_difference": rounded(least),
        "words": least_words(metric.name, num_counting, least),
    }


def _judged(differences: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Adjust the p-values for their number, and say what may be claimed."""
    metric_of = {name: METRICS[name.rpartition("/")[2]] for name in differences}
    adjusted = statistics.holm({name: d["p"] for name, d in differences.items() if d["p"] is not None})
    for name, found in differences.items():
        found["p_adjusted"] = round(adjusted[name], 6) if name in adjusted else None
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
    """Compare within each slice; the p-values are adjusted within each kind of slice."""
    found: dict[str, dict[str, dict[str, Any]]] = {dimension: {} for dimension in (*TRAITS, *CELLS)}
    for trait in TRAITS:
        for value, rows in first.rows_with(trait).items():
            part = paired(first.by_document(rows), second.by_document(rows), bootstrap)
            for name in IN_SLICES:
                found[trait][f"{value}/{name}"] = difference(METRICS[name], part)
    for (dimension, value), part in _cells(first, second, bootstrap).items():
        name = f"{CELLS[dimension]}_f1"
        found[dimension][f"{value}/{name}"] = difference(METRICS[name], part)
    nested: dict[str, dict[str, dict[str, Any]]] = {dimension: {} for dimension in found}
    for dimension, differences in found.items():
        for path, one in _judged(differences).items():
            value, _, name = path.rpartition("/")
            nested[dimension].setdefault(value, {})[name] = one
    return nested


def _cells(first: Sample, second: Sample, bootstrap: Bootstrap) -> dict[Cell, Paired]:
    cells = sorted({*first.cell_numbers, *second.cell_numbers})
    if not cells:
        return {}

    def narrow(side: Sample) -> list[Counts]:
        nothing = np.zeros((len(side.documents), 3), dtype=np.int64)
        return [side.cell_counts(cell) if cell in side.cell_numbers else nothing for cell in cells]

    whole = paired(np.hstack(narrow(first)), np.hstack(narrow(second)), bootstrap)
    return {cell: _widened(CELLS[cell[0]], whole, place) for place, cell in enumerate(cells)}


def _widened(thing: str, whole: Paired, place: int) -> Paired:
    def wide(counts: Any) -> Any:
        return widened(thing, counts[:, 3 * place : 3 * place + 3])

    (first_again, second_again), (first_swapped, second_swapped) = whole.resampled, whole.swapped
    return Paired(
        wide(whole.first),
        wide(whole.second),
        (wide(first_again), wide(second_again)),
        (wide(first_swapped), wide(second_swapped)),
    )


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
