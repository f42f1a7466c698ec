"""A checkpoint is whole or it is told to be torn, and a disk that runs full costs no earlier one."""

from __future__ import annotations

import errno
import json
import logging
from types import SimpleNamespace

import pytest

from kgtune.errors import UserError
from kgtune.training import checkpoints

pytestmark = pytest.mark.tiny
ALONE = SimpleNamespace(is_main_process=True, wait_for_everyone=lambda: None)


def write(output_dir, step):
    with checkpoints.written_whole(output_dir, f"checkpoint-{step}", ALONE) as staging:
        (staging / f"checkpoint-{step}" / "weights").write_bytes(b"w" * 100)
        (staging / f"checkpoint-{step}" / "state.json").write_text(json.dumps({"step": step}))


def names(output_dir):
    return [path.name for path in checkpoints.whole(output_dir)]


def test_checkpoints_come_in_the_order_of_their_steps_and_leave_nothing_else(tmp_path):
    for step in (9, 10, 100):
        write(tmp_path, step)

    assert names(tmp_path) == ["checkpoint-9", "checkpoint-10", "checkpoint-100"]
    assert {path.name for path in tmp_path.iterdir()} == set(names(tmp_path))


def test_a_checkpoint_of_the_same_step_takes_the_place_of_the_old_one(tmp_path):
    write(tmp_path, 3)
    (tmp_path / "checkpoint-3" / "weights").write_bytes(b"torn")
    write(tmp_path, 3)

    assert names(tmp_path) == ["checkpoint-3"]
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-3"]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: (path / "weights").write_bytes(b"w" * 60), "weights has 60 bytes, 100 were written"),
        (lambda path: (path / "weights").write_bytes(b"w" * 99 + b"v"), "weights has changed since it was written"),
        (lambda path: (path / "weights").unlink(), "weights is missing"),
        (lambda path: (path / checkpoints.SEAL).unlink(), "sealed.json can't be read"),
        (lambda path: (path / checkpoints.SEAL).write_text("{"), "sealed.json can't be read"),
    ],
    ids=["cut", "bit flip", "gone", "no seal", "cut seal"],
)
def test_a_torn_checkpoint_is_named_and_the_one_before_is_used(tmp_path, caplog, damage, words):
    write(tmp_path, 1)
    write(tmp_path, 2)
    damage(tmp_path / "checkpoint-2")
    with caplog.at_level(logging.WARNING):
        found = names(tmp_path)

    assert found == ["checkpoint-1"]
    assert "checkpoint-2 is not used: " + words in caplog.text


@pytest.mark.parametrize(
    "failure",
    [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("PytorchStreamWriter failed writing file data/3")],
    ids=["python", "torch"],
)
def test_a_full_disk_stops_with_its_code_and_leaves_the_earlier_checkpoint(tmp_path, failure):
    def fill_the_disk():
        with checkpoints.written_whole(tmp_path, "checkpoint-2", ALONE) as staging:
            (staging / "checkpoint-2" / "weights").write_bytes(b"half")
            raise failure

    write(tmp_path, 1)
    with pytest.raises(UserError, match=r"C18-NOT-SAVED: .*-2: can't be written: .* --resume \(from checkpoint-1\)"):
        fill_the_disk()

    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-1"]
    assert names(tmp_path) == ["checkpoint-1"]


def test_the_last_ones_are_kept_and_the_spared_one_whatever_its_age(tmp_path):
    for step in range(1, 6):
        write(tmp_path, step)
    checkpoints.keep_last(tmp_path, 2, "checkpoint-4", spared="checkpoint-1")

    # 5 stands behind the newest one: it is what a torn one left, and the run will write it again
    assert names(tmp_path) == ["checkpoint-1", "checkpoint-3", "checkpoint-4", "checkpoint-5"]
