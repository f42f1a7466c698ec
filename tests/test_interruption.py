"""The cancel flag of a batch, text by text."""

import threading

import pytest

from kgtune.interruption import TextCancels


def test_it_is_set_once_every_text_is_cancelled():
    cancels = TextCancels(2)
    assert (cancels.is_set(), cancels.is_text_set(0), cancels.is_text_set(1)) == (False, False, False)
    cancels.cancel_text(1)
    assert (cancels.is_set(), cancels.is_text_set(0), cancels.is_text_set(1)) == (False, False, True)
    cancels.cancel_text(0)
    assert (cancels.is_set(), cancels.is_text_set(0)) == (True, True)


def test_setting_it_cancels_every_text():
    cancels = TextCancels(3)
    cancels.set()
    assert [cancels.is_text_set(i) for i in range(3)] == [True] * 3


@pytest.mark.parametrize("how", [lambda c: c.set(), lambda c: c.cancel_text(0)], ids=["all", "each"])
def test_whoever_waits_for_it_as_for_any_event_wakes(how):
    cancels, woke = TextCancels(1), threading.Event()
    waiter = threading.Thread(target=lambda: cancels.wait(10.0) and woke.set())
    waiter.start()
    how(cancels)
    waiter.join(10.0)
    assert woke.is_set()
