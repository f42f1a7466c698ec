"""The cancel flag of a batch, text by text."""

import threading
from collections.abc import Sequence

import pytest

from kgtune.extraction.interruption import TextCancels


def states(cancels: TextCancels) -> tuple[bool, list[bool]]:
    return cancels.is_set(), [event.is_set() for event in cancels]


def test_it_is_set_once_every_text_is_cancelled():
    cancels = TextCancels(2)
    found = [states(cancels)]
    for index in (1, 0):
        cancels.cancel_text(index)
        found.append(states(cancels))
    assert found == [(False, [False, False]), (False, [False, True]), (True, [True, True])]


def test_setting_it_cancels_every_text():
    cancels = TextCancels(3)
    cancels.set()
    assert states(cancels) == (True, [True] * 3)


def test_it_is_an_event_for_whoever_knows_one_and_one_for_each_text_for_whoever_knows_those():
    cancels = TextCancels(2)
    assert isinstance(cancels, threading.Event)
    assert isinstance(cancels, Sequence)
    assert [isinstance(event, threading.Event) for _, event in zip("ab", cancels, strict=True)] == [True, True]
    assert cancels[1:] == [cancels[1]]


@pytest.mark.parametrize("how", [lambda c: c.set(), lambda c: c.cancel_text(0)], ids=["all", "each"])
def test_whoever_waits_for_it_as_for_any_event_wakes(how):
    cancels, woke = TextCancels(1), threading.Event()
    waiter = threading.Thread(target=lambda: cancels.wait(10.0) and woke.set())
    waiter.start()
    how(cancels)
    waiter.join(10.0)
    assert woke.is_set()
