"""The dry run and the start of a real one: what is told, what is not run, and what stops."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kgtune import config
from kgtune.errors import CheckFailed
from tests import tiny

pytestmark = pytest.mark.tiny

OUTPUT = '{"entities":[{"labels":"Tool","id":"e1","name":"VelkaRAT","description":""}],"relationships":[]}'


@pytest.fixture
def data(tmp_path: Path) -> str:
    rows = [
        {"id": f"r{n}", "input": f"Report {n} names VelkaRAT.", "output": OUTPUT, "doc_id": f"d{n}",
         "group_id": f"g{n}", "split": "test" if n == 3 else "train", "lang": "en", "aug": ""} for n in range(4)
    ]  # fmt: skip
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    return f"data.training_data={path}"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_model(tmp_path_factory.mktemp("base"))


def rehearse(cfg: Any, folder: Path, *, vram_gib: float | None = None, parts: list[str] | None = None) -> list[str]:
    from kgtune.training import rehearsal

    told = [] if parts is None else parts
    told.extend(rehearsal.rehearse(cfg, folder, vram_gib=vram_gib, num_previews=2))
    return told


@pytest.mark.parametrize("card_gib", [16, 24, 32, 80])
def test_seven_billion_parameters_are_planned_without_a_card_or_a_hub(
    data: str, tmp_path: Path, card_gib: float
) -> None:
    resolved = config.load(None, "auto", [data], card_gib=card_gib)
    told = rehearse(resolved.config, tmp_path, vram_gib=card_gib)

    assert told[0].startswith("memory of Qwen2.5-7B")
    assert told[1].startswith("activation checkpointing: ")
    assert "the configuration's longest, is planned at" in told[1]
    assert "verdict: fits" in told[0]
    assert "not run: rendering, exact prefix, end of answer" in told[-1]


def test_where_the_tokenizer_is_at_hand_everything_is_checked_and_shown(
    data: str, base: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cfg = config.load(None, "demo", [data, f"model.model_id={base}"]).config
    with caplog.at_level(logging.INFO, logger="kgtune"):
        told = rehearse(cfg, tmp_path)

    assert "give one with --vram-gib N" in told[0]
    assert [record.getMessage().split(":")[0] for record in caplog.records] == ["rows", "row r0", "row r1"]
    assert told[1] == "activation checkpointing: none; auto: there is no card whose memory it could spare"
    assert told[-2].startswith("C10-EPOCHS: schedule: 240 steps of 16 rows are 1,280 passes over 3 rows.")
    assert told[-1].startswith("dry run: configuration, rows, prompt and supervision are in order")


def test_rows_that_are_rendered_decide_how_much_is_checkpointed(data: str, base: Path, tmp_path: Path) -> None:
    """On a card a pass is as long as the configuration lets it be; on a CPU it would end at 1,024 tokens."""
    from kgtune.training import preparing, training

    wide = ["model.max_seq_length=2048", "training.gradient_accumulation_steps=4", "training.max_steps=9"]
    cfg = config.load(None, "demo", [data, f"model.model_id={base}", *wide]).config
    samples = preparing.prepare(cfg).supervision.samples
    longest = training.batching_of(samples, cfg, world=1, on_card=True).longest_pass(cfg.training.max_steps)
    told = rehearse(cfg, tmp_path, vram_gib=24)

    assert longest > training.CPU_PASS_TOKENS
    assert told[1].startswith(
        f"activation checkpointing: none; auto: a pass of {longest:,} tokens, the run's longest, is planned at "
    )


def test_a_card_that_is_too_small_stops_behind_the_table(data: str, tmp_path: Path) -> None:
    parts: list[str] = []
    with pytest.raises(CheckFailed, match=r"P-MEMORY: Qwen2.5-7B: the run needs .* has 4.0 GiB \(estimate\)"):
        rehearse(config.load(None, "gpu24", [data]).config, tmp_path, vram_gib=4, parts=parts)
    assert "verdict: does not fit" in parts[0]


def test_all_that_stops_is_told_at_once(data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kgtune.training import screening

    monkeypatch.setattr(screening.shutil, "disk_usage", lambda path: SimpleNamespace(free=0))
    overrides = [data, "training.warmup_steps=500", "lora.target_modules=[q_proj, lm_head]"]
    with pytest.raises(CheckFailed) as caught:
        rehearse(config.load(None, "gpu24", overrides).config, tmp_path, vram_gib=24)
    assert [problem.code for problem in caught.value.problems] == ["C10-WARMUP", "C13-LM-HEAD", "C18-DISK-FULL"]


def test_a_model_of_unknown_shape_is_not_planned_and_says_so(data: str, tmp_path: Path) -> None:
    told = rehearse(config.load(None, "gpu24", [data, "model.model_id=mine/Other"]).config, tmp_path, vram_gib=24)
    assert told[0].startswith("memory: not run, since the shape of mine/Other")


def test_a_tracker_that_is_unknown_or_not_installed_stops_and_is_named(
    data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kgtune.training import rehearsal

    monkeypatch.setattr(rehearsal, "get_available_reporting_integrations", lambda: ["tensorboard"])
    cfg = config.load(None, "gpu24", [data, "training.report_to=[no_such, tensorboard, wandb]"]).config
    with pytest.raises(CheckFailed, match="E-TRACKER: training.report_to: no_such is .*Known: .*tensorboard") as caught:
        rehearse(cfg, tmp_path, vram_gib=24)
    assert [problem.what.split()[0] for problem in caught.value.problems] == ["no_such", "wandb"]


def test_a_real_run_is_told_on_its_log_and_stops_where_a_dry_one_does(
    data: str, base: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kgtune.training import rehearsal, screening

    cfg = config.load(None, "demo", [data, f"model.model_id={base}"]).config
    with caplog.at_level(logging.INFO, logger="kgtune"):
        prepared = rehearsal.prepare(cfg, tmp_path, trains=True)
    assert len(prepared.supervision.samples) == 3
    assert any(record.getMessage().startswith("C10-EPOCHS") for record in caplog.records)

    monkeypatch.setattr(screening.shutil, "disk_usage", lambda path: SimpleNamespace(free=0))
    with pytest.raises(CheckFailed, match="C18-DISK-FULL"):
        rehearsal.prepare(cfg, tmp_path, trains=True)
    assert rehearsal.prepare(cfg, tmp_path, trains=False).supervision == prepared.supervision


def test_a_real_run_on_a_card_that_is_too_small_stops_before_anything_is_loaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from kgtune.training import rehearsal

    monkeypatch.setattr(config, "card_memory_gib", lambda: 4.0)
    with pytest.raises(CheckFailed, match="P-MEMORY"):
        rehearsal.prepare(config.load(None, "gpu24", ["data.training_data=none.json"]).config, tmp_path, trains=True)
