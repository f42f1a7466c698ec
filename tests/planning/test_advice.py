"""What to change so that a run fits: each change that is named does it, and the next milder one does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kgtune import config
from kgtune.planning import advice, shapes
from kgtune.planning.memory import GIB, plan
from kgtune.planning.preflight import setup_of

SHAPE = shapes.published("7B")


def setup(profile, *overrides):
    return setup_of(config.load(None, profile, overrides).config)


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.5, "fits"), (0.92, "fits"), (0.93, "is tight"), (1.0, "is tight"), (1.01, "does not fit")],
)
def test_what_is_left_of_a_card_decides(share, expected):
    assert advice.verdict(share * 24 * GIB, 24) == expected


@pytest.mark.parametrize(
    ("profile", "card_gib"), [("gpu32", 24), ("gpu80", 48), ("gpu24", 8), ("gpu80", 24), ("gpu32", 16), ("gpu80", 12)]
)
def test_a_change_that_is_named_makes_it_fit_and_a_milder_one_of_its_kind_does_not(profile, card_gib):
    asked = setup(profile)
    assert advice.verdict(plan(SHAPE, asked).peak_bytes, card_gib) != "fits"
    changes = advice.to_fit(SHAPE, asked, card_gib)
    assert changes
    for change in changes:
        changed = replace(asked, **change.fields)
        assert plan(SHAPE, changed).peak_bytes == change.peak_bytes <= advice.SAFE_SHARE * card_gib * GIB
        for name in change.fields:
            back = replace(changed, **{name: getattr(asked, name)})
            assert advice.verdict(plan(SHAPE, back).peak_bytes, card_gib) != "fits", name


def test_a_change_is_told_by_the_keys_of_the_configuration():
    [change, *_] = advice.to_fit(SHAPE, setup("gpu32"), 16)
    assert all(part.split("=")[0] in {"model.load_in_4bit", "training.per_device_train_batch_size",
               "evaluation.batch_size", "model.max_seq_length", "lora.lora_r"} for part in str(change).split())  # fmt: skip
    assert "model.load_in_4bit=true" in str(change)


def test_no_change_is_named_where_none_would_do():
    assert advice.to_fit(shapes.published("72B"), setup("gpu24"), 24) == []


def test_the_models_that_would_fit_are_named_from_the_largest():
    found = advice.smaller_models(shapes.published("72B"), setup("gpu24"), 24)
    assert found[0] == "Qwen2.5-14B"
    assert found == [f"Qwen2.5-{size}" for size in reversed(shapes.SIZES[: shapes.SIZES.index("14B") + 1])]


def test_there_is_room_for_what_is_named_and_not_for_the_next():
    asked = setup("gpu24")
    found = {name: value for change in advice.room(SHAPE, asked, 24) for name, value in change.fields.items()}
    assert found["load_in_4bit"] is False
    length = found["sequence_length"]
    assert length > 2048
    longer = plan(SHAPE, replace(asked, sequence_length=2 * length))
    assert advice.verdict(longer.peak_bytes, 24) != "fits"


@pytest.mark.parametrize(("asked", "named"), [("none", {"8", "4", "2", "all"}), ("4", {"2", "all"})])
def test_more_checkpointing_is_the_first_thing_named_where_less_was_asked(asked, named):
    every = setup("gpu24", f"training.activation_checkpointing={asked}")
    card_gib = plan(SHAPE, every).peak_bytes / GIB
    key, _, value = str(advice.to_fit(SHAPE, every, card_gib)[0]).partition("=")
    assert key == "training.activation_checkpointing"
    assert value in named
    assert str(advice.to_fit(SHAPE, every, 14)[0]) == "training.activation_checkpointing=all"
