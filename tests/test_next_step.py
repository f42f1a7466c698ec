"""The commands that are named next are ones that can be pasted."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from kgtune import next_step


@pytest.fixture
def started_as(monkeypatch: pytest.MonkeyPatch):
    def start(script: str, *, on_path: str | None = sys.executable) -> None:
        monkeypatch.setattr(sys, "argv", [script])
        monkeypatch.setattr(next_step.shutil, "which", lambda name: on_path)

    return start


def test_profile_config_and_the_keys_that_an_answer_depends_on_are_handed_on(started_as) -> None:
    started_as("fine_tune.py")
    overrides = ["training.max_steps=20", "model.load_in_4bit=false", "output.dir=x y", "decoding.constraint=none"]
    told = next_step.to_ask(Path("x y/final_model"), overrides, config="mine.yaml", profile="gpu16")

    given = (
        "--model 'x y/final_model' --config mine.yaml --profile gpu16 model.load_in_4bit=false decoding.constraint=none"
    )
    assert told == f"Next: python inference.py {given} --text 'A report.'\n  or: python serve.py {given}"


def test_the_scripts_beside_the_one_that_ran_are_named_and_its_interpreter(started_as) -> None:
    started_as("../kgtune/fine_tune.py", on_path="/usr/bin/python")
    ask, serve = next_step.to_ask(Path("m"), [], config=None, profile=None).splitlines()

    assert shlex.split(ask) == [
        "Next:",
        sys.executable,
        "../kgtune/inference.py",
        "--model",
        "m",
        "--text",
        "A report.",
    ]
    assert shlex.split(serve) == ["or:", sys.executable, "../kgtune/serve.py", "--model", "m"]
