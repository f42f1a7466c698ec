"""Layers that compute their activations again: as many as were asked, and never another loss."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests import tiny
from tests.training import test_training
from tests.training.test_training import settings

pytestmark = pytest.mark.tiny

POLICIES = ["all", "none", "2", "3"]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    return tiny.save_model(folder, num_layers=5)


def trained(base: Path, folder: Path, asked: str, **overrides: Any) -> tuple[Any, Any]:
    from kgtune.training import effective, training

    cfg = settings(base, **{"training.activation_checkpointing": asked, **overrides})
    trainer = test_training.make_trainer(cfg, folder)
    (folder / "run.json").write_text("{}", encoding="utf-8")
    effective.watch(trainer, cfg, "fp32", folder / "run.json")
    return trainer, training.train(trainer, None)


@pytest.mark.parametrize("layout", ["shared", "padded"])
def test_losses_and_adapter_are_the_same_to_the_bit_under_every_policy(base: Path, tmp_path: Path, layout: str) -> None:
    losses, adapters = [], []
    for asked in POLICIES:
        (tmp_path / asked).mkdir()
        trainer, result = trained(base, tmp_path / asked, asked, **{"training.batching": layout})
        losses.append(result.losses)
        adapters.append({name: p for name, p in trainer.model.named_parameters() if p.requires_grad})

    assert len(losses[0]) == 6
    assert losses == [losses[0]] * len(POLICIES)
    for other in adapters[1:]:
        assert all(p.equal(other[name]) for name, p in adapters[0].items())


@pytest.mark.parametrize(
    ("asked", "layers"), [("all", [0, 1, 2, 3, 4]), ("none", []), ("2", [0, 2, 4]), ("3", [0, 3]), ("auto", [])]
)
def test_the_layers_that_were_asked_are_computed_again(
    base: Path, tmp_path: Path, asked: str, layers: list[int]
) -> None:
    trainer, _ = trained(base, tmp_path, asked, **{"training.max_steps": 2})
    stack = trainer.accelerator.unwrap_model(trainer.model).get_base_model().model.layers
    calls = dict.fromkeys(range(5), 0)

    def count(number: int) -> Any:
        return lambda *_: calls.__setitem__(number, calls[number] + 1)

    # a hook of the attention within a layer sees the second pass, a hook of the layer itself does not
    hooks = [layer.self_attn.register_forward_hook(count(number)) for number, layer in enumerate(stack)]
    item = trainer.updates[0]
    trainer.training_step(trainer.model, item)
    for hook in hooks:
        hook.remove()
    found = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))["effective_settings"]["checkpointing"]

    passes = len(item["passes"])
    assert calls == {number: passes * (2 if number in layers else 1) for number in range(5)}
    assert (found["asked"], found["in_force"]) == (f"{len(layers)} of 5 layers",) * 2
    assert found["more"] == (
        "as configured" if asked != "auto" else "auto: there is no card whose memory it could spare"
    )


def test_arguments_and_policy_are_each_others_inverse() -> None:
    from kgtune.training import activation_checkpointing as room

    for every in (0, 1, 2, 7):
        args = SimpleNamespace(**room.arguments(every))
        assert room.every_of(args) == every


def test_a_changed_policy_leaves_the_other_arguments() -> None:
    from kgtune.training import activation_checkpointing as room

    args = SimpleNamespace(activation_checkpointing=True, activation_checkpointing_kwargs={"use_reentrant": True})
    room.ask_for(args, 4)
    assert args.activation_checkpointing_kwargs == {"use_reentrant": True, "every_n_layers": 4}
    room.ask_for(args, 1)
    assert (room.every_of(args), args.activation_checkpointing_kwargs) == (1, {"use_reentrant": True})
    room.ask_for(args, 0)
    assert room.every_of(args) == 0
