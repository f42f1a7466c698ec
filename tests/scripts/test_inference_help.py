"""--help of inference.py and serve.py: complete, and there before anybody waits for it."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.scripts

OPTIONS = {
    "inference.py": [
        "--text",
        "--model",
        "--out",
        "--format",
        "--backend",
        "--base-url",
        "--config",
        "--profile",
        "key=value",
        "FILE|FOLDER|-",
        '{"text", "id", "title",\n"url", "published", "tlp"}',
    ],
    "serve.py": [
        "--model",
        "--host",
        "--port",
        "--scripted",
        "--backend",
        "--base-url",
        "--config",
        "--profile",
        "key=value",
    ],
}
HEAVY = ("torch", "transformers", "fastapi", "uvicorn", "httpx2", "sentencex")


def help_of(script: str) -> str:
    return subprocess.run(
        [sys.executable, script, "--help"], capture_output=True, text=True, check=True, timeout=60
    ).stdout


@pytest.mark.parametrize("script", sorted(OPTIONS))
def test_help_names_every_option(script):
    text = help_of(script)
    assert [option for option in OPTIONS[script] if option not in text] == []


@pytest.mark.parametrize("script", sorted(OPTIONS))
def test_help_imports_nothing_heavy(script):
    code = f"import runpy, sys; sys.argv = [{script!r}, '--help']\ntry: runpy.run_path({script!r}, run_name='__main__')\nexcept SystemExit: print(*sys.modules)"
    modules = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert "kgtune.config" in modules.split()
    assert [name for name in HEAVY if name in modules.split()] == []


@pytest.mark.parametrize("script", sorted(OPTIONS))
def test_help_takes_less_than_a_second(script):
    before = os.times()
    help_of(script)
    after = os.times()
    # Processor time: a busy machine makes people wait, but that is not the script's doing.
    assert (after.children_user + after.children_system) - (before.children_user + before.children_system) < 1.0
