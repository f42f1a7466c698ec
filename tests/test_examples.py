from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from kgtune import ontology
from kgtune.errors import DataError
from kgtune.examples import ROW_KEYS, Example, from_raw, read_examples, respelt, to_row, write_examples
from kgtune.graph import Entity, Graph, Relationship, canonical
from kgtune.sources import RawDocument

GRAPH = Graph(
    (Entity("Tool", "t", "Latch", "A tool."), Entity("ThreatOrganization", "o", "Vexa")),
    (Relationship("USE", "o", "t", 0.912, "Vexa uses Latch"),),
)
RAW = RawDocument("r1", "d1", "Vexa uses Latch. 中文", GRAPH, "en")


def test_a_raw_document_becomes_an_example_with_a_canonical_graph() -> None:
    example = from_raw(RAW, drop_descriptions=False)
    assert (example.split, example.aug, example.group_id) == (None, "", "")
    assert [(e.id, e.name) for e in example.graph.entities] == [("e1", "Vexa"), ("e2", "Latch")]
    assert example.graph.relationships[0].confidence == 0.91


def test_descriptions_are_dropped_when_asked() -> None:
    assert '"description":"A tool."' in from_raw(RAW, drop_descriptions=False).answer
    assert "A tool." not in from_raw(RAW, drop_descriptions=True).answer


def test_a_row_is_all_strings_in_a_fixed_order() -> None:
    row = to_row(from_raw(RAW, drop_descriptions=False))
    assert tuple(row) == ROW_KEYS
    assert all(isinstance(value, str) for value in row.values())
    assert json.loads(row["output"])["entities"][0]["name"] == "Vexa"


def test_rows_with_a_split_come_back_as_they_were_written(tmp_path: Path) -> None:
    one = replace(from_raw(RAW, drop_descriptions=False), split="train", group_id="d1")
    two = replace(one, id="r1+order1", aug="order", text="Latch is used. 中文 Vexa")
    path = tmp_path / "training_data.json"
    write_examples(path, [one, two])
    assert read_examples(path) == (one, two)
    assert b"\r" not in path.read_bytes()
    assert "中文" in path.read_text(encoding="utf-8")


def test_bare_rows_get_an_id_a_canonical_graph_and_no_split(tmp_path: Path) -> None:
    output = '{"entities":[{"labels":"Tool","id":"t","name":"Latch"}],"relationships":[]}'
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([{"input": "Latch", "output": output}]), encoding="utf-8")
    (example,) = read_examples(path)
    assert (example.split, example.graph.entities[0].id, example.id.startswith("rows-")) == (None, "e1", True)


def test_rows_without_an_id_get_each_its_own_whatever_their_order(tmp_path: Path) -> None:
    outputs = [f'{{"entities":[{{"labels":"{label}","id":"t","name":"Latch"}}],"relationships":[]}}'
               for label in ("Tool", "Tool", "Asset")]  # fmt: skip
    made = [{"input": "Latch", "output": output} for output in outputs]
    found = []
    for rows in (made, made[::-1], [{**made[0], "id": read_first_id(tmp_path, made)}, *made]):
        path = tmp_path / "rows.json"
        path.write_text(json.dumps(rows), encoding="utf-8")
        found.append(sorted((example.id, example.answer) for example in read_examples(path)))
    one, other, beside = found
    base = one[0][0]
    assert one == other
    assert [identity for identity, _ in one] == [base, f"{base}-2", f"{base}-3"]
    assert [identity for identity, _ in beside] == [base, f"{base}-2", f"{base}-3", f"{base}-4"]


def read_first_id(tmp_path: Path, rows: list[dict[str, str]]) -> str:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(rows[:1]), encoding="utf-8")
    return read_examples(path)[0].id


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"text": "x"}], "is no row of {input, output}"),
        ([{"input": "x", "output": "{"}], "is not JSON"),
        ([{"input": "x", "output": '{"entities":[],"relationships":[]}', "id": "a", "split": "test", "aug": "order"}],
         "Only train rows are augmented"),
        ([{"input": "x", "output": '{"entities":[],"relationships":[]}', "id": "a", "aug": "order"}],
         'is augmented ("order") and carries no split'),
        ([{"input": "x", "output": '{"entities":[],"relationships":[]}', "id": "a"}] * 2, 'id "a" stands twice'),
        ([], "holds no rows"),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_used_are_refused_with_their_place(tmp_path: Path, rows: object, words: str) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    with pytest.raises(DataError, match=r"rows\.json") as caught:
        read_examples(path)
    assert words in str(caught.value)


def test_an_empty_list_of_examples_is_a_valid_file(tmp_path: Path) -> None:
    write_examples(tmp_path / "t.json", [])
    assert json.loads((tmp_path / "t.json").read_text(encoding="utf-8")) == []


def test_an_example_is_frozen() -> None:
    with pytest.raises(AttributeError):
        from_raw(RAW, drop_descriptions=False).id = "x"  # type: ignore[misc]
    assert isinstance(from_raw(RAW, drop_descriptions=False), Example)


def test_labels_and_types_take_the_ontologys_spelling_and_the_graph_stays_canonical() -> None:
    spelt = Graph(
        (Entity("tool", "t", "Latch"), Entity("Threat Actor", "o", "Latch")), (Relationship("uses", "o", "t", 0.9),)
    )
    before = from_raw(replace(RAW, graph=spelt), drop_descriptions=False)
    example, counts = respelt(before, ontology.load("threat_event"))
    assert [(e.id, e.labels) for e in before.graph.entities] == [("e1", "Threat Actor"), ("e2", "tool")]
    assert [(e.id, e.labels) for e in example.graph.entities] == [("e1", "ThreatOrganization"), ("e2", "Tool")]
    assert [edge.type for edge in example.graph.relationships] == ["USE"]
    assert sum(counts.values()) == 3
    assert example.graph == canonical(example.graph, example.text)
    assert respelt(example, ontology.load("threat_event")) == (example, {})
