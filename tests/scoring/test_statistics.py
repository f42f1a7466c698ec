"""Intervals and tests: against published values, brute force, and what they promise."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from scipy import stats

from kgtune.scoring import statistics
from kgtune.scoring.metrics import COUNTERS, INDEX, METRICS, values
from kgtune.scoring.statistics import Bootstrap, holm, interval, mcnemar, minimum_detectable, randomisation, wilson

F1 = METRICS["entity_f1"]
PARSES = METRICS["strict_parse_rate"]


def documents(rows):
    """Lines of (hits, gold, predicted) of entities."""
    made = np.zeros((len(rows), len(COUNTERS)), dtype=np.int64)
    for name, column in zip(("entity_hits_strict", "entity_gold", "entity_predicted"), range(3), strict=True):
        made[:, INDEX[name]] = [row[column] for row in rows]
    return made


def parsed(right, total):
    made = np.zeros((total, len(COUNTERS)), dtype=np.int64)
    made[:, INDEX["answers"]] = 1
    made[:right, INDEX["json"]] = 1
    return made


@pytest.mark.parametrize(
    ("count", "total", "low", "high"), [(10, 10, 0.7225, 1.0), (0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634)]
)
def test_wilson_interval_agrees_with_published_values(count, total, low, high):
    assert [round(end, 4) for end in wilson(count / total, total)] == [low, high]


def test_wilson_agrees_with_scipy():
    for total in (1, 7, 200):
        for count in range(0, total + 1, max(1, total // 7)):
            found = stats.binomtest(count, total).proportion_ci(method="wilson")
            assert wilson(count / total, total) == pytest.approx((found.low, found.high), abs=1e-12)


def test_mcnemar_agrees_with_scipys_exact_binomial_test():
    for first, second in itertools.product(range(12), repeat=2):
        expected = stats.binomtest(first, first + second).pvalue if first + second else 1.0
        assert mcnemar(first, second) == pytest.approx(expected, rel=1e-12)


def test_six_documents_one_way_are_the_fewest_that_mcnemar_can_call():
    assert mcnemar(0, 5) > statistics.LEVEL > mcnemar(0, statistics.LEAST_DISCORDANT)


def test_holm_agrees_with_its_textbook_example():
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}) == {"d": 0.02, "a": 0.03, "c": 0.06, "b": 0.06}


def test_holm_never_lowers_a_p_value_and_keeps_their_order():
    rng = random.Random(1)
    for _ in range(200):
        given = {str(n): rng.random() for n in range(rng.randint(1, 9))}
        adjusted = holm(given)
        assert all(given[name] <= adjusted[name] <= 1 for name in given)
        assert sorted(given, key=given.__getitem__) == sorted(given, key=lambda name: (adjusted[name], given[name]))


def test_resampling_is_the_same_to_the_last_bit():
    counts = documents([(1, 2, 3), (2, 2, 2), (0, 5, 1)] * 9)
    first = statistics.resampled_sums(counts, Bootstrap(300, 5))
    assert first.tobytes() == statistics.resampled_sums(counts, Bootstrap(300, 5)).tobytes()
    assert first.tobytes() != statistics.resampled_sums(counts, Bootstrap(300, 6)).tobytes()
    # the numbers themselves: another numpy, or another machine, must give the same
    drawn = statistics.resampled_sums(np.eye(4, dtype=np.int64), Bootstrap(3, 7))
    assert drawn.tolist() == GOLDEN_DRAWS


GOLDEN_DRAWS = [[1.0, 0.0, 1.0, 2.0], [1.0, 1.0, 0.0, 2.0], [0.0, 3.0, 0.0, 1.0]]


def test_each_resample_draws_as_many_documents_as_there_are_and_each_alike():
    drawn = statistics.resampled_sums(np.eye(5, dtype=np.int64), Bootstrap(4000, 2))
    assert (drawn.sum(axis=1) == 5).all()
    assert drawn.mean(axis=0) == pytest.approx([1] * 5, abs=0.06)
    assert drawn.var() == pytest.approx(0.8, abs=0.03)  # multinomial: 5 * 1/5 * 4/5


def test_resampled_sums_are_exact_sums_of_documents():
    counts = documents([(1, 2, 3), (2, 2, 2), (0, 5, 1)])
    sums = statistics.resampled_sums(counts, Bootstrap(50, 2))
    weights = statistics.resampled_sums(np.eye(3, dtype=np.int64), Bootstrap(50, 2))
    assert (sums == weights @ counts).all()


def test_the_interval_agrees_with_a_plain_bootstrap():
    """A loop of choices, by another generator: the ends may differ by chance alone."""
    rng = random.Random(3)
    rows = [
        (min(g, p, rng.randint(0, 6)), g, p) for g, p in ((rng.randint(1, 9), rng.randint(1, 9)) for _ in range(60))
    ]
    counts = documents(rows)
    found = interval(F1, counts, statistics.resampled_sums(counts, Bootstrap(4000, 1)))
    plain = []
    for _ in range(4000):
        drawn = rng.choices(rows, k=len(rows))
        hits, gold, predicted = (sum(row[place] for row in drawn) for place in range(3))
        plain.append(2 * hits / (gold + predicted))
    plain.sort()
    assert found.method == "bootstrap"
    assert (found.low, found.high) == pytest.approx((plain[100], plain[-101]), abs=0.012)


def test_an_interval_leaves_out_one_resample_in_forty_at_each_end():
    drawn = np.random.default_rng(4).permutation(np.arange(1000.0))
    assert statistics.percentiles(drawn) == (25.0, 974.0)
    assert statistics.percentiles(np.append(drawn, [np.nan] * 500)) == (25.0, 974.0)
    assert statistics.percentiles(np.full(9, np.nan)) is None


def test_where_all_resamples_agree_wilson_says_how_little_that_proves():
    counts = parsed(2, 2)
    found = interval(PARSES, counts, statistics.resampled_sums(counts, Bootstrap(100, 1)))
    assert (found.method, round(found.low or 0, 4), found.high) == ("wilson", 0.3424, 1.0)


def test_wilson_counts_documents_and_not_items():
    perfect = documents([(50, 50, 50)] * 3 + [(0, 0, 0)])
    found = interval(F1, perfect, statistics.resampled_sums(perfect, Bootstrap(100, 1)))
    assert (found.method, found.low) == ("wilson", wilson(1.0, 3)[0])


def test_a_metric_of_nothing_has_no_interval():
    counts = documents([(0, 0, 0)] * 5)
    assert interval(F1, counts, statistics.resampled_sums(counts, Bootstrap(100, 1))).method == "none"


def test_the_randomisation_test_agrees_with_trying_every_swap():
    rng = random.Random(8)
    first = documents([(rng.randint(0, 3), 4, 4) for _ in range(10)])
    second = documents([(rng.randint(0, 4), 4, 4) for _ in range(10)])

    def gain(one, other):
        return float(values(F1, other.sum(axis=0)) - values(F1, one.sum(axis=0)))

    measured = gain(first, second)
    as_great = 0
    for swaps in itertools.product((False, True), repeat=10):
        mask = np.array(swaps)[:, None]
        as_great += abs(gain(np.where(mask, second, first), np.where(mask, first, second))) >= abs(measured) - 1e-12
    swapped = statistics.swapped_sums(first, second, Bootstrap(20_000, 1))
    p = randomisation(measured, values(F1, swapped[1]) - values(F1, swapped[0]))
    assert p == pytest.approx(as_great / 2**10, abs=0.012)


def test_swapping_keeps_the_sum_of_both_systems():
    first, second = documents([(1, 2, 3), (2, 2, 2)]), documents([(0, 2, 1), (1, 2, 5)])
    one, other = statistics.swapped_sums(first, second, Bootstrap(40, 1))
    assert (one + other == first.sum(axis=0) + second.sum(axis=0)).all()
    assert len({tuple(line) for line in one.tolist()}) == 4


@pytest.mark.slow
def test_of_systems_that_are_alike_one_in_twenty_differs_by_the_test():
    """The level holds with ten documents already, which is why claims begin there."""
    rng = np.random.default_rng(0)
    claims = 0
    for trial in range(400):
        gold = rng.integers(1, 10, 10)
        sides = [documents([(rng.binomial(g, 0.7), g, g) for g in gold]) for _ in range(2)]
        swapped = statistics.swapped_sums(*sides, Bootstrap(300, trial))
        measured = float(values(F1, sides[1].sum(axis=0)) - values(F1, sides[0].sum(axis=0)))
        claims += randomisation(measured, values(F1, swapped[1]) - values(F1, swapped[0])) < statistics.LEVEL
    assert claims / 400 <= 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5


def test_the_least_difference_is_what_shows_four_times_in_five():
    rng = np.random.default_rng(1)
    spread = rng.normal(0.0, 0.04, 5000)
    least = minimum_detectable(spread, num_documents=50, per_row=False)
    assert least == pytest.approx(2.8 * 0.04, rel=0.03)
    # a true difference of that size, measured again and again
    measured = rng.normal(least, 0.04, 5000)
    assert np.mean(measured / 0.04 > statistics.Z95) == pytest.approx(0.8, abs=0.02)


def test_a_second_system_of_like_spread_makes_differences_wider_by_the_root_of_two():
    drawn = np.random.default_rng(5).normal(0.6, 0.04, 5000)
    stand_in = statistics.column_differences(np.append(drawn, np.nan))
    assert np.nanmean(stand_in) == pytest.approx(0.0, abs=1e-12)
    assert np.nanstd(stand_in) == pytest.approx(2**0.5 * drawn.std())


def test_what_a_document_has_or_has_not_can_change_by_six_documents_at_least():
    assert minimum_detectable(np.zeros(100), num_documents=20, per_row=True) == 0.3
    assert minimum_detectable(np.zeros(100), num_documents=20, per_row=False) is None
    assert minimum_detectable(np.zeros(100), num_documents=0, per_row=True) is None
