"""Memory by term: what the notes worked out for Qwen2.5-7B by hand, and how each setting moves it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kgtune.planning import memory, shapes
from kgtune.planning.memory import GIB, Setup

SEVEN = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
SHAPE = shapes.published("7B")
SETUP = Setup(
    load_in_4bit=True, lora_r=4, lora_dropout=0.0, target_modules=SEVEN, batch_size=1, sequence_length=1024,
    evaluation_batch_size=1, batching="padded",
)  # fmt: skip


def gib_of_weights(**changes):
    held = memory.plan(SHAPE, replace(SETUP, **changes)).held
    return (held["weights of the layers"] + held["embedding and output layer"]) / GIB


def test_weights_of_seven_billion_in_four_and_in_sixteen_bits():
    assert gib_of_weights() == pytest.approx(5.17, abs=0.01)
    assert gib_of_weights(load_in_4bit=False) == pytest.approx(14.18, abs=0.01)


@pytest.mark.parametrize(("rank", "millions"), [(4, 10.1), (8, 20.2), (16, 40.4), (64, 161.5)])
def test_an_adapter_of_all_seven_modules(rank, millions):
    number = memory.num_adapter_weights(SHAPE, replace(SETUP, lora_r=rank))
    assert number / 1e6 == pytest.approx(millions, abs=0.06)


def test_an_adapter_of_two_modules_is_smaller_and_an_unknown_one_counts_nothing():
    two = memory.num_adapter_weights(SHAPE, replace(SETUP, target_modules=("q_proj", "v_proj", "w9")))
    assert two == 28 * 4 * ((3584 + 3584) + (3584 + 512))


def test_activations_of_a_thousand_tokens_by_policy():
    """The notes: checkpoints 0.19 GiB, one layer's second pass 0.21, no checkpointing 5.8."""
    none = replace(SETUP, checkpoint_every=memory.NO_CHECKPOINTING)
    assert memory.kept_activations(SHAPE, SETUP) / GIB == pytest.approx(0.19, abs=0.005)
    assert memory.working_activations(SHAPE, SETUP) / GIB == pytest.approx(0.21, abs=0.01)
    assert memory.kept_activations(SHAPE, none) / GIB == pytest.approx(5.8, rel=0.04)
    assert memory.working_activations(SHAPE, none) == 0.0


def test_every_second_layer_lies_half_way():
    kept = [memory.kept_activations(SHAPE, replace(SETUP, checkpoint_every=n)) for n in (1, 2, 0)]
    assert kept[1] == pytest.approx((kept[0] + kept[2]) / 2)


@pytest.mark.parametrize("batching", ["padded", "packed", "shared"])
@pytest.mark.parametrize("size", shapes.SIZES)
def test_more_checkpointing_never_takes_more(size, batching):
    shape = shapes.published(size)
    policies = [*range(1, shape.num_layers), memory.NO_CHECKPOINTING]
    peaks = [memory.plan(shape, replace(SETUP, batching=batching, checkpoint_every=n)).training_bytes for n in policies]
    assert peaks == sorted(peaks)
    assert peaks[0] < peaks[1] < peaks[-1]


def test_a_pass_that_is_known_counts_in_place_of_full_rows():
    known = memory.plan(SHAPE, replace(SETUP, sequence_length=4096, batch_size=3, pass_tokens=1024))
    assert known.training == memory.plan(SHAPE, SETUP).training
    assert known.answering == memory.plan(SHAPE, replace(SETUP, sequence_length=4096)).answering


def test_dropout_costs_a_mask_and_a_copy_of_each_input():
    plain, dropped = (memory.layer_activations(SHAPE, replace(SETUP, lora_dropout=p)) for p in (0.0, 0.1))
    inputs = sum(inputs for inputs, _ in SHAPE.linears.values())
    shared = 2 * 3584 + 18_944
    assert dropped - plain == 3 * inputs - 2 * shared


def test_keys_and_values_of_an_answer():
    """56 KiB a token: 28 layers, keys and values of 512 numbers in 16 bits."""
    plan = memory.plan(SHAPE, replace(SETUP, evaluation_batch_size=8, sequence_length=2048))
    assert plan.answering["keys and values"] == 8 * 2048 * 56 * 1024


def test_each_term_beside_weights_and_activations_counted_by_hand():
    """A thousand tokens of 3,584 numbers, an MLP of 18,944, a vocabulary of 152,064; 16 bits."""
    plan = memory.plan(SHAPE, SETUP)
    matrix = 3584 * 18_944 * 2  # the largest one, written out of its 4 bits
    assert plan.held["adapter"] == 10_092_544 * 2
    assert plan.held["optimizer (gradient, two moments)"] == 10_092_544 * 6
    assert plan.held["CUDA context (allowance)"] == pytest.approx(0.8 * GIB)
    assert plan.training["logits tile"] == 2**27 * 2 * 4 + 2 * 1024 * 3584 * 2
    assert plan.training["workspace (a layer's gradients, one dequantised matrix)"] == (
        1024 * 2 * (3 * 18_944 + 4 * 3584) + matrix
    )
    assert plan.answering == {
        "keys and values": 1024 * 56 * 1024,
        "pass over the prompts": 1024 * 2 * (3 * 18_944 + 6 * 3584) + matrix,
        "logits of the next tokens": 152_064 * 8,
    }


@pytest.mark.parametrize(
    "more",
    [
        {"load_in_4bit": False}, {"lora_r": 64}, {"lora_dropout": 0.1}, {"batch_size": 2}, {"sequence_length": 2048},
        {"compute_bytes": 4}, {"adapter_bytes": 4}, {"checkpoint_every": 2}, {"checkpoint_every": 0},
        {"batching": "packed"}, {"batching": "shared"},
    ],
)  # fmt: skip
def test_each_setting_is_told_in_the_peak_of_training(more):
    base, asked = memory.plan(SHAPE, SETUP), memory.plan(SHAPE, replace(SETUP, **more))
    assert asked.training_bytes > base.training_bytes


def test_the_peak_is_that_of_the_stage_that_takes_more():
    many = memory.plan(SHAPE, replace(SETUP, evaluation_batch_size=64))
    assert many.peak_bytes == many.answering_bytes > many.training_bytes
    assert memory.plan(SHAPE, SETUP).peak_bytes == memory.plan(SHAPE, SETUP).training_bytes
