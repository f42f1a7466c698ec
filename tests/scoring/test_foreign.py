"""Other systems' graphs, in files that we wrote in their formats."""

from __future__ import annotations

import json

import pytest

from kgtune.scoring import foreign
from kgtune.scoring.foreign import UNTYPED, ForeignError
from kgtune.scoring.matching import named

PAIR = {"subject": "Crimson Otter", "relation": "uses", "object": "VelkaRAT"}


def view(graph):
    return {*named(graph).entities}, {*named(graph).relationships}


def test_triples_with_entities_take_their_labels():
    record = {
        "text": "...",
        "explicit_triplets": [PAIR, PAIR],
        "entities": [
            {"entity_id": 0, "entity_name": "Crimson Otter", "entity_type": "Attacker", "mentions": []},
            {"entity_id": 1, "entity_name": "VelkaRAT", "entity_type": "Malware", "mentions": []},
        ],
        "implicit_triplets": [{"subject": {"entity_text": "a"}, "relation": "r", "object": {"entity_text": "b"}}],
    }
    assert foreign.is_triples(record)
    assert view(foreign.from_triples(record)) == (
        {("Attacker", "crimson otter"), ("Malware", "velkarat")},
        {("uses", "Attacker", "crimson otter", "Malware", "velkarat")},
    )


def test_triples_without_labels_have_one_label_for_all():
    entities, edges = view(foreign.from_triples({"triplets": [PAIR]}))
    assert entities == {(UNTYPED, "crimson otter"), (UNTYPED, "velkarat")}
    assert edges == {("uses", UNTYPED, "crimson otter", UNTYPED, "velkarat")}


def test_typed_ends_are_read_from_the_later_stage():
    typed = {"subject": {"text": "Crimson Otter", "class": "Attacker"}, "relation": "uses",
             "object": {"text": "VelkaRAT", "class": "Malware"}}  # fmt: skip
    record = {"text": "...", "IE": {"triplets": [PAIR]}, "ET": {"typed_triplets": [typed]}}
    assert foreign.is_triples(record)
    assert view(foreign.from_triples(record))[0] == {("Attacker", "crimson otter"), ("Malware", "velkarat")}
    assert view(foreign.from_triples({"IE": {"triplets": [PAIR]}}))[0] == {
        (UNTYPED, "crimson otter"),
        (UNTYPED, "velkarat"),
    }


def test_rows_by_name_take_the_types_of_their_ends():
    record = {
        "text": "...",
        "entity": [{"entity": "绯獭", "entity_type": "组织"}],
        "relation": [{"head": "绯獭", "head_type": "组织", "relation": "使用", "tail": "夜舟", "tail_type": "工具"},
                     {"head": "绯獭", "relation": "使用", "tail": "灰钉"}],
    }  # fmt: skip
    assert foreign.is_row(record)
    entities, edges = view(foreign.from_row(record))
    assert entities == {("组织", "绯獭"), ("工具", "夜舟"), (UNTYPED, "灰钉")}
    assert len(edges) == 2


def test_an_instruction_row_holds_its_text_and_both_kinds_of_answer():
    instruction = json.dumps({"instruction": "...", "schema": ["组织"], "input": "绯獭使用夜舟。"}, ensure_ascii=False)
    record = {"instruction": instruction, "output": json.dumps({"组织": ["绯獭"], "工具": []})}
    assert foreign.is_row(record)
    assert foreign.instruction_text(record) == "绯獭使用夜舟。"
    assert view(foreign.from_output(record["output"])) == ({("组织", "绯獭")}, set())
    pairs = {"使用": [{"subject": "绯獭", "object": "夜舟"}], "攻击": []}
    assert view(foreign.from_output(pairs))[1] == {("使用", UNTYPED, "绯獭", UNTYPED, "夜舟")}


@pytest.mark.parametrize(
    ("read", "record", "why"),
    [
        (foreign.from_triples, {"triplets": [{"subject": "a b", "relation": "uses"}]}, "has no object or tail"),
        (foreign.from_triples, {"triplets": ["a"]}, "not an object"),
        (foreign.from_row, {"relation": [{"head": "a b", "tail": "c d"}]}, "has no relation or predicate"),
        (foreign.from_row, {"relation": [7]}, "7 is no object"),
        (foreign.from_row, {"event": []}, "events are no graph"),
        (foreign.from_output, "no json", "no JSON"),
        (foreign.from_output, [1], "no object of lists"),
        (foreign.from_output, {"a": [{"b": 1}]}, "neither names nor pairs"),
    ],
)
def test_what_cannot_be_read_says_why(read, record, why):
    with pytest.raises(ForeignError, match=why):
        read(record)


def test_our_own_records_are_not_taken_for_foreign_ones():
    for record in ({"id": "a", "answer": "{}"}, {"input": "x", "output": "{}"}, {"instruction": "Extract.", "output": "{}"},
                   {"text": "x", "entities": [], "relationships": []}):  # fmt: skip
        assert not foreign.is_triples(record)
        assert not foreign.is_row(record)
