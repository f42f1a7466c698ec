"""A run that is killed and resumed is the run that was not killed, to the last bit; KGTUNE_KILLS says how often."""

from __future__ import annotations

import json
import os
import random
import signal
from pathlib import Path

import pytest

from kgtune.training import checkpoints
from tests import tiny
from tests.training import kills

pytestmark = [pytest.mark.tiny, pytest.mark.slow]
KILLS = int(os.environ.get("KGTUNE_KILLS", "2"))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_model(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def whole(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    kills.finish(base, folder, {})
    return folder


def is_same(one: Path, other: Path) -> bool:
    names = ("losses.json", "adapter.safetensors")
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


def test_the_loss_list_is_what_it_should_be(whole):
    losses = json.loads((whole / "losses.json").read_text(encoding="utf-8"))

    assert [step for step, _ in losses] == [1, 2, 4, 6, 8]
    assert len({loss for _, loss in losses}) == 5


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_run_killed_anywhere_and_resumed_is_bit_identical(base, whole, tmp_path, seed):
    step, code = kills.stop(base, tmp_path, random.Random(seed))
    left = [path.name for path in checkpoints.whole(tmp_path)]
    kills.finish(base, tmp_path, {})

    assert code == -signal.SIGKILL
    assert (tmp_path / "resumed_from.txt").read_text() == (left[-1] if left else "None")
    assert is_same(tmp_path, whole), f"killed in step {step}"
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_sigterm_saves_the_update_under_way_and_ends_in_order(base, whole, tmp_path):
    step, code = kills.stop(base, tmp_path, random.Random(4), signal.SIGTERM)
    saved = [path.name for path in checkpoints.whole(tmp_path)]
    kills.finish(base, tmp_path, {})

    assert code == 0
    assert int(saved[-1].removeprefix("checkpoint-")) > step
    assert is_same(tmp_path, whole)


def test_a_torn_checkpoint_is_passed_over_and_the_run_still_comes_out_the_same(base, whole, tmp_path):
    kills.finish(base, tmp_path, {})
    torn = tmp_path / "checkpoint-9" / "optimizer.pt"
    torn.write_bytes(torn.read_bytes()[:-100])
    kills.finish(base, tmp_path, {})

    assert (tmp_path / "resumed_from.txt").read_text() == "checkpoint-6"
    assert is_same(tmp_path, whole)
    assert [path.name for path in checkpoints.whole(tmp_path)] == ["checkpoint-6", "checkpoint-9"]


def test_another_seed_is_another_run(base, whole, tmp_path):
    """Or the comparisons above would compare nothing."""
    kills.finish(base, tmp_path, {"training.seed": 7})

    assert not is_same(tmp_path, whole)
