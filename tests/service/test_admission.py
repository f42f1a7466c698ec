"""Who waits and who goes next, and how long it will take: without threads, without a clock."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgtune.service.admission import FIRST_GUESS_S, Pace, Queue


@dataclass(eq=False)
class Item:
    num_tokens: int


def queue_of(*tokens: int, max_texts: int = 100, max_tokens: int = 1000) -> tuple[Queue[Item], list[Item]]:
    queue, items = Queue(max_texts, max_tokens), [Item(num) for num in tokens]
    for item in items:
        queue.add(item)
    return queue, items


def tokens_of(items: list[Item]) -> list[int]:
    return [item.num_tokens for item in items]


def test_it_counts_what_waits_and_what_leaves():
    queue, items = queue_of(3, 5)
    assert (len(queue), queue.num_tokens) == (2, 8)
    assert (queue.remove(items[0]), queue.remove(items[0])) == (True, False)
    assert (len(queue), queue.num_tokens, list(queue)) == (1, 5, [items[1]])


@pytest.mark.parametrize(
    ("waiting", "num_tokens", "reason"),
    [
        ((), 10, None),
        ((), 5000, None),  # or it would be refused for ever, and told to come back
        ((999,), 1, None),
        ((999,), 2, "tokens"),
        ((1, 1, 1), 1, "texts"),
    ],
)
def test_either_bound_refuses_and_an_empty_queue_takes_anything(waiting, num_tokens, reason):
    queue, _ = queue_of(*waiting, max_texts=3, max_tokens=1000)
    assert queue.refusal(num_tokens) == reason


def test_the_oldest_goes_with_those_nearest_to_it_in_length():
    queue, _ = queue_of(100, 900, 110, 500, 95, 910)
    assert tokens_of(queue.take(3)) == [100, 95, 110]
    assert tokens_of(queue.take(3)) == [900, 500, 910]  # 500 was overtaken, and so comes before 910
    assert (queue.take(3), len(queue), queue.num_tokens) == ([], 0, 0)


def test_of_those_as_near_the_older_goes_first():
    queue, items = queue_of(10, 12, 8, 12)
    assert queue.take(3) == items[:3]


def test_nobody_starves_behind_texts_that_fit_together_better():
    queue, _ = queue_of(5000, *[10] * 50, max_tokens=10_000)
    assert 5000 in tokens_of(queue.take(8))


def test_whoever_was_overtaken_once_goes_next_before_those_who_fit_better():
    queue, items = queue_of(10, 900, 50, 10, 10, 890, 880)
    assert queue.take(3) == [items[0], items[3], items[4]]
    assert queue.take(3) == [items[1], items[2], items[5]]


@pytest.mark.property
@settings(deadline=None)
@given(st.lists(st.integers(1, 500), min_size=1, max_size=60), st.integers(1, 9))
def test_nobody_waits_for_more_than_one_batch_beyond_its_turn(tokens, batch_size):
    """However lengths fall, and though others keep coming that fit the oldest exactly."""
    queue, items = queue_of(*tokens, max_tokens=10**9)
    for _ in range(-(-len(tokens) // batch_size) + 1):
        for _ in range(batch_size):
            queue.add(Item(next(iter(queue)).num_tokens))
        if items[-1] in queue.take(batch_size):
            return
    raise AssertionError(tokens)


def test_without_a_measurement_a_batch_is_guessed_at():
    assert Pace().retry_after_s(3, 1, None) == 3 * FIRST_GUESS_S


@pytest.mark.parametrize(
    ("num_texts", "batch_size", "running_s", "expected"),
    [
        (0, 8, None, 0.0),
        (1, 8, None, 10.0),
        (8, 8, None, 10.0),
        (9, 8, None, 20.0),
        (8, 8, 4.0, 16.0),  # six seconds of the running batch are left
        (8, 8, 25.0, 10.0),  # it is late; that it ends now is the best guess
    ],
)
def test_the_wait_is_the_rest_of_the_running_batch_and_whole_batches_behind_it(
    num_texts, batch_size, running_s, expected
):
    pace = Pace()
    pace.note(10.0)
    assert pace.wait_s(num_texts, batch_size, running_s) == expected


def test_retry_after_is_whole_seconds_and_never_none():
    pace = Pace()
    pace.note(0.001)
    assert pace.retry_after_s(1, 8, None) == 1
    pace.note(1000.0)
    assert pace.retry_after_s(1, 8, None) == 301  # 0.001 + 0.3 * 999.999, rounded up


def test_the_pace_follows_what_was_measured_lately():
    pace = Pace()
    for seconds in [1.0] * 5 + [9.0] * 20:
        pace.note(seconds)
    assert 8.9 < pace.seconds_per_batch <= 9.0
