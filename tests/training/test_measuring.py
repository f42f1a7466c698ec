"""What is measured on one model, and how: the adapter off and on, examples in the prompt, a kept run's history."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from kgtune import config
from kgtune.extraction.extractor import ScriptedExtractor

pytestmark = pytest.mark.tiny


class Adapted:
    """A model whose adapter can be switched off; it remembers whether it was."""

    device = "cpu"
    adapter = "on"

    def eval(self):
        return self

    @contextmanager
    def disable_adapter(self):
        self.adapter = "off"
        yield
        self.adapter = "on"


def test_before_is_the_adapter_off_and_after_is_the_adapter_on(monkeypatch):
    from kgtune.training import measuring

    model, asked = Adapted(), []

    def extractor(**given):
        asked.append((given["name"], given["model"].adapter))
        return ScriptedExtractor()

    monkeypatch.setattr(measuring.generation, "TransformersExtractor", extractor)
    prepared = SimpleNamespace(
        tokenizer=None, system="", supervision=SimpleNamespace(max_answer_tokens=10), held_out=lambda cfg: []
    )
    cfg = config.load(None, "demo").config
    measured = []
    real = measuring.evaluation.measure
    monkeypatch.setattr(
        measuring.evaluation, "measure", lambda e, rows: (measured.append(model.adapter), real(e, rows))[1]
    )
    for which in ("before", "after"):
        measuring.measure(model, prepared, cfg, which)

    assert measured == ["off", "on"]
    assert [name for name, _ in asked] == ["before", "after"]
