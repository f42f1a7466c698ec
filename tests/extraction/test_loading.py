"""A model folder as an extractor: how long its windows are, what it is told, what it is refused."""

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
