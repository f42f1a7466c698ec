"""The model's card: what made the model and how good it is, and nothing of the user's data."""

from __future__ import annotations

import json

from kgtune import config
from kgtune.training import card

FACTS = {
    "base_model": "qwen/Qwen2.5-7B-Instruct", "config_sha256": "c" * 64, "data_sha256": "d" * 64,
    "ontology_sha256": "e" * 64, "seed": 7, "num_rows_trained_on": 123, "git_sha": "abc", "device": "cpu",
    "date": "2026-11-25T00:00:00+00:00", "versions": {"python": "3.11", "torch": "2.13.0"},
}  # fmt: skip


def text(base="qwen/Qwen2.5-7B-Instruct", *overrides):
    cfg = config.load(None, None, [f"model.model_id={base}", *overrides]).config
    return card.text(FACTS | {"base_model": base}, cfg.model_dump(mode="json"), None)


def test_the_card_says_what_made_the_model():
    told = text()
    for line in (
        "base_model: qwen/Qwen2.5-7B-Instruct", f"- training data, SHA-256: {'d' * 64}", "- rows trained on: 123",
        "- seed: 7", "- versions: python 3.11, torch 2.13.0",
    ):  # fmt: skip
        assert line in told.splitlines()


def test_its_settings_are_those_of_the_run():
    told = text("qwen/Qwen2.5-7B-Instruct", "lora.lora_r=6")
    settings = json.loads(told.partition("```json\n")[2].partition("\n```")[0])
    assert settings["lora"]["lora_r"] == 6
    assert set(settings) == {"model", "lora", "training", "prompt", "decoding"}


def test_a_model_that_was_not_measured_says_so():
    assert text().endswith("It has not been measured yet.\n")


def test_no_path_of_the_machine_is_told(tmp_path):
    base = tmp_path / "secret-project" / "Qwen2.5-7B-Instruct"
    base.mkdir(parents=True)
    told = text(str(base), "data.training_data=/home/me/secret-project/rows.json", "output.dir=/home/me/out")
    assert "base_model: Qwen2.5-7B-Instruct" in told
    assert "secret-project" not in told
    assert "/home/me" not in told
