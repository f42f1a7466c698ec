"""inference.py as a process, with an extractor from a table: places, exit codes, and what goes where."""

import json
import os
import signal
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
inference.backends.loader = lambda *_: lambda: ScriptedExtractor({"bad": "no graph"}, default=CANNED_ANSWER)
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


def test_an_export_is_written_and_its_findings_are_told(folder):
    result = run(str(folder / "a.txt"), "--format", "raw")
    assert (result.returncode, json.loads(result.stdout)["id"]) == (0, "a.txt")
    assert b"3 to review: name is not in the text" in result.stderr


def test_what_a_json_line_says_of_its_text_is_in_its_bundle_and_what_is_not_read_is_named(tmp_path):
    line = {"text": "good", "id": "r1", "title": "A title", "published": "2026-11-20", "tlp": "red", "titel": "x"}
    (tmp_path / "reports.jsonl").write_text(json.dumps(line), encoding="utf-8")
    result = run(str(tmp_path / "reports.jsonl"), "--format", "stix")
    marking, report = json.loads(result.stdout)["objects"][:2]
    assert (marking["name"], report["name"], report["published"]) == ("TLP:RED", "A title", "2026-11-20T00:00:00.000Z")
    assert b'reports.jsonl: not read: "titel" of 1 lines (did you mean "title"?)' in result.stderr


def test_a_bundle_without_a_date_and_a_title_without_a_place_are_told(tmp_path):
    (tmp_path / "reports.jsonl").write_text(json.dumps({"text": "good", "title": "A title"}), encoding="utf-8")
    result = run(str(tmp_path / "reports.jsonl"), "--format", "stix")
    assert b"1 no publication date: timestamps are 1970-01-01, give published" in result.stderr.splitlines()[-1]
    result = run(str(tmp_path / "reports.jsonl"))
    assert b"1 title has no place in json" in result.stderr.splitlines()[-1]


def test_a_zip_file_is_not_written_to_a_terminal(tmp_path):
    (tmp_path / "a.txt").write_text("good", encoding="utf-8")
    arguments = [sys.executable, "-c", SCRIPTED, str(tmp_path / "a.txt"), "--format", "csv"]
    ours, terminal = os.openpty()
    try:
        refused = subprocess.run(arguments, stdout=terminal, stderr=subprocess.PIPE, timeout=LIMIT_S, check=False)
        kept = subprocess.run(
            [*arguments, "-o", str(tmp_path / "a.zip")], stdout=terminal, timeout=LIMIT_S, check=False
        )
    finally:
        os.close(ours)
        os.close(terminal)
    assert (refused.returncode, kept.returncode) == (2, 0)
    assert b"--format csv: is a ZIP file, and standard output is a terminal; give -o FILE.csv.zip" in refused.stderr
    assert run(str(tmp_path / "a.txt"), "--format", "csv").stdout == (tmp_path / "a.zip").read_bytes()


def test_a_json_line_with_a_date_that_is_none_is_exit_2(tmp_path):
    (tmp_path / "reports.jsonl").write_text('{"text": "good", "published": "2026"}', encoding="utf-8")
    result = script(str(tmp_path / "reports.jsonl"))
    assert (result.returncode, result.stdout) == (2, "")
    assert "reports.jsonl:1: published: is no date. Write 2026-11-20 or" in result.stderr


def test_a_file_that_cannot_be_read_stops_the_run_or_is_left_out_by_choice(folder):
    (folder / "b.md").write_bytes(b"caf\xe9")
    (folder / "photo.png").write_bytes(b"\x89PNG")
    refused = run(str(folder))
    assert (refused.returncode, refused.stdout) == (2, b"")
    assert b"data.on_error=drop leaves out what has one" in refused.stderr
    result = run(str(folder), "data.on_error=drop")
    assert result.returncode == 0
    assert [Path(json.loads(line)["source"]).name for line in result.stdout.splitlines()] == ["a.txt", "c.txt"]
    assert f"skipped: {folder}/b.md: byte 3 of the file (0xe9) is not UTF-8." in result.stderr.decode()
    assert b"1 not read, of no kind that is: photo.png" in result.stderr
    assert result.stderr.splitlines()[-1].endswith(b", 1 skipped: 1 E-ENCODING")


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
        (["--text", "a", "--format", "rdf"], "'json', 'jsonl', 'raw', 'stix'"),
        (["--text", "a", "--model", "no-such-folder"], "no-such-folder: no such folder. Run fine_tune.py first"),
        (["--text", "a", "output.id_stile=slug"], "id_style"),
    ],
)
def test_a_user_error_is_exit_2_in_words(arguments, says):
    result = script(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert says in result.stderr
    assert "Traceback" not in result.stderr


# Notes every text that it is asked for, and hangs on one until it is killed.
HANGING = """
import sys, threading, inference
from kgtune.extraction.extractor import CANNED_ANSWER, ScriptedExtractor

class Hanging(ScriptedExtractor):
    def extract(self, texts, *, cancel=None):
        for text in texts:
            with open(sys.argv[-1] + '.asked', 'a') as file:
                file.write(text + '\\n')
            if text == HANGS_AT:
                sys.stderr.write('hangs\\n')
                sys.stderr.flush()
                threading.Event().wait()
        return super().extract(texts)

inference.backends.loader = lambda *_: lambda: Hanging(default=CANNED_ANSWER)
sys.exit(inference.errors.run_script(inference.main))
"""


@pytest.mark.parametrize("out", ["graphs.jsonl", "graphs/"])
def test_a_killed_run_goes_on_nothing_twice_nothing_lost(tmp_path, out):
    lines = "".join(json.dumps({"text": f"text {n}", "id": f"r{n:02}"}) + "\n" for n in range(10))
    (tmp_path / "reports.jsonl").write_text(lines, encoding="utf-8")
    target = f"{tmp_path}/{out}"
    arguments = [str(tmp_path / "reports.jsonl"), "decoding.batch_size=2", "-o", target]

    def begin(hangs_at):
        code = HANGING.replace("HANGS_AT", repr(hangs_at))
        return subprocess.Popen([sys.executable, "-c", code, *arguments], stderr=subprocess.PIPE, text=True)

    with begin("text 6") as killed:
        for line in killed.stderr:
            if line == "hangs\n":
                killed.send_signal(signal.SIGKILL)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "graphs.jsonl").exists()

    with begin("none") as second:
        said = second.stderr.read()
    assert second.returncode == 0
    assert "going on with an earlier run: 6 texts are done" in said
    asked = Path(f"{target}.asked").read_text(encoding="utf-8").splitlines()
    assert asked == [f"text {n}" for n in (0, 1, 2, 3, 4, 5, 6, 6, 7, 8, 9)]
    if out.endswith("/"):
        assert sorted(path.name for path in Path(target).iterdir() if path.suffix == ".json") == [
            f"r{n:02}.json" for n in range(10)
        ]
    else:
        rows = [json.loads(line) for line in Path(target).read_text(encoding="utf-8").splitlines()]
        assert [row["source"] for row in rows] == [f"r{n:02}" for n in range(10)]
        assert all(row["graph"]["entities"] for row in rows)
    assert list(tmp_path.rglob("*.partial")) == []

    with begin("none") as third:  # the whole is there: a further run begins anew
        assert "going on" not in third.stderr.read()


def test_offsets_and_a_least_confidence_are_asked_for_by_options():
    text = "GlassViper used NightLoom against Northwind Bank."
    graph = json.loads(run("--text", text, "--offsets", "--min-confidence", "0.93").stdout)
    assert [edge["type"] for edge in graph["relationships"]] == ["USE"]
    at = graph["relationships"][0]["evidence_at"]
    assert text[at["start"] : at["end"]] == "GlassViper used NightLoom"
    assert script("--text", text, "--min-confidence", "2").returncode == 2
