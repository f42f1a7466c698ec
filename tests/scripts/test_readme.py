"""Every command of README.md is run as it stands there, made small by overrides; tables are compared with the code."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kgtune import config, ontology
from kgtune.extraction.extractor import scripted
from tests import tiny
from tests.service.test_service import serving

pytestmark = [pytest.mark.scripts, pytest.mark.tiny]

REPOSITORY = Path(__file__).resolve().parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
CHINESE = (REPOSITORY / "README.zh-CN.md").read_text(encoding="utf-8")
WAIT_S = 240.0


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def commands(text: str = README) -> list[list[str]]:
    """The shell commands in order: continued lines joined, remarks taken off."""
    lines = [line for block in blocks(text, "bash") for line in block.replace("\\\n", " ").splitlines()]
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def scripts(name: str) -> list[list[str]]:
    return [words[2:] for words in commands() if words[0] == "python" and words[1] == name]


def without_make() -> dict[str, str]:
    """The environment without what an outer make hands down."""
    return {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}


class Folder:
    """A folder in which every command of the README leaves its files, and the overrides that make it small."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.overrides = [
            f"model.model_id={tiny.save_model(folder / 'base')}",
            f"data.training_data={folder / 'training_data.json'}",
            "data.input=fine_tune_input/raw_graph_example.json",
            f"output.dir={folder / 'out'}",
            "model.max_seq_length=2000",
            "training.max_steps=1",
            "training.warmup_steps=0",
            "evaluation.max_documents=1",
            "decoding.max_new_tokens=8",
            "decoding.constraint=none",
        ]

    def command(self, script: str, arguments: list[str]) -> list[str]:
        card = [] if "--profile" in arguments or script == "convert_data.py" else ["--profile", "demo"]
        return [sys.executable, script, *arguments, *card, *self.overrides]

    def run(self, script: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(script, arguments), cwd=REPOSITORY, capture_output=True, text=True, timeout=WAIT_S, check=False
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    made = Folder(tmp_path_factory.mktemp("readme"))
    for arguments in scripts("convert_data.py"):
        done = made.run("convert_data.py", arguments)
        assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="module")
def tuned(folder: Folder) -> Folder:
    for number, arguments in enumerate(scripts("fine_tune.py")):
        here = [] if number == 0 else ["-o", str(folder.folder / f"out{number}")]
        done = folder.run("fine_tune.py", [*arguments, *here])
        assert done.returncode == 0, done.stderr
        assert "num_documents" in json.loads(done.stdout.splitlines()[-1])["after"]
    return folder


@pytest.fixture(scope="module")
def port(tuned: Folder) -> Iterator[int]:
    """The last `python serve.py` of the README, on a free port."""
    command = tuned.command("serve.py", [*scripts("serve.py")[-1], "service.port=0"])
    process = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    seen = []
    number = None
    for line in process.stderr:
        seen.append(line)
        if found := re.search(r"serving on http://127\.0\.0\.1:(\d+)", line):
            number = int(found[1])
        if " ready in " in line:
            break
    assert number is not None, "".join(seen)
    yield number
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=WAIT_S)


def test_the_readme_shows_every_step():
    assert len(scripts("convert_data.py")) >= 3
    assert len(scripts("fine_tune.py")) == 2
    assert len(scripts("serve.py")) == 2
    assert ["pip", "install", "-r", "requirements.txt"] in commands()
    assert [words[1] for words in commands() if words[0] == "make"] == ["demo", "test"]


def test_the_make_targets_exist():
    for target in ("demo", "test", "check", "clean"):
        done = subprocess.run(
            ["make", "-n", target, f"VENV={Path(sys.executable).parent.parent}"],
            cwd=REPOSITORY, capture_output=True, text=True, check=False, env=without_make(),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def test_inference_commands(tuned):
    found = scripts("inference.py")
    assert found
    for arguments in found:
        done = tuned.run("inference.py", arguments)
        assert done.returncode == 2, done.stderr  # a random model's answer is no graph, which is said and not hidden
        assert "answer" in done.stderr


def test_curl_commands(port):
    curls = [words for words in commands() if words[0] == "curl"]
    assert len(curls) == 2
    answers = []
    for words in curls:
        here = [word.replace(":8000", f":{port}") for word in words]
        answers.append(json.loads(subprocess.run(here, capture_output=True, text=True, check=True).stdout))
    assert answers[0] == {"status": "healthy"}
    assert set(answers[1]) in ({"entities", "relationships"}, {"error"})


def test_the_chinese_readme_has_the_same_commands():
    def plain(text: str) -> set[tuple[str, ...]]:
        return {tuple(words) for words in commands(text) if words[0] != "curl"}

    assert plain(CHINESE) == plain(README)
    assert sum(words[0] == "curl" for words in commands(CHINESE)) == 2


def shown(default: object) -> str:
    """A value as the README's table writes it."""
    if isinstance(default, list | tuple):
        return " ".join(module.removesuffix("_proj") for module in default)
    if isinstance(default, float):
        return f"{default:.1e}".replace("e-0", "e-") if default < 0.01 else f"{default:g}"
    return default if isinstance(default, str) else str(default).lower()


def test_the_defaults_in_the_table_are_those_of_the_configuration():
    cfg = config.load().config.model_dump()
    rows = re.findall(r"^\| ((?:[a-z_]+\.[a-z_]+(?:, )?)+) \| ([^|]+?) \|", README, re.MULTILINE)
    assert len(rows) > 10
    wrong = []
    for keys, value in rows:
        for section, name in (key.split(".") for key in keys.split(", ")):
            default = shown(cfg[section][name])
            if value != default:
                wrong.append((section, name, value, default))
    assert wrong == []


def test_every_key_that_the_readme_sets_exists():
    named = set(
        re.findall(r"\b((?:model|lora|training|data|output|evaluation|decoding|service|client)\.[a-z0-9_]+)", README)
    )
    known = {f"{section}.{key}" for section, keys in config.load().config.model_dump().items() if isinstance(keys, dict)
             for key in keys}  # fmt: skip
    calls = {"client.extract"}
    assert sorted(named - known - calls) == []


@pytest.mark.parametrize("text", [README, CHINESE], ids=["en", "zh"])
def test_the_ontology_of_the_readme_is_a_whole_one(text, tmp_path):
    (block,) = blocks(text, "yaml")
    assert len(block.splitlines()) == 5
    (tmp_path / "my_ontology.yaml").write_text(block, encoding="utf-8")
    mine = ontology.load(str(tmp_path / "my_ontology.yaml"))
    assert (mine.label_names, mine.type_names) == (("Actor", "Malware"), ("USES",))
    assert mine.is_legal("Actor", "USES", "Malware")
    assert not mine.is_legal("Malware", "USES", "Actor")


@pytest.mark.parametrize(("text", "told"), [(README, r"exits with (\d)\b.* with (\d) .* with (\d) "),
                                            (CHINESE, r"退出码：\n(\d) 没有错误，(\d) 有错误.*，(\d) 文件")], ids=["en", "zh"])  # fmt: skip
def test_the_exit_codes_of_check_are_those_of_the_readme(text, told, tmp_path):
    paragraph = next(part for part in text.split("\n\n") if part.startswith("`--check`"))
    (tmp_path / "bad.json").write_text('[{"text": "a", "entities": [], "relationships": [{"type": "USE"}]}]', "utf-8")
    inputs = ["fine_tune_input/raw_graph_example.json", str(tmp_path / "bad.json"), str(tmp_path / "none.json")]
    codes = [
        subprocess.run(
            [sys.executable, "convert_data.py", place, "--check"], cwd=REPOSITORY, capture_output=True, check=False
        ).returncode
        for place in inputs
    ]
    assert re.search(told, paragraph, re.DOTALL).groups() == tuple(map(str, codes))


@pytest.mark.parametrize("text", [README, CHINESE], ids=["en", "zh"])
def test_the_bodies_of_the_batch_and_stream_routes_are_what_the_service_takes_and_gives(text):
    (asked,) = (block for block in blocks(text, "json") if '"items"' in block)
    answered, events = blocks(text, "text")
    with serving(scripted) as client:
        batch = client.post("/api/kg-extract/batch", json=json.loads(asked)).json()
        stream = client.post("/api/kg-extract/stream", json={"text": "Silent Karvost deployed TolvekRAT."}).text
    for result in batch["results"]:
        if "graph" in result:
            result["graph"] = {kind: ["..."] for kind in result["graph"]}  # the README leaves the items out
    assert json.loads(answered.replace("[...]", '["..."]')) == batch
    sent = stream.strip().split("\n\n")
    shown = events.strip().split("\n\n")
    assert len(shown) == 3
    assert [event for event in sent if event in shown] == shown
    assert shown[-1] == sent[-1]
