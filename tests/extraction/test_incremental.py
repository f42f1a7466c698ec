"""The reader of an unfinished answer agrees with the reader of the whole one, on every prefix and in any pieces."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgtune import graph as graphs
from kgtune.extraction.extractor import CANNED_ANSWER
from kgtune.extraction.incremental import AnswerReader
from kgtune.graph import EMPTY_TEXT, Entity, Graph, Relationship
from kgtune.parsing import Parsed, parse_answer

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(lambda s: s.strip())
# Braces, quotes, backslashes and commas inside strings are what a careless scanner trips over.
TRICKY = st.one_of(
    TEXTS, st.sampled_from(['{"', '"}', "\\", '\\"', "]}", "C:\\夜\\x.exe", "{}", ",", "\n"]).map(lambda s: s + "x")
)
ENTITIES = st.builds(Entity, TRICKY, TRICKY, TRICKY, st.one_of(st.just(""), TRICKY))
EDGES = st.builds(Relationship, TRICKY, TRICKY, TRICKY, st.floats(0, 1), st.one_of(st.just(""), TRICKY))
GRAPHS = st.builds(Graph, st.lists(ENTITIES, max_size=3).map(tuple), st.lists(EDGES, max_size=3).map(tuple))


def read(answer: str) -> tuple[list, AnswerReader]:
    reader = AnswerReader()
    return reader.feed(answer), reader


def items_of(graph: Graph) -> list:
    return [*graph.entities, *graph.relationships]


@st.composite
def answers(draw) -> str:
    """A graph as a model may write it: any layout, keys in either order, escaped or not."""
    value = graphs.to_object(draw(GRAPHS))
    if draw(st.booleans()):
        value = dict(reversed(value.items()))
    return json.dumps(value, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 0, 2])))


@pytest.mark.property
@settings(deadline=None)
@given(GRAPHS)
def test_a_whole_graph_is_given_out_item_by_item(graph):
    items, reader = read(graphs.dumps(graph))
    assert (items, reader.is_complete, reader.is_broken) == (items_of(graph), True, False)


@pytest.mark.property
@settings(deadline=None)
@given(answers(), st.randoms(use_true_random=False))
def test_pieces_of_any_size_give_the_same_as_the_whole(answer, rng):
    reader, items, at = AnswerReader(), [], 0
    while at < len(answer):
        size = rng.randint(1, 7)
        items += reader.feed(answer[at : at + size])
        at += size
    assert (items, reader.is_complete) == (read(answer)[0], True)


@pytest.mark.property
@settings(deadline=None)
@given(answers())
def test_every_prefix_gives_a_prefix_of_the_items_and_only_the_whole_is_complete(answer):
    whole, _ = read(answer)
    reader, given_out = AnswerReader(), []
    for character in answer:
        assert not reader.is_complete
        given_out += reader.feed(character)
        assert given_out == whole[: len(given_out)]
        assert not reader.is_broken
    assert (given_out, reader.is_complete) == (whole, True)


@pytest.mark.parametrize("answer", [CANNED_ANSWER, EMPTY_TEXT, json.dumps(json.loads(CANNED_ANSWER), indent=2)])
def test_an_item_is_given_out_at_its_closing_brace_and_not_later(answer):
    closed = [at for at in range(len(answer)) if answer[at] == "}"][:-1]
    reader = AnswerReader()
    given_at = [at for at, character in enumerate(answer) if reader.feed(character)]
    assert given_at == closed
    assert len(closed) in {0, 5}


@pytest.mark.property
@settings(deadline=None)
@given(
    answers(),
    st.integers(0, 10_000),
    st.sampled_from(['"', "{", "}", "[", "]", ",", ":", "\\", "x", "\u3000", "\ud800", "1", ""]),
    st.booleans(),
)
def test_after_any_mutation_it_completes_exactly_what_the_strict_reader_accepts(answer, place, character, replace):
    at = place % (len(answer) + 1)
    mutated = answer[:at] + character + answer[at + replace :]
    items, reader = read(mutated)
    parsed = parse_answer(mutated)
    assert reader.is_complete == isinstance(parsed, Parsed)
    if isinstance(parsed, Parsed):
        assert sorted(map(repr, items)) == sorted(map(repr, items_of(parsed.graph)))


@pytest.mark.property
@settings(deadline=None)
@given(st.text(max_size=60))
def test_no_text_makes_it_raise(text):
    items, reader = read(text)
    assert (items, reader.is_complete) == ([], False) or isinstance(parse_answer(text), Parsed)


@pytest.mark.parametrize(
    "answer",
    [
        "[]",
        "{}",
        '{"entities":[]}',
        '{"entities":[],"entities":[]}',
        '{"entities":[],"entities":[],"relationships":[]}',
        '{"entities":[],"relationships":[],"more":[]}',
        '{"entities":{},"relationships":[]}',
        '{"entities":[,],"relationships":[]}',
        '{"entities":[{}],"relationships":[]}',
        '{"entities":[],"relationships":[]} and so on',
        '```json\n{"entities":[],"relationships":[]}\n```',
        CANNED_ANSWER.replace('"confidence":0.9,', '"confidence":NaN,'),
        CANNED_ANSWER.replace('"name":"NightLoom"', '"name":"NightLoom","name":"Other"'),
        CANNED_ANSWER.replace('"name":"NightLoom"', '"name":{"a":1}'),
        CANNED_ANSWER.replace("},{", "} {", 1),
    ],
)
def test_what_is_no_graph_breaks_it_or_leaves_it_incomplete(answer):
    _, reader = read(answer)
    assert not reader.is_complete
    assert not isinstance(parse_answer(answer), Parsed)


def test_nothing_is_given_out_behind_a_fault():
    broken = CANNED_ANSWER.replace('"name":"NightLoom"', '"name":7')
    items, reader = read(broken)
    assert [item.name for item in items] == ["GlassViper"]
    assert reader.is_broken
    assert reader.feed(CANNED_ANSWER) == []


def test_white_space_around_the_answer_is_of_any_kind_and_inside_jsons_own():
    assert read(f"\u3000\n{EMPTY_TEXT}\u2003")[1].is_complete
    assert read(EMPTY_TEXT.replace(",", " ,\t\r\n"))[1].is_complete
    assert read(EMPTY_TEXT.replace(",", ",\u3000"))[1].is_broken


def test_an_item_of_many_pieces_is_given_out_whole():
    entity = {"labels": "Tool", "id": "e1", "name": "x" * 50_000, "description": ""}
    answer = json.dumps({"entities": [entity], "relationships": []})
    reader, rng, fed = AnswerReader(), random.Random(0), 0
    while fed < len(answer):
        step = rng.randint(1, 3)
        reader.feed(answer[fed : fed + step])
        fed += step
    assert reader.is_complete
