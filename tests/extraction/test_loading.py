"""A model folder as an extractor: how long its windows are, what it is told, what it is refused."""

import logging
from dataclasses import replace

import pytest

from kgtune import config
from kgtune.extraction import loading
from kgtune.prompt import Contract

pytestmark = pytest.mark.tiny

CONTRACT = Contract("base", "system", "brief", "hash", "probe", 100, usual_text_tokens=48, long_text_tokens=71)


def demo(*overrides):
    return config.load(None, "demo", list(overrides)).config


def test_windows_are_as_long_as_the_texts_that_were_trained_on():
    assert loading.text_limits(CONTRACT, demo()) == (71, 48)
    assert loading.text_limits(CONTRACT, demo("decoding.window_tokens=500")) == (500, 500)


def test_a_model_that_does_not_say_gets_an_eighth_of_a_row_and_that_is_told(caplog):
    old = replace(CONTRACT, usual_text_tokens=None, long_text_tokens=None)
    assert loading.text_limits(old, demo()) == (128, 128)
    assert "windows have 128 tokens of text. Set decoding.window_tokens" in caplog.text


def test_how_far_the_windows_are_is_logged_once_a_second_at_most(caplog):
    seconds = iter([10.0, 10.4, 11.0, 11.9, 12.0])
    tell = loading.WindowLog(clock=lambda: next(seconds))
    with caplog.at_level(logging.INFO, "kgtune"):
        for done in range(1, 6):
            tell(done, 9, "about 3 s left" if done < 5 else "")
    assert [record.getMessage() for record in caplog.records] == [
        "windows: 1/9, about 3 s left", "windows: 3/9, about 3 s left", "windows: 5/9",
    ]  # fmt: skip
