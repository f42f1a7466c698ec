"""Model shapes: the published ones add up to what was published, and a folder says its own."""

from __future__ import annotations

import json

import pytest

from kgtune.errors import ModelError
from kgtune.planning import shapes

# Billions of parameters, all and without the embedding, as the model cards of Qwen2.5 state them.
CARDS = {
    "0.5B": (0.49, 0.36), "1.5B": (1.54, 1.31), "3B": (3.09, 2.77), "7B": (7.61, 6.53), "14B": (14.7, 13.1),
    "32B": (32.5, 31.0), "72B": (72.7, 70.0),
}  # fmt: skip


@pytest.mark.parametrize("size", shapes.SIZES)
def test_a_published_shape_has_as_many_weights_as_its_card_says(size):
    shape = shapes.published(size)
    tables = shape.vocab_size * shape.hidden_size * (1 if shape.is_tied else 2)
    every, inner = CARDS[size]
    assert shape.num_weights / 1e9 == pytest.approx(every, rel=0.01)
    assert (shape.num_weights - tables) / 1e9 == pytest.approx(inner, rel=0.015)


def test_every_size_is_held_against_its_card():
    assert set(shapes.SIZES) == set(CARDS)


@pytest.mark.parametrize(
    ("model_id", "name"),
    [
        ("qwen/Qwen2.5-7B-Instruct", "Qwen2.5-7B"),
        ("Qwen/Qwen2.5-0.5B", "Qwen2.5-0.5B"),
        ("models/qwen2.5-72b-instruct/", "Qwen2.5-72B"),
        ("Qwen/Qwen2.5-7B-Instruct-1M", None),
        ("Qwen/Qwen2.5-9B-Instruct", None),
        ("Qwen/Qwen3-8B", None),
    ],
)
def test_a_shape_is_known_by_a_published_name_and_by_no_other(model_id, name):
    shape = shapes.shape_of(model_id)
    assert (shape.name if shape else None) == name


def config_of(folder, **changes):
    values = {
        "hidden_size": 64, "num_hidden_layers": 2, "intermediate_size": 192, "num_attention_heads": 4,
        "num_key_value_heads": 2, "vocab_size": 400, "tie_word_embeddings": True, **changes,
    }  # fmt: skip
    path = folder / "config.json"
    path.write_text(json.dumps({key: value for key, value in values.items() if value is not None}), encoding="utf-8")
    return path


def test_a_folders_own_config_goes_before_its_name(tmp_path):
    folder = tmp_path / "Qwen2.5-7B-Instruct"
    folder.mkdir()
    config_of(folder)
    shape = shapes.shape_of(str(folder))
    assert (shape.hidden_size, shape.head_size, shape.kv_size, shape.is_tied) == (64, 16, 32, True)


def test_heads_without_groups_and_heads_of_their_own_size(tmp_path):
    shape = shapes.read(config_of(tmp_path, num_key_value_heads=None, head_dim=32))
    assert (shape.kv_size, shape.query_size) == (128, 128)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"num_attention_heads": "many"}'])
def test_a_config_that_says_no_shape_is_refused_by_name(tmp_path, text):
    path = tmp_path / "config.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=r"config\.json: can't be read as a model's configuration"):
        shapes.read(path)
