"""What a run knows before any weights are loaded, and what is refused by then."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from kgtune import config, ontology
from kgtune.errors import ConfigError, DataError, UserError
from kgtune.splitting import split_lock
from kgtune.splitting.split_lock import Lock

pytestmark = pytest.mark.tiny
OUTPUT = '{"entities":[{"labels":"Tool","id":"e1","name":"VelkaRAT","description":""}],"relationships":[]}'


@pytest.fixture
def rows(tmp_path):
    def write(*changes):
        made = [
            {"id": f"r{n}", "input": f"Report {n} names VelkaRAT.", "output": OUTPUT, "doc_id": f"d{n}", "group_id": f"g{n}",
             "split": "test" if n == 3 else "train", "lang": "en", "aug": ""} for n in range(4)
        ]  # fmt: skip
        for key, value in changes:
            made[3][key] = value
        (tmp_path / "rows.json").write_text(json.dumps(made), encoding="utf-8")
        return f"data.training_data={tmp_path / 'rows.json'}"

    return write


def check(*overrides):
    from kgtune.training import preparing

    cfg = config.load(None, None, overrides).config
    return preparing.check_rows_only(cfg, *preparing.read_rows(cfg))


def test_rows_of_documents_apart_pass(rows):
    assert "are in order" in check(rows())


@pytest.mark.parametrize(
    ("key", "value"),
    [("doc_id", "d1"), ("group_id", "g1"), ("input", "report 1 names  VelkaRAT.")],
    ids=["doc", "group", "text"],
)
def test_a_train_document_among_the_measured_ones_is_refused_before_anything_is_loaded(rows, key, value):
    with pytest.raises(DataError, match='C11-LEAK: row "r3": is measured, and train row "r1" has the same'):
        check(rows((key, value)))


def test_a_condition_that_nothing_can_meet_is_refused_before_anything_is_loaded(rows):
    with pytest.raises(ConfigError, match=r'no metric "f2_gain". Did you mean "f1_gain"'):
        check(rows(), 'evaluation.require={f2_gain: ">0"}')


def test_an_earlier_result_that_is_not_there_is_refused_before_anything_is_loaded(rows):
    with pytest.raises(UserError, match=r"none.json: can't be read"):
        check(rows(), "evaluation.compare_to=none.json")


def test_names_of_train_rows_are_told_to_the_scorer(rows):
    from kgtune.training import preparing

    cfg = config.load(None, None, [rows()]).config
    examples, _ = preparing.read_rows(cfg)
    assert preparing.demands(cfg, examples).known_names == {"velkarat"}


def bare_row(number: int, label: str) -> dict[str, Any]:
    output = {
        "entities": [{"labels": label, "id": "a", "name": f"Vexa{number}"}],
        "relationships": [],
    }
    return {"input": f"Vexa{number} came by in week {number * 37}.", "output": json.dumps(output)}


def rows_of(tmp_path: Path, rows: list[dict[str, Any]], *overrides: str) -> Any:
    from kgtune.training import preparing

    path = tmp_path / "training_data.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    switched_off = [
        f"augmentation.{name}.enabled=false" for name in ("synonyms", "order", "affixes", "empties", "entities")
    ]
    cfg = config.load(None, None, [f"data.training_data={path}", *switched_off, *overrides]).config
    return preparing.read_rows(cfg)


def test_bare_rows_take_the_ontologys_spelling_and_every_rename_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [bare_row(n, "threat-actor" if n % 2 else "ThreatOrganization") for n in range(20)]
    with caplog.at_level(logging.WARNING):
        examples, chosen = rows_of(tmp_path, rows)
    assert chosen.name == "threat_event"
    assert {entity.labels for example in examples for entity in example.graph.entities} == {"ThreatOrganization"}
    assert 'label "threat-actor" written as ThreatOrganization, 10 times' in caplog.text


def test_what_is_dropped_of_bare_rows_is_told_with_its_number(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [bare_row(n, "ThreatOrganization") for n in range(20)]
    with caplog.at_level(logging.WARNING):
        examples, _ = rows_of(tmp_path, [*rows, rows[0], rows[1], rows[1]])
    assert len(examples) == 20
    assert f"{tmp_path / 'training_data.json'}: dropped: same text again, 3 times" in caplog.text


def test_bare_rows_with_a_label_that_the_ontology_lacks_are_refused_with_their_places(tmp_path: Path) -> None:
    rows = [bare_row(n, "ThreatOrganisation" if n in (3, 5) else "ThreatOrganization") for n in range(20)]
    with pytest.raises(DataError) as caught:
        rows_of(tmp_path, rows)
    found = [(problem.code, problem.where.partition(": ")[2][:6]) for problem in caught.value.problems]
    assert found == [("E-UNKNOWN-LABEL", "item 4"), ("E-UNKNOWN-LABEL", "item 6")]
    assert all(problem.where.endswith("output.entities[0].labels") for problem in caught.value.problems)
    assert caught.value.problems[0].what.endswith('Did you mean "ThreatOrganization"?')


def test_a_row_that_carries_a_split_is_not_told_among_the_bare_ones(tmp_path: Path) -> None:
    rows = [bare_row(n, "ThreatOrganisation" if n in (3, 5) else "ThreatOrganization") for n in range(20)]
    rows[3] |= {"id": "r3", "split": "train"}
    with pytest.raises(DataError) as caught:
        rows_of(tmp_path, rows)
    assert [problem.where.partition(": ")[2][:6] for problem in caught.value.problems] == ["item 6"]


def test_bare_rows_with_a_label_that_the_ontology_lacks_are_left_out_where_asked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [bare_row(n, "ThreatOrganisation" if n in (3, 5) else "ThreatOrganization") for n in range(20)]
    with caplog.at_level(logging.WARNING):
        examples, _ = rows_of(tmp_path, rows, "data.on_error=drop")
    assert {entity.labels for example in examples for entity in example.graph.entities} == {"ThreatOrganization"}
    assert len(examples) == 18
    assert f"{tmp_path / 'training_data.json'}: dropped: E-UNKNOWN-LABEL, 2 times" in caplog.text


@pytest.mark.parametrize("number", [3, 200])
def test_no_more_held_out_documents_are_measured_than_asked_for(tmp_path: Path, number: int) -> None:
    from kgtune.training.preparing import Prepared

    rows = [
        bare_row(n, "Tool") | {"id": f"r{n}", "group_id": f"g{n}", "split": "test" if n < 12 else "train"}
        for n in range(20)
    ]
    examples, chosen = rows_of(tmp_path, rows)
    cfg = config.load(None, None, [f"evaluation.max_documents={number}"]).config
    prepared = Prepared(examples, chosen, "", tmp_path, None, None)
    measured = prepared.held_out(cfg)
    assert len(measured) == min(number, 12)
    assert {row.split for row in measured} == {"test"}
    assert [row.id for row in measured] != [f"r{n}" for n in range(number)]


def test_rows_that_carry_a_split_are_not_touched(tmp_path: Path) -> None:
    rows = [
        bare_row(n, "threat-actor") | {"id": f"r{n}", "group_id": f"g{n}", "split": "test" if n < 3 else "train"}
        for n in range(9)
    ]
    examples, _ = rows_of(tmp_path, rows, "ontology=threat_event")
    assert {entity.labels for example in examples for entity in example.graph.entities} == {"threat-actor"}


def test_bare_rows_stay_in_the_splits_that_the_lock_beside_them_has(tmp_path: Path) -> None:
    rows = [bare_row(n, "ThreatOrganization") | {"id": f"r{n}"} for n in range(20)]
    free, _ = rows_of(tmp_path, rows)
    moved = {example.id: "train" if example.split == "test" else "test" for example in free}
    split_lock.write(tmp_path / split_lock.NAME, Lock(moved))
    locked, _ = rows_of(tmp_path, rows)
    assert {example.id: example.split for example in locked} == moved
    without, _ = rows_of(tmp_path, rows, "data.splits_lock=false")
    assert {example.id: example.split for example in without} == {example.id: example.split for example in free}


def test_the_ontology_beside_the_data_is_used_unless_another_is_named(tmp_path: Path) -> None:
    mine = ontology.parse("name: mine\nlabels: {ThreatOrganization: , Extra: }\ntypes: {R: }\n", where="x")
    (tmp_path / "ontology.yaml").write_text(ontology.dump(mine), encoding="utf-8")
    rows = [bare_row(n, "ThreatOrganization") for n in range(20)]
    assert rows_of(tmp_path, rows)[1] == mine
    assert rows_of(tmp_path, rows, "ontology=threat_event")[1].name == "threat_event"
