"""The one reader of answers: strict, and exact about why an answer is no graph."""

import json

import pytest

from kgtune.graph import EMPTY_TEXT, Entity, Graph, Relationship
from kgtune.parsing import Parsed, Unparsed, parse_answer

GRAPH_TEXT = (
    '{"entities":[{"labels":"Tool","id":"e1","name":"夜 \\"x\\" \\u00e9\\\\n","description":""}],'
    '"relationships":[{"type":"USE","source":"e1","target":"e1","confidence":1.0,"evidence":"x"},'
    '{"type":"HAS","source":"e1","target":"e1","confidence":9.5e-1,"evidence":""}]}'
)


def test_a_graph_is_read():
    edges = (Relationship("USE", "e1", "e1", 1.0, "x"), Relationship("HAS", "e1", "e1", 0.95, ""))
    graph = Graph((Entity("Tool", "e1", '夜 "x" é\\n', ""),), edges)
    assert parse_answer(GRAPH_TEXT) == Parsed(graph, is_closed=True)


@pytest.mark.parametrize("text", [f"\n {EMPTY_TEXT}\r\n", json.dumps(json.loads(EMPTY_TEXT), indent=2)])
def test_white_space_around_and_between_does_not_count(text):
    assert parse_answer(text) == Parsed(Graph(), is_closed=True)


@pytest.mark.parametrize(
    ("old", "new"), [('"target":"e1"', '"target":"e2"'), ('"source":"e1"', '"source":"x"')], ids=["target", "source"]
)
def test_a_dangling_reference_is_read_and_marked(old, new):
    parsed = parse_answer(GRAPH_TEXT.replace(old, new, 1))
    assert isinstance(parsed, Parsed)
    assert parsed.is_closed is False


def test_every_beginning_of_an_answer_is_cut_off():
    assert len(GRAPH_TEXT) > 200
    for end in range(1, len(GRAPH_TEXT)):
        answer = parse_answer(GRAPH_TEXT[:end])
        assert (GRAPH_TEXT[:end], answer.reason, answer.is_json) == (GRAPH_TEXT[:end], "cut_off", False)


@pytest.mark.parametrize(
    ("text", "reason", "is_json"),
    [
        ("", "empty", False),
        (" \n", "empty", False),
        ("I found nothing.", "not_json", False),
        (f"Here it is: {EMPTY_TEXT}", "prose_around", False),
        (f"{EMPTY_TEXT} Anything else?", "prose_around", False),
        (f"{EMPTY_TEXT}{EMPTY_TEXT}", "prose_around", False),
        (f"```json\n{EMPTY_TEXT}\n```", "code_fence", False),
        ('{"entities":[', "cut_off", False),
        ('{"entities":tru', "cut_off", False),
        ('{"entities":-', "cut_off", False),
        ('{"entities":[}', "not_json", False),
        ('{"entities":[],}', "not_json", False),
        ('{"entities":a', "not_json", False),
        ('{"entities" []}', "not_json", False),
        ("{'entities':[]}", "not_json", False),
        ('{"entities":"a\nb"}', "not_json", False),
        ('{"entities":NaN,"relationships":[]}', "not_json", False),
        ('{"entities":-Infinity,"relationships":[]}', "not_json", False),
        (f'{{"entities":{"9" * 5_000}}}', "not_json", False),
        ("[" * 100_000, "not_json", False),
        ('{"entities":[],"entities":[],"relationships":[]}', "duplicate_key", False),
        (GRAPH_TEXT.replace('"name"', '"id"'), "duplicate_key", False),
        ("[]", "array_root", True),
        (f"[{EMPTY_TEXT}]", "array_root", True),
        ('"a"', "not_object", True),
        ("null", "not_object", True),
        ("7", "not_object", True),
        ("{}", "schema", True),
        ('{"entities":[],"relationships":[],"notes":""}', "schema", True),
        (GRAPH_TEXT.replace("1.0", "1.5"), "schema", True),
        (GRAPH_TEXT.replace("1.0", "9" * 400), "schema", True),
        (GRAPH_TEXT.replace("\\u00e9", "\\ud83d"), "schema", True),
    ],
)
def test_an_answer_that_is_no_graph_has_one_reason(text, reason, is_json):
    answer = parse_answer(text)
    assert isinstance(answer, Unparsed)
    assert (answer.reason, answer.is_json, answer.text) == (reason, is_json, text)


def test_the_detail_of_a_schema_fault_names_its_places():
    answer = parse_answer('{"entities":[{"labels":"Tool","id":"e1","name":"x"}],"relationships":[7]}')
    assert isinstance(answer, Unparsed)
    assert answer.detail.startswith("answer.entities[0].description: is missing.")
    assert "answer.relationships[0]: is a number, not an object." in answer.detail


def test_details_can_be_written_as_utf8():
    details = [
        answer.detail
        for text in ('{"\\ud83d":1,"\\ud83d":2}', '{"entities":[],"relationships":[],"\\ud83d":1}')
        if isinstance(answer := parse_answer(text), Unparsed)
    ]
    assert len(details) == 2
    assert all("ud83d" in detail.encode("utf-8").decode() for detail in details)
