"""Two runs are never mixed, and the difference is told."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace

import pytest

from kgtune import config
from kgtune.errors import UserError
from kgtune.training import resumption
from tests.training import test_checkpoints

pytestmark = pytest.mark.tiny
RECORD = {"versions": {"torch": "1"}}
MARKS = {"lora.lora_r": "4", "rendered train rows": "abc"}


def claim(folder, marks=MARKS, *, resume=True, record=RECORD):
    return resumption.claim(folder, marks, record, resume=resume, writes=True)


def marks_of(base, *overrides, answer="{}", num_processes=1):
    cfg = config.load(None, "demo", [f"model.model_id={base}", *overrides]).config
    sample = SimpleNamespace(example=SimpleNamespace(id="r"), prompt_ids=(1,), answer_ids=(2,), answer_text=answer)
    return resumption.fingerprint(cfg, [sample], ontology="o", base=base, num_processes=num_processes)


@pytest.fixture
def base(tmp_path):
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "model.safetensors").write_bytes(b"w" * 3_000_000)
    (tmp_path / "base" / "config.json").write_text("{}")
    return tmp_path / "base"


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"overrides": ("lora.lora_r=3",)}, ["lora.lora_r: was '32', now '3'"]),
        ({"overrides": ("training.seed=1",)}, ["training.seed: was '42', now '1'"]),
        ({"num_processes": 2}, ["processes: was '1', now '2'"]),
        ({"overrides": ("training.save_steps=7", "training.save_total_limit=9")}, []),
        ({"overrides": ("training.activation_checkpointing=2",)}, []),
    ],
    ids=["adapter", "seed", "processes", "how often it saves", "what is computed again"],
)
def test_what_changes_a_number_is_part_of_a_run_and_what_does_not_is_not(base, change, differs):
    changed = marks_of(base, *change.pop("overrides", ()), **change)

    assert resumption.differences(marks_of(base), changed) == differs


def test_another_answer_or_other_weights_of_the_same_size_are_another_run(base):
    before = marks_of(base)
    other_answer = marks_of(base, answer="[]")
    with (base / "model.safetensors").open("r+b") as file:
        file.seek(2_999_999)
        file.write(b"v")
    other_weights = marks_of(base)

    assert [line.partition(":")[0] for line in resumption.differences(before, other_answer)] == ["rendered train rows"]
    assert [line.partition(":")[0] for line in resumption.differences(before, other_weights)] == ["base model"]


def test_a_resume_of_other_data_is_refused_with_the_difference(tmp_path):
    assert claim(tmp_path, resume=False) is None
    test_checkpoints.write(tmp_path, 2)

    with pytest.raises(UserError, match="C15-MIXED-RUNS: .*rendered train rows: was 'abc', now 'abd'"):
        claim(tmp_path, {**MARKS, "rendered train rows": "abd"})
    assert claim(tmp_path) == tmp_path / "checkpoint-2"


def test_checkpoints_whose_run_nobody_can_tell_are_refused(tmp_path):
    claim(tmp_path, resume=False)
    test_checkpoints.write(tmp_path, 2)
    (tmp_path / resumption.RUN_FILE).write_text("{")

    with pytest.raises(UserError, match="C15-MIXED-RUNS: .*run.json: can't be read"):
        claim(tmp_path)


def test_checkpoints_without_a_run_file_are_refused_and_nothing_is_written(tmp_path):
    test_checkpoints.write(tmp_path, 2)

    with pytest.raises(
        UserError, match=r"C15-MIXED-RUNS: .*run.json: can't be read .*No such file.* start a new run with -o"
    ):
        claim(tmp_path)
    assert not (tmp_path / resumption.RUN_FILE).exists()


@pytest.mark.parametrize("resume", [True, False])
def test_a_finished_model_whose_checkpoints_are_gone_is_not_replaced(tmp_path, resume):
    (tmp_path / "final_model").mkdir()

    with pytest.raises(UserError, match=r"holds a finished model, final_model, and no checkpoint .* with -o DIR"):
        claim(tmp_path, resume=resume)
    assert [path.name for path in tmp_path.iterdir()] == ["final_model"]


def test_a_second_run_is_refused_even_where_all_checkpoints_are_torn(tmp_path):
    claim(tmp_path, resume=False)
    test_checkpoints.write(tmp_path, 2)
    (tmp_path / "checkpoint-2" / "weights").unlink()

    with pytest.raises(UserError, match="holds an earlier run"):
        claim(tmp_path, resume=False)


def test_a_resume_without_a_whole_checkpoint_begins_anew_and_says_so(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        assert claim(tmp_path) is None

    assert "no whole checkpoint to resume from; the run begins at update 0" in caplog.text


def test_other_libraries_are_told_and_not_refused(tmp_path, caplog):
    claim(tmp_path, resume=False)
    test_checkpoints.write(tmp_path, 2)
    with caplog.at_level(logging.WARNING):
        claim(tmp_path, record={"versions": {"torch": "2"}})

    assert "torch: was '1', now '2'" in caplog.text
    assert json.loads((tmp_path / resumption.RUN_FILE).read_text(encoding="utf-8"))["versions"] == {"torch": "2"}
