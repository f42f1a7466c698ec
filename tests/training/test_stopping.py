"""SIGTERM asks for an end after the update; the run that really gets one is in test_kills.py."""

from __future__ import annotations

import os
import signal
import threading
from types import SimpleNamespace

import pytest

from kgtune.training.stopping import StopWhenAsked, at_sigterm

pytestmark = pytest.mark.tiny


def step(stop, number, max_steps=9):
    control = SimpleNamespace(should_save=False, should_training_stop=False)
    stop.on_step_end(SimpleNamespace(world_size=1), SimpleNamespace(global_step=number, max_steps=max_steps), control)
    return control.should_save and control.should_training_stop


def test_training_ends_with_a_checkpoint_after_the_update_in_which_it_was_asked():
    stop = StopWhenAsked()
    with at_sigterm(stop):
        assert not step(stop, 1)
        os.kill(os.getpid(), signal.SIGTERM)
        assert step(stop, 2)

    assert stop.stopped_at == 2


def test_the_last_update_is_the_end_anyway():
    stop = StopWhenAsked()
    stop.is_asked = True

    assert not step(stop, 9)
    assert stop.stopped_at is None


def test_the_signal_does_afterwards_what_it_did_before():
    before = signal.getsignal(signal.SIGTERM)
    with at_sigterm(StopWhenAsked()):
        assert signal.getsignal(signal.SIGTERM) != before

    assert signal.getsignal(signal.SIGTERM) == before


def test_a_thread_that_may_not_take_signals_trains_all_the_same():
    entered = []

    def run():
        with at_sigterm(StopWhenAsked()):
            entered.append(1)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()

    assert entered == [1]
