"""The configuration as the scripts tell it: short at the start, whole where it is asked for, and saved."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kgtune import config
from kgtune.settings import KEYS

pytestmark = pytest.mark.scripts

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPTS = ("convert_data.py", "fine_tune.py", "inference.py", "serve.py")
NUM_KEYS = len([key for key in KEYS.values() if not key.is_section])


def run(script: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(REPOSITORY / script), *arguments], cwd=cwd, capture_output=True, encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"}, timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_shows_every_value_and_does_nothing_else(script: str, tmp_path: Path) -> None:
    done = run(script, "--profile", "demo", "training.max_steps=20", "--show-config", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()[1:]]
    assert len(lines) == NUM_KEYS
    assert ["training.max_steps", "20  (command line)"] in lines
    assert ["lora.lora_r", "32  (profile demo)"] in lines
    assert list(tmp_path.iterdir()) == []


def test_a_conversion_says_what_is_no_default_and_saves_the_whole(tmp_path: Path) -> None:
    raw, output = REPOSITORY / "fine_tune_input/raw_graph_example.json", tmp_path / "out.json"
    done = run("convert_data.py", str(raw), "-o", str(output), "data.seed=7", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    saved = tmp_path / "out.report.json"
    assert done.stderr.splitlines()[1:4] == [
        "  command line:",
        "    data: seed=7",
        f"  {NUM_KEYS - 1} values at their defaults; the whole: {saved}, or --show-config",
    ]
    kept = json.loads(saved.read_text(encoding="utf-8"))
    resolved = config.load(None, None, ["data.seed=7"])
    assert kept["config"] == resolved.config.model_dump(mode="json")
    assert (kept["origins"], kept["profile"]) == (resolved.origins, "gpu24")
