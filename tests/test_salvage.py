"""The tolerant reader: what is mended, what is counted, and what stays unreadable."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgtune.graph import EMPTY_TEXT, Entity, Graph, Relationship, dumps, from_object, to_object
from kgtune.parsing import Parsed, parse_answer
from kgtune.salvage import read

GRAPH = Graph(
    (Entity("ThreatOrganization", "e1", "绯獭组织"), Entity("Tool", "e2", 'Velka "RAT" é\\n', "a \\ b")),
    (Relationship("USE", "e1", "e2", 0.95, "绯獭组织使用"), Relationship("HAS", "e2", "e1", 1.0, "")),
)
TEXT = dumps(GRAPH)


def seen(answer):
    reading = read(answer)
    return reading.graph, dict(reading.faults)


def test_a_strict_graph_is_read_without_a_fault():
    assert seen(TEXT) == (GRAPH, {})
    assert seen(json.dumps(json.loads(TEXT), indent=2)) == (GRAPH, {})


@pytest.mark.parametrize(
    ("answer", "faults"),
    [
        (f"```json\n{TEXT}\n```", {"code_fence": 1}),
        (f"```\n{TEXT}```", {"code_fence": 1}),
        (f"Here it is:\n```json\n{TEXT}\n```\nAnything else?", {"code_fence": 1, "prose_around": 1}),
        (f"Here it is: {TEXT}", {"prose_around": 1}),
        (f"{TEXT}\nDone.", {"prose_around": 1}),
        (f"{TEXT}{TEXT}", {"prose_around": 1}),
        (f"见 [1] 说明：{TEXT}", {"prose_around": 1}),
        (f"[{TEXT}]", {"array_root": 1}),
        (json.dumps(TEXT), {"wrong_type": 1}),
        (json.dumps({"graph": to_object(GRAPH)}), {"missing_key": 1}),
        (TEXT[:-1] + ",}", {"trailing_comma": 1}),
        (TEXT.replace("]", ",]"), {"trailing_comma": 2}),
        (TEXT.replace('"entities"', "entities"), {"quotes": 1}),
        (TEXT.replace('"entities"', "'entities'"), {"quotes": 1}),
        (TEXT.replace('"entities"', "“entities”"), {"quotes": 2}),
        (TEXT.replace("},{", "} {"), {"not_json": 2}),
        (TEXT[:-1] + ',"notes":[]}', {"extra_key": 1}),
        (TEXT.replace('"confidence":0.95', '"confidence":"95%"'), {"wrong_type": 1}),
        (TEXT.replace('"labels":"Tool"', '"labels":["Tool"]'), {"wrong_type": 1}),
        (TEXT.replace('"labels":"Tool"', '"type":"Tool"'), {"missing_key": 1}),
    ],
)
def test_a_mended_answer_is_the_same_graph_and_its_faults_are_counted(answer, faults):
    assert seen(answer) == (GRAPH, faults)


def test_quotes_inside_a_string_are_told_from_its_end():
    graph, faults = seen(TEXT.replace('"evidence":"绯獭组织使用"', '"evidence":"he said "hi" now"'))
    assert graph is not None
    assert graph.relationships[0].evidence == 'he said "hi" now'
    assert faults == {"quotes": 2}


@pytest.mark.parametrize(("raw", "kept"), [("C:\\Windows", "C:\\Windows"), ("a\nb", "a\nb")])
def test_a_bad_escape_is_kept_as_it_was_meant(raw, kept):
    graph, faults = seen(TEXT.replace('"evidence":""', f'"evidence":"{raw}"'))
    assert graph is not None
    assert graph.relationships[1].evidence == kept
    assert faults == {"bad_escape": 1}


def test_a_name_in_the_place_of_an_id_dangles_in_a_strict_graph_and_is_resolved_in_a_mended_one():
    assert isinstance(parse_answer(TEXT.replace('"source":"e1"', '"source":"绯獭组织"')), Parsed)
    graph, faults = seen("```json\n" + TEXT.replace('"source":"e1"', '"source":"绯獭组织"') + "\n```")
    assert graph == GRAPH
    assert faults == {"code_fence": 1}


def test_every_cut_keeps_the_items_that_were_whole():
    ends = [place + 1 for place, character in enumerate(TEXT) if character == "}"][:4]
    assert len(ends) == 4
    for end in range(1, len(TEXT)):
        whole = sum(stop <= end for stop in ends)
        graph, faults = seen(TEXT[:end])
        assert "cut_off" in faults, TEXT[:end]
        expected = Graph(GRAPH.entities[:whole], GRAPH.relationships[: max(0, whole - 2)]) if whole else None
        assert graph == expected, TEXT[:end]


def test_a_cut_behind_a_fence_is_salvaged_too():
    graph, faults = seen("```json\n" + TEXT[:-40])
    assert graph == Graph(GRAPH.entities, GRAPH.relationships[:1])
    assert faults == {"code_fence": 1, "cut_off": 1}


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("There is nothing to report.", "not_json"),
        ("```\nnothing\n```", "code_fence"),
        ("[" * 100_000, "not_json"),
        ("{" * 100_000, "cut_off"),
        ('{"entities":[', "cut_off"),
        ('{"entities":[{"labels":"Tool"', "cut_off"),
        ("null", "not_object"),
        ("7", "not_object"),
        ('"nothing"', "not_object"),
        ("{}", "missing_key"),
        ('{"nodes":[],"edges":[]}', "missing_key"),
        ('{"entities":"none","relationships":"none"}', "wrong_type"),
        ('{"entities":7,"relationships":[]}', "wrong_type"),
        ("[1, 2]", "array_root"),
    ],
)
def test_what_holds_no_graph_gives_none(answer, fault):
    graph, faults = seen(answer)
    assert graph is None
    assert fault in faults


@pytest.mark.parametrize(
    "answer", [f"Sure: {EMPTY_TEXT}", "[]", '{"entities":[]}', '{"entities":null,"relationships":[]}']
)
def test_an_empty_graph_is_read_where_it_is_written(answer):
    graph, faults = seen(answer)
    assert graph == Graph()
    assert faults


def test_an_array_of_items_is_sorted_into_the_two_lists():
    items = [*to_object(GRAPH)["relationships"], *to_object(GRAPH)["entities"]]
    assert seen(json.dumps(items)) == (GRAPH, {"array_root": 1})


def test_an_item_without_name_label_type_or_end_is_dropped_and_counted():
    value = to_object(GRAPH)
    del value["entities"][1]["name"], value["relationships"][1]["target"]
    graph, faults = seen(json.dumps(value))
    assert graph == Graph(GRAPH.entities[:1], GRAPH.relationships[:1])
    assert faults == {"missing_key": 2}


def test_nothing_is_invented():
    value = {"entities": [{"labels": "Tool", "name": "VelkaRAT"}], "relationships": [
        {"type": "USE", "source": "VelkaRAT", "target": "nobody"}]}  # fmt: skip
    reading = read(json.dumps(value), default_confidence=0.25)
    assert reading.graph == Graph(
        (Entity("Tool", "VelkaRAT", "VelkaRAT", ""),), (Relationship("USE", "VelkaRAT", "nobody", 0.25, ""),)
    )
    assert dict(reading.faults) == {"missing_key": 4}


@pytest.mark.parametrize(
    ("confidence", "read_as"),
    [("0.7", 0.7), ('"0.7"', 0.7), ("70", 0.7), ('"70 %"', 0.7), ("1.5", 0.9), ("-1", 0.9), ('"high"', 0.9), ("null", 0.9),
     ("1e999", 0.9), ("NaN", 0.9), ("9" * 400, 0.9)],
)  # fmt: skip
def test_a_confidence_is_read_in_its_spellings_and_never_guessed(confidence, read_as):
    answer = TEXT[:-1] + ',"x":0}'
    graph, _ = seen(answer.replace('"confidence":0.95', f'"confidence":{confidence}'))
    assert graph is not None
    assert graph.relationships[0].confidence == read_as


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["entities", "relationships", "name", "labels", "type", "source", "target", "x"]), inner
        )
    ),
    max_leaves=20,
)


@pytest.mark.property
@given(
    st.text(max_size=200)
    | JSON.map(json.dumps)
    | st.builds(lambda text, end: text[:end], JSON.map(json.dumps), st.integers(0, 80))
)
def test_any_answer_is_read_or_has_a_fault_and_what_is_read_is_in_the_contracts_shape(answer):
    reading = read(answer)
    strict = parse_answer(answer)
    if isinstance(strict, Parsed):
        assert (reading.graph, reading.faults) == (strict.graph, {})
    else:
        assert reading.faults
        assert all(count > 0 for count in reading.faults.values())
    if reading.graph is not None:
        assert from_object(to_object(reading.graph)) == (reading.graph, [])


@pytest.mark.property
@given(st.integers(0, len(TEXT)), st.sampled_from(list('{}[]",:\\\n`e1 ')))
def test_one_broken_character_never_breaks_the_reader(place, character):
    reading = read(TEXT[:place] + character + TEXT[place + 1 :])
    assert reading.graph is None or from_object(to_object(reading.graph))[0] == reading.graph
