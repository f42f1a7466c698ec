"""inference.py as a process, with an extractor from a table: places, exit codes, and what goes where."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.scripts

LIMIT_S = 60.0
# The script as it is, but for the model: "bad" has an unreadable answer, any other text the canned graph.
SCRIPTED = """
import sys, inference
from kgtune.extraction.extractor import CANNED_ANSWER, ScriptedExtractor
inference.loader = lambda *_: lambda: ScriptedExtractor({"bad": "no graph"}, default=CANNED_ANSWER)
sys.exit(inference.errors.run_script(inference.main))
"""


def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", SCRIPTED, *arguments], input=stdin, capture_output=True, timeout=LIMIT_S, check=False
    )


def script(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "inference.py", *arguments], capture_output=True, text=True, timeout=LIMIT_S, check=False
    )


@pytest.fixture
def folder(tmp_path) -> Path:
    for name, text in {"a.txt": "good", "b.md": "bad", "c.txt": "good"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(("arguments", "stdin"), [(["--text", "a=b"], b""), (["-"], "夜".encode())])
def test_one_text_gives_its_graph_on_stdout(arguments, stdin):
    result = run(*arguments, stdin=stdin)
    assert result.returncode == 0
    assert list(json.loads(result.stdout)) == ["entities", "relationships"]
    assert b"1 texts, 0 without a graph" in result.stderr


def test_a_folder_gives_json_lines_and_an_unreadable_answer_is_counted(folder):
    result = run(str(folder), "output.id_style=numbered")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.returncode == 0
    assert [(Path(row["source"]).name, row["graph"] is None) for row in rows] == [
        ("a.txt", False),
        ("b.md", True),
        ("c.txt", False),
    ]
    assert [entity["id"] for entity in rows[0]["graph"]["entities"]] == ["e1", "e2", "e3"]
    assert b"3 texts, 1 without a graph" in result.stderr


def test_a_folder_as_target_gets_one_file_each(folder):
    result = run(str(folder / "a.txt"), str(folder / "b.md"), "-o", str(folder / "out"))
    assert (result.returncode, result.stdout) == (0, b"")
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["a.json", "b.json"]


def test_one_unreadable_answer_is_exit_2_with_the_reason(folder):
    result = run(str(folder / "b.md"))
    assert (result.returncode, result.stdout) == (2, b"")
    assert b"b.md: the model's answer is no graph (not_json)." in result.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "give either --text or files"),
        (["--text", "a", "b.txt"], "give either --text or files"),
        (["--text", " "], "--text: is empty"),
        (["missing.txt"], "missing.txt: can't be read: No such file or directory."),
        (["--text", "a", "--format", "stix"], "'json', 'jsonl'"),
        (["--text", "a", "--model", "no-such-folder"], "no-such-folder: no such folder. Run fine_tune.py first"),
        (["--text", "a", "output.id_stile=slug"], "id_style"),
    ],
)
def test_a_user_error_is_exit_2_in_words(arguments, says):
    result = script(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert says in result.stderr
    assert "Traceback" not in result.stderr
