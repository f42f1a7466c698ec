"""The whole-number counts that one answer adds to, and the metrics that are made of their sums.

Knows nothing about graphs or resampling. Every metric is a ratio of sums, so that a set, a slice and a resample of
documents are scored by the same line; whole numbers make every sum exact, in any order and on any machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from kgtune.scoring.grounded import EVIDENCE_LEVELS, NAME_LEVELS

NUM_BINS = 10
FIXED = 10**6
"""Confidences and their squared errors are summed as millionths."""

MODES = ("strict", "relaxed", "type_agnostic", "after_repair")
THINGS = ("entity", "relationship")

_ROW = (
    "rows", "rows_with_text", "answers", "json", "shape", "repaired", "schema", "closed", "truncated", "exact_graph",
    "empty", "empty_right", "easy", "easy_right", "hard", "hard_right", "legal_ends",
)  # fmt: skip
_ITEM = tuple(
    f"{thing}_{what}"
    for thing in THINGS
    for what in ("gold", "predicted", "predicted_after_repair", "repeated", "omitted", "hallucinated", "checked",
                 *(f"hits_{mode}" for mode in MODES))
)  # fmt: skip
_LEVELS = (*(f"name_{level}" for level in NAME_LEVELS), *(f"evidence_{level}" for level in EVIDENCE_LEVELS))
SAID = ("", "given_")
"""Of the confidence that an answer states, and of the one that users get, calibrated from the model's choices."""
_CONFIDENCE = tuple(
    f"{prefix}{name}"
    for prefix in SAID
    for name in ("judged_confidences", "squared_error",
                 *(f"bin{b}_{what}" for b in range(NUM_BINS) for what in ("count", "right", "confidence")))
)  # fmt: skip
COUNTERS: tuple[str, ...] = (*_ROW, *_ITEM, *_LEVELS, "both_ends", *_CONFIDENCE)
INDEX = {name: place for place, name in enumerate(COUNTERS)}

Better = Literal["higher", "lower", "neither"]
Sums = npt.NDArray[np.int64] | npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Metric:
    """A ratio of summed counters, times `scale`. `per_row`: each row either has it or has not."""

    name: str
    words: str
    up: tuple[str, ...]
    down: tuple[str, ...]
    better: Better = "higher"
    scale: float = 1.0
    per_row: bool = False


def _share(name: str, words: str, up: str, down: str, better: Better = "higher", *, per_row: bool = True) -> Metric:
    return Metric(name, words, tuple(up.split()), tuple(down.split()), better, per_row=per_row)


def _f1(prefix: str, words: str, things: tuple[str, ...], mode: str) -> tuple[Metric, ...]:
    hits = tuple(f"{thing}_hits_{mode}" for thing in things)
    gold = tuple(f"{thing}_gold" for thing in things)
    predicted = tuple(f"{thing}_predicted{'_after_repair' if mode == 'after_repair' else ''}" for thing in things)
    return (
        Metric(f"{prefix}precision", f"{words}: share of the predicted ones that are right", hits, predicted),
        Metric(f"{prefix}recall", f"{words}: share of the gold ones that are found", hits, gold),
        Metric(f"{prefix}f1", f"{words}: harmonic mean of precision and recall", hits, (*gold, *predicted), scale=2.0),
    )


_MODE_WORDS = {
    "strict": "same {what}, same folded name",
    "relaxed": "same {what} in any of its spellings, like names (alias, containment, few letters), one to one",
    "type_agnostic": "same folded name, whatever the {what}",
    "after_repair": "strict, on the answers as the tolerant reader reads them",
}
_WHAT = {"entity": "label", "relationship": "type and labels of the ends"}


def _item_metrics() -> tuple[Metric, ...]:
    made: list[Metric] = []
    for thing in THINGS:
        for mode in MODES:
            prefix = f"{thing}_" if mode == "strict" else f"{thing}_{mode}_"
            made += _f1(prefix, f"{thing}, {_MODE_WORDS[mode].format(what=_WHAT[thing])}", (thing,), mode)
    made += _f1("", "entities and relationships together, strict", THINGS, "strict")
    for thing, many in zip(THINGS, ("entities", "relationships"), strict=True):
        made += [
            _share(f"{thing}_omission_rate", f"gold {many} without a relaxed match",
                   f"{thing}_omitted", f"{thing}_gold", "lower", per_row=False),
            _share(f"{thing}_hallucination_rate", f"predicted {many} that are neither like a gold one nor named in "
                   "the text", f"{thing}_hallucinated", f"{thing}_checked", "lower", per_row=False),
            _share(f"{thing}_repetition_rate", f"predicted {many} that repeat an earlier one",
                   f"{thing}_repeated", f"{thing}_predicted", "lower", per_row=False),
            _share(f"{thing}_production_ratio", f"predicted {many} per gold one; 1 is as many",
                   f"{thing}_predicted", f"{thing}_gold", "neither", per_row=False),
        ]  # fmt: skip
    return tuple(made)


def _confidence_metrics() -> tuple[Metric, ...]:
    made: list[Metric] = []
    for prefix, words in zip(SAID, ("that the answer states", "that users get"), strict=True):
        of = (f"{prefix}judged_confidences",)
        brier = f"mean squared error (Brier) of the confidence {words}"
        error = f"expected calibration error, ten bins, of the confidence {words}"
        made += [
            Metric(f"{prefix}brier_score", brier, (f"{prefix}squared_error",), of, "lower", scale=1 / FIXED),
            Metric(f"{prefix}calibration_error", error, (), of, "lower"),
        ]
    return tuple(made)


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        _share("strict_parse_rate", "JSON parses, strictly", "json", "answers"),
        _share("parse_after_repair_rate", "a graph can be read, after repair if need be", "repaired", "answers"),
        _share("contract_shape_rate", "has the contract's shape", "shape", "rows"),
        _share("schema_valid_rate", "labels and types are the ontology's", "schema", "rows"),
        _share("referential_integrity_rate", "every source and target exists, every id once", "closed", "rows"),
        _share("endpoint_legality_rate", "relationships whose type may join the labels of their ends", "legal_ends",
               "relationship_predicted", per_row=False),
        _share("exact_graph_rate", "the whole graph is right, strictly", "exact_graph", "rows"),
        *_item_metrics(),
        _share("empty_text_accuracy", "empty texts answered with the empty graph", "empty_right", "empty"),
        _share("empty_text_accuracy_easy", "the same, texts that don't speak of security", "easy_right", "easy"),
        _share("empty_text_accuracy_hard", "the same, texts that speak of security", "hard_right", "hard"),
        _share("name_grounding_rate", "predicted names that stand in the text", "name_exact name_folded name_refanged",
               " ".join(f"name_{level}" for level in NAME_LEVELS), per_row=False),
        _share("evidence_grounding_rate", "predicted evidence that stands in the text",
               "evidence_exact evidence_folded evidence_refanged",
               " ".join(f"evidence_{level}" for level in EVIDENCE_LEVELS), per_row=False),
        _share("evidence_names_both_ends_rate", "predicted relationships whose evidence names both ends", "both_ends",
               " ".join(f"evidence_{level}" for level in EVIDENCE_LEVELS), per_row=False),
        _share("truncation_rate", "cut at the token cap", "truncated", "rows", "lower"),
        *_confidence_metrics(),
    )
}  # fmt: skip

COMPARED = (
    "strict_parse_rate", "parse_after_repair_rate", "contract_shape_rate", "schema_valid_rate",
    "referential_integrity_rate", "endpoint_legality_rate", "exact_graph_rate", "entity_f1", "relationship_f1", "f1",
    "entity_relaxed_f1", "relationship_relaxed_f1", "empty_text_accuracy", "name_grounding_rate",
    "evidence_grounding_rate", "entity_hallucination_rate", "truncation_rate",
)  # fmt: skip
"""The metrics that a comparison tests; more tests would find more differences by luck."""

IN_SLICES = (
    "strict_parse_rate", "contract_shape_rate", "entity_precision", "entity_recall", "entity_f1",
    "relationship_precision", "relationship_recall", "relationship_f1", "empty_text_accuracy", "name_grounding_rate",
)  # fmt: skip
"""What a slice of the documents is scored by."""


def values(metric: Metric, sums: Sums) -> npt.NDArray[np.float64]:
    """Compute a metric from sums of shape (..., counters); NaN where there is nothing to divide by."""
    if metric.name.endswith("calibration_error"):
        return _calibration_error(sums, metric.name.removesuffix("calibration_error"))
    up, down = _total(sums, metric.up), _total(sums, metric.down)
    empty = np.equal(down, 0)
    ratio: npt.NDArray[np.float64] = np.where(empty, np.nan, metric.scale * up / np.where(empty, 1, down))
    return ratio


def _calibration_error(sums: Sums, prefix: str) -> npt.NDArray[np.float64]:
    gaps = np.zeros(sums.shape[:-1])
    for b in range(NUM_BINS):
        right, confidence = (sums[..., INDEX[f"{prefix}bin{b}_{what}"]] for what in ("right", "confidence"))
        gaps += np.abs(right * FIXED - confidence)
    count = sums[..., INDEX[f"{prefix}judged_confidences"]]
    empty = np.equal(count, 0)
    error: npt.NDArray[np.float64] = np.where(empty, np.nan, gaps / (FIXED * np.where(empty, 1, count)))
    return error


def _total(sums: Sums, names: tuple[str, ...]) -> Sums:
    total: Sums = sums[..., [INDEX[name] for name in names]].sum(axis=-1)
    return total
