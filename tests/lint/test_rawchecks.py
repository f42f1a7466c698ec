"""What only the raw items show."""

from __future__ import annotations

import json

import pytest

from kgtune.lint import rawchecks

ENTITY = {"labels": "Tool", "id": "t", "name": "Latch"}
EDGE = {"type": "USE", "source": "t", "target": "u", "confidence": 0.9, "evidence": "x"}


def told(tmp_path, *items, content=None):
    path = tmp_path / "raw.json"
    path.write_text(content if content is not None else json.dumps(items, indent=1), encoding="utf-8")
    return [(f.code, f.place.line, f.place.record, f.place.path, f.value, f.nearest) for f in rawchecks.findings(path)]


def item(entities=(ENTITY,), edges=(EDGE,), **more):
    return {"id": "r1", "text": "t", "entities": list(entities), "relationships": list(edges), **more}


def test_sound_items_show_nothing(tmp_path):
    assert told(tmp_path, item(), item(id="r2")) == []


def test_a_mistyped_key_is_told_once_a_file_with_its_number_where_the_meant_one_is_missing(tmp_path):
    slip = {key: value for key, value in EDGE.items() if key != "evidence"} | {"evidance": "x"}
    items = [item(), item(edges=[slip]), item(edges=[slip])]
    text = json.dumps(items, indent=1)
    line = text[: text.index('"evidance"')].count("\n") + 1
    assert told(tmp_path, *items) == [("W-KEY", line, 2, "relationships[0].evidance", "evidance", "evidence")]
    assert told(tmp_path, item(edges=[EDGE | {"evidances": 1}]), item([ENTITY | {"colour": "red"}])) == []
    assert told(tmp_path, item([{"labels": "Tool", "id": "t", "nmae": "Latch"}]))[0][3:] == (
        "entities[0].nmae",
        "nmae",
        "name",
    )


def test_a_mistyped_key_of_an_item_is_told_and_one_that_a_reader_misses_is_left_to_it(tmp_path):
    slip = {key: value for key, value in item().items() if key != "id"} | {"ID": "r7", "title": "x", "doc-id": "d"}
    assert [(code, path, value, nearest) for code, _, _, path, value, nearest in told(tmp_path, item(), slip)] == [
        ("W-KEY", "ID", "ID", "id"), ("W-KEY", "doc-id", "doc-id", "doc_id")
    ]  # fmt: skip
    assert told(tmp_path, {"Text": "x", "entities": [], "relationships": []}) == []


def test_ids_that_differ_only_in_case_width_or_space_are_told(tmp_path):
    found = told(tmp_path, item([ENTITY, ENTITY | {"id": "Ｔ"}, ENTITY | {"id": "u"}]))
    assert [(code, path, value, nearest) for code, _, _, path, value, nearest in found] == [
        ("W-ID-ALIKE", "entities[1].id", "Ｔ", "t")
    ]


def test_what_is_given_twice_is_told_once(tmp_path):
    found = told(tmp_path, item([ENTITY, ENTITY, ENTITY], [EDGE, EDGE, EDGE | {"evidence": "y"}]))
    assert [(code, path) for code, _, _, path, _, _ in found] == [
        ("N-GIVEN-TWICE", "entities[1]"), ("N-GIVEN-TWICE", "relationships[1]")
    ]  # fmt: skip


def test_several_labels_are_told_since_only_the_first_is_read(tmp_path):
    found = told(tmp_path, item([{"label": ["Tool", "Asset"], "id": "t", "name": "Latch"}]))
    assert [(code, path, value, nearest) for code, _, _, path, value, nearest in found] == [
        ("W-SEVERAL-LABELS", "entities[0].label", '["Tool", "Asset"]', "Tool")
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.9, 95], True),
        ([95, 0.9], True),
        ([95, 90, 1], False),  # 1 is on either scale
        ([0.9, 1, 0], False),
        ([0.9, "95%"], False),  # a per cent sign says what it is
        ([True, 0.9, 95], True),
    ],
)
def test_two_scales_of_confidence_in_one_file(tmp_path, values, expected):
    found = told(
        tmp_path, item(edges=[EDGE | {"confidence": value, "evidence": str(n)} for n, value in enumerate(values)])
    )
    assert [code for code, *_ in found] == ["W-CONFIDENCE-SCALES"] * expected


def test_a_training_row_is_looked_into(tmp_path):
    output = json.dumps({"entities": [ENTITY, ENTITY], "relationships": []})
    found = told(tmp_path, {"input": "t", "output": output}, {"id": 7, "input": "t", "output": json.loads(output)})
    assert [(code, record, path) for code, _, record, path, _, _ in found] == [
        ("N-GIVEN-TWICE", 1, "output.entities[1]"), ("N-GIVEN-TWICE", 2, "output.entities[1]")
    ]  # fmt: skip


def test_a_graph_by_chunks_gives_an_item_once_a_chunk_and_that_is_no_finding(tmp_path):
    graph = {"entities": [ENTITY, ENTITY], "relationships": [EDGE, EDGE]}
    assert told(tmp_path, content=json.dumps(graph, indent=1)) == []
    slip = {key: value for key, value in EDGE.items() if key != "confidence"} | {"confidance": 0.9}
    graph["relationships"][1] = slip
    text = json.dumps(graph, indent=1)
    line = text[: text.index('"confidance"')].count("\n") + 1
    found = told(tmp_path, content=text)
    assert [found[0][:4]] == [("W-KEY", line, 0, "relationships[1].confidance")]


@pytest.mark.parametrize(
    "content", ["", "a,b", '[{"a" 1}]', '[1, {"entities": [null], "relationships": [3]}, "x"]', '[{"entities": 5}]']
)
def test_odd_files_are_no_trouble(tmp_path, content):
    assert told(tmp_path, content=content) == []


def test_a_missing_file_is_no_trouble(tmp_path):
    assert list(rawchecks.findings(tmp_path / "none.json")) == []
