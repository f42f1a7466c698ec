"""Which rows an update holds, and how they fill its passes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgtune.training.batching import Batching, batching_for, best_fit, common_beginning, share

LENGTHS = (90, 80, 70, 60, 50, 40, 30, 20, 15, 12)
PLAN = Batching(
    LENGTHS, "packed", rows_per_pass=2, rows_per_update=4, max_tokens=100, shared=0, seed=1
)  # fmt: skip


def test_an_epoch_gives_every_row_once_and_the_next_one_in_another_order():
    drawn = [row for step in range(5) for row in PLAN.drawn(step)]  # 20 rows: two epochs of 10

    assert sorted(drawn[:10]) == sorted(drawn[10:]) == list(range(10))
    assert drawn[:10] != drawn[10:]
    assert drawn != [row for step in range(5) for row in replace(PLAN, seed=2).drawn(step)]


@pytest.mark.parametrize("rows_per_update", [5, 7, 25], ids=["within an epoch", "across two", "more than one"])
@pytest.mark.parametrize("layout", ["padded", "packed", "shared"])
def test_every_layout_and_any_number_of_processes_take_the_rows_that_were_drawn(rows_per_update, layout):
    plan = replace(PLAN, layout=layout, rows_per_update=rows_per_update, shared=10 if layout == "shared" else 0)
    twice = 0
    for step in range(10):
        drawn = Counter(plan.drawn(step))
        twice += max(drawn.values()) > 1
        for world in (1, 2):
            passes = [one for rank in range(world) for one in plan.update(step, rank=rank, world=world)]
            assert Counter(row for one in passes for row in one) == drawn

    assert (twice > 0) == (rows_per_update > 5)  # a row that is drawn twice is trained on twice


def test_padded_rows_of_like_length_share_a_pass():
    plan = replace(PLAN, layout="padded", rows_per_update=10)

    assert plan.update(0) == [(0, 1), (2, 3), (4, 5), (6, 7), (8, 9)]
    assert plan.tokens_fed(plan.update(0)) == 2 * (90 + 70 + 50 + 30 + 15)


def test_packs_are_filled_by_best_fit():
    assert best_fit([(0, 60), (1, 50), (2, 40), (3, 30), (4, 10)], 100) == [(0, 2), (1, 3, 4)]


def test_what_all_share_is_computed_once_a_pack_and_leaves_room():
    plan = replace(PLAN, layout="shared", shared=10, rows_per_update=10)
    passes = plan.update(0)

    assert plan.tokens_fed(passes) == sum(LENGTHS) - 10 * (10 - len(passes))
    assert all(10 + sum(LENGTHS[row] - 10 for row in one) <= 100 for one in passes)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=40))
def test_no_row_is_lost_or_doubled_and_no_pack_overflows(lengths):
    packs = best_fit(enumerate(lengths), 50)

    assert Counter(row for pack in packs for row in pack) == Counter(range(len(lengths)))
    assert max(sum(lengths[row] for row in pack) for pack in packs) <= 50
    halves = sum(sum(lengths[row] for row in pack) <= 25 for pack in packs)
    assert halves <= 1  # two packs that are half empty would have been one


@given(st.lists(st.integers(1, 50), min_size=12, max_size=12), st.sampled_from([1, 2, 3, 4]))
def test_processes_share_an_update_in_equal_parts_without_overlap(lengths, world):
    parts = [share(range(12), lengths, rank=rank, world=world) for rank in range(world)]

    assert sorted(row for part in parts for row in part) == list(range(12))
    assert {len(part) for part in parts} == {12 // world}


def test_the_longest_rows_are_not_all_one_processs():
    tokens = [sum(LENGTHS[row] for row in share(range(10), LENGTHS, rank=rank, world=2)) for rank in (0, 1)]

    assert max(tokens) - min(tokens) <= 10


def test_rows_begin_alike_up_to_the_first_difference():
    assert common_beginning([(1, 2, 3, 4), (1, 2, 5), (1, 2, 3, 9)]) == 2
    assert common_beginning([(1, 2)]) == 2


def test_the_last_prompt_token_is_never_shared_for_it_says_the_answers_first():
    rows = [((1, 2, 3), (7, 8)), ((1, 2, 3), (7, 9))]
    plan = batching_for(rows, "shared", rows_per_pass=1, rows_per_update=2, max_tokens=4, seed=0)

    assert plan.shared == 2
    assert plan.max_tokens == 5  # a row longer than asked for still gets a pass


@pytest.mark.parametrize("layout", ["padded", "packed"])
def test_other_layouts_share_nothing(layout):
    rows = [((1, 2, 3), (7,))] * 2
    assert batching_for(rows, layout, rows_per_pass=1, rows_per_update=2, max_tokens=9, seed=0).shared == 0


@pytest.mark.parametrize("world", [1, 2])
@pytest.mark.parametrize("layout", ["padded", "packed", "shared"])
def test_the_longest_pass_is_that_of_all_updates_and_ranks(layout, world):
    rows = [((1, 2, 3, *range(10, 10 + n)), (7,)) for n in (3, 9, 4, 30, 5, 6, 11, 2)]
    plan = batching_for(rows, layout, rows_per_pass=2, rows_per_update=4, max_tokens=40, seed=2)
    laid_out = [one for step in range(6) for rank in range(world) for one in plan.update(step, rank=rank, world=world)]
    longest = max(plan.tokens_fed([one]) for one in laid_out)

    assert plan.longest_pass(6, world=world) == longest
    assert plan.longest_pass(1, world=world) < longest <= plan.longest_pass(10**6, world=world)
