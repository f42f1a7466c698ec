from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from kgtune.graph import Entity, Relationship
from kgtune.sources import RawSet, read_raw


def item(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "id": "r1",
        "text": "Vex uses Latch.",
        "entities": [
            {"labels": "ThreatOrganization", "id": "o", "name": "Vex"},
            {"labels": "Tool", "id": "t", "name": "Latch"},
        ],
        "relationships": [{"type": "USE", "source": "o", "target": "t", "confidence": 0.9, "evidence": ""}],
    }
    return base | changes


def read(tmp_path: Path, *items: Any, **options: Any) -> RawSet:
    path = tmp_path / "raw.json"
    path.write_text(json.dumps(list(items), ensure_ascii=True), encoding="utf-8")
    return read_raw([path], **options)


def with_edge(**changes: Any) -> dict[str, Any]:
    return item(relationships=[item()["relationships"][0] | changes])


def with_entity(**changes: Any) -> dict[str, Any]:
    first, second = item()["entities"]
    return item(entities=[first, second | changes])


@pytest.mark.parametrize(
    ("spelling", "value"),
    [(0.95, 0.95), ("0.95", 0.95), ("95%", 0.95), (95, 0.95), ("０．９５", 0.95), ("0,95", 0.95), (1, 1.0), (0, 0.0),
     ("High", 0.85), ("中", 0.5), (None, 0.7), ("", 0.7)],
)  # fmt: skip
def test_confidence_is_read_in_all_its_spellings(tmp_path: Path, spelling: object, value: float) -> None:
    raw_set = read(tmp_path, with_edge(confidence=spelling), default_confidence=0.7)
    assert [str(p) for p in raw_set.problems] == []
    assert raw_set.documents[0].graph.relationships[0].confidence == value


@pytest.mark.parametrize("spelling", [True, -0.1, 101, 1.5, "very", "1/2", [], "-5%"])
def test_a_confidence_that_is_none_is_refused(tmp_path: Path, spelling: object) -> None:
    assert [p.code for p in read(tmp_path, with_edge(confidence=spelling)).problems] == ["E-CONFIDENCE"]


def test_a_missing_confidence_is_counted(tmp_path: Path) -> None:
    raw_set = read(tmp_path, with_edge(confidence=None))
    assert raw_set.counts["note: confidence missing, default taken"] == 1


def test_a_dangling_relationship_is_reported_with_known_ids_and_the_nearest(tmp_path: Path) -> None:
    entities = [{"labels": "Tool", "id": "tool--cobalt", "name": "Latch"}, item()["entities"][0]]
    raw_set = read(tmp_path, with_edge(target="tool--cobolt") | {"entities": entities})
    assert len(raw_set.problems) == 1
    text = str(raw_set.problems[0])
    for part in ("raw.json:1: item 1 (id=r1): relationships[0].target", 'unknown entity "tool--cobolt"',
                 "Known ids: tool--cobalt, o.", 'Did you mean "tool--cobalt"?', "Fix the target or add the entity."):  # fmt: skip
        assert part in text


def test_an_end_given_as_a_name_or_with_white_space_is_resolved(tmp_path: Path) -> None:
    raw_set = read(tmp_path, with_edge(source=" o ", target="LATCH"))
    assert raw_set.documents[0].graph.relationships == (Relationship("USE", "o", "t", 0.9, ""),)


@pytest.mark.parametrize(
    ("changes", "label"),
    [({"labels": ["Tool"]}, "Tool"), ({"labels": "Tool", "type": "Other"}, "Tool"),
     ({"labels": None, "type": "Tool"}, "Tool"), ({"labels": ["Tool", "Malware"]}, "Tool")],
)  # fmt: skip
def test_a_label_is_read_from_a_string_a_list_or_the_type(tmp_path: Path, changes: dict[str, Any], label: str) -> None:
    assert read(tmp_path, with_entity(**changes)).documents[0].graph.entities[1] == Entity(label, "t", "Latch", "")


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (item(text=""), "E-EMPTY-VALUE"),
        (item(text=7), "E-TYPE"),
        ({k: v for k, v in item().items() if k != "text"}, "E-MISSING-KEY"),
        ({k: v for k, v in item().items() if k != "relationships"}, "E-MISSING-KEY"),
        (item(entities={}), "E-TYPE"),
        (with_entity(name=" "), "E-EMPTY-VALUE"),
        (with_entity(name="\ud800"), "E-SURROGATE"),
        (with_entity(labels=[]), "E-LABEL"),
        (with_entity(id="o"), "E-DUPLICATE-ID"),
        (with_entity(id=" o"), "E-DUPLICATE-ID"),
        (item(entities=["Vex"]), "E-TYPE"),
        (item(split="dev"), "E-SPLIT"),
        ("just a text", "E-TYPE"),
    ],
)
def test_what_cannot_be_used_is_a_problem_with_its_place(tmp_path: Path, broken: Any, code: str) -> None:
    raw_set = read(tmp_path, broken, item(id="r2"))
    assert code in [problem.code for problem in raw_set.problems]
    assert all("raw.json:1: item 1" in problem.where for problem in raw_set.problems)
    assert [document.id for document in raw_set.documents] == ["r2"]
    assert (raw_set.counts["read"], raw_set.counts["used"]) == (2, 1)


def test_all_problems_are_listed_not_only_the_first(tmp_path: Path) -> None:
    raw_set = read(tmp_path, with_edge(source="x", target="y", confidence=9e9), item(id="r2", text=""))
    assert [p.code for p in raw_set.problems] == ["E-CONFIDENCE", "E-DANGLING", "E-DANGLING", "E-EMPTY-VALUE"]


def test_an_entity_that_is_no_object_hides_no_empty_end(tmp_path: Path) -> None:
    broken = with_edge(source="")
    broken["entities"].append(7)
    assert {"E-TYPE", "E-EMPTY-VALUE"} <= {problem.code for problem in read(tmp_path, broken, item(id="r2")).problems}


def test_the_same_entity_or_relationship_twice_is_merged(tmp_path: Path) -> None:
    first, second = item()["entities"]
    edge = item()["relationships"][0]
    raw_set = read(
        tmp_path, item(entities=[first, second, dict(second)], relationships=[edge, edge | {"confidence": 1}])
    )
    graph = raw_set.documents[0].graph
    assert (len(graph.entities), [r.confidence for r in graph.relationships]) == (2, [1.0])


def test_extra_keys_are_ignored_and_counted(tmp_path: Path) -> None:
    raw_set = read(tmp_path, item(source="x", licence="y", meta={}), with_entity(aliases=[]) | {"id": "r2"})
    assert {k: v for k, v in raw_set.counts.items() if "ignored" in k} == {
        "note: item key ignored: source": 1, "note: item key ignored: licence": 1,
        "note: item key ignored: meta": 1, "note: entity key ignored: aliases": 1,
    }  # fmt: skip


def test_optional_keys_of_an_item_are_kept(tmp_path: Path) -> None:
    document = read(tmp_path, item(doc_id=7, group_id="g", split="test", lang="zh")).documents[0]
    assert (document.doc_id, document.group_id, document.split, document.lang) == ("7", "g", "test", "zh")


def test_text_is_normalised_to_nfc_and_plain_line_ends(tmp_path: Path) -> None:
    document = read(tmp_path, item(text="Cafe\u0301\r\nVex uses\rLatch.")).documents[0]
    assert document.text == "Caf\u00e9\nVex uses\nLatch."


def test_an_id_that_stands_twice_is_reported_with_both_places(tmp_path: Path) -> None:
    raw_set = read(tmp_path, item(), item(text="Vex uses Latch again."), item())
    assert [p.code for p in raw_set.problems] == ["E-DUPLICATE-RECORD"]
    assert "item 2" in raw_set.problems[0].where
    assert "item 1" in raw_set.problems[0].what
    counts = raw_set.counts
    assert (counts["read"], counts["used"], counts["dropped: the same item again"]) == (3, 1, 1)


def test_training_rows_are_read_and_their_variants_left_out(tmp_path: Path) -> None:
    graph = {key: item()[key] for key in ("entities", "relationships")}
    row = {"input": item()["text"], "output": json.dumps(graph), "id": "a", "split": "train", "aug": ""}
    raw_set = read(tmp_path, row, row | {"id": "b", "aug": "order"}, row | {"id": "c", "output": graph})
    assert [(d.id, d.split, len(d.graph.entities)) for d in raw_set.documents] == [("a", "train", 2), ("c", "train", 2)]
    assert raw_set.counts["dropped: augmented row"] == 1


@pytest.mark.parametrize("output", ["{", "[]", '{"entities": [], "entities": []}', 3])
def test_a_row_without_a_graph_is_a_problem(tmp_path: Path, output: object) -> None:
    raw_set = read(tmp_path, {"input": "x", "output": output})
    assert next(p.code for p in raw_set.problems) in ("E-OUTPUT", "E-DUPLICATE-KEY")
    assert raw_set.documents == ()


@pytest.mark.skipif("KGTUNE_SAMPLES" not in os.environ, reason="KGTUNE_SAMPLES names no folder of sample data")
def test_every_real_item_is_accounted_for() -> None:
    raw_set = read_raw([Path(os.environ["KGTUNE_SAMPLES"]) / "cti_sample.jsonl"])
    assert (raw_set.counts["read"], raw_set.counts["used"], raw_set.problems) == (61, 61, [])
