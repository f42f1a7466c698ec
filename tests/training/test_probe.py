"""The measured step: on the longest pass, with a meter that is not a card, and without a trace in the run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from kgtune import config
from kgtune.errors import CheckFailed
from kgtune.planning import preflight
from kgtune.planning.memory import GIB
from tests import tiny
from tests.training import test_training
from tests.training.test_training import settings

pytestmark = pytest.mark.tiny


@dataclass
class ScriptedMeter:
    """Says what it is told to, and remembers in which order it was asked."""

    peak_gib: float
    asked: list[str]

    def reset(self) -> None:
        self.asked.append("reset")

    def peak_bytes(self) -> float:
        self.asked.append("peak")
        return self.peak_gib * GIB


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_model(tmp_path_factory.mktemp("base"))


def planned(card_gib: float) -> Any:
    return preflight.examine(config.load(None, "gpu24").config, card_gib)


def moments_gib(trainer: Any) -> float:
    return sum(8 * p.numel() for p in trainer.model.parameters() if p.requires_grad) / GIB


def test_the_peak_of_the_longest_pass_is_told_beside_the_plan(base: Path, tmp_path: Path) -> None:
    from kgtune.training import probe

    trainer = test_training.make_trainer(settings(base), tmp_path)
    meter = ScriptedMeter(8.25, [])
    longest = probe.longest_pass(trainer)["input_ids"].numel()
    told = probe.probe(trainer, planned(24), meter)

    assert meter.asked == ["reset", "peak"]
    assert told.startswith(
        f"measured step: {longest} tokens, peak {8.25 + moments_gib(trainer):.2f} of 24.0 GiB; planned"
    )
    updates = trainer.updates
    fed = [updates.batching.tokens_fed([rows]) for step in range(6) for rows in updates.batching.update(step)]
    assert longest == max(fed)


def test_more_than_the_card_has_stops_with_what_to_change(base: Path, tmp_path: Path) -> None:
    from kgtune.training import probe

    trainer = test_training.make_trainer(settings(base), tmp_path)
    with pytest.raises(
        CheckFailed, match=r"P-MEMORY: .*needs 9.0 GiB.*has 8.0 GiB \(measured on the longest pass\).*To fit"
    ):
        probe.probe(trainer, planned(8), ScriptedMeter(9.0, []))


def test_a_step_that_runs_out_of_memory_stops_with_what_to_change(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from kgtune.training import probe

    trainer = test_training.make_trainer(settings(base), tmp_path)

    def full(model: Any, one: Any) -> Any:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(trainer, "pass_loss", full)
    with pytest.raises(CheckFailed, match="P-MEMORY: .*a step on the longest pass ran out.*model.max_seq_length="):
        probe.probe(trainer, replace(planned(8)), ScriptedMeter(1.0, []))


@dataclass
class NotAllLayers:
    """Has no room until all layers are checkpointed."""

    trainer: Any

    def reset(self) -> None: ...

    def peak_bytes(self) -> float:
        layers = [m for m in self.trainer.model.modules() if type(m).__name__.endswith("DecoderLayer")]
        return (1.0 if all(layer.gradient_checkpointing for layer in layers) else 9.0) * GIB


@pytest.mark.parametrize("planned_every", ["none", "2"])
def test_auto_that_planned_too_little_checkpointing_gives_all_layers_and_says_so(
    base: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, planned_every: str
) -> None:
    from kgtune.training import activation_checkpointing, probe, training

    plain = training.train(test_training.make_trainer(settings(base), tmp_path / "plain"), None)
    trainer = test_training.make_trainer(
        settings(base, **{"training.activation_checkpointing": planned_every}), tmp_path / "other"
    )
    told = probe.fitted(trainer, planned(8), NotAllLayers(trainer), is_auto=True)

    assert f"peak {1 + moments_gib(trainer):.2f} of 8.0 GiB" in told
    assert activation_checkpointing.every_of(trainer.args) == 1
    name = "none" if planned_every == "none" else "one layer in 2"
    assert caplog.messages[-1] == (
        f"activation checkpointing: all layers; auto: the measured step of {name} does not fit the card"
    )
    assert trainer.why_checkpointed in caplog.messages[-1]
    assert training.train(trainer, None).losses == plain.losses
    assert activation_checkpointing.counted(trainer.model) == (2, 2)


@pytest.mark.parametrize(("asked", "is_auto"), [("none", False), ("all", True)])
def test_what_was_asked_or_can_go_no_further_stops(base: Path, tmp_path: Path, asked: str, is_auto: bool) -> None:
    from kgtune.training import probe

    trainer = test_training.make_trainer(settings(base, **{"training.activation_checkpointing": asked}), tmp_path)
    with pytest.raises(CheckFailed, match="P-MEMORY: .*measured on the longest pass") as caught:
        probe.fitted(trainer, planned(8), ScriptedMeter(9.0, []), is_auto=is_auto)
    assert ("training.activation_checkpointing=" in str(caught.value)) == (asked == "none")


def test_one_layer_in_two_is_measured_as_it_will_run(base: Path, tmp_path: Path) -> None:
    from kgtune.training import activation_checkpointing, probe

    trainer = test_training.make_trainer(settings(base, **{"training.activation_checkpointing": 2}), tmp_path)
    probe.measure(trainer, ScriptedMeter(1.0, []))
    assert activation_checkpointing.counted(trainer.model) == (1, 2)


def test_a_run_goes_as_without_the_measured_step(base: Path, tmp_path: Path) -> None:
    from kgtune.training import probe, training

    plain = training.train(test_training.make_trainer(settings(base), tmp_path / "plain"), None)
    probed = test_training.make_trainer(settings(base), tmp_path / "probed")
    probed.args.activation_checkpointing = True
    probe.measure(probed, ScriptedMeter(1.0, []))

    assert all(p.grad is None for p in probed.model.parameters())
    assert probed.model.is_activation_checkpointing
    assert training.train(probed, None).losses == plain.losses


def test_without_a_card_nothing_is_measured(base: Path, tmp_path: Path) -> None:
    from kgtune.training import probe

    cfg = settings(base)
    assert probe.on_card(test_training.make_trainer(cfg, tmp_path), cfg) == ""
