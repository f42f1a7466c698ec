"""What is proved before the first step: each proof fires on its fault, on a trainer that stands ready."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kgtune.errors import CheckFailed
from tests import tiny
from tests.training import test_training
from tests.training.test_training import SYSTEM, examples, settings

pytestmark = pytest.mark.tiny


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_model(tmp_path_factory.mktemp("base"))


@pytest.fixture
def trainer(base: Path, tmp_path: Path) -> Any:
    return test_training.make_trainer(settings(base), tmp_path)


@pytest.fixture
def samples(trainer: Any) -> Any:
    from kgtune.training import supervision

    tokenizer = trainer.processing_class
    return supervision.supervise(examples(), tokenizer, SYSTEM, max_seq_length=1000, overlength="refuse").samples


def prove(trainer: Any, samples: Any) -> None:
    from kgtune.training import proofs

    proofs.prove(trainer, samples, trainer.processing_class)


def test_a_sound_trainer_passes_in_every_layout(base: Path, tmp_path: Path) -> None:
    for layout in ("shared", "packed", "padded"):
        test_training.make_trainer(settings(base, **{"training.batching": layout}), tmp_path)  # proves itself


def changed(trainer: Any, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Let the first update's passes have other tensors than their rows give."""
    real = type(trainer.updates).__getitem__

    def sabotaged(self: Any, step: int) -> dict[str, Any]:
        update = real(self, step)
        update["passes"] = [{**one, **{key: change(one[key]) for key, change in changes.items()}}
                            for one in update["passes"]]  # fmt: skip
        return update

    monkeypatch.setattr(type(trainer.updates), "__getitem__", sabotaged)


def test_a_lost_end_token_stops(trainer: Any, samples: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(trainer, monkeypatch, answer_labels=lambda labels: labels[:-2], answer_places=lambda places: places[:-2])
    with pytest.raises(CheckFailed, match="C5-LABELS-LOST: rows r.* supervised tokens keep their label"):
        prove(trainer, samples)


def test_labels_that_are_shifted_by_one_stop(trainer: Any, samples: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(trainer, monkeypatch, answer_places=lambda places: places - 1)
    with pytest.raises(CheckFailed, match="C5-LABELS-LOST"):
        prove(trainer, samples)


def test_a_pass_without_a_label_stops(trainer: Any, samples: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(trainer, monkeypatch, answer_labels=lambda labels: labels[:0], answer_places=lambda places: places[:0])
    with pytest.raises(CheckFailed, match="C17-EMPTY-PASS: update 0"):
        prove(trainer, samples)


def test_a_frozen_adapter_stops(trainer: Any, samples: Any) -> None:
    for parameter in trainer.model.parameters():
        parameter.requires_grad = False
    with pytest.raises(CheckFailed, match="C9-NOTHING-TO-TRAIN: adapter: 0 weights are trainable"):
        prove(trainer, samples)


def test_an_adapter_that_begins_as_no_number_stops(trainer: Any, samples: Any) -> None:
    parameter = next(p for p in trainer.model.parameters() if p.requires_grad)
    parameter.data.fill_(float("nan"))
    with pytest.raises(CheckFailed, match="1 adapter tensors are not finite before training"):
        prove(trainer, samples)


@pytest.mark.parametrize("configured", [0, [0, 1], None])
def test_a_model_that_never_stops_at_the_templates_end_stops(trainer: Any, samples: Any, configured: Any) -> None:
    trainer.model.generation_config.eos_token_id = configured
    with pytest.raises(CheckFailed, match=r"C6-NEVER-STOPS: .*lacks <\|im_end\|> \(2\)"):
        prove(trainer, samples)


def test_one_of_several_end_tokens_is_enough(trainer: Any, samples: Any) -> None:
    trainer.model.generation_config.eos_token_id = [0, 2]
    prove(trainer, samples)


def test_a_target_module_that_the_model_does_not_have_stops(base: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match="C13-NO-SUCH-MODULE: .*names w_pack.* It has: .*down_proj"):
        test_training.make_trainer(settings(base, **{"lora.target_modules": "[q_proj, w_pack]"}), tmp_path)


def test_a_base_that_holds_no_numbers_stops(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    broken = tiny.save_model(tmp_path / "base")
    weights = load_file(str(broken / "model.safetensors"))
    weights["model.layers.1.mlp.up_proj.weight"][3, 3] = torch.inf
    save_file(weights, str(broken / "model.safetensors"), metadata={"format": "pt"})

    with pytest.raises(CheckFailed, match=r"C9-BASE-NOT-FINITE: .*1 of its tensors .*layers\.1\.mlp\.up_proj"):
        test_training.make_trainer(settings(broken), tmp_path / "run")


def test_several_cards_and_one_process_stop(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    with pytest.raises(CheckFailed, match="C16-ONE-PROCESS: machine: 4 GPUs are visible"):
        test_training.make_trainer(settings(base), tmp_path)
