"""The service's files in deploy/: each is read by the parser it is for, and says what config.yaml and the code say."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from kgtune.settings import Config
from tests.conftest import REPOSITORY

FOLDER = REPOSITORY / "deploy"
DEFAULTS = Config()
README = (FOLDER / "README.md").read_text(encoding="utf-8")


def compose():
    return YAML(typ="safe", pure=True).load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))


def instructions():
    """Read a Dockerfile: its stages, each with its instructions. Comments go, continued lines are joined."""
    text = (FOLDER / "Dockerfile").read_text(encoding="utf-8")
    joined = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^\s*#.*\n", "", text))
    stages: dict[str, list[tuple[str, str]]] = {}
    name = ""
    for line in filter(str.strip, joined.splitlines()):
        word, _, rest = line.partition(" ")
        assert word in {
            "FROM",
            "WORKDIR",
            "COPY",
            "RUN",
            "ENV",
            "EXPOSE",
            "HEALTHCHECK",
            "STOPSIGNAL",
            "USER",
            "ENTRYPOINT",
        }, line
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            stages[name] = [("FROM", base)]
        else:
            stages[name].append((word, rest))
    return stages


def seconds(text):
    return int(re.fullmatch(r"(\d+)s", text)[1])


def flags(words):
    """Read `--flag value` and `--flag=value` alike."""
    joined = " ".join(words)
    found = {}
    for part in re.split(r"\s(?=--)", joined):
        name, _, value = part.partition("=") if "=" in part.split()[0] else part.partition(" ")
        found[name] = value.strip()
    return found


def test_both_images_run_without_rights_and_say_whether_they_are_well():
    stages = instructions()
    assert list(stages) == ["code", "base", "remote", "local"]
    for name in ("remote", "local"):
        assert stages[name][0] == ("FROM", "base")
        assert [word for word, _ in stages[name]][-2:] == ["USER", "ENTRYPOINT"]
        assert dict(stages[name])["USER"] == "10001"
    base = dict(stages["base"])
    assert f":{DEFAULTS.service.port}/api/health" in base["HEALTHCHECK"]
    assert base["EXPOSE"] == str(DEFAULTS.service.port)
    images = {rest for stage in stages.values() for word, rest in stage if word == "FROM"} - {"base"}
    assert images == {"python:3.11-slim"}


def test_what_an_image_copies_is_there_and_starts():
    copied = [rest.split() for word, rest in instructions()["code"] if word == "COPY"]
    sources = [source for *names, _ in copied for source in names]
    assert sources == ["requirements.txt", "kgtune", "serve.py", "inference.py", "config.yaml"]
    assert all((REPOSITORY / source).exists() for source in sources)
    for name in ("remote", "local"):
        (command,) = [
            YAML(typ="safe", pure=True).load(rest) for word, rest in instructions()[name] if word == "ENTRYPOINT"
        ]
        assert command[:2] == ["python", "serve.py"]
        done = subprocess.run(
            [sys.executable, *command[1:], "--help"], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr


def test_what_is_copied_is_not_ignored():
    lines = (FOLDER / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in lines
    assert {line.removeprefix("!") for line in lines if line.startswith("!")} == {
        "requirements.txt", "kgtune", "serve.py", "inference.py", "config.yaml"
    }  # fmt: skip


@pytest.mark.skipif(shutil.which("sed") is None, reason="no sed on this machine")
def test_the_remote_image_gets_the_service_without_torch_and_the_local_one_without_the_tests(tmp_path):
    (command,) = [rest for word, rest in instructions()["code"] if word == "RUN"]
    shutil.copy(REPOSITORY / "requirements.txt", tmp_path)
    subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, check=True, timeout=20)
    names = {
        kind: set(
            re.findall(r"(?m)^([a-z0-9-]+)==", (tmp_path / f"requirements.{kind}.txt").read_text(encoding="utf-8"))
        )
        for kind in ("remote", "local")
    }
    assert {"pydantic", "fastapi", "uvicorn", "httpx2", "jinja2"} <= names["remote"]
    assert names["remote"] & {"torch", "transformers", "peft", "pytest", "ladybug"} == set()
    assert {"torch", "transformers", "fastapi"} <= names["local"]
    assert names["local"] & {"pytest", "ladybug"} == set()


def test_compose_has_both_ways_and_opens_the_service_alone():
    services = compose()["services"]
    assert {name: one["profiles"] for name, one in services.items()} == {
        "kgtune-local": ["local"], "kgtune": ["vllm"], "vllm": ["vllm"]
    }  # fmt: skip
    assert {name for name, one in services.items() if "ports" in one} == {"kgtune-local", "kgtune"}
    for name in ("kgtune-local", "kgtune"):
        one = services[name]
        assert one["ports"] == [f"127.0.0.1:8000:{DEFAULTS.service.port}"]
        assert (one["read_only"], one["cap_drop"]) == (True, ["ALL"])
        assert one["build"]["dockerfile"] == "deploy/Dockerfile"
        assert one["build"]["target"] in instructions()
        assert "KGTUNE_API_KEYS:?" in one["environment"]["KGTUNE_API_KEYS"]
        assert DEFAULTS.openai.api_key_env in one["environment"]
    assert services["kgtune"]["depends_on"] == {"vllm": {"condition": "service_healthy"}}
    assert "healthcheck" in services["vllm"]


def test_whoever_stops_the_service_waits_longer_than_it_drains():
    services = compose()["services"]
    unit = (FOLDER / "kgtune.service").read_text(encoding="utf-8")
    waits = [seconds(services[name]["stop_grace_period"]) for name in ("kgtune-local", "kgtune")]
    waits.append(int(re.search(r"TimeoutStopSec=(\d+)", unit)[1]))
    assert len(waits) == 3
    assert all(wait > DEFAULTS.service.drain_s for wait in waits)
    drained = int(flags(services["vllm"]["command"])["--shutdown-timeout"])
    assert seconds(services["vllm"]["stop_grace_period"]) > drained


def test_an_answer_of_the_server_comes_before_the_services_own_deadline():
    assert DEFAULTS.openai.timeout_s < DEFAULTS.service.timeout_s


def test_the_start_line_of_the_readme_is_that_of_compose():
    (line,) = re.findall(r"```\n(vllm serve .*?)```", README, re.DOTALL)
    words = shlex.split(line.replace("\\\n", " "))
    own, theirs = flags(words[3:]), flags(compose()["services"]["vllm"]["command"][1:])
    here = {"--host", "--port", "--api-key"}
    assert own.keys() - theirs.keys() == here
    paths = {"--lora-modules", "--chat-template"}
    assert {key: own[key] for key in theirs if key not in paths} == {
        key: value for key, value in theirs.items() if key not in paths
    }
    for key in paths:
        assert Path(own[key].split("=")[-1]).name == Path(theirs[key].split("=")[-1]).name
    assert theirs["--lora-modules"].split("=")[0] == DEFAULTS.openai.model
    assert f":{own['--port']}/v1" in DEFAULTS.openai.base_url
    assert theirs["--structured-outputs-config.backend"] == "guidance"


def test_the_sizing_table_is_arithmetic_of_its_own_figures():
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in README.splitlines()
        if re.match(r"\| .* GB \|", line)
    ]
    assert len(rows) == 6
    tokens = int(re.search(r"answer of (\d+)\s+tokens", README)[1])
    for _, _, per_second, per_minute, source in rows:
        expected = float(per_second) * 60 / tokens
        assert per_minute == (f"{expected:.0f}" if expected >= 100 else f"{expected:.1f}")
        assert source


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze on this machine")
def test_systemd_takes_the_unit(tmp_path):
    text = (FOLDER / "kgtune.service").read_text(encoding="utf-8")
    unit = tmp_path / "kgtune.service"
    # an interpreter that is there, since systemd looks for it
    unit.write_text(text.replace("/opt/kgtune/.venv/bin/python", sys.executable), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    unit.write_text(text.replace("Restart=on-failure", "Restart=sometimes"), encoding="utf-8")
    broken = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False, timeout=60
    )
    assert "restart" in broken.stderr


def test_the_unit_runs_the_script_as_its_own_user():
    lines = dict(line.split("=", 1) for line in (FOLDER / "kgtune.service").read_text(encoding="utf-8").splitlines() if re.match(r"[A-Z]\w+=", line))  # fmt: skip
    assert (lines["User"], lines["NoNewPrivileges"], lines["KillSignal"]) == ("kgtune", "yes", "SIGTERM")
    assert lines["ExecStart"].endswith("/serve.py")
