"""fine_tune.py under torchrun: two processes make one process's run, and what looks like several and is one stops."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests import tiny

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.scripts, pytest.mark.tiny, pytest.mark.slow]
WAIT_S = 300.0
TORCHRUN = [sys.executable, "-m", "torch.distributed.run"]
ROWS_PER_UPDATE = 8


class Project:
    """Converted data and a random base, and the settings under which any number of processes must agree."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.overrides = [
            f"model.model_id={tiny.save_model(folder / 'base')}",
            f"data.training_data={folder / 'training_data.json'}",
            "data.input=fine_tune_input/raw_graph_example.json",
            "data.test_ratio=0.4",
            "model.max_seq_length=2000",
            "lora.lora_dropout=0",
            "training.max_steps=4",
            "training.save_steps=2",
            "training.logging_steps=1",
            "training.learning_rate=0.01",
            "training.per_device_train_batch_size=2",
            "evaluation.max_documents=3",
            "decoding.max_new_tokens=20",
            "decoding.constraint=none",
        ]
        assert self.run([sys.executable, "convert_data.py"]).returncode == 0

    def command(self, out: str, launcher: list[str], num_processes: int) -> list[str]:
        steps = ROWS_PER_UPDATE // 2 // num_processes
        settings = ["-o", str(self.folder / out), f"training.gradient_accumulation_steps={steps}"]
        return [*launcher, "fine_tune.py", *settings]

    def start(self, command: list[str], **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*command, "--profile", "demo", *self.overrides], cwd=REPOSITORY, text=True, encoding="utf-8",
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        )  # fmt: skip

    def run(self, command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
        process = self.start(command, **environment)
        out, err = process.communicate(timeout=WAIT_S)
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def result(self, out: str) -> dict[str, object]:
        return json.loads((self.folder / out / "evaluation_results.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def one(project: Project) -> dict[str, object]:
    done = project.run(project.command("one", [sys.executable], 1))
    assert done.returncode == 0, done.stderr
    return project.result("one")


def check_same(project: Project, out: str, one: dict[str, object]) -> None:
    """Two processes: the losses of one within 1e-5, all documents in their order, one checkpoint for both."""
    two = project.result(out)
    losses = [[entry["loss"] for entry in result["run"]["losses"]] for result in (one, two)]
    assert len(losses[0]) == 4
    assert losses[1] == pytest.approx(losses[0], abs=1e-5)
    assert losses[0][-1] < losses[0][0]
    assert (one["run"]["num_processes"], two["run"]["num_processes"]) == (1, 2)
    assert [d["id"] for d in two["documents"]] == [d["id"] for d in one["documents"]]
    assert len(two["documents"]) == 3  # an odd number for two processes
    folder = project.folder / out
    assert sorted(path.name for path in folder.glob("checkpoint-*")) == ["checkpoint-2", "checkpoint-4"]
    assert {"rng_state_0.pth", "rng_state_1.pth"} <= {path.name for path in (folder / "checkpoint-4").iterdir()}
    assert [path.name for path in folder.glob("final_model*")] == ["final_model"]


def test_two_processes_make_the_run_of_one(project: Project, one: dict[str, object]) -> None:
    launcher = [*TORCHRUN, "--standalone", "--nproc_per_node", "2"]
    done = project.run(project.command("two", launcher, 2))

    assert done.returncode == 0, done.stderr
    check_same(project, "two", one)
    assert done.stdout.count('{"before": {"num_documents"') == 1  # only one process prints
    again = project.run([*project.command("two", [sys.executable], 1), "--resume"])
    assert again.returncode == 2
    assert "processes: was '2', now '1'" in again.stderr


def test_two_machines_of_one_process_each_make_the_run_of_one(project: Project, one: dict[str, object]) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    rendezvous = ["--nnodes", "2", "--nproc_per_node", "1", "--rdzv-backend", "c10d", "--rdzv-id", "test"]
    launcher = [*TORCHRUN, *rendezvous, "--rdzv-endpoint", f"127.0.0.1:{port}", "--local-addr", "127.0.0.1"]
    machines = [project.start(project.command("machines", launcher, 2)) for _ in range(2)]
    said = [machine.communicate(timeout=WAIT_S) for machine in machines]

    assert [machine.returncode for machine in machines] == [0, 0], said
    check_same(project, "machines", one)


def test_fewer_processes_than_asked_for_stop_before_anything_is_loaded(project: Project) -> None:
    done = project.run([*project.command("few", [sys.executable], 1), "training.num_processes=2"])

    assert done.returncode == 2
    assert "C16-PROCESSES: training.num_processes=2, and 1 run. Start with torchrun --standalone" in done.stderr
    assert not (project.folder / "few").exists()


def test_a_launcher_that_starts_one_process_where_two_were_asked_for_stops(project: Project) -> None:
    launcher = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2", "--quiet"]
    done = project.run(project.command("silent", launcher, 2))

    assert done.returncode == 1  # accelerate's own
    assert "C16-PROCESSES: accelerate launched this" in done.stderr


def test_sharding_that_falls_back_to_copies_stops(project: Project) -> None:
    launcher = [*TORCHRUN, "--standalone", "--nproc_per_node", "2"]
    done = project.run(project.command("copies", launcher, 2), ACCELERATE_USE_FSDP="true")

    assert done.returncode == 1  # torchrun's own
    assert "C14-NOT-SHARDED: FSDP was asked for" in done.stderr
