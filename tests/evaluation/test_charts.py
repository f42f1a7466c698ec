"""Marks stand where their numbers say."""

from __future__ import annotations

import pytest

from kgtune.evaluation import charts
from kgtune.evaluation.charts import Axis
from tests.evaluation import build


def test_an_axis_maps_its_ends_to_its_ends_and_turns_round_where_asked():
    assert [Axis(0, 10, 50, 150).at(value) for value in (0, 5, 10)] == [50, 100, 150]
    assert [Axis(0, 1, 190, 10).at(value) for value in (0, 1)] == [190, 10]
    assert Axis(3, 3, 0, 10).at(3) == 5


@pytest.mark.parametrize(
    ("high", "words"),
    [
        (1, ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (160, ["0", "50", "100", "150"]),
        (2.73, ["0", "0.5", "1", "1.5", "2", "2.5"]),
        (37000, ["0", "10000", "20000", "30000"]),
    ],
)
def test_marks_are_round_numbers_within_the_axis(high, words):
    assert [mark["words"] for mark in Axis(0, high, 0, 100).marks()] == words


def test_the_loss_curve_has_a_point_a_logged_step_and_the_probes_beside_it():
    drawn = charts.losses(build.FACTS["run"])

    assert sorted(drawn["lines"]) == ["loss", "structure_loss", "value_loss"]
    points = [tuple(map(float, point.split(","))) for point in drawn["lines"]["loss"].split()]
    assert len(points) == 4
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert [y for _, y in points] == sorted(y for _, y in points)  # a falling loss goes down the page
    assert drawn["ends"]["loss"] == "0.500"


def test_a_run_without_a_curve_draws_none():
    assert charts.losses({}) is None
    assert charts.losses({"losses": [{"step": 1, "loss": 2.0}]}) is None


def test_a_loss_that_is_no_number_leaves_a_gap_and_not_a_broken_page():
    drawn = charts.losses({"losses": [{"step": n, "loss": float("nan") if n == 2 else 1.0} for n in (1, 2, 3)]})

    assert len(drawn["lines"]["loss"].split()) == 2


def test_every_column_stands_on_its_own_line_between_the_ends_of_its_interval():
    result = build.result()
    drawn = charts.intervals(result["columns"])

    assert len(drawn["rows"]) == len(charts.INTERVALS)
    for row in drawn["rows"]:
        assert len({dot["y"] for dot in row["dots"]}) == len(row["dots"])
        assert all(dot["low"] <= dot["x"] <= dot["high"] for dot in row["dots"])
    parse = drawn["rows"][0]["dots"]
    value = result["columns"]["after"]["metrics"]["strict_parse_rate"]["value"]
    assert [dot["x"] for dot in parse if dot["column"] == "after"] == [round(320 + 520 * value, 1)]


def test_calibration_draws_the_bins_that_hold_something():
    bins = [{"count": 0, "mean_confidence": None, "share_right": None},
            {"count": 4, "mean_confidence": 0.5, "share_right": 1.0}]  # fmt: skip
    (dot,) = charts.calibration(bins)["dots"]

    assert (dot["x"], dot["y"], dot["count"]) == (156.0, 14.0, 4)
    assert charts.calibration(bins[:1]) is None


def test_lengths_draw_every_document_that_has_both_a_length_and_an_f1():
    result = build.result()
    drawn = charts.lengths(result["documents"], ["before", "after"])

    assert len(drawn["dots"]) == 2 * 14
    assert charts.lengths([], ["after"]) is None
