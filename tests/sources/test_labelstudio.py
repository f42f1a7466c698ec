from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kgtune.sources import RawSet, read_raw

TEXT = "Vex used Latch."


def labels(key: str, start: Any, end: Any, text: str | None, *names: str, kind: str = "labels") -> dict[str, Any]:
    value = {"start": start, "end": end, "labels": list(names)} | ({} if text is None else {"text": text})
    return {"id": key, "from_name": "label", "to_name": "text", "type": kind, "value": value}


VEX, LATCH = labels("v", 0, 3, "Vex", "Org"), labels("l", 9, 14, "Latch", "Tool")


def relation(source: str, target: str, direction: str | None = "right", *names: str) -> dict[str, Any]:
    return {"type": "relation", "from_id": source, "to_id": target, "direction": direction, "labels": list(names)}


def task(*results: dict[str, Any], text: str = TEXT, **changes: Any) -> dict[str, Any]:
    return {"id": 1, "data": {"text": text}, "annotations": [{"id": 2, "result": list(results)}]} | changes


def read(tmp_path: Path, *tasks: dict[str, Any]) -> RawSet:
    path = tmp_path / "export.json"
    path.write_text(json.dumps(list(tasks)), encoding="utf-8")
    return read_raw([path])


def edges(raw_set: RawSet) -> list[tuple[str, str, str]]:
    return [(e.type, e.source, e.target) for d in raw_set.documents for e in d.graph.relationships]


@pytest.mark.parametrize(
    ("direction", "expected"),
    [("right", [("v", "l")]), (None, [("v", "l")]), ("left", [("l", "v")]), ("bi", [("v", "l"), ("l", "v")])],
)
def test_a_relation_follows_its_direction(
    tmp_path: Path, direction: str | None, expected: list[tuple[str, str]]
) -> None:
    raw_set = read(tmp_path, task(VEX, LATCH, relation("v", "l", direction, "USE")))
    assert edges(raw_set) == [("USE", *ends) for ends in expected]
    assert raw_set.problems == []


def test_a_relation_of_several_labels_is_several(tmp_path: Path) -> None:
    assert edges(read(tmp_path, task(VEX, LATCH, relation("v", "l", "right", "USE", "HAS")))) == [
        ("USE", "v", "l"),
        ("HAS", "v", "l"),
    ]


@pytest.mark.parametrize(
    ("text", "start", "end", "note"),
    [
        ("😀 Vex used", 3, 6, "UTF-16 units"),
        ("a\r\nVex used", 2, 5, "CRLF as one character"),
        ("😀\r\n\r\nVex used", 4, 7, "UTF-16 units, CRLF as one character"),
        ("Oh, Vex used", 0, 3, "the nearest place that reads so"),
    ],
)
def test_a_span_is_believed_where_its_words_stand(tmp_path: Path, text: str, start: int, end: int, note: str) -> None:
    raw_set = read(tmp_path, task(labels("v", start, end, "Vex", "Org"), text=text))
    assert [e.name for e in raw_set.documents[0].graph.entities] == ["Vex"]
    assert raw_set.counts[f"note: span read by {note}"] == 1


def test_a_span_without_words_is_read_in_utf16_units_and_counted(tmp_path: Path) -> None:
    raw_set = read(tmp_path, task(labels("v", 3, 6, None, "Org"), text="😀 Vex used"))
    assert [e.name for e in raw_set.documents[0].graph.entities] == ["Vex"]
    assert raw_set.counts["note: span without its text, not verified"] == 1


@pytest.mark.parametrize(
    ("results", "code", "words"),
    [
        (
            [labels("v", 0, 3, "Wax", "Org")],
            "E-SPAN",
            'should read "Wax", which stands nowhere in the text; from 0 to 3 it reads "Vex"',
        ),
        ([labels("v", 0, 99, None, "Org")], "E-SPAN", "from 0 to 99, which is no span"),
        ([labels("v", "0", 3, "Vex", "Org")], "E-SPAN", "goes from '0' to 3"),
        ([labels("v", 0, 3, "Vex")], "E-LABEL", "has no label"),
        ([VEX, LATCH, relation("v", "l", "right")], "E-LABEL", "a relation without a label"),
        ([VEX, relation("v", "x", "right", "USE")], "E-DANGLING", 'the target "x", which is not marked. Marked: v.'),
    ],
)
def test_a_faulty_task_is_a_problem_and_dropped(
    tmp_path: Path, results: list[dict[str, Any]], code: str, words: str
) -> None:
    raw_set = read(tmp_path, task(*results), task(VEX, id=2))
    assert [problem.code for problem in raw_set.problems] == [code]
    assert "item 1 (id=1)" in raw_set.problems[0].where
    assert words in str(raw_set.problems[0])
    assert (raw_set.counts["read"], raw_set.counts["used"], raw_set.counts[f"dropped: {code}"]) == (2, 1, 1)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"annotations": []}, "Label Studio task not annotated"),
        ({"annotations": [{"was_cancelled": True, "result": [VEX]}]}, "Label Studio task whose annotations are all cancelled"),
        ({"annotations": [{"result": [{"type": "choices", "value": {"choices": ["x"]}}]}]}, "Label Studio task without spans: only choices"),
        ({"annotations": [{"result": [labels("v", 0, 3, "Vex", "Org", kind="hypertextlabels")]}]},
         "Label Studio task annotated as hypertextlabels, not over plain text"),
    ],
)  # fmt: skip
def test_a_task_that_says_nothing_about_a_plain_text_is_dropped_by_its_reason(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    raw_set = read(tmp_path, task(**changes), task(VEX, id=2))
    assert (raw_set.counts["used"], raw_set.counts[f"dropped: {reason}"], raw_set.problems) == (1, 1, [])


def test_the_first_annotator_who_did_not_cancel_is_taken_and_the_others_are_counted(tmp_path: Path) -> None:
    annotations = [{"was_cancelled": True, "result": []}, {"result": [VEX]}, {"result": [LATCH]}, {"result": []}]
    raw_set = read(tmp_path, task(annotations=annotations))
    assert [e.name for e in raw_set.documents[0].graph.entities] == ["Vex"]
    assert raw_set.counts["note: annotation cancelled, skipped"] == 1
    assert raw_set.counts["note: annotation of a further annotator ignored"] == 2


def test_an_annotation_without_a_mark_is_an_empty_example(tmp_path: Path) -> None:
    assert read(tmp_path, task()).documents[0].graph.is_empty


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"text": TEXT, "title": "x"}, TEXT),
        ({"title": "x", "正文": TEXT}, TEXT),
        ({"my_field": TEXT, "n": 3}, TEXT),
        ({"a": "x", "b": "y"}, None),
    ],
)
def test_the_text_is_found_among_the_data(tmp_path: Path, data: dict[str, Any], text: str | None) -> None:
    raw_set = read(tmp_path, task(VEX, data=data))
    assert [document.text for document in raw_set.documents] == ([] if text is None else [text])
    assert [problem.code for problem in raw_set.problems] == (["E-NO-TEXT"] if text is None else [])


def test_the_older_spelling_of_annotations_is_read_and_the_project_is_part_of_the_id(tmp_path: Path) -> None:
    old = {"id": 4, "project": 9, "data": {"text": TEXT}, "completions": [{"result": [VEX]}]}
    assert [d.id for d in read(tmp_path, old, task(VEX)).documents] == ["project9-task4", "export-task1"]
