"""How models are loaded, and what is refused before it can do harm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kgtune.errors import ModelError, UserError

pytestmark = pytest.mark.tiny


def test_without_a_card_only_the_demo_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from kgtune import model

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    model.require_card("demo")
    with pytest.raises(UserError, match="--profile demo"):
        model.require_card("gpu24")


def test_auto_precision_follows_the_card(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from kgtune import model

    def machine(*, card: bool, bf16: bool) -> str:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: card)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: bf16)
        return model.precision_for("auto")

    assert [machine(card=False, bf16=False), machine(card=True, bf16=False), machine(card=True, bf16=True)] == [
        "fp32", "fp16", "bf16",
    ]  # fmt: skip


def test_bf16_on_a_card_that_only_emulates_it_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from kgtune import model

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (7, 5))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Tesla T4")

    with pytest.raises(UserError, match=r"C8-NO-BF16: .*Tesla T4 \(compute capability 7.5\) emulates it"):
        model.precision_for("bf16")
    assert model.precision_for("fp16") == "fp16"


def test_a_tokenizer_without_chat_template_is_refused(tmp_path: Path) -> None:
    from kgtune import model
    from tests import tiny

    fast: Any = tiny.tokenizer()
    fast.chat_template = None
    fast.save_pretrained(str(tmp_path))
    assert json.loads((tmp_path / "tokenizer_config.json").read_text(encoding="utf-8"))

    with pytest.raises(ModelError, match=r"no chat template\. Use an Instruct model"):
        model.load_tokenizer(tmp_path)


@pytest.mark.parametrize(("in_4_bits", "wanted"), [(False, "merged"), (True, "with adapter")])
def test_an_adapter_is_folded_into_the_weights_unless_they_are_in_4_bits(
    monkeypatch: pytest.MonkeyPatch, *, in_4_bits: bool, wanted: str
) -> None:
    from kgtune import config, model, ontology
    from kgtune.extraction import generation

    class WithAdapter:
        def merge_and_unload(self) -> str:
            return "merged"

        def __repr__(self) -> str:
            return "with adapter"

    contract: Any = None
    tuned = model.TunedModel(WithAdapter(), None, contract, ontology.load("threat_event"), "x")  # type: ignore[arg-type]
    monkeypatch.setattr(model, "load_tuned", lambda *_: tuned)
    monkeypatch.setattr(generation.TransformersExtractor, "from_tuned", lambda given, _: given.model)
    cfg = config.load(None, "demo", [f"model.load_in_4bit={str(in_4_bits).lower()}"]).config

    assert str(model.load_extractor(Path("x"), cfg)) == wanted


def test_four_bit_weights_are_stored_in_a_float_type_where_they_are_to_be_sharded(monkeypatch):
    import torch

    from kgtune import model

    monkeypatch.delenv("ACCELERATE_USE_FSDP", raising=False)
    assert model.quantization("bf16").bnb_4bit_quant_storage == torch.uint8
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    assert model.quantization("bf16").bnb_4bit_quant_storage == torch.bfloat16
