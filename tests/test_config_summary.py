"""What a person sees of a run's configuration: few lines at the start, and every value where it is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from kgtune import config, config_summary
from kgtune.settings import KEYS

NUM_KEYS = len([key for key in KEYS.values() if not key.is_section])


@pytest.fixture
def mine(tmp_path: Path) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text("model: {max_seq_length: 1024}\ntraining: {seed: 7}\nontology: stix21\n", encoding="utf-8")
    return str(path)


def test_the_short_form_names_what_is_no_default_by_origin_and_section(mine: str) -> None:
    resolved = config.load(mine, "gpu16", ["training.max_steps=20", "augmentation.order.ratio=0.5"])
    assert config_summary.short(resolved).splitlines() == [
        f"configuration: {mine}, profile gpu16",
        "  mine.yaml:",
        "    training: seed=7",
        '    ontology="stix21"',
        "  profile gpu16:",
        "    model: max_seq_length=1536",
        "    training: gradient_accumulation_steps=64",
        "  command line:",
        "    training: max_steps=20",
        "    augmentation.order: ratio=0.5",
        f"  {NUM_KEYS - 6} values at their defaults; the whole: --show-config",
    ]


def test_without_a_change_two_lines_are_enough() -> None:
    lines = config_summary.short(config.load(), Path("out/run.json")).splitlines()
    assert len(lines) == 2
    assert lines[1] == f"  {NUM_KEYS} values at their defaults; the whole: out/run.json, or --show-config"


def test_every_shipped_profile_is_told_in_a_few_lines() -> None:
    for profile in ("gpu16", "gpu24", "gpu32", "gpu80", "demo"):
        assert len(config_summary.short(config.load(None, profile)).splitlines()) <= 14, profile


def test_a_default_that_the_command_line_asks_for_is_named_too() -> None:
    resolved = config.load(None, "demo", ["lora.lora_r=4"])
    assert "  command line:\n    lora: lora_r=4\n" in config_summary.short(resolved)


def test_the_compact_form_has_every_value_once_on_a_page(mine: str) -> None:
    text = config_summary.compact(config.load(mine, "gpu16", ["training.max_steps=20"]))
    head, tail = text.split("  at their defaults:\n")
    assert head == (
        f'configuration: {mine}, profile gpu16\n  mine.yaml:\n    training: seed=7\n    ontology="stix21"\n'
        "  profile gpu16:\n    model: max_seq_length=1536\n    training: gradient_accumulation_steps=64\n"
        "  command line:\n    training: max_steps=20\n"
    )
    assert '    lora: lora_r=4, lora_alpha=4, lora_dropout=0.1, target_modules=["q_proj",' in tail
    assert text.count("learning_rate=0.0002") == text.count("max_seq_length=") == 1
    names = [key[-1] for key, known in KEYS.items() if not known.is_section]
    assert [name for name in names if f"{name}=" not in text] == []
    assert len(names) == NUM_KEYS
    assert len(text.splitlines()) <= 50
    assert max(map(len, text.splitlines())) <= config_summary.WIDTH


def test_the_whole_lists_every_key_and_the_origin_of_what_is_no_default(mine: str) -> None:
    resolved = config.load(mine, "gpu16", ["training.max_steps=20"])
    text = config_summary.whole(resolved)
    lines = {line.split()[0]: line.split(maxsplit=1)[1] for line in text.splitlines()[1:]}
    assert len(lines) == NUM_KEYS
    assert lines["model.max_seq_length"] == "1536  (profile gpu16)"
    assert lines["training.max_steps"] == "20  (command line)"
    assert lines["training.gradient_accumulation_steps"] == "64  (profile gpu16)"
    assert lines["ontology"] == '"stix21"  (mine.yaml)'
    assert lines["lora.lora_r"] == "4"
    assert text.splitlines()[0].endswith("mine.yaml, profile gpu16")
