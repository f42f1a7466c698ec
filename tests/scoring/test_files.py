"""Gold and answers from files: what each shape means, and how the two are paired."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from kgtune.errors import DataError, UserError
from kgtune.graph import Graph, to_object
from kgtune.scoring import files
from kgtune.scoring.files import Answers
from kgtune.scoring.records import Record
from tests.scoring.build import GOLD, RIGHT, TEXT, document

OBJECT = to_object(GOLD)


def item(value, column=None, stem=""):
    return files.item(Record(value, "x.json: item 1", stem), column)


def written(path, rows):
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("value", "format_", "answer", "graph"),
    [
        ({"id": "a", "input": TEXT, "output": RIGHT}, "rows", RIGHT, None),
        ({"id": "a", "input": TEXT, "output": OBJECT}, "rows", None, GOLD),
        ({"id": "a", "text": TEXT, "answer": "nothing"}, "answers", "nothing", None),
        ({"id": "a", "graph": OBJECT}, "answers", None, GOLD),
        ({"source": "a", "graph": None, "error": "..."}, "answers", None, None),
        ({"id": "a", "text": TEXT, **OBJECT}, "texts", None, GOLD),
        ({"id": "a", "gold": RIGHT, "answers": {}}, "evaluation", RIGHT, None),
    ],
)
def test_our_own_shapes(value, format_, answer, graph):
    found = item(value)
    assert (found.id, found.format, found.answer, found.graph) == ("a", format_, answer, graph)


def test_a_source_is_an_id_only_where_inference_writes_it():
    assert item({"source": "a.txt", "graph": OBJECT}).id == "a.txt"
    assert item({"source": "feed", "input": TEXT, "output": RIGHT}).id == ""


def test_a_graph_object_that_breaks_the_contract_is_judged_as_the_text_it_would_be():
    found = item({"id": "a", "graph": {"entities": [{"labels": "Tool", "id": "e1"}], "relationships": []}})
    assert found.graph is None
    assert files.judged(files.document(item({"id": "a", "answer": RIGHT})), found).faults == {"missing_key": 1}


def test_a_system_that_states_no_confidence_is_not_judged_by_one():
    bare = {"entities": [{"labels": "Tool", "id": "e1", "name": "VelkaRAT"}],
            "relationships": [{"type": "USE", "source": "e1", "target": "e1"}]}  # fmt: skip
    found = item({"id": "a", "graph": bare})
    assert found.graph is not None
    assert found.has_details is False
    assert item({"id": "a", "graph": OBJECT}).has_details is True


def test_the_probabilities_of_an_evaluation_come_along_with_its_answers():
    value = {"id": "a", "gold": RIGHT, "answers": {"after": {"answer": RIGHT, "probabilities": [0.5]}}}
    assert files.judged(document(), item(value, "after")).probabilities == (0.5,)


def test_a_column_of_an_evaluation_of_either_version():
    old = {
        "id": "a",
        "gold": RIGHT,
        "before": {"answer": "x", "failure": "not_json", "cut": True},
        "after": {"answer": RIGHT},
    }
    new = {"id": "a", "gold": RIGHT, "text": TEXT, "answers": {"before": {"answer": "x", "is_truncated": True}}}
    for value in (old, new):
        found = item(value, "before")
        assert (found.answer, found.is_truncated) == ("x", True)
    with pytest.raises(UserError, match=r'has no column "tuned". There are: after, before'):
        item(old, "tuned")


def test_foreign_formats_become_graphs_without_details():
    triples = item(
        {"text": TEXT, "explicit_triplets": [{"subject": "A B", "relation": "uses", "object": "C D"}]}, stem="r1"
    )
    assert (triples.id, triples.format, triples.has_details) == ("r1", "triples", False)
    row = item({"id": 7, "text": TEXT, "relation": [{"head": "A B", "relation": "uses", "tail": "C D"}]})
    assert (row.id, row.format, len(row.graph.entities)) == ("7", "rows by name", 2)
    asked = item({"instruction": json.dumps({"input": TEXT, "schema": []}), "output": '{"uses": []}'})
    assert (asked.text, asked.format, asked.graph) == (TEXT, "instructions", Graph())


@pytest.mark.parametrize(
    ("value", "what"),
    [(7, "is int, not an object"), ({"id": "a"}, "holds none of"), ({"triplets": [3]}, "a triple is 3"),
     ({"event": [], "text": ""}, "events are no graph")],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_place(value, what):
    with pytest.raises(DataError, match=f"x.json: item 1: {what}"):
        item(value)


def test_a_gold_document_keeps_what_the_row_says():
    row = {"id": "a", "doc_id": "d", "group_id": "g", "lang": "zh", "input": TEXT, "output": RIGHT, "source": "feed"}
    found = files.document(item(row))
    assert (found.id, found.unit, found.lang, found.source, found.kind, found.text) == (
        "a",
        "d",
        "zh",
        "feed",
        "none",
        TEXT,
    )


def test_a_gold_document_without_language_is_looked_at():
    assert files.document(item({"id": "a", "text": "夜舟被发现。", "answer": RIGHT})).lang == "zh"
    assert files.document(item({"id": "a", "answer": RIGHT})).lang == ""


def test_an_empty_gold_graph_has_its_kind():
    row = {"id": "a", "input": "Spyware watches users.", "output": '{"entities":[],"relationships":[]}'}
    assert files.document(item(row)).kind == "hard_negative"
    assert files.document(item({**row, "group_id": "empties-easy-en-weather"})).kind == "easy_negative"
    assert files.document(item({**row, "kind": "easy_negative"})).kind == "easy_negative"


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        ("nothing", "the gold graph can't be read"),
        (RIGHT.replace('"target":"e2"', '"target":"e9"'), 'unknown entity "e9"'),
    ],
)
def test_a_gold_graph_that_breaks_the_contract_is_refused(answer, what):
    with pytest.raises(DataError, match=what):
        files.document(item({"id": "a", "answer": answer}))


def test_rows_of_other_splits_and_variants_are_passed_over_and_counted(tmp_path):
    rows = [{"id": str(n), "input": TEXT, "output": RIGHT, "split": split, "aug": aug}
            for n, (split, aug) in enumerate([("train", ""), ("test", ""), ("train", "order"), ("validation", "")])]  # fmt: skip
    path, skipped = written(tmp_path / "rows.jsonl", rows), Counter()
    assert [one.id for one in files.measured(path, "test", skipped)] == ["1"]
    assert skipped == {"train rows": 1, "augmented rows": 1, "validation rows": 1}


def answers(ids, by="id"):
    return Answers(iter(item({"id": i, "text": f"text {i}", "answer": f"answer {i}"}) for i in ids), by)


def test_answers_are_found_in_any_order():
    found = answers("cab")
    texts = [found.of(item({"id": i, "answer": RIGHT}), 0) for i in "abcd"]
    assert [one and one.answer for one in texts] == ["answer a", "answer b", "answer c", None]
    assert found.num_left() == 0


def test_answers_in_the_same_order_are_never_piled_up():
    ids = [str(n) for n in range(1000)]
    found = answers(ids)
    for one in ids:
        assert found.of(item({"id": one, "answer": RIGHT}), 0) is not None
        assert len(found._waiting) == 0


def test_answers_to_no_document_are_counted():
    found = answers("abc")
    assert found.of(item({"id": "b", "answer": RIGHT}), 0) is not None
    assert found.num_left() == 2


@pytest.mark.parametrize("ids", ["aba", "aab"])
def test_two_answers_to_one_document_are_refused(ids):
    found = answers(ids)
    with pytest.raises(DataError, match='answers "a" a second time'):
        [found.of(item({"id": one, "answer": RIGHT}), 0) for one in "abz"]


def test_answers_are_found_by_text_and_by_place():
    by_text = answers("ab", "text")
    assert by_text.of(item({"id": "other", "text": "text b", "answer": RIGHT}), 0).answer == "answer b"
    by_place = answers(["", ""], "place")
    assert [by_place.of(item({"answer": RIGHT}), place) is None for place in range(3)] == [False, False, True]


@pytest.mark.parametrize(
    ("gold", "pred", "by"),
    [
        ({"id": "a", "text": "t"}, {"id": "a"}, "id"),
        ({"id": "a", "text": "t"}, {"text": "t"}, "text"),
        ({"text": "t"}, {"text": "t"}, "text"),
        ({}, {}, "place"),
        ({"id": "a"}, {}, None),
        ({"id": "a", "text": "t"}, {}, None),
    ],
)
def test_files_are_paired_by_what_both_have(tmp_path, gold, pred, by):
    paths = [
        written(tmp_path / name, [{**one, "answer": RIGHT}]) for name, one in (("g.jsonl", gold), ("p.jsonl", pred))
    ]
    if by is None:
        with pytest.raises(DataError, match="only one of them has ids"):
            files.pairing(*paths, None)
    else:
        assert files.pairing(*paths, None) == by


def test_an_empty_file_is_refused(tmp_path):
    full, empty = written(tmp_path / "g.jsonl", [{"id": "a", "answer": RIGHT}]), written(tmp_path / "p.jsonl", [])
    with pytest.raises(DataError, match=r"p.jsonl: holds no records"):
        files.pairing(full, empty, None)
