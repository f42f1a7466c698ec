"""The page before a run: a table, a verdict and what to change, for a card that need not be there."""

from __future__ import annotations

import pytest

from kgtune import config
from kgtune.planning import preflight

CARDS = [(16, "gpu16"), (24, "gpu24"), (32, "gpu32"), (80, "gpu80")]


def examined(profile, card_gib, *overrides):
    return preflight.examine(config.load(None, profile, overrides).config, card_gib)


@pytest.mark.parametrize(("card_gib", "profile"), CARDS)
def test_each_profile_fits_the_card_that_it_is_made_for(card_gib, profile):
    found = examined(profile, card_gib)
    assert found.verdict == "fits"
    assert "verdict: fits" in preflight.page(found)


def test_the_default_profile_stays_under_22_gib():
    assert examined("gpu24", 24).peak_gib < 22


@pytest.mark.parametrize("card_gib", [card for card, _ in CARDS])
def test_auto_takes_the_profile_of_the_card(card_gib):
    assert config.load(None, "auto", [], card_gib=card_gib).profile == dict(CARDS)[card_gib]


def test_auto_steps_down_where_the_model_is_too_large_for_the_cards_own_profile():
    larger = ["model.model_id=Qwen/Qwen2.5-14B-Instruct"]
    assert examined("gpu32", 32, *larger).verdict == "does not fit"
    assert config.load(None, "auto", larger, card_gib=32).profile == "gpu24"


def test_auto_goes_by_the_class_where_nothing_fits_or_the_shape_is_not_known():
    for model_id in ("Qwen/Qwen2.5-72B-Instruct", "mine/Unknown"):
        assert config.load(None, "auto", [f"model.model_id={model_id}"], card_gib=24).profile == "gpu24"


def test_terms_add_up_to_the_peaks_that_are_told():
    page = preflight.page(examined("gpu24", 24))
    rows = {line.strip().rsplit(maxsplit=1)[0]: float(line.rsplit(maxsplit=1)[1]) for line in page.splitlines()[1:]
            if line.startswith("  ") and not line.endswith("on top")}  # fmt: skip
    held = ("weights of the layers", "embedding and output layer", "adapter", "optimizer (gradient, two moments)",
            "CUDA context (allowance)")  # fmt: skip
    step = ("activations kept", "activations of the layer at work", "logits tile",
            "workspace (a layer's gradients, one dequantised matrix)")  # fmt: skip
    assert sum(rows[name] for name in held + step) == pytest.approx(rows["peak of training"], abs=0.05)
    assert len(rows) == len(held) + len(step) + 3 + 2


def test_a_run_that_does_not_fit_is_told_what_to_change():
    found = examined("gpu32", 16)
    page = preflight.page(found)
    assert "verdict: does not fit" in page
    assert "to fit, all of: " in page
    assert "model.load_in_4bit=true" in page
    assert "raise training.gradient_accumulation_steps" in page


def test_one_key_is_enough_where_one_is():
    assert "to fit, one of: " in preflight.page(examined("gpu24", 24, "model.max_seq_length=32768"))


def test_a_model_that_never_fits_names_those_that_would():
    assert "these models would: Qwen2.5-14B" in preflight.page(examined("gpu24", 24, "model.model_id=q/Qwen2.5-72B"))


def test_without_a_card_there_is_a_peak_and_no_verdict():
    page = preflight.page(examined("gpu24", 0))
    assert "verdict" not in page
    assert "give one with --vram-gib N" in page


def test_a_model_nobody_knows_is_not_planned():
    assert examined("gpu24", 24, "model.model_id=mine/Other") is None
    assert "memory: not run, since the shape of mine/Other" in preflight.unknown_shape("mine/Other")


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [((), 2), (("training.precision=bf16",), 2), (("training.precision=fp16",), 4), (("model.load_in_4bit=false",), 4)],
)
def test_an_adapter_is_held_in_16_bits_over_a_4_bit_base_in_bf16_alone(overrides, expected):
    assert examined("gpu24", 24, *overrides).setup.adapter_bytes == expected


def test_a_plan_is_of_the_keys_that_the_run_will_use():
    setup = examined(
        "gpu24", 24, "lora.lora_r=8", "lora.lora_dropout=0.2", "lora.target_modules=[q_proj, v_proj]",
        "training.per_device_train_batch_size=2", "training.batching=padded", "model.max_seq_length=1536",
        "evaluation.batch_size=3", "training.precision=fp32",
    ).setup  # fmt: skip
    assert (setup.lora_r, setup.lora_dropout, setup.target_modules) == (8, 0.2, ("q_proj", "v_proj"))
    assert (setup.batch_size, setup.sequence_length, setup.evaluation_batch_size) == (2, 1536, 3)
    assert (setup.batching, setup.compute_bytes, setup.load_in_4bit) == ("padded", 4, True)
    every = {asked: examined("gpu24", 24, f"training.activation_checkpointing={asked}").setup.checkpoint_every
             for asked in ("auto", "all", "none", "3")}  # fmt: skip
    assert every == {"auto": 1, "all": 1, "none": 0, "3": 3}
    assert examined("gpu24", 24).setup.batching == "shared"  # of auto, the one that takes most


def test_a_run_is_planned_again_under_another_checkpointing():
    found = examined("gpu24", 24)
    less = preflight.with_checkpointing(found, 3)
    assert less.plan == examined("gpu24", 24, "training.activation_checkpointing=3").plan
    assert less.peak_gib > found.peak_gib
