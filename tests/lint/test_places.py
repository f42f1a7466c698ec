"""The very line of a finding, and the index that it has in the user's file."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from kgtune import lint, ontology
from kgtune.lint.files import read_source
from kgtune.lint.findings import Place
from kgtune.lint.places import Locator
from kgtune.sources import read_raw

TOOL = {"labels": "Tool", "id": "t", "name": "Latch"}


def at(found, value):
    """Return the places of findings about a value."""
    return [(f.place.line, f.place.record, f.place.path) for f in found if f.value == value and f.level != "note"]


def line_of(text, part):
    assert text.count(part) == 1
    return text[: text.index(part)].count("\n") + 1


def test_a_finding_stands_on_the_line_of_its_value_and_has_its_path(check, item):
    second = item(id="r2", entities=[*item()["entities"], {"labels": "Tool", "id": "x", "name": "Bolt"}])
    found = check(item(), second)
    text = json.dumps([item(), second], ensure_ascii=False, indent=1)
    assert at(found, "Bolt") == [(line_of(text, '"Bolt"'), 2, "entities[2].name")]


def test_what_a_reader_merged_is_counted_over(check, item, edge):
    entities = [TOOL, TOOL, {"labels": "Tool", "id": "x", "name": "Bolt"}]
    edges = [edge | {"source": "t", "target": "x"}] * 2 + [edge | {"source": "x", "target": "t", "type": "EATS"}]
    found = check(item(entities=entities, relationships=edges))
    assert at(found, "Bolt") == [
        (line_of(json.dumps([item(entities=entities)], indent=1), '"Bolt"'), 1, "entities[2].name")
    ]
    assert at(found, "EATS")[0][2] == "relationships[2].type"


def test_a_label_is_pointed_at_under_the_key_it_stands_under(check, item):
    found = check(
        item(entities=[{"type": "Fruit", "id": "t", "name": "Latch"}, {"label": ["Root"], "id": "o", "name": "Vexa"}])
    )
    assert [at(found, value)[0][2] for value in ("Fruit", "Root")] == ["entities[0].type", "entities[1].label"]


def test_json_lines_and_minified_arrays_have_one_line_a_record(check, item):
    odd = item(id="r2", entities=[TOOL, {"labels": "Tool", "id": "o", "name": "Bolt"}])
    found = check(content="\n".join(map(json.dumps, (item(), odd))), name="raw.jsonl")
    assert at(found, "Bolt") == [(2, 2, "entities[1].name")]
    found = check(content=json.dumps([item(), odd]))
    assert at(found, "Bolt") == [(1, 2, "entities[1].name")]


def test_a_missing_value_is_pointed_at_by_what_is_around_it(check, item, edge):
    bare = {key: value for key, value in edge.items() if key != "evidence"}
    (found,) = check(item(relationships=[bare]))
    assert found.code == "N-NO-EVIDENCE"
    text = json.dumps([item(relationships=[bare])], indent=1)
    assert found.place.line == text[: text.index('"relationships"')].count("\n") + 2


def test_a_row_is_pointed_at_by_its_output_and_its_input(check, item):
    output = json.dumps({"entities": [TOOL, {"labels": "Tool", "id": "o", "name": "Bolt"}], "relationships": []})
    found = check({"id": "r1", "input": "<p>Latch</p>", "output": output})
    assert at(found, "Bolt") == [(5, 1, "output.entities[1].name")]
    assert at(found, "<p>") == [(4, 1, "input")]


def test_an_item_of_a_graph_by_chunks_is_found_by_its_id(check):
    def chunk(number, text):
        return [{"chunk_index": number, "chunk_content": text, "source_metadata": {"document_title": "R"}}]

    entities = [
        {"labels": "Tool", "id": "a", "name": "Latch", "chunks_info": chunk(0, "Latch came.")},
        {"labels": "Tool", "id": "b", "name": "Bolt", "chunks_info": chunk(1, "Nothing.")},
        {"labels": "tool", "id": "c", "name": "Latch Two", "chunks_info": chunk(1, "Nothing.")},
    ]
    edges = [
        {
            "type": "EATS",
            "source": "b",
            "target": "c",
            "confidence": 1,
            "evidence": "",
            "chunks_info": chunk(1, "Nothing."),
        }
    ]
    graph = {"entities": entities, "relationships": edges}
    text = json.dumps(graph, ensure_ascii=False, indent=1)
    found = check(content=text)
    assert at(found, "Bolt") == [(line_of(text, '"Bolt"'), 0, "entities[1].name")]
    assert at(found, "tool") == [(line_of(text, '"tool"'), 0, "entities[2].labels")]
    assert at(found, "EATS") == [(line_of(text, '"EATS"'), 0, "relationships[0].type")]
    assert {f.is_fixable for f in found if f.value == "tool"} == {True}


def test_going_back_in_a_file_and_changing_files_are_no_trouble(tmp_path, item):
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(json.dumps([item(), item(id="r2")], indent=1), encoding="utf-8")
    locator = Locator()
    places = [
        Place(str(tmp_path / name), 1, record, "", "entities[1].name")
        for name in ("a.json", "b.json")
        for record in (2, 1, 2)
    ]
    assert [locator.located(place).line for place in places] == [45, 15, 45] * 2


@pytest.mark.parametrize(
    "place",
    [
        Place(),
        Place("none.json", 3, 1, "", "text"),
        Place("raw.json", 1, 9, "", "entities[0]"),
        Place("raw.json", 0, 1, "", "x"),
    ],
)
def test_what_can_not_be_looked_up_keeps_the_readers_place(tmp_path, monkeypatch, place):
    (tmp_path / "raw.json").write_text('[{"text": "x"}]', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert Locator().located(place) == place


@pytest.mark.parametrize(
    ("content", "text"), [(b"\xef\xbb\xbfa\r\nb\rc", "a\nb\nc"), ("ä\n".encode("utf-16"), "ä\n"), (b"", "")]
)
def test_a_file_is_read_as_plain_text_with_its_lines(tmp_path, content, text):
    (tmp_path / "a").write_bytes(content)
    source = read_source(tmp_path / "a")
    assert source.text == text
    assert [source.line(n) for n in range(1, text.count("\n") + 2)] == text.split("\n")
    assert [source.line_of(offset) for offset in range(len(text))] == [
        text[:n].count("\n") + 1 for n in range(len(text))
    ]
    assert (source.line(0), source.line(99)) == ("", "")


def test_a_file_that_is_not_there_or_no_text_is_none(tmp_path):
    (tmp_path / "a").write_bytes(b"\xe9\x9b")
    assert (read_source(tmp_path / "a"), read_source(tmp_path / "none"), read_source(tmp_path)) == (None, None, None)


def test_what_a_reader_refused_stands_on_the_line_of_its_value_in_a_check_and_in_a_refusal(tmp_path, item, edge):

    file = tmp_path / "raw.json"
    broken = item(id="r2", relationships=[edge, {**edge, "source": "e9"}])
    file.write_text(json.dumps([item(), broken], indent=2), encoding="utf-8")
    problems = read_raw([file]).problems
    assert [problem.code for problem in problems] == ["E-DANGLING"]
    line = 1 + next(n for n, text in enumerate(file.read_text(encoding="utf-8").splitlines()) if '"e9"' in text)
    place = f"{file}:{line}: item 2 (id=r2): relationships[1].source"

    found = next(lint.check([], ontology.load("threat_event"), problems=problems, paths=[]))
    assert (str(found.place), found.code) == (place, "E-DANGLING")
    assert [problem.where for problem in lint.at_own_lines(problems)] == [place]
    # a row's graph is a string: its own line is the nearest there is
    row = {
        "id": "r",
        "input": broken["text"],
        "output": json.dumps({k: broken[k] for k in ("entities", "relationships")}),
    }
    file.write_text(json.dumps([row], indent=2), encoding="utf-8")
    assert lint.at_own_lines(read_raw([file]).problems)[0].where.startswith(
        f"{file}:5: item 1 (id=r): relationships[1]"
    )
    # a problem of no file, or of none that is there, keeps its place
    gone = [replace(problem, where="gone.json:3: item 1: entities[0]") for problem in problems]
    assert lint.at_own_lines(gone) == gone
