from __future__ import annotations

import random

from kgtune.evaluation.sample import drawn, fixed
from kgtune.examples import Example
from kgtune.graph import Graph

ROWS = [Example(f"r{n:03}", f"d{n}", f"g{n}", "test", "en", "", f"text {n}", Graph()) for n in range(100)]


def test_as_many_rows_are_drawn_as_asked_for_and_stand_in_their_order() -> None:
    found = drawn(ROWS, 20, 42)
    assert len(found) == 20
    assert found == [row for row in ROWS if row in found]
    assert found != ROWS[:20]
    assert drawn(ROWS, 100, 42) == drawn(ROWS, 200, 42) == ROWS


def test_the_order_of_the_rows_changes_nothing_and_the_seed_does() -> None:
    shuffled = list(ROWS)
    random.Random(3).shuffle(shuffled)
    assert sorted(drawn(shuffled, 20, 42), key=lambda row: row.id) == drawn(ROWS, 20, 42)
    assert drawn(ROWS, 20, 43) != drawn(ROWS, 20, 42)


def test_a_larger_number_keeps_the_rows_of_a_smaller_one() -> None:
    few = {row.id for row in drawn(ROWS, 20, 42)}
    assert few <= {row.id for row in drawn(ROWS, 40, 42)}


def test_a_fixed_sample_is_the_same_rows_in_the_same_order_whatever_the_order_of_the_rows() -> None:
    shuffled = list(ROWS)
    random.Random(3).shuffle(shuffled)
    assert fixed(shuffled, 20) == fixed(ROWS, 20) == drawn(ROWS, 20, 0)
    assert fixed(ROWS, 20, 1) != fixed(ROWS, 20)
