from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kgtune.sources import RawSet, read_raw

TEXT = "Vex used Latch."
VEX, LATCH = [0, 3, "Org"], [9, 14, "Tool"]


def span(start: int, end: int, label: Any, **more: Any) -> dict[str, Any]:
    return {"start_offset": start, "end_offset": end, "label": label, **more}


def read(tmp_path: Path, *items: dict[str, Any]) -> RawSet:
    path = tmp_path / "all.jsonl"
    path.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
    return read_raw([path])


@pytest.mark.parametrize(
    "item",
    [
        {"text": TEXT, "label": [VEX, LATCH]},
        {"text": TEXT, "labels": [VEX, LATCH]},
        {"data": TEXT, "label": [VEX, LATCH], "meta": {}},
        {"text": TEXT, "entities": [VEX, LATCH]},
        {"text": TEXT, "entities": [span(*VEX, id=5), span(*LATCH, id=9)], "relations": []},
        {"text": TEXT, "annotations": [span(*VEX, user=1), span(*LATCH, user=1)]},
    ],
)
def test_every_spelling_of_its_versions_reads_the_same(tmp_path: Path, item: dict[str, Any]) -> None:
    raw_set = read(tmp_path, item)
    assert raw_set.problems == []
    assert [(e.labels, e.name) for e in raw_set.documents[0].graph.entities] == [("Org", "Vex"), ("Tool", "Latch")]


def test_relations_join_marks_by_their_ids(tmp_path: Path) -> None:
    item = {"id": 7, "text": TEXT, "entities": [span(*VEX, id=5), span(*LATCH, id=9)],
            "relations": [{"id": 1, "from_id": 5, "to_id": 9, "type": "USE"}]}  # fmt: skip
    (document,) = read(tmp_path, item).documents
    (edge,) = document.graph.relationships
    assert (edge.type, edge.source, edge.target, edge.evidence) == ("USE", "5", "9", TEXT)


def test_two_projects_whose_items_have_the_same_numbers_do_not_collide(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    for folder, text in ((tmp_path, TEXT), (tmp_path / "other", "Vex left.")):
        (folder / "all.jsonl").write_text(json.dumps({"id": 1, "text": text, "label": [VEX]}), encoding="utf-8")
    raw_set = read_raw([tmp_path])
    assert (len({document.id for document in raw_set.documents}), raw_set.problems) == (2, [])


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"entities": [span(9, 40, "Tool", id=1)]}, "E-SPAN", "goes from 9 to 40, and the text has 15 characters"),
        ({"entities": [span(3, 3, "Tool", id=1)]}, "E-SPAN", "goes from 3 to 3"),
        ({"entities": [span(None, 3, "Tool", id=1)]}, "E-SPAN", "goes from None to 3"),
        ({"entities": [span(0, 3, 4, id=1)]}, "E-LABEL", "its label is 4. Export as JSONL"),
        ({"entities": [span(*VEX, id=1), span(*LATCH, id=1)]}, "E-DUPLICATE-ID", 'the id "1" stands twice'),
        (
            {"entities": [span(*VEX, id=1)], "relations": [{"from_id": 1, "to_id": 2, "type": "USE"}]},
            "E-DANGLING",
            "Marked: 1.",
        ),
        (
            {"entities": [span(*VEX, id=1)], "relations": [{"from_id": 1, "to_id": 1}]},
            "E-MISSING-KEY",
            '"type" is missing',
        ),
        ({"entities": [span(*VEX, id=1)], "relations": [{"from_id": 1}]}, "E-TYPE", "Give from_id, to_id and type"),
        ({"entities": [span(*VEX, id=1), "x"]}, "E-TYPE", "no span"),
        ({"text": "  ", "entities": [span(*VEX, id=1)]}, "E-EMPTY-VALUE", '"text" is empty'),
    ],
)
def test_a_faulty_item_is_a_problem_and_dropped(tmp_path: Path, changes: dict[str, Any], code: str, words: str) -> None:
    raw_set = read(
        tmp_path, {"text": TEXT, "entities": [span(*VEX)], "relations": []} | changes, {"text": TEXT, "label": [VEX]}
    )
    assert [problem.code for problem in raw_set.problems] == [code]
    assert f"{tmp_path / 'all.jsonl'}:1: item 1" in raw_set.problems[0].where
    assert words in str(raw_set.problems[0])
    assert (raw_set.counts["read"], raw_set.counts["used"], raw_set.counts[f"dropped: {code}"]) == (2, 1, 1)


def test_an_untouched_text_is_no_empty_example_but_an_approved_one_is(tmp_path: Path) -> None:
    raw_set = read(
        tmp_path,
        {"text": "a", "label": []},
        {"text": "b", "label": [], "annotation_approver": "mira"},
        {"text": TEXT, "label": [VEX]},
    )
    assert [(d.text, d.graph.is_empty) for d in raw_set.documents] == [("b", True), (TEXT, False)]
    assert raw_set.counts["dropped: doccano item without a mark: it may not have been annotated"] == 1


def test_spans_count_code_points_of_the_text_as_given(tmp_path: Path) -> None:
    raw_set = read(tmp_path, {"text": "😀 e\u0301\r\nVex used Latch.", "label": [[6, 9, "Org"]]})
    assert [e.name for e in raw_set.documents[0].graph.entities] == ["Vex"]
    assert raw_set.documents[0].text == "😀 é\nVex used Latch."
    assert raw_set.counts["note: doccano span in a text with characters such as emoji, read as code points"] == 1


def test_a_key_that_is_misspelt_in_one_item_does_not_make_doccano_of_a_file(tmp_path: Path) -> None:
    sound = {"text": TEXT, "entities": [{"labels": "Org", "id": "o", "name": "Vex"}], "relationships": []}
    slip = {"text": "Vex left.", "entities": [{"labels": "Org", "id": "o", "name": "Vex"}], "relations": []}
    raw_set = read(tmp_path, slip, sound, sound | {"text": "Vex came."})
    assert [(p.code, p.where.rpartition(": ")[2]) for p in raw_set.problems] == [("E-MISSING-KEY", "relations")]
    assert "Did you mean" in raw_set.problems[0].what
    assert len(raw_set.documents) == 2
    assert [problem.code for problem in read(tmp_path, slip).problems] == ["E-MISSING-KEY"]


def test_one_odd_item_of_a_file_is_named(tmp_path: Path) -> None:
    named = {
        "id": "n",
        "text": "Vex left.",
        "entities": [{"labels": "Org", "id": "o", "name": "Vex"}],
        "relationships": [],
    }
    marked = {"id": 4, "text": TEXT, "entities": [span(*VEX, id=1)], "relations": []}
    raw_set = read(tmp_path, named, marked, marked | {"text": "Vex wins."})
    (problem,) = raw_set.problems
    assert (problem.code, problem.where.partition(": ")[2], len(raw_set.documents)) == ("E-MIXED", "item 1 (id=n)", 2)
    raw_set = read(tmp_path, named, named | {"id": "m", "text": "Vex is in."}, marked)
    (problem,) = raw_set.problems
    assert (problem.code, problem.where.partition(": ")[2], len(raw_set.documents)) == ("E-MIXED", "item 3 (id=4)", 2)


def test_texts_that_nobody_has_marked_are_doccanos_all_the_same(tmp_path: Path) -> None:
    raw_set = read(
        tmp_path, {"text": TEXT, "entities": [], "relations": []}, {"text": "x", "entities": [], "relations": []}
    )
    assert raw_set.counts["dropped: doccano item without a mark: it may not have been annotated"] == 2
