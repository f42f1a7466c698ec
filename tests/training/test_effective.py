"""What was asked for and what is in force: told, saved, and stopped where the two differ."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from kgtune.errors import CheckFailed
from tests import tiny
from tests.training import test_training
from tests.training.test_training import settings

pytestmark = pytest.mark.tiny

NO_CARD = "auto: there is no card whose memory it could spare"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_model(tmp_path_factory.mktemp("base"))


def trainer_and_cfg(base: Path, folder: Path, **overrides: Any) -> tuple[Any, Any]:
    cfg = settings(base, **overrides)
    return test_training.make_trainer(cfg, folder), cfg


def in_force(trainer: Any, cfg: Any, **options: Any) -> dict[str, str]:
    from kgtune.training import effective

    found = effective.collect(trainer, cfg, options.get("precision", "fp32"), has_begun=options.get("has_begun", False))
    return {setting.name: setting.found for setting in found}


def refused(trainer: Any, cfg: Any, precision: Any = "fp32", *, has_begun: bool = False) -> str:
    from kgtune.training import effective

    with pytest.raises(CheckFailed) as caught:
        effective.establish(trainer, cfg, precision, Path("no-run.json"), has_begun=has_begun)
    return str(caught.value)


def test_what_is_in_force_is_told_in_words(base: Path, tmp_path: Path) -> None:
    trainer, cfg = trainer_and_cfg(base, tmp_path)
    assert in_force(trainer, cfg, has_begun=True) == {
        "processes": "1", "sharding": "none", "rows per update": "2", "weights": "fp32", "computation": "fp32",
        "adapter": "fp32", "attention": "kgtune_rows", "lora_dropout": "0.1", "checkpointing": "0 of 2 layers",
    }  # fmt: skip


def test_four_bits_are_looked_for_in_the_modules(base: Path, tmp_path: Path) -> None:
    trainer, cfg = trainer_and_cfg(base, tmp_path, **{"model.load_in_4bit": "true"})
    found = in_force(trainer, cfg)
    assert (found["weights"], found["computation"]) == ("nf4, nested", "fp32")


def test_settings_are_saved_with_the_run_and_told_when_training_begins(
    base: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from kgtune.training import effective, training

    trainer, cfg = trainer_and_cfg(base, tmp_path, **{"training.max_steps": 3})
    run_file = tmp_path / "run.json"
    run_file.write_text('{"profile": "demo"}', encoding="utf-8")
    effective.watch(trainer, cfg, "fp32", run_file)
    early = json.loads(run_file.read_text(encoding="utf-8"))
    with caplog.at_level(logging.INFO, logger="kgtune"):
        training.train(trainer, None)
    late = json.loads(run_file.read_text(encoding="utf-8"))

    assert early["profile"] == late["profile"] == "demo"
    assert "checkpointing" not in early[effective.KEY]
    assert late[effective.KEY]["checkpointing"] == {
        "asked": "0 of 2 layers",
        "in_force": "0 of 2 layers",
        "more": NO_CARD,
    }
    told = next(record.getMessage() for record in caplog.records if record.getMessage().startswith("effective"))
    assert f"{len(late[effective.KEY])}" == f"{len(told.splitlines()) - 1}"


def test_another_number_format_than_was_asked_stops(base: Path, tmp_path: Path) -> None:
    trainer, cfg = trainer_and_cfg(base, tmp_path)
    text = refused(trainer, cfg, "bf16")
    assert "C8-OTHER-DTYPE: computation: bf16 was asked, fp32 is in force." in text
    assert "E-SETTINGS: weights: weights: bf16 was asked, fp32 is in force." in text


def test_an_adapter_in_another_format_stops(base: Path, tmp_path: Path) -> None:
    import torch

    trainer, cfg = trainer_and_cfg(base, tmp_path)
    parameter = next(p for p in trainer.model.parameters() if p.requires_grad)
    parameter.data = parameter.data.to(torch.float16)
    assert "C8-OTHER-DTYPE: adapter: fp32 was asked, fp16 and fp32 is in force." in refused(trainer, cfg)


def test_four_bits_that_are_not_there_stop(base: Path, tmp_path: Path) -> None:
    trainer, _ = trainer_and_cfg(base, tmp_path)
    asked = settings(base, **{"model.load_in_4bit": "true"})
    assert "weights: nf4, nested was asked, fp32 is in force." in refused(trainer, asked)


def test_processes_that_did_not_meet_stop(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer, cfg = trainer_and_cfg(base, tmp_path)
    monkeypatch.setenv("WORLD_SIZE", "8")
    assert "C16-PROCESSES: processes: 8 were asked for, 1 work together." in refused(trainer, cfg)


def test_sharding_that_became_copies_stops(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer, cfg = trainer_and_cfg(base, tmp_path)
    monkeypatch.setenv("ACCELERATE_USE_DEEPSPEED", "true")
    assert "sharding: DEEPSPEED was asked, none is in force." in refused(trainer, cfg)


def test_an_update_of_another_number_of_rows_stops(base: Path, tmp_path: Path) -> None:
    trainer, _ = trainer_and_cfg(base, tmp_path)
    asked = settings(base, **{"training.gradient_accumulation_steps": 3})
    assert "C17-ROWS-PER-UPDATE: rows per update: an update takes 2 rows, 6 were asked" in refused(trainer, asked)


def test_attention_that_would_mix_rows_stops(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from contextlib import ExitStack

    trainer, cfg = trainer_and_cfg(base, tmp_path)
    monkeypatch.setattr(type(trainer), "fast", lambda self: ExitStack())
    assert "attention: kgtune_rows was asked, sdpa is in force." in refused(trainer, cfg)


def test_a_dropout_that_is_not_in_force_stops(base: Path, tmp_path: Path) -> None:
    trainer, _ = trainer_and_cfg(base, tmp_path)
    assert "lora_dropout: 0.3 was asked, 0.1 is in force." in refused(
        trainer, settings(base, **{"lora.lora_dropout": 0.3})
    )


def test_checkpointing_that_was_asked_and_is_off_stops(base: Path, tmp_path: Path) -> None:
    trainer, cfg = trainer_and_cfg(base, tmp_path)
    trainer.args.activation_checkpointing = True
    assert "checkpointing: 2 of 2 layers was asked, 0 of 2 layers is in force." in refused(trainer, cfg, has_begun=True)
    trainer.model.activation_checkpointing_enable()
    assert in_force(trainer, cfg, has_begun=True)["checkpointing"] == "2 of 2 layers"


def test_checkpointing_that_the_trainer_was_not_told_of_stops(base: Path, tmp_path: Path) -> None:
    trainer, _ = trainer_and_cfg(base, tmp_path)
    asked = settings(base, **{"training.activation_checkpointing": 2})
    assert "checkpointing: 1 of 2 layers was asked, 0 of 2 layers is in force." in refused(
        trainer, asked, has_begun=True
    )


def test_weights_stored_as_bytes_cannot_be_sharded(base: Path, tmp_path: Path) -> None:
    from kgtune.training import effective

    trainer, _ = trainer_and_cfg(base, tmp_path, **{"model.load_in_4bit": "true"})
    [problem] = effective.storage(trainer.model, "fp32", "FSDP")
    assert (problem.code, "stored as uint8, not as fp32" in problem.what) == ("C14-STORAGE", True)
    assert effective.storage(trainer.model, "fp32", "") == []
