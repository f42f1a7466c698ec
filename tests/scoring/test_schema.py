"""Every key that is written is described, and every described one is written."""

from __future__ import annotations

import argparse
import copy
import json
from collections import Counter

import pytest

from kgtune import runs
from kgtune.evaluation import evaluation, probes
from kgtune.evaluation.probes import Seen
from kgtune.examples import Example
from kgtune.extraction.extractor import ScriptedExtractor
from kgtune.graph import Graph
from kgtune.grounding import match_key
from kgtune.scoring import __main__ as command
from kgtune.scoring import description, earlier, gate, schema, session
from kgtune.scoring.description import Key
from tests.fakes import CallingExtractor, sure
from tests.scoring.build import GOLD, HALF, NOTHING, ONTOLOGY, RIGHT, TEXT

TALLY = {"in": 3, "kept": 2, "out": 2, "lost": {"too long": 1}}
LEDGER = {
    **dict.fromkeys(("rows", "characters", "entities", "relationships"), TALLY),
    "tokens": {"in": 90, "out": 60}, "rows_windowed": 0,
}  # fmt: skip
SEEN = Seen("d1", Counter(structure=5, name=7), Counter(structure=3, name=2), 0.5, 0.9)
PROBE = probes.result([SEEN])
FACTS = {
    "ledger": LEDGER,
    "base_model": "base", "split": "test", "num_held_out": 25, "max_new_tokens": 100,
    "constraint": "full", "config_sha256": "c", "data_sha256": "d",
    "ontology_sha256": "o", "seed": 1, "num_rows_trained_on": 2, "num_rows_dropped": {"too long": 1},
    "run": {"num_steps": 1, "losses": [{"step": 1, "loss": 0.5}]}, **runs.provenance(),
    "confidence": {"kind": "calibrated", "is_measured": True, "num_items": 40, "num_documents": 20},
    "few_shot": {"num_asked": 2, "num_too_long": 0, "rows": ["r1"]}, "probes": {"before": PROBE, "after": PROBE},
}  # fmt: skip


def examples():
    made = [Example(f"r{n}", f"d{n}", f"g{n}", "test", "en", "", f"{TEXT} {n}", GOLD) for n in range(24)]
    return [*made, Example("empty", "d-e", "g-e", "test", "zh", "", "天气很好。", Graph())]


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """A result with everything in it: an earlier result that was better, and a gate."""
    rows = examples()
    right = ScriptedExtractor({row.text: RIGHT for row in rows[:-1]})
    half = ScriptedExtractor({row.text: HALF for row in rows[:-1]}, default=NOTHING)
    certain = CallingExtractor(sure(right, 0.5))
    columns = {"before": evaluation.measure(certain, rows), "after": evaluation.measure(half, rows)}
    first = evaluation.results({"before": columns["before"], "after": columns["before"]}, ONTOLOGY, FACTS)
    path = tmp_path_factory.mktemp("earlier") / "evaluation_results.json"
    runs.write_json_atomic(path, first)
    demands = evaluation.Demands(
        frozenset({match_key("VelkaRAT")}),
        earlier.read(path, "after"),
        gate.conditions({"f1_gain": ">0"}),
        lambda probability: probability,
    )
    return evaluation.results(columns, ONTOLOGY, FACTS, demands)


@pytest.fixture(scope="module")
def scored(tmp_path_factory, evaluated):
    folder = tmp_path_factory.mktemp("scored")
    (folder / "r.json").write_text(json.dumps(evaluated), encoding="utf-8")
    rows = [{"id": r.id, "input": r.text, "output": r.answer, "lang": r.lang, "source": "feed"} for r in examples()]
    rows.append({**rows[0], "id": "v", "split": "train"})
    (folder / "gold.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (folder / "train.jsonl").write_text(json.dumps({"id": "t", "input": "x", "output": RIGHT}), encoding="utf-8")
    args = command._arguments(
        ["--gold", f"{folder}/gold.jsonl", "--pred", f"after={folder}/r.json:after", "--pred", f"b={folder}/r.json:before",
         "--again", f"b={folder}/r.json:after", "--train", f"{folder}/train.jsonl", "--documents", "--require", "f1_gain=>0",
         "--compare-to", f"{folder}/r.json:after"]
    )  # fmt: skip
    return session.score(session.Task.of(args))


@pytest.fixture(params=["evaluated", "scored"])
def result_and_key(request):
    key = schema.EVALUATION if request.param == "evaluated" else schema.SCORER
    return request.getfixturevalue(request.param), key


def test_a_result_is_what_the_description_says(result_and_key):
    result, key = result_and_key
    assert list(description.faults(json.loads(json.dumps(result)), key)) == []


def test_every_described_key_is_written_and_the_other_way_round(result_and_key):
    result, key = result_and_key
    described = {path for path, _ in description.described(key)}
    assert len(described) > 1500
    # of one answer per text nothing is said about agreement, and a fine-tuning answers each text once
    unwritten = {path for path in described - set(description.written(result, key)) if ".consistency." not in path}
    if key is schema.SCORER:
        # the scorer's own run here gets better: it has no regression to list
        unwritten -= {path for path in unwritten if ".regressions[]" in path}
    else:
        unwritten -= {path for path in unwritten if ".slices.source" in path}  # training rows name no source
    assert unwritten == set()
    assert set(description.written(result, key)) <= described


def test_the_two_results_together_leave_no_described_key_unwritten(evaluated, scored):
    written = {*description.written(evaluated, schema.EVALUATION), *description.written(scored, schema.SCORER)}
    described = {path for key in (schema.EVALUATION, schema.SCORER) for path, _ in description.described(key)}
    assert described - written == set()


def test_the_statistics_are_those_that_were_used(evaluated):
    assert evaluated["schema_version"] == schema.SCHEMA_VERSION == 3
    assert evaluated["earlier"]["regressions"] != []
    assert evaluated["gate"]["passed"] is False


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda r: r.update(new=1), ".new: is not described"),
        (lambda r: r["columns"]["after"].pop("cost"), ".columns.after.cost: is missing"),
        (lambda r: r["columns"]["after"]["metrics"]["f1"].update(value="0.5"), "value: is str, not number"),
        (lambda r: r["columns"]["after"].update(num_rows=True), "num_rows: is bool, not whole number"),
        (lambda r: r.update(columns=None), ".columns: is null"),
        (lambda r: r["documents"][0]["answers"]["after"]["findings"].append(3), "is int, not text"),
    ],
)
def test_a_departure_is_named(evaluated, spoil, fault):
    result = copy.deepcopy(evaluated)
    spoil(result)
    (found,) = description.faults(result, schema.EVALUATION)
    assert found.endswith(fault)


def test_the_table_shows_every_key_once_and_each_shape_on_its_own():
    text = description.table(schema.EVALUATION)
    for path in ("columns.*", "comparisons[]", "metrics.brier_score", "p_adjusted", "answers.*.hits.entities[]"):
        assert text.count(f"| `{path}` |") == 1, path
    assert text.count("\nmetric:\n") == text.count("\ncolumn:\n") == 1
    assert len(text.splitlines()) < 500


def test_a_key_that_may_hold_anything_is_asked_nothing():
    assert list(description.faults({"a": [None, True]}, Key("anything", "x"))) == []
    assert isinstance(command._arguments(["--schema"]), argparse.Namespace)
