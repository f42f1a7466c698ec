"""The scorer as a tool: files in, one result out."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from kgtune.errors import ConfigError, DataError, UserError
from kgtune.graph import to_object
from kgtune.scoring import __main__ as command
from kgtune.scoring import session
from tests.conftest import REPOSITORY
from tests.scoring.build import GOLD, HALF, NOTHING, RIGHT, TEXT


@pytest.fixture
def folder(tmp_path):
    def write(name, rows):
        path = tmp_path / name
        path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
        return path

    write("gold.jsonl", [{"id": f"r{n}", "input": f"{TEXT} {n}", "output": RIGHT, "lang": "en"} for n in range(12)])
    write("half.jsonl", [{"id": f"r{n}", "answer": HALF} for n in range(12)])
    write("right.jsonl", [{"id": f"r{n}", "answer": RIGHT} for n in reversed(range(12))])
    write("some.jsonl", [{"id": f"r{n}", "answer": RIGHT} for n in (1, 2, 99)])
    write("train.jsonl", [{"id": "t", "input": "Another text.", "output": RIGHT}])
    write("graphs.jsonl", [{"id": f"r{n}", "graph": to_object(GOLD)} for n in range(12)])
    return tmp_path


def score(folder, *arguments):
    named = [
        str(folder / a) if a.endswith(".jsonl") and "=" not in a else a.replace("@", f"{folder}/") for a in arguments
    ]
    return session.score(session.Task.of(command._arguments(named)))


def value(result, system, name):
    return result["columns"][system]["metrics"][name]["value"]


def test_one_file_of_answers(folder):
    result = score(folder, "--gold", "gold.jsonl", "--pred", "half.jsonl")
    assert value(result, "answers", "entity_recall") == 0.5
    assert result["comparisons"] == []
    assert result["answers"]["answers"]["paired_by"] == "id"


def test_systems_are_compared_with_the_first(folder):
    result = score(folder, "--gold", "gold.jsonl", "--pred", "base=@half.jsonl", "--pred", "tuned=@right.jsonl")
    (found,) = result["comparisons"]
    assert (found["first"], found["second"]) == ("base", "tuned")
    assert found["metrics"]["entity_f1"]["difference"] == 0.3333


def test_missing_and_extra_answers_are_counted_and_missing_ones_count_as_wrong(folder):
    result = score(folder, "--gold", "gold.jsonl", "--pred", "some.jsonl")
    facts = result["answers"]["answers"]
    assert (facts["num_missing"], facts["num_left"]) == (10, 1)
    assert value(result, "answers", "entity_recall") == round(2 / 12, 4)
    assert result["columns"]["answers"]["reasons"] == {"no_answer": 10}


def test_further_answers_show_how_far_a_system_agrees_with_itself(folder):
    result = score(folder, "--gold", "gold.jsonl", "--pred", "a=@right.jsonl", "--again", "a=@half.jsonl")
    assert result["columns"]["a"]["consistency"]["entity_jaccard"]["value"] == 0.5
    with pytest.raises(UserError, match=r"names no system. There are: a"):
        score(folder, "--gold", "gold.jsonl", "--pred", "a=@right.jsonl", "--again", "b=@half.jsonl")


def test_train_rows_tell_seen_names_and_are_never_measured(folder):
    result = score(folder, "--gold", "gold.jsonl", "--pred", "right.jsonl", "--train", "train.jsonl")
    assert list(result["columns"]["answers"]["slices"]["entity_names"]) == ["seen"]
    with pytest.raises(DataError, match="12 rows can't be measured"):
        score(folder, "--gold", "gold.jsonl", "--pred", "right.jsonl", "--train", "gold.jsonl")


def test_a_document_that_stands_twice_is_refused(folder):
    gold = folder / "gold.jsonl"
    gold.write_text(gold.read_text(encoding="utf-8") + "\n" + gold.read_text(encoding="utf-8").splitlines()[0], "utf-8")
    with pytest.raises(DataError, match='item 13: id "r0" stands twice'):
        score(folder, "--gold", "gold.jsonl", "--pred", "right.jsonl")


def test_a_gold_file_without_a_measured_row_says_what_it_holds(folder):
    (folder / "gold.jsonl").write_text(
        json.dumps({"id": "a", "input": "x", "output": RIGHT, "split": "train"}), "utf-8"
    )
    with pytest.raises(UserError, match="no row to measure; passed over: 1 train rows"):
        score(folder, "--gold", "gold.jsonl", "--pred", "right.jsonl")


def test_aliases_make_relaxed_matches(folder):
    other = [{"id": f"r{n}", "answer": RIGHT.replace("Crimson Otter", "UNC77")} for n in range(12)]
    (folder / "other.jsonl").write_text("\n".join(map(json.dumps, other)), encoding="utf-8")
    (folder / "aliases.json").write_text(json.dumps({"Crimson Otter": ["UNC77"]}), encoding="utf-8")
    plain = score(folder, "--gold", "gold.jsonl", "--pred", "other.jsonl")
    aliased = score(folder, "--gold", "gold.jsonl", "--pred", "other.jsonl", "--aliases", "@aliases.json")
    assert [value(one, "answers", "entity_relaxed_recall") for one in (plain, aliased)] == [0.5, 1.0]
    assert value(aliased, "answers", "entity_recall") == 0.5


def test_our_answers_and_foreign_triples_are_scored_on_one_gold_file(folder):
    pair = {"subject": "Crimson Otter", "relation": "USE", "object": "VelkaRAT"}
    rows = [{"id": f"r{n}", "triplets": [pair]} for n in range(12)]
    (folder / "triples.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    result = score(folder, "--gold", "gold.jsonl", "--pred", "ours=@right.jsonl", "--pred", "theirs=@triples.jsonl")
    assert value(result, "theirs", "relationship_type_agnostic_f1") == 1.0
    assert value(result, "theirs", "relationship_f1") == 0.0  # no labels
    assert value(result, "theirs", "strict_parse_rate") is None
    assert value(result, "theirs", "brier_score") is None


def test_two_runs_give_the_same_bytes(folder):
    arguments = ("--gold", "gold.jsonl", "--pred", "a=@half.jsonl", "--pred", "b=@right.jsonl", "--documents")
    first, second = (score(folder, *arguments) for _ in range(2))
    for one in (first, second):
        one.pop("date")
    assert json.dumps(first) == json.dumps(second)


@pytest.mark.parametrize(
    ("arguments", "error", "what"),
    [
        (("--pred", "x=@half.jsonl", "--pred", "x=@right.jsonl"), UserError, 'two systems "x"'),
        (("--pred", "half.jsonl", "--resamples", "5"), UserError, "give 100 to 100000"),
        (("--pred", "half.jsonl", "--require", "f2=>0"), ConfigError, 'no metric "f2"'),
        (("--pred", "half.jsonl", "--aliases", "@none.json"), UserError, "can't be read"),
        (("--pred", "half.jsonl", "--aliases", "@gold.jsonl"), UserError, "can't be read"),
        (("--pred", "half.jsonl", "--ontology", "threat"), ConfigError, 'no ontology "threat"'),
        (("--pred", "none.jsonl"), DataError, "No such file"),
    ],
)
def test_a_mistake_is_told_before_the_files_are_walked(folder, arguments, error, what):
    with pytest.raises(error, match=what):
        score(folder, "--gold", "gold.jsonl", *arguments)


def run(folder, *arguments):
    """Run the tool in an interpreter where torch can't be imported."""
    blocked = (
        "import sys; sys.modules['torch'] = None; import runpy; runpy.run_module('kgtune.scoring', run_name='__main__')"
    )
    return subprocess.run(
        [sys.executable, "-c", blocked, *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.skipif("KGTUNE_SAMPLES" not in os.environ, reason="KGTUNE_SAMPLES names no folder of sample data")
@pytest.mark.parametrize(
    ("name", "num_documents"),
    [("cti_sample.jsonl", 61), ("formats/deepke/KG_sample.json", 5), ("formats/deepke/SPO_sample.json", 5),
     ("formats/deepke/NER_train.json", 6)],
)  # fmt: skip
def test_sample_data_of_others_agrees_with_itself(name, num_documents):
    path = f"{os.environ['KGTUNE_SAMPLES']}/{name}"
    result = session.score(session.Task.of(command._arguments(["--gold", path, "--pred", path])))
    assert result["columns"]["answers"]["num_documents"] == num_documents
    assert value(result, "answers", "entity_f1") == 1.0


@pytest.mark.scripts
def test_the_tool_runs_without_torch_and_prints_a_table_and_one_json_line(folder):
    done = run(folder, "--gold", f"{folder}/gold.jsonl", "--pred", f"base={folder}/half.jsonl", "--pred",
               f"tuned={folder}/graphs.jsonl", "-o", f"{folder}/out.json", "--require", "f1_gain=>0")  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "| 12 held-out documents | base | tuned | change from base to tuned |"
    last = json.loads(lines[-1])
    assert (last["base"]["entity_f1"], last["tuned"]["entity_f1"]) == (0.6667, 1.0)
    kept = json.loads((folder / "out.json").read_text(encoding="utf-8"))
    assert kept["gate"]["passed"] is True


@pytest.mark.scripts
def test_a_failed_condition_is_exit_code_3_and_the_results_are_there(folder):
    done = run(folder, "--gold", f"{folder}/gold.jsonl", "--pred", f"{folder}/half.jsonl", "-o", f"{folder}/out.json",
               "--require", "entity_f1=>=0.9")  # fmt: skip
    assert done.returncode == 3
    assert "gate: answers fails: entity_f1 >= 0.9, and it is 0.6667" in done.stderr
    assert (folder / "out.json").exists()
    json.loads(done.stdout.splitlines()[-1])


@pytest.mark.scripts
def test_a_user_error_is_exit_code_2_without_a_traceback(folder):
    done = run(folder, "--gold", f"{folder}/none.jsonl", "--pred", f"{folder}/half.jsonl")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_an_answer_that_is_nothing_is_still_scored(folder):
    (folder / "bad.jsonl").write_text(
        "\n".join(json.dumps({"id": f"r{n}", "answer": NOTHING}) for n in range(12)), "utf-8"
    )
    result = score(folder, "--gold", "gold.jsonl", "--pred", "bad.jsonl")
    assert value(result, "answers", "entity_f1") == 0.0
