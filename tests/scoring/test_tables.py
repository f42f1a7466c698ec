"""The table and the lines under it."""

from __future__ import annotations

from kgtune.scoring import tables
from tests.scoring.build import HALF, NOTHING, RIGHT, board, compared, document


def result(before, after, **more):
    made = compared([(document(n, lang="en"), before, after) for n in range(16)])
    return {**made, "earlier": None, "gate": None, **more}


def lines(text):
    return {line.split(" | ")[0].strip("| "): line for line in text.splitlines()}


def test_all_systems_stand_side_by_side_with_what_changed():
    found = lines(tables.table(result(NOTHING, RIGHT)))
    assert found["16 held-out documents"].endswith("| before | after | change from before to after |")
    assert found["JSON parses, strictly"] == (
        "| JSON parses, strictly | 0.000 (0/16; 0.00-0.19) | 1.000 (16/16; 0.81-1.00) | +1.000 (+1.00 to +1.00), better |"
    )
    assert "| 0.000 (- / 0.000; 0.00-0.19) |" in found["entities: F1 (precision / recall; 95 % interval)"]
    assert found["en: relationships F1"].endswith("better |")


def test_a_sample_of_the_held_out_documents_is_told_from_all_of_them():
    assert "16 of 40 held-out documents" in lines(tables.table(result(NOTHING, RIGHT, num_held_out=40)))
    assert "16 held-out documents" in lines(tables.table(result(NOTHING, RIGHT, num_held_out=16)))


def test_one_system_has_no_column_of_changes():
    made = board([(document(1), RIGHT, RIGHT)])
    table = tables.table({**made.results(), "comparisons": []})
    assert "change" not in table


def test_the_headline_is_flat_numbers():
    found = tables.headline(result(NOTHING, RIGHT)["columns"]["after"])
    assert found["num_documents"] == 16
    assert all(value is None or isinstance(value, int | float) for value in found.values())
    assert found["strict_parse_rate"] == found["entity_f1"] == 1.0


def test_the_notes_say_what_failed_and_what_to_do_and_what_cannot_be_seen():
    text = "\n".join(tables.notes(result(f"```\n{RIGHT}\n```", HALF)))
    assert "- before: code_fence 16" in text
    assert "- after: none" in text
    assert "- before, most often a code fence around the graph: Hold that system to a JSON schema" in text
    assert "before to after, 16 documents: " in text
    assert "in entity_f1" in text


def test_the_notes_of_a_fine_tuning_fit_the_column():
    fenced = f"```\n{RIGHT}\n```"
    text = "\n".join(tables.notes(result(fenced, fenced, constraint="full")))
    assert "- before, most often a code fence around the graph: Nothing to mend here" in text
    assert "- after, most often a code fence around the graph: inference.py and serve.py rule it out already" in text


def test_the_notes_name_regressions_and_the_verdict():
    earlier = {"num_rows_shared": 16, "path": "old.json", "regressions": [
        {"slice": "language", "of": "zh", "metric": "entity_f1", "difference": -0.125, "low": -0.2, "high": -0.1}]}  # fmt: skip
    text = "\n".join(tables.notes(result(HALF, RIGHT, earlier=earlier, gate={"verdict": "after fails: x."})))
    assert "- 16 rows shared with old.json: worse in entity_f1 by 12.5 points (language zh)" in text
    assert "- gate: after fails: x." in text
    quiet = {**earlier, "regressions": []}
    assert "nothing worse beyond chance" in "\n".join(tables.notes(result(HALF, RIGHT, earlier=quiet)))
