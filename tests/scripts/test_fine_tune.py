"""fine_tune.py and inference.py as a user runs them, on a tiny random model."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kgtune.scoring import description, schema
from tests import tiny

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.scripts, pytest.mark.tiny]
WAIT_S = 240.0


class Project:
    """A user's folder: a base model, converted data, and the overrides that keep a run short."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.base = tiny.save_model(folder / "base")
        self.overrides = [
            f"model.model_id={self.base}",
            f"data.training_data={folder / 'training_data.json'}",
            "data.input=fine_tune_input/raw_graph_example.json",
            f"output.dir={folder / 'out'}",
            "model.max_seq_length=2000",
            "training.max_steps=6",
            "training.save_steps=2",
            "training.logging_steps=1",
            "training.per_device_train_batch_size=2",
            "evaluation.max_documents=2",
            "evaluation.few_shot_k=1",
            "evaluation.probe_steps=3",
            "decoding.max_new_tokens=20",
        ]

    def start(self, script: str, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, script, "--profile", "demo", *arguments, *self.overrides]
        return subprocess.Popen(
            command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip

    def run(self, script: str, *arguments: str) -> tuple[int, str, str]:
        process = self.start(script, *arguments)
        out, err = process.communicate(timeout=WAIT_S)
        return process.returncode, out, err


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("project"))
    code, _, err = made.run("convert_data.py")
    assert code == 0, err
    return made


@pytest.fixture(scope="module")
def tuned(project: Project) -> tuple[str, str]:
    code, out, err = project.run("fine_tune.py")
    assert code == 0, err
    return out, err


def test_a_run_leaves_what_the_readme_promises(project: Project, tuned: tuple[str, str]) -> None:
    out, err = tuned
    folder = project.folder / "out"
    names = {path.name for path in folder.iterdir()}

    assert {
        "final_model", "training_samples.json", "evaluation_results.json", "evaluation_report.md", "run.json",
        "evaluation_report.html",
        "checkpoint-4", "checkpoint-6",
    } <= names  # fmt: skip
    assert {"adapter_model.safetensors", "tokenizer.json", "chat_template.jinja", "prompt_contract.json",
            "ontology.yaml"} <= {path.name for path in (folder / "final_model").iterdir()}  # fmt: skip
    assert not [name for name in names if "partial" in name]
    card = (folder / "final_model/README.md").read_text(encoding="utf-8")
    assert "held-out documents" in card
    assert str(project.folder) not in card
    in_force = json.loads((folder / "run.json").read_text(encoding="utf-8"))["effective_settings"]
    assert in_force["rows per update"]["in_force"] == "2"
    assert in_force["checkpointing"]["in_force"] == "0 of 2 layers"
    headline = json.loads(out.splitlines()[-1])
    assert headline["before"]["num_documents"] == headline["after"]["num_documents"] >= 1
    assert headline["after_constrained"]["num_documents"] == headline["after"]["num_documents"]
    assert headline["after_constrained"]["strict_parse_rate"] == 1.0
    assert headline["after_constrained"]["referential_integrity_rate"] == 1.0
    assert "[[{" in err  # the preview shows what is supervised
    assert "6/6" in err
    assert "tokens/s" in err
    for noise in ("it/s]", "examples/s]", "FutureWarning", "kernels"):
        assert noise not in err


def test_a_preview_shows_rows_and_stops(project: Project) -> None:
    code, out, err = project.run("fine_tune.py", "--preview", "2", "-o", str(project.folder / "previewed"))
    assert (code, err.count("[[{")) == (0, 2)
    assert out.startswith("memory of base")
    assert out.splitlines()[-1].startswith("dry run:")
    assert not (project.folder / "previewed").exists()


def test_samples_are_exactly_what_is_trained(project: Project, tuned: tuple[str, str]) -> None:
    samples = json.loads((project.folder / "out/training_samples.json").read_text(encoding="utf-8"))
    rows = json.loads((project.folder / "training_data.json").read_text(encoding="utf-8"))
    train = {row["id"]: row["output"] for row in rows if row["split"] == "train"}

    assert len(samples) == len(train) > 5
    assert {s["id"]: s["supervised"] for s in samples} == {i: f"{out}<|im_end|>\n" for i, out in train.items()}


def test_only_held_out_documents_are_measured(project: Project, tuned: tuple[str, str]) -> None:
    result = json.loads((project.folder / "out/evaluation_results.json").read_text(encoding="utf-8"))
    rows = json.loads((project.folder / "training_data.json").read_text(encoding="utf-8"))
    held_out = {row["id"] for row in rows if row["split"] == "test"}

    assert {d["id"] for d in result["documents"]} <= held_out
    assert result["schema_version"] == 3
    assert [entry["step"] for entry in result["run"]["losses"]] == [1, 2, 3, 4, 5, 6]


def test_the_base_is_shown_a_train_row_and_gold_answers_are_probed(project: Project, tuned: tuple[str, str]) -> None:
    result = json.loads((project.folder / "out/evaluation_results.json").read_text(encoding="utf-8"))
    rows = json.loads((project.folder / "training_data.json").read_text(encoding="utf-8"))
    train = {row["id"] for row in rows if row["split"] == "train"}

    assert list(result["columns"]) == ["before", "few_shot", "after", "after_constrained"]
    assert len(result["few_shot"]["rows"]) == 1
    assert set(result["few_shot"]["rows"]) <= train
    assert (
        result["columns"]["few_shot"]["cost"]["prompt_tokens_per_row"]
        > (result["columns"]["before"]["cost"]["prompt_tokens_per_row"])
    )
    assert result["columns"]["after"]["cost"]["forward_passes_per_row"] > 0
    assert set(result["probes"]) == {"before", "after"}
    assert [one["step"] for one in result["run"]["probes"]] == [0, 3, 6]


def test_the_ontology_travels_from_the_data_to_the_model_and_the_model_is_asked_by_it(
    project: Project, tuned: tuple[str, str]
) -> None:
    from kgtune import config, model, ontology

    with_data = ontology.load(str(project.folder / "ontology.yaml"))
    folder = project.folder / "out/final_model"
    assert ontology.load(str(folder / "ontology.yaml")) == with_data
    # another ontology in the configuration of whoever serves it changes nothing
    cfg = config.load(None, "demo", ["ontology=stix21"]).config
    loaded = model.load_tuned(folder, cfg)
    assert loaded.ontology == with_data
    assert loaded.contract.ontology_hash == with_data.hash
    extractor = model.load_extractor(folder, cfg)
    assert "ThreatOrganization" in extractor.system
    assert "malware" not in extractor.system


def test_every_key_of_the_results_is_described(project: Project, tuned: tuple[str, str]) -> None:
    result = json.loads((project.folder / "out/evaluation_results.json").read_text(encoding="utf-8"))

    assert list(description.faults(result, schema.EVALUATION)) == []


def test_a_gate_that_is_not_met_is_exit_code_3_behind_the_results(project: Project, tuned: tuple[str, str]) -> None:
    earlier = project.folder / "out/evaluation_results.json"
    gated = project.folder / "gated"
    shutil.copytree(project.folder / "out", gated)
    code, out, err = project.run(
        "fine_tune.py",
        "--evaluate-only",
        "-o",
        str(gated),
        'evaluation.require={strict_parse_rate: ">1"}',
        f"evaluation.compare_to={earlier}",
    )
    result = json.loads((gated / "evaluation_results.json").read_text(encoding="utf-8"))

    assert code == 3, err
    assert "error: gate: after fails: strict_parse_rate > 1" in err
    assert json.loads(out.splitlines()[-1])["after"]["strict_parse_rate"] is not None
    assert result["earlier"]["num_rows_shared"] == result["columns"]["after"]["num_rows"] >= 1
    assert result["earlier"]["regressions"] == []
    assert result["run"]["losses"] == json.loads(earlier.read_text(encoding="utf-8"))["run"]["losses"]


def test_a_kept_model_is_not_measured_on_other_rows(project: Project, tuned: tuple[str, str]) -> None:
    rows = json.loads((project.folder / "training_data.json").read_text(encoding="utf-8"))
    train = next(row for row in rows if row["split"] == "train")
    train["input"] += " "
    other = project.folder / "other.json"
    other.write_text(json.dumps(rows), encoding="utf-8")
    before = (project.folder / "out/evaluation_results.json").read_bytes()
    project.overrides.append(f"data.training_data={other}")
    try:
        code, out, err = project.run("fine_tune.py", "--evaluate-only")
    finally:
        project.overrides.pop()

    assert (code, out) == (2, "")
    assert f"error: {other}: its train rows are not those that {project.folder}/out/final_model was trained on" in err
    assert (project.folder / "out/evaluation_results.json").read_bytes() == before


def test_a_second_run_does_not_overwrite_the_first(project: Project, tuned: tuple[str, str]) -> None:
    code, _, err = project.run("fine_tune.py")

    assert code == 2
    assert "holds an earlier run (checkpoint-6)" in err
    assert "--resume" in err


def test_a_resume_with_other_settings_is_refused_with_the_difference(project: Project, tuned: tuple[str, str]) -> None:
    code, _, err = project.run("fine_tune.py", "--resume", "lora.lora_r=3")

    assert code == 2
    assert "lora.lora_r: was '32', now '3'" in err


def test_a_killed_run_resumes_to_the_same_losses(project: Project, tuned: tuple[str, str]) -> None:
    other = project.folder / "killed"
    process = project.start("fine_tune.py", "-o", str(other))
    deadline = time.monotonic() + WAIT_S
    while not (other / "checkpoint-2" / "trainer_state.json").exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (other / "final_model").exists()
    code, _, err = project.run("fine_tune.py", "--resume", "-o", str(other))
    assert code == 0, err

    def losses(folder: Path) -> list[dict[str, float]]:
        return json.loads((folder / "evaluation_results.json").read_text(encoding="utf-8"))["run"]["losses"]

    resumed = json.loads((other / "evaluation_results.json").read_text(encoding="utf-8"))["run"]["resumed_from"]
    assert resumed is not None
    assert losses(other) == losses(project.folder / "out")


def test_sigterm_saves_the_update_under_way_and_exits_with_0(project: Project) -> None:
    other = project.folder / "stopped"
    project.overrides.append("training.max_steps=5000")
    try:
        process = project.start("fine_tune.py", "-o", str(other))
    finally:
        project.overrides.pop()
    deadline = time.monotonic() + WAIT_S
    while not (other / "checkpoint-2").exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=WAIT_S)
    saved = max(int(path.name.removeprefix("checkpoint-")) for path in other.glob("checkpoint-*"))

    assert (process.returncode, out) == (0, "")
    assert f"stopped after update {saved} and saved; go on with --resume" in err
    assert not (other / "final_model").exists()


def test_a_text_gets_one_answer_or_one_reason(project: Project, tuned: tuple[str, str]) -> None:
    """Six steps teach this model nothing: unconstrained and 20 tokens long, its answer can't be read, and that is said."""
    code, out, err = project.run(
        "inference.py", "--text", "Silent Karvost deployed TolvekRAT.", "decoding.constraint=none"
    )

    assert (code, out) == (2, "")
    assert "error: --text:" in err


def test_the_command_that_is_named_next_works_as_printed(project: Project, tuned: tuple[str, str]) -> None:
    told = next(line for line in tuned[1].splitlines() if line.startswith("Next: "))
    ask = shlex.split(told.removeprefix("Next: "))
    done = subprocess.run(ask, cwd=REPOSITORY, capture_output=True, text=True, encoding="utf-8", check=False)

    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)) == {"entities", "relationships"}


def test_without_a_profile_or_a_card_a_small_model_is_asked_by_its_folder_alone(
    project: Project, tuned: tuple[str, str]
) -> None:
    folder = project.folder / "out/final_model"
    code, out, err = run_plain("inference.py", "--model", str(folder), "--text", "x", "decoding.max_new_tokens=20")

    assert code == 0, err
    assert set(json.loads(out)) == {"entities", "relationships"}
    assert "so it runs on the CPU, not in 4 bits" in err


def test_merge_writes_a_model_that_answers_without_its_adapter(project: Project, tuned: tuple[str, str]) -> None:
    code, out, err = project.run("fine_tune.py", "--merge")
    assert code == 0, err
    folder = project.folder / "out/merged_model"

    assert out.strip() == f"merged model: {folder}"
    names = {path.name for path in folder.iterdir()}
    assert {"model.safetensors", "prompt_contract.json", "ontology.yaml", "tokenizer.json"} <= names
    assert "adapter_config.json" not in names


def run_plain(*arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=REPOSITORY, capture_output=True, text=True, encoding="utf-8", check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_a_dry_run_without_card_or_tokenizer_says_what_it_could_not_check(project: Project) -> None:
    code, out, err = run_plain(
        "fine_tune.py", "--dry-run", f"data.training_data={project.folder / 'training_data.json'}"
    )

    assert code == 0, err
    assert "configuration and" in out
    assert "tokens per train row (estimate): p50 " in out
    assert "not run: rendering, exact prefix, end of answer and length" in out


def test_seven_billion_parameters_are_planned_for_a_card_that_is_not_here(project: Project) -> None:
    data = f"data.training_data={project.folder / 'training_data.json'}"
    code, out, err = run_plain("fine_tune.py", "--dry-run", "--profile", "auto", "--vram-gib", "32", data)

    assert code == 0, err
    assert "profile gpu32" in err
    assert out.startswith("memory of Qwen2.5-7B, 16-bit weights, 4 x 4096 tokens")
    assert "verdict: fits" in out


def test_a_card_that_is_too_small_is_exit_code_2_behind_the_table(project: Project) -> None:
    data = f"data.training_data={project.folder / 'training_data.json'}"
    code, out, err = run_plain("fine_tune.py", "--dry-run", "--profile", "gpu32", "--vram-gib", "16", data)

    assert code == 2
    assert "verdict: does not fit" in out
    assert "error: P-MEMORY: Qwen2.5-7B: the run needs" in err
    assert "model.load_in_4bit=true" in err


def test_a_card_of_another_size_goes_with_a_dry_run_only(project: Project) -> None:
    assert run_plain("fine_tune.py", "--vram-gib", "24")[0] == 2
    assert run_plain("fine_tune.py", "--dry-run", "--vram-gib", "-1")[0] == 2


def test_a_mistyped_key_stops_with_its_code(project: Project) -> None:
    code, _, err = run_plain("fine_tune.py", "training.max_step=5")

    assert code == 2
    assert 'error: C7-UNKNOWN-KEY: command line: there is no key "training.max_step". Did you mean' in err


def test_training_seven_billion_parameters_without_a_card_stops_and_names_the_demo(project: Project) -> None:
    code, _, err = run_plain("fine_tune.py", f"data.training_data={project.folder / 'training_data.json'}")

    assert code == 2
    assert "--profile demo" in err
