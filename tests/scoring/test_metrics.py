"""The metrics as lines over sums."""

from __future__ import annotations

import numpy as np
import pytest

from kgtune.scoring import metrics
from kgtune.scoring.metrics import COMPARED, COUNTERS, FIXED, IN_SLICES, INDEX, METRICS, values


def sums(**counts):
    made = np.zeros(len(COUNTERS), dtype=np.int64)
    for name, count in counts.items():
        made[INDEX[name]] = count
    return made


def value(name, **counts):
    return float(values(METRICS[name], sums(**counts)))


def test_counters_and_metrics_have_their_own_names():
    assert len(COUNTERS) == len(set(COUNTERS)) == 113
    assert len(METRICS) == 53
    assert all(metric.name == name for name, metric in METRICS.items())


def test_every_metric_is_made_of_counters_and_every_counter_is_used():
    used = {name for metric in METRICS.values() for name in (*metric.up, *metric.down)}
    assert used <= set(COUNTERS)
    rest = {name for name in COUNTERS if name not in used and not name.removeprefix("given_").startswith("bin")}
    assert rest == {"rows_with_text"}


def test_what_is_compared_and_sliced_exists():
    assert set(COMPARED) | set(IN_SLICES) <= set(METRICS)
    assert all(METRICS[name].better != "neither" for name in COMPARED)


def test_a_ratio_over_nothing_is_no_number():
    assert all(np.isnan(values(metric, sums())) for metric in METRICS.values())


def test_f1_is_twice_the_hits_over_all_items():
    counts = {"entity_hits_strict": 3, "entity_gold": 4, "entity_predicted": 6}
    assert [value(f"entity_{name}", **counts) for name in ("precision", "recall", "f1")] == [0.5, 0.75, 0.6]


def test_items_of_both_kinds_count_together():
    counts = {"entity_hits_strict": 3, "entity_gold": 4, "entity_predicted": 6,
              "relationship_hits_strict": 1, "relationship_gold": 4, "relationship_predicted": 2}  # fmt: skip
    assert value("f1", **counts) == 0.5


def test_a_confidence_that_is_always_right_on_average_has_no_calibration_error():
    counts = {"judged_confidences": 10, "bin9_count": 10, "bin9_right": 9, "bin9_confidence": 9 * FIXED}
    assert value("calibration_error", **counts) == 0


def test_the_calibration_error_weighs_each_bin_by_its_size():
    counts = {"judged_confidences": 4, "bin9_count": 3, "bin9_right": 0, "bin9_confidence": 3 * FIXED,
              "bin0_count": 1, "bin0_right": 1, "bin0_confidence": 0}  # fmt: skip
    assert value("calibration_error", **counts) == 1
    assert value("brier_score", judged_confidences=4, squared_error=FIXED) == 0.25


def test_many_sums_are_scored_at_once():
    both = np.stack([sums(rows=4, shape=1), sums(rows=0), sums(rows=2, shape=2)])
    assert values(METRICS["contract_shape_rate"], both).tolist()[::2] == [0.25, 1.0]
    assert np.isnan(values(METRICS["contract_shape_rate"], both)[1])


@pytest.mark.parametrize("name", sorted(METRICS))
def test_every_metric_says_what_it_is(name):
    assert len(METRICS[name].words) > 10
    assert METRICS[name].better in ("higher", "lower", "neither")


def test_the_modes_are_these():
    assert metrics.MODES == ("strict", "relaxed", "type_agnostic", "after_repair")
