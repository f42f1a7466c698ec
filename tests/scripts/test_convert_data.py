from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLE = REPOSITORY / "fine_tune_input/raw_graph_example.json"
CHUNKS = REPOSITORY / "fine_tune_input/raw_graph_chunks_example.json"
GOLDEN = REPOSITORY / "tests/lint/golden"
pytestmark = pytest.mark.scripts


def convert(*arguments: object, cwd: Path = REPOSITORY, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(REPOSITORY / "convert_data.py"), *map(str, arguments)],
        cwd=cwd, capture_output=True, encoding="utf-8", env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
        check=False,
    )  # fmt: skip


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_example_converts_to_rows_ontology_and_report(tmp_path: Path) -> None:
    output = tmp_path / "training_data.json"
    done = convert(EXAMPLE, "-o", output)
    assert done.returncode == 0, done.stderr
    written = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("written: ")]
    assert written[0] == str(output)
    assert sorted(written) == sorted(map(str, tmp_path.iterdir()))
    assert len(written) == 5
    rows = json.loads(output.read_text(encoding="utf-8"))
    assert list(rows[0]) == ["input", "output", "id", "doc_id", "group_id", "split", "lang", "aug"]
    assert {row["split"] for row in rows} == {"train", "validation", "test"}
    assert {row["aug"] for row in rows} == {"", "synonyms", "order", "affixes", "empties", "entities"}
    assert {row["split"] for row in rows if row["aug"]} == {"train"}
    report = json.loads((tmp_path / "training_data.report.json").read_text(encoding="utf-8"))
    assert report["documents"] == {"read": 14, "used": 14, "dropped": {}}
    assert report["data_sha256"] == sha256(output)
    assert 'name: "threat_event"' in (tmp_path / "ontology.yaml").read_text(encoding="utf-8")


def test_a_lock_that_is_not_written_is_not_named(tmp_path: Path) -> None:
    done = convert(EXAMPLE, "-o", tmp_path / "rows.json", "data.splits_lock=false")
    assert done.stdout.count("written: ") == len(list(tmp_path.iterdir())) == 4
    assert "splits.lock.json" not in done.stdout


def test_twice_gives_the_same_bytes_whatever_the_hash_seed_and_folder(tmp_path: Path) -> None:
    one, two = tmp_path / "one.json", tmp_path / "sub/two.json"
    assert convert(EXAMPLE, "-o", one, PYTHONHASHSEED="1").returncode == 0
    assert convert(EXAMPLE, "-o", two, PYTHONHASHSEED="2", cwd=tmp_path).returncode == 0
    assert sha256(one) == sha256(two)
    assert convert(EXAMPLE, "-o", two, "data.seed=7").returncode == 0
    assert sha256(one) != sha256(two)


def test_a_bom_crlf_and_a_utf16_copy_give_the_same_rows(tmp_path: Path) -> None:
    plain = tmp_path / "plain.json"
    assert convert(EXAMPLE, "-o", plain).returncode == 0
    text = EXAMPLE.read_text(encoding="utf-8")
    copies = {
        "bom": b"\xef\xbb\xbf" + text.encode(),
        "crlf": text.replace("\n", "\r\n").encode(),
        "utf16": text.encode("utf-16"),
    }
    for name, content in copies.items():
        (tmp_path / name).mkdir()
        copy = tmp_path / name / EXAMPLE.name
        copy.write_bytes(content)
        assert convert(copy, "-o", tmp_path / f"{name}.json").returncode == 0
        assert sha256(tmp_path / f"{name}.json") == sha256(plain), name


def test_either_chunk_key_gives_the_same_rows(tmp_path: Path) -> None:
    outputs = []
    for key in ("chunk_index", "chunk_id"):
        (tmp_path / key).mkdir()
        copy = tmp_path / key / "raw.json"
        copy.write_text(CHUNKS.read_text(encoding="utf-8").replace('"chunk_index"', f'"{key}"'), encoding="utf-8")
        outputs.append(tmp_path / f"{key}.out.json")
        done = convert(copy, "-o", outputs[-1])
        assert (done.returncode, done.stdout.splitlines()[0]) == (0, "documents: 3 read, 3 used, 0 dropped")
    assert sha256(outputs[0]) == sha256(outputs[1])


EDGE = '"type": "USE", "source": "org--velvet-kestrel"'


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda t: t.replace(EDGE, '"type": "USE", "source": "org--velvet-kestrl"', 1).encode(),
         ("raw.json:", "item 1 (id=en-01-simple)", 'unknown entity "org--velvet-kestrl"',
          'Did you mean "org--velvet-kestrel"?', "Fix the source or add the entity.")),
        (lambda t: t.replace('"id": "en-01-simple"', '"id": "en-01-simple", "id": "x"', 1).encode(),
         ("raw.json:3: item 1 (id=x): id", 'key "id" stands twice', "Keep one of the two.")),
        (lambda t: t.encode().replace("雾".encode(), b"\xe9\x9b", 1), ("raw.json:", "not valid UTF-8", "Save the file as UTF-8")),
        (lambda t: t.encode()[:-4000], ("raw.json:", "cut off", "Export or copy the file again.")),
        (lambda t: b"", ("raw.json", "is empty")),
    ],
    ids=["dangling", "duplicate key", "invalid UTF-8", "cut off", "empty"],
)  # fmt: skip
def test_faulty_input_is_refused_with_what_where_and_what_to_do(tmp_path: Path, damage, words) -> None:
    raw, output = tmp_path / "raw.json", tmp_path / "out/training_data.json"
    raw.write_bytes(damage(EXAMPLE.read_text(encoding="utf-8")))
    done = convert(raw, "-o", output)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    for part in words:
        assert part in done.stderr
    assert not output.parent.exists()


def test_a_missing_file_names_the_nearest_and_writes_nothing(tmp_path: Path) -> None:
    done = convert(EXAMPLE.with_name("raw_graph_exampel.json"), "-o", tmp_path / "out.json")
    assert done.returncode == 2
    assert f"Did you mean {EXAMPLE}?" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_on_error_drop_counts_what_it_drops_but_never_a_whole_file(tmp_path: Path) -> None:
    raw = tmp_path / "raw.json"
    raw.write_text(EXAMPLE.read_text(encoding="utf-8").replace(EDGE, EDGE.replace("org", "x", 1), 1), encoding="utf-8")
    done = convert(raw, "-o", tmp_path / "out.json", "data.on_error=drop")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "documents: 14 read, 13 used, 1 dropped")
    assert "E-DANGLING" in done.stdout
    missing = convert(raw, tmp_path / "none.json", "-o", tmp_path / "out2.json", "data.on_error=drop")
    assert missing.returncode == 2
    assert not (tmp_path / "out2.json").exists()


def test_a_failed_run_leaves_the_old_file_alone(tmp_path: Path) -> None:
    output = tmp_path / "training_data.json"
    output.write_text("mine", encoding="utf-8")
    assert convert(tmp_path / "none.json", "-o", output).returncode == 2
    assert output.read_text(encoding="utf-8") == "mine"


def test_without_an_own_file_the_example_is_taken_with_a_notice(tmp_path: Path) -> None:
    (tmp_path / "fine_tune_input").mkdir()
    shutil.copy(EXAMPLE, tmp_path / "fine_tune_input")
    done = convert(cwd=tmp_path)
    assert done.returncode == 0
    assert "raw_graph_custom.json does not exist: converting" in done.stderr
    assert (tmp_path / "fine_tune_input/training_data.json").exists()
    shutil.copy(CHUNKS, tmp_path / "fine_tune_input/raw_graph_custom.json")
    done = convert(cwd=tmp_path)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "documents: 3 read, 3 used, 0 dropped")
    assert "does not exist" not in done.stderr


def write_items(path: Path, *pairs: tuple[str, str]) -> Path:
    """Write items of two entities each; a pair is (label of the first, type)."""
    items = [
        {
            "id": f"r{n}",
            "text": f"Vexa{n} deployed Latch{n} in week {n * 37} of the year.",
            "entities": [
                {"labels": label, "id": "a", "name": f"Vexa{n}"}, {"labels": "tool", "id": "b", "name": f"Latch{n}"}
            ],
            "relationships": [{"type": kind, "source": "a", "target": "b", "confidence": 0.9}],
        }
        for n, (label, kind) in enumerate(pairs)
    ]  # fmt: skip
    path.write_text(json.dumps(items), encoding="utf-8")
    return path


def test_other_spellings_of_labels_are_normalised_and_counted(tmp_path: Path) -> None:
    raw = write_items(tmp_path / "raw.json", *[("malware", "uses")] * 6, ("Malware", "USES"), ("恶意软件", "uses"))
    done = convert(raw, "-o", tmp_path / "out.json")
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    used = {(entity["labels"]) for row in rows for entity in json.loads(row["output"])["entities"]}
    assert used == {"malware", "tool"}
    notes = json.loads((tmp_path / "out.report.json").read_text(encoding="utf-8"))["notes"]
    assert {what: number for what, number in notes.items() if "written as" in what} == {
        'label "Malware" written as malware': 1, 'label "恶意软件" written as malware': 1, 'type "USES" written as uses': 1
    }  # fmt: skip
    assert 'label "Malware" written as malware' in done.stdout


def test_data_that_no_shipped_ontology_covers_gets_an_editable_one_with_its_counts(tmp_path: Path) -> None:
    raw = write_items(tmp_path / "raw.json", *[("Badger", "DIGS")] * 7, ("badger", "DIGS"))
    assert convert(raw, "-o", tmp_path / "out.json").returncode == 0
    written = (tmp_path / "ontology.yaml").read_text(encoding="utf-8")
    assert written.startswith("# Derived from the data")
    assert '"Badger":  # 7, also written "badger" 1' in written
    assert '"Badger": ["tool"]  # tool 8' in written
    # edited and named, it is the user's own
    mine = tmp_path / "mine.yaml"
    mine.write_text(written.replace('name: "derived"', 'name: "mine"'), encoding="utf-8")
    done = convert(raw, "-o", tmp_path / "sub/out.json", f"ontology={mine}")
    assert (done.returncode, "ontology: mine" in done.stdout) == (0, True)
    saved = (tmp_path / "sub/ontology.yaml").read_text(encoding="utf-8")
    assert saved.startswith('name: "mine"\n')


def test_check_writes_nothing_and_exits_with_3_on_errors(tmp_path: Path) -> None:
    clean = convert("--check", EXAMPLE, CHUNKS, cwd=tmp_path)
    assert clean.returncode == 0
    assert clean.stdout.splitlines()[-1] == "no errors: errors 0, warnings 0, notes 2; --fix can mend 0"
    raw = tmp_path / "raw.json"
    raw.write_text(EXAMPLE.read_text(encoding="utf-8").replace(EDGE, EDGE.replace("org", "x", 1), 1), encoding="utf-8")
    found = convert(raw, "--check", cwd=tmp_path)
    assert found.returncode == 3
    assert "E-DANGLING" in found.stdout
    assert found.stdout.splitlines()[-1].startswith("findings: errors 1, warnings 0,")
    assert [path.name for path in tmp_path.iterdir()] == ["raw.json"]


def test_check_fails_exactly_when_a_conversion_would_and_with_strict_on_warnings_too(tmp_path: Path) -> None:
    raw = tmp_path / "raw.json"
    raw.write_text(
        EXAMPLE.read_text(encoding="utf-8").replace('"name": "LanternRAT"', '"name": "LanternRaat"', 1),
        encoding="utf-8",
    )
    done = convert(raw, "--check", cwd=tmp_path)
    assert (done.returncode, "W-NAME" in done.stdout) == (0, True)
    assert convert(raw, "-o", tmp_path / "out.json").returncode == 0
    assert convert(raw, "--check", "--strict", cwd=tmp_path).returncode == 3
    assert convert(EXAMPLE, "--check", "--strict", cwd=tmp_path).returncode == 0


def test_check_speaks_the_language_asked_for_or_the_locales(tmp_path: Path) -> None:
    raw = GOLDEN / "messy.json"
    for arguments, environment, word in (
        ((), {"LC_ALL": "zh_CN.UTF-8"}, "警告 W-NAME"),
        ((), {"LC_ALL": "C.UTF-8"}, "warning W-NAME"),
        (("--lang", "zh"), {"LC_ALL": "C.UTF-8"}, "警告 W-NAME"),
        (("--lang", "en"), {"LC_ALL": "zh_CN.UTF-8"}, "warning W-NAME"),
    ):
        done = convert(raw, "--check", "ontology=threat_event", *arguments, cwd=tmp_path, **environment)
        assert (done.returncode, word in done.stdout) == (3, True)


def test_check_shows_as_many_of_a_code_as_asked_and_the_report_holds_all(tmp_path: Path) -> None:
    report = tmp_path / "sub/report.json"
    done = convert(GOLDEN / "messy.json", "--check", "--max-per-code", "1", "--report", report, "ontology=threat_event")
    assert "... and 1 more W-LABEL-SPELLING" in done.stdout
    plain = json.loads(report.read_text(encoding="utf-8"))
    assert sum(one["code"] == "W-LABEL-SPELLING" for one in plain["findings"]) == 2
    assert (plain["schema_version"], plain["clean"], plain["counts"]["error"]) == (1, False, 4)
    assert plain["inputs_sha256"] == {str(GOLDEN / "messy.json"): sha256(GOLDEN / "messy.json")}
    assert {"git_sha", "versions", "date", "config_sha256"} <= plain.keys()


@pytest.mark.parametrize(
    "arguments",
    [("--check", "none.json"), ("--check", "--fix"), ("--strict",), ("--report", "r.json"), ("--check", "--lang", "fr"),
     ("--check", "--max-per-code", "many")],
)  # fmt: skip
def test_a_mistaken_command_line_exits_with_2_and_writes_nothing(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = convert(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert list(tmp_path.iterdir()) == []


def test_fix_writes_a_copy_and_a_diff_and_the_copy_has_nothing_left_to_mend(tmp_path: Path) -> None:
    raw = tmp_path / "raw.json"
    raw.write_bytes(b"\xef\xbb\xbf" + (GOLDEN / "messy.json").read_bytes().replace(b"\n", b"\r\n"))
    before = raw.read_bytes()
    done = convert(raw, "--fix", "ontology=threat_event", cwd=tmp_path)
    copy, diff = tmp_path / "raw.fixed.json", tmp_path / "raw.fixed.diff"
    told = (
        f"{raw} -> {copy} (raw.fixed.diff): 6 F-CONFIDENCE, 1 F-ENCODING, 1 F-ID, 1 F-LABELS, 1 F-NEWLINE, 1 F-SPACE, "
        "1 W-END-NAME, 1 W-EVIDENCE-SPELLING, 2 W-LABEL-SPELLING, 1 W-NAME-SPELLING, 1 W-TYPE-SPELLING\n"
        f"  what is left to mend: python convert_data.py {copy} --check\n"
    )
    left = (
        'left to you: "Victm" -> Target (1), "EATS" (1). The ontology threat_event does not have these, a conversion '
        "refuses them, and only their writer knows what was meant; --check says where they stand and what can be done.\n"
    )
    assert (done.returncode, done.stdout) == (0, told + left)
    assert raw.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["raw.fixed.diff", "raw.fixed.json", "raw.json"]
    assert diff.read_text(encoding="utf-8").count("\n@@ ") == 4
    again = convert(copy, "--fix", "ontology=threat_event", cwd=tmp_path)
    assert again.stdout == f"{copy}: nothing to mend, nothing written\n{left}"
    checked = convert(copy, "--check", "ontology=threat_event", cwd=tmp_path)
    assert checked.stdout.splitlines()[-1].endswith("--fix can mend 0")


def test_a_folder_converts_after_a_fix(tmp_path: Path) -> None:
    raw = tmp_path / "reports" / "raw.json"
    raw.parent.mkdir()
    raw.write_text(EXAMPLE.read_text(encoding="utf-8").replace("\n", "\r\n"), encoding="utf-8", newline="")
    assert convert(raw.parent, "--fix", cwd=tmp_path).returncode == 0
    done = convert(raw.parent, "--output", "out.json", cwd=tmp_path)
    assert (done.returncode, "file in a folder read in its mended copy" in done.stdout) == (0, True)


def test_pairs_show_originals_beside_their_variants(tmp_path: Path) -> None:
    done = convert(EXAMPLE, "--output", "out.json", "--pairs", "3", cwd=tmp_path)
    assert done.returncode == 0
    assert [done.stdout.count(f"\n  {word}\n") for word in ("original", "variant")] == [3, 3]


def test_fix_opens_a_file_that_a_trailing_comma_kept_shut(tmp_path: Path) -> None:
    raw = tmp_path / "raw.json"
    raw.write_text(EXAMPLE.read_text(encoding="utf-8").rstrip()[:-1].rstrip() + ",\n]\n", encoding="utf-8")
    assert convert(raw, "--check", cwd=tmp_path).returncode == 3
    assert convert(raw, "--fix", cwd=tmp_path).stdout.splitlines()[0].endswith(": 1 F-COMMA")
    assert convert(tmp_path / "raw.fixed.json", "--check", cwd=tmp_path).returncode == 0


def test_fix_says_what_it_leaves_alone(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text('[{"a" 1}]', encoding="utf-8")
    done = convert("broken.json", "--fix", cwd=tmp_path)
    assert (done.returncode, "broken.json: left as it is" in done.stdout) == (0, True)
    assert [path.name for path in tmp_path.iterdir()] == ["broken.json"]


TABLE = "wer;Label;tut;wem;tail_type;text\nVexa;Org;USE;Latch;Tool;Vexa uses Latch.\n"


def test_a_table_is_read_with_the_columns_that_the_command_line_names(tmp_path: Path) -> None:
    raw = tmp_path / "table.csv"
    raw.write_text(TABLE, encoding="utf-8")
    refused = convert(raw, "-o", tmp_path / "out.json")
    assert refused.returncode == 2
    assert (
        'is a table without triples. Its columns: "wer", "Label", "tut", "wem", "tail_type", "text".' in refused.stderr
    )
    columns = [
        "data.columns.head=wer",
        "data.columns.head_type=Label",
        "data.columns.relation=tut",
        "data.columns.tail=wem",
    ]
    done = convert(raw, "-o", tmp_path / "out.json", *columns)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "documents: 1 read, 1 used, 0 dropped")
    assert 'data.columns: head="wer", head_type="Label"' in done.stderr


def test_every_format_converts(tmp_path: Path) -> None:
    """The golden files hold faulty records too: with on_error=drop the rest converts."""
    golden = REPOSITORY / "tests/sources/golden"
    for name in ("triples.csv", "doccano.jsonl", "labelstudio.json", "stix.json", "misp.json", "brat"):
        done = convert(golden / name, "-o", tmp_path / "out.json", "data.on_error=drop")
        assert done.returncode == 0, (name, done.stderr)


def test_what_is_not_read_is_refused_with_the_way_to_what_is(tmp_path: Path) -> None:
    raw = tmp_path / "graph.json"
    raw.write_text('{"type":"node","id":"0","labels":["Tool"],"properties":{"name":"Latch"}}\n', encoding="utf-8")
    done = convert(raw, "-o", tmp_path / "out.json", "data.on_error=drop")
    assert (done.returncode, "is a Neo4j APOC export" in done.stderr, "Export each text" in done.stderr) == (
        2,
        True,
        True,
    )
    assert convert(raw, "--check").returncode == 3


def test_a_check_of_what_gives_no_document_is_not_clean(tmp_path: Path) -> None:
    raw = tmp_path / "event.json"
    raw.write_text('{"Event": {"info": "x", "Attribute": []}}', encoding="utf-8")
    done = convert(raw, "--check")
    assert (
        done.returncode,
        "gives no document. Read 1, dropped: 1 MISP event without a report: no text." in done.stdout,
    ) == (3, True)
    dropping = convert(raw, "-o", tmp_path / "out.json", "data.on_error=drop")
    assert (dropping.returncode, "      1  MISP event without a report: no text" in dropping.stderr) == (2, True)


def test_help_is_quick() -> None:
    best = min(_seconds_for_help() for _ in range(3))
    assert best < 0.5


def _seconds_for_help() -> float:
    start = time.perf_counter()
    assert convert("--help").returncode == 0
    return time.perf_counter() - start


@pytest.mark.skipif("KGTUNE_SAMPLES" not in os.environ, reason="KGTUNE_SAMPLES names no folder of sample data")
def test_real_items_convert_and_every_one_is_accounted_for(tmp_path: Path) -> None:
    done = convert(Path(os.environ["KGTUNE_SAMPLES"]) / "cti_sample.jsonl", "-o", tmp_path / "out.json")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "documents: 61 read, 61 used, 0 dropped")
