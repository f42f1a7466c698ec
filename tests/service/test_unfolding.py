"""An answer item by item while it grows: nothing twice, nothing that the whole answer has not."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgtune.extraction.extractor import CANNED_ANSWER, read_answer
from kgtune.extraction.selection import Wanted, select
from kgtune.graph import Entity, Graph, Relationship, dumps, to_object
from kgtune.service.refusals import RefusalError
from kgtune.service.unfolding import Unfolding
from tests.extraction.test_incremental import GRAPHS

TEXT = "GlassViper used NightLoom against Northwind Bank."


def shown(answers):
    unfolding = Unfolding(TEXT, Wanted())
    return [[item.get("name") or item["type"] for item in unfolding.read(answer)] for answer in answers]


def test_each_answer_so_far_shows_what_it_completes():
    answers = [CANNED_ANSWER[: CANNED_ANSWER.index(end)] for end in (',{"labels":"Tool"', '],"rel', '],"rel')]
    assert shown([*answers, CANNED_ANSWER]) == [["GlassViper"], ["NightLoom", "Northwind Bank"], [], ["USE", "ATTACK"]]


@settings(deadline=None)  # a busy machine took longer than the default of 200 ms
@given(GRAPHS, st.data())
def test_however_it_is_cut_it_shows_what_the_whole_shows(graph, data):
    answer = dumps(graph)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(answer)), max_size=8)))
    unfolding = Unfolding(TEXT, Wanted())
    items = [item for cut in [*cuts, len(answer)] for item in unfolding.read(answer[:cut])]
    items += unfolding.selection.finish()
    whole, selection = select(graph, TEXT, Wanted())
    assert [item for item in items if "type" not in item] == whole["entities"]
    assert [item for item in items if "type" in item] == whole["relationships"]
    assert unfolding.selection.graph == selection.graph


TWICE = Graph(
    (Entity("Tool", "e1", "NightLoom"), Entity("Actor", "e2", "GlassViper"), Entity("Tool", "e3", "NIGHTLOOM")),
    (
        Relationship("USE", "e2", "e3", 0.9),
        Relationship("USE", "e2", "e1", 0.8),
        Relationship("HAS", "e1", "e3", 0.7),
        Relationship("USE", "e2", "e9", 0.6),
        Relationship("USE", "e1", "e2", 0.5),
    ),
)


@pytest.mark.parametrize("keys", [["entities", "relationships"], ["relationships", "entities"]])
@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_what_stands_there_twice_is_shown_once_and_as_the_whole_shows_it(keys, step):
    value = to_object(TWICE)
    answer = json.dumps({key: value[key] for key in keys})
    unfolding = Unfolding(TEXT, Wanted())
    items = [item for cut in range(0, len(answer) + step, step) for item in unfolding.read(answer[:cut])]
    items += unfolding.finish(read_answer(answer, "stop", 1, 1))
    whole, selection = select(TWICE, TEXT, Wanted())
    assert [item["id"] for item in items if "type" not in item] == ["tool--night-loom", "actor--glass-viper"]
    assert [(item["source"], item["confidence"]) for item in items if "type" in item] == [
        ("actor--glass-viper", 0.9), ("tool--night-loom", 0.5),
    ]  # fmt: skip
    assert items == whole["entities"] + whole["relationships"]
    assert unfolding.selection.dropped == selection.dropped


def test_an_answer_that_is_begun_again_catches_up():
    part = CANNED_ANSWER[: CANNED_ANSWER.index('],"rel')]
    assert shown([part, "", part[:90], part, CANNED_ANSWER]) == [
        ["GlassViper", "NightLoom", "Northwind Bank"], [], [], [], ["USE", "ATTACK"],
    ]  # fmt: skip


def test_the_end_shows_what_was_not_read_with_the_graphs_own_confidence():
    unfolding = Unfolding(TEXT, Wanted())
    part = CANNED_ANSWER[: CANNED_ANSWER.index(',{"type":"ATTACK"')].replace("0.95", "0.4")
    assert [item.get("confidence") for item in unfolding.read(part)] == [None, None, None, 0.4]
    answer = read_answer(CANNED_ANSWER, "stop", 1, 1)
    surer = [replace(edge, confidence=said) for edge, said in zip(answer.graph.relationships, (0.4, 0.7), strict=True)]
    found = replace(answer, graph=replace(answer.graph, relationships=tuple(surer)))
    assert [(item["type"], item["confidence"]) for item in unfolding.finish(found)] == [("ATTACK", 0.7)]
    assert unfolding.selection.graph.relationships[0].confidence == 0.4


def test_a_graph_that_is_not_what_was_shown_is_refused_at_the_end():
    unfolding = Unfolding(TEXT, Wanted())
    unfolding.read(CANNED_ANSWER[: CANNED_ANSWER.index('],"rel')])
    with pytest.raises(RefusalError, match="begun anew"):
        unfolding.finish(read_answer(CANNED_ANSWER.replace("GlassViper", "NorthMoth"), "stop", 1, 1))


def test_an_answer_without_a_graph_shows_what_it_completed():
    unfolding = Unfolding(TEXT, Wanted())
    unfolding.read(CANNED_ANSWER[: CANNED_ANSWER.index(',{"labels":"Tool"')])
    cut = read_answer(CANNED_ANSWER[: CANNED_ANSWER.index(',{"type":"ATTACK"')], "length", 1, 1)
    assert cut.graph is None
    assert [item.get("name") or item["type"] for item in unfolding.finish(cut)] == [
        "NightLoom",
        "Northwind Bank",
        "USE",
    ]


def test_an_answer_that_comes_out_otherwise_is_refused():
    with pytest.raises(RefusalError, match="begun anew") as caught:
        shown([CANNED_ANSWER[:120], CANNED_ANSWER.replace("GlassViper", "NorthMoth")])
    assert (caught.value.status, caught.value.headers) == (503, {"Retry-After": "1"})
