"""How little is checkpointed: the least that is planned to be safe on a card, for the longest pass of the run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kgtune import config
from kgtune.planning import checkpointing, shapes
from kgtune.planning.memory import GIB, plan
from kgtune.planning.preflight import setup_of

SHAPE = shapes.published("7B")


def settings(*overrides):
    return config.load(None, "gpu24", overrides).config


def chosen(card_gib, longest_pass, *overrides, shape=SHAPE):
    return checkpointing.choose(settings(*overrides), shape, card_gib, longest_pass)


def step_gib(every, longest_pass):
    setup = replace(setup_of(settings()), checkpoint_every=every, pass_tokens=longest_pass)
    return plan(SHAPE, setup).training_bytes / GIB


def test_policies_are_listed_by_the_layers_that_they_checkpoint():
    assert checkpointing.policies(28) == [0, 14, 10, 7, 6, 5, 4, 3, 2, 1]
    assert checkpointing.policies(4) == [0, 2, 1]
    assert checkpointing.policies(2) == checkpointing.policies(1) == [0, 1]


@pytest.mark.parametrize("card_gib", [10, 12, 16, 18, 20, 24, 28, 32, 80])
@pytest.mark.parametrize("longest_pass", [300, 900, 2048])
def test_auto_keeps_within_its_share_and_the_next_lesser_policy_does_not(card_gib, longest_pass):
    every = chosen(card_gib, longest_pass).every
    tried = checkpointing.policies(28)
    most_gib = 0.8 * card_gib
    assert step_gib(every, longest_pass) <= most_gib or every == 1
    assert every == 0 or step_gib(tried[tried.index(every) - 1], longest_pass) > most_gib


def test_auto_finds_none_some_and_all():
    found = [chosen(card_gib, 2048).every for card_gib in (12, 24, 80)]
    assert (found[0], found[1] > 1, found[2]) == (1, True, 0)


def test_the_runs_own_longest_pass_decides_and_not_the_longest_allowed():
    assert chosen(24, 600).every == 0
    assert chosen(24, None).every == chosen(24, 2048).every != 0


def test_answering_that_is_too_large_does_not_make_training_slower():
    large = "evaluation.batch_size=64"
    assert plan(SHAPE, setup_of(settings(large))).peak_bytes > 24 * GIB
    assert chosen(24, 600, large).every == 0


@pytest.mark.parametrize(("asked", "every"), [("all", 1), ("none", 0), ("1", 1), ("3", 3)])
def test_what_is_asked_is_taken_whatever_the_card(asked, every):
    for card_gib in (0, 12, 80):
        choice = chosen(card_gib, 2048, f"training.activation_checkpointing={asked}")
        assert (choice.every, choice.reason) == (every, "as configured")


def test_auto_without_a_card_or_a_shape_is_told():
    assert str(chosen(0, 600)) == "activation checkpointing: none; auto: there is no card whose memory it could spare"
    assert str(chosen(80, 600, shape=None)) == (
        "activation checkpointing: all layers; auto: the model's shape is not known, so nothing less can be planned"
    )


def test_the_reason_names_the_pass_and_both_peaks():
    every = chosen(24, 2048).every
    tried = checkpointing.policies(28)
    less = tried[tried.index(every) - 1]
    assert str(chosen(24, 2048)) == (
        f"activation checkpointing: one layer in {every}; auto: a pass of 2,048 tokens, the run's longest, is planned "
        f"at {step_gib(every, 2048):.1f} of 24.0 GiB, with {checkpointing.named(less)} at {step_gib(less, 2048):.1f}; "
        "up to 80% is spent on that"
    )
    assert "2,048 tokens, the configuration's longest, is planned" in str(chosen(80, None))
    assert ", with " not in str(chosen(80, None))
