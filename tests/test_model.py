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


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A folder as fine_tune.py leaves it over a small base, less its weights."""
    from kgtune import model_folder, ontology
    from kgtune.prompt import Contract
    from tests import tiny

    base = tiny.save_model(tmp_path / "base")
    chosen = ontology.load("threat_event")
    model_folder.save_contract(tmp_path / "m", Contract(str(base), "s", "brief", chosen.hash, "probe", 9), chosen)
    (tmp_path / "m" / "adapter_config.json").write_text("{}", encoding="utf-8")
    return tmp_path / "m"


def test_a_kept_model_over_a_small_base_runs_without_a_card_under_any_profile_and_not_in_4_bits(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from kgtune import config, model

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    def in_4bit(profile: str | None, *overrides: str) -> bool:
        return model.settings_here(config.load(None, profile, overrides), kept).model.load_in_4bit

    assert [in_4bit(None), in_4bit("gpu16"), in_4bit("gpu80"), in_4bit("demo")] == [False] * 4
    assert in_4bit(None, "model.load_in_4bit=true")
    assert in_4bit("demo", "model.load_in_4bit=true")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert in_4bit(None)


def test_a_kept_model_over_a_large_base_or_one_that_is_not_here_takes_a_card(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from kgtune import config, model

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    contract = json.loads((kept / "prompt_contract.json").read_text(encoding="utf-8"))
    monkeypatch.setattr(model, "MOST_CPU_GIB", 1e-6)
    with pytest.raises(UserError, match="no CUDA device was found"):
        model.settings_here(config.load(None), kept)
    monkeypatch.undo()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    contract["base_model"] = "qwen/Qwen2.5-7B-Instruct"
    (kept / "prompt_contract.json").write_text(json.dumps(contract), encoding="utf-8")
    with pytest.raises(UserError, match="no CUDA device was found"):
        model.settings_here(config.load(None), kept)
    # merged, it has weights of its own
    (kept / "adapter_config.json").unlink()
    (kept / "model.safetensors").write_bytes(b"w" * 100)
    assert not model.settings_here(config.load(None), kept).model.load_in_4bit


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
