"""The time that is left, at the pace so far."""

import pytest

from kgtune.extraction.progress import Progress, in_words


def test_what_is_left_takes_as_long_as_what_is_done_did():
    now = 0.0
    progress = Progress(100, clock=lambda: now)
    now = 10.0
    assert progress.add(0) == ""
    assert progress.add(25) == "about 30 s left"
    now = 40.0
    assert progress.add(25) == "about 40 s left"
    assert progress.add(50) == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (5400, "1 h 30 min"), (11_100, "3 h 5 min")],
)
def test_times_are_said_as_people_do(seconds, words):
    assert in_words(seconds) == words
