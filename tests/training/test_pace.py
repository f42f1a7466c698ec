"""The line of a logged step: what is fed a second, and how long it still takes."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

from kgtune.training.batching import Batching

pytestmark = pytest.mark.tiny

BATCHING = Batching((10, 20, 30, 40), "packed", 1, 2, 64, 0, 0)


def lines(monkeypatch, caplog, *, first_step=0, is_zero=True):
    """Log steps 5 and 10 of 20, two seconds apart each."""
    from kgtune.training import pace

    clock = iter([100.0, 102.0, 104.0])
    monkeypatch.setattr(pace.time, "monotonic", lambda: next(clock))
    progress = pace.Progress(BATCHING)
    state = SimpleNamespace(global_step=first_step, max_steps=20, is_world_process_zero=is_zero)
    progress.on_train_begin(None, state, None)
    with caplog.at_level(logging.INFO, logger="kgtune"):
        for step in (5, 10):
            state.global_step = step
            progress.on_log(None, state, None, {"loss": 1.25, "learning_rate": 2e-4})
            progress.on_log(None, state, None, {"train_runtime": 1.0})
    return [record.getMessage() for record in caplog.records]


def test_a_line_tells_tokens_a_second_and_the_time_to_go(monkeypatch, caplog):
    """An epoch is 100 tokens in two updates: 250 in the first five, 250 in the next."""
    fed = [sum(BATCHING.lengths[row] for row in BATCHING.drawn(step)) for step in range(10)]
    assert sum(fed) == 500
    first, second = sum(fed[:5]) / 2, sum(fed[5:]) / 2
    assert lines(monkeypatch, caplog) == [
        f"step 5/20  loss 1.2500  lr 2.00e-04  {first:,.0f} tokens/s  6 s to go",
        f"step 10/20  loss 1.2500  lr 2.00e-04  {second:,.0f} tokens/s  4 s to go",
    ]


def test_a_resumed_run_is_timed_from_where_it_went_on(monkeypatch, caplog):
    [first, _] = lines(monkeypatch, caplog, first_step=3)
    fed = sum(BATCHING.lengths[row] for step in (3, 4) for row in BATCHING.drawn(step))
    assert f"{fed / 2:,.0f} tokens/s  15 s to go" in first


def test_one_process_of_several_tells_it(monkeypatch, caplog):
    assert lines(monkeypatch, caplog, is_zero=False) == []


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.4, "0 s"), (119, "119 s"), (121, "2 min"), (7000, "117 min"), (11_100, "3 h 05 min")],
)
def test_a_time_is_told_as_a_person_says_it(seconds, expected):
    from kgtune.training.pace import duration

    assert duration(seconds) == expected
