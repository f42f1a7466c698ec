"""What a caller gets of a graph: the same item by item as of the whole, and the same as files get."""

from collections import Counter
from dataclasses import asdict, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgtune import graph as graphs
from kgtune.extraction.extractor import CANNED_ANSWER
from kgtune.extraction.selection import MAX_MENTIONS, Selection, Wanted, select
from kgtune.graph import Entity, Graph, Relationship
from kgtune.parsing import parse_answer

CANNED = parse_answer(CANNED_ANSWER).graph
TEXT = "GlassViper used NightLoom against Northwind Bank."
LABELS, TYPES = ["Tool", "Actor", "工具"], ["USE", "ATTACK"]
IDS = [f"e{i}" for i in range(1, 5)]
ENTITIES = st.builds(
    Entity, st.sampled_from(LABELS), st.sampled_from(IDS), st.sampled_from(["NightLoom", "夜织机", "N L"])
)
EDGES = st.builds(
    Relationship,
    st.sampled_from(TYPES),
    st.sampled_from([*IDS, "e9"]),
    st.sampled_from(IDS),
    st.sampled_from([0.2, 0.5, 0.9]),
)
GRAPHS = st.builds(Graph, st.lists(ENTITIES, max_size=6).map(tuple), st.lists(EDGES, max_size=6).map(tuple))
WANTED = st.builds(
    Wanted,
    st.one_of(st.none(), st.frozensets(st.sampled_from(LABELS))),
    st.one_of(st.none(), st.frozensets(st.sampled_from(TYPES))),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.just(False),
    st.sampled_from(["slug", "numbered"]),
)


def once(graph):
    """Make one of what stands there twice, the plain way; count what goes. The graph must be closed."""
    firsts, kept, counted = {}, {}, Counter()
    for entity in graph.entities:
        first = firsts.setdefault((entity.labels, entity.name), entity)
        kept[entity.id] = first.id
        counted["duplicate_entity"] += first is not entity
    edges = {}
    for r in graph.relationships:
        moved = replace(r, source=kept[r.source], target=kept[r.target])
        if moved.source == moved.target and r.source != r.target:
            counted["joins_one_entity_to_itself"] += 1
        elif edges.setdefault((moved.type, moved.source, moved.target), moved) is not moved:
            counted["duplicate_relationship"] += 1
    return Graph(tuple(firsts.values()), tuple(edges.values())), +counted


@pytest.mark.property
@settings(deadline=None)
@given(GRAPHS, st.sampled_from(["slug", "numbered"]))
def test_without_wishes_it_is_what_files_get(graph, style):
    closed, dropped = graphs.closed(graph)
    single, joined = once(closed)
    shown, selection = select(graph, TEXT, Wanted(id_style=style))
    assert shown == graphs.to_object(graphs.with_ids(single, style))
    assert selection.dropped == dropped + joined
    assert graphs.reference_problems(selection.graph) == []


@pytest.mark.property
@settings(deadline=None)
@given(GRAPHS, WANTED)
def test_either_list_first_shows_the_same_as_the_whole(graph, wanted):
    # an answer has each list once, so that relationships come before all entities or after them
    whole, counted = select(graph, TEXT, wanted)
    selection, shown = Selection(TEXT, wanted), []
    for item in [*graph.relationships, *graph.entities]:
        shown += selection.take(item)
    shown += selection.finish()
    assert [item for item in shown if "name" in item] == whole["entities"]
    assert sorted(map(str, (item for item in shown if "type" in item))) == sorted(map(str, whole["relationships"]))
    assert (selection.dropped, selection.withheld) == (counted.dropped, counted.withheld)


def test_one_entity_named_twice_is_one_and_its_relationships_lead_there():
    graph = Graph(
        (
            Entity("Tool", "e1", "NightLoom", "a loader"),
            Entity("Technique", "e2", "NightLoom"),
            Entity("Tool", "e3", "ＮIGHTLOOM", "a longer word for it"),
            Entity("Actor", "e4", "GlassViper"),
        ),
        (
            Relationship("USE", "e4", "e1", 0.6, "first"),
            Relationship("USE", "e4", "e3", 0.9, "second"),
            Relationship("HAS", "e1", "e3", 0.9, "to itself"),
            Relationship("HAS", "e2", "e2", 0.9, "as the model said it"),
            Relationship("HAS", "e3", "e2", 0.9, "third"),
        ),
    )
    shown, selection = select(graph, TEXT, Wanted())
    assert [(one["id"], one["description"]) for one in shown["entities"]] == [
        ("tool--night-loom", "a loader"), ("technique--night-loom", ""), ("actor--glass-viper", ""),
    ]  # fmt: skip
    assert [(one["source"], one["target"], one["evidence"]) for one in shown["relationships"]] == [
        ("actor--glass-viper", "tool--night-loom", "first"),
        ("technique--night-loom", "technique--night-loom", "as the model said it"),
        ("tool--night-loom", "technique--night-loom", "third"),
    ]
    assert selection.dropped == {"duplicate_entity": 1, "duplicate_relationship": 1, "joins_one_entity_to_itself": 1}


def test_a_relationship_that_is_too_unsure_does_not_hide_its_surer_like():
    edges = (Relationship("USE", "e1", "e2", 0.3, "first"), Relationship("USE", "e1", "e2", 0.9, "second"))
    graph = Graph((Entity("Actor", "e1", "GlassViper"), Entity("Tool", "e2", "NightLoom")), edges)
    shown, selection = select(graph, TEXT, Wanted(min_confidence=0.5))
    assert [one["evidence"] for one in shown["relationships"]] == ["second"]
    assert (dict(selection.dropped), dict(selection.withheld)) == ({}, {"confidence": 1})


@pytest.mark.property
@settings(deadline=None)
@given(GRAPHS, WANTED)
def test_what_is_shown_is_wanted_and_closed_and_the_rest_is_counted(graph, wanted):
    shown, selection = select(graph, TEXT, wanted)
    ids = {entity["id"] for entity in shown["entities"]}
    assert wanted.labels is None or {entity["labels"] for entity in shown["entities"]} <= wanted.labels
    for edge in shown["relationships"]:
        assert {edge["source"], edge["target"]} <= ids
        assert wanted.types is None or edge["type"] in wanted.types
        assert edge["confidence"] >= wanted.min_confidence
    num_shown = len(shown["entities"]) + len(shown["relationships"])
    num_given = len(graph.entities) + len(graph.relationships)
    assert num_shown + selection.dropped.total() + selection.withheld.total() == num_given


@pytest.mark.parametrize(
    ("wanted", "names", "types", "withheld"),
    [
        (Wanted(), ["GlassViper", "NightLoom", "Northwind Bank"], ["USE", "ATTACK"], {}),
        (
            Wanted(labels=frozenset({"ThreatOrganization", "Tool"})),
            ["GlassViper", "NightLoom"],
            ["USE"],
            {"label": 1, "end": 1},
        ),
        (Wanted(labels=frozenset()), [], [], {"label": 3, "end": 2}),
        (Wanted(types=frozenset({"ATTACK"})), ["GlassViper", "NightLoom", "Northwind Bank"], ["ATTACK"], {"type": 1}),
        (Wanted(min_confidence=0.95), ["GlassViper", "NightLoom", "Northwind Bank"], ["USE"], {"confidence": 1}),
    ],
)
def test_allow_lists_and_confidence(wanted, names, types, withheld):
    shown, selection = select(CANNED, TEXT, wanted)
    assert [entity["name"] for entity in shown["entities"]] == names
    assert [edge["type"] for edge in shown["relationships"]] == types
    assert dict(selection.withheld) == withheld


def test_an_id_does_not_depend_on_what_else_is_wanted():
    graph = Graph((Entity("Tool", "e1", "N L"), Entity("Tool", "e2", "N-L")))
    whole, _ = select(graph, TEXT, Wanted())
    assert [entity["id"] for entity in whole["entities"]] == ["tool--n-l", "tool--n-l-2"]
    selection = Selection(TEXT, Wanted(labels=frozenset()))
    assert [shown for item in graph.entities for shown in selection.take(item)] == []
    assert selection._ids == {"e1": None, "e2": None}


def test_offsets_are_code_points_of_the_text_as_it_was_sent():
    text = "\U0001f40d 夜织机 hit evil[.]example, then ＥＶＩＬ.example.\n夜织机"
    graph = Graph(
        (Entity("Tool", "e1", "夜织机"), Entity("Host", "e2", "evil.example"), Entity("Actor", "e3", "Nobody")),
        (Relationship("USE", "e1", "e2", 0.9, "夜织机 hit evil[.]example"), Relationship("USE", "e3", "e2", 0.9, "")),
    )
    shown, selection = select(graph, text, Wanted(offsets=True))
    found = {e["name"]: [(text[m["start"] : m["end"]], m["level"]) for m in e["mentions"]] for e in shown["entities"]}
    assert found == {
        "夜织机": [("夜织机", "exact"), ("夜织机", "exact")],
        "evil.example": [("evil[.]example", "refanged"), ("ＥＶＩＬ.example", "folded")],
        "Nobody": [],
    }
    first, second = (edge["evidence_at"] for edge in shown["relationships"])
    assert text[first["start"] : first["end"]] == "夜织机 hit evil[.]example"
    assert second is None
    assert (dict(selection.checked), dict(selection.ungrounded)) == ({"name": 3, "evidence": 1}, {"name": 1})


def test_without_offsets_nothing_is_added():
    shown, _ = select(CANNED, TEXT, Wanted())
    assert {tuple(entity) for entity in shown["entities"]} == {graphs.ENTITY_KEYS}
    assert {tuple(edge) for edge in shown["relationships"]} == {graphs.RELATIONSHIP_KEYS}
    assert shown["entities"][0] == asdict(CANNED.entities[0]) | {"id": "threat-organization--glass-viper"}


def test_the_mentions_of_one_name_are_bounded():
    shown, _ = select(Graph((Entity("Tool", "e1", "aXb"),)), "aXb " * 1000, Wanted(offsets=True))
    assert len(shown["entities"][0]["mentions"]) == MAX_MENTIONS


def test_what_is_not_in_the_text_is_flagged_by_default_and_left_out_where_that_is_asked():
    graph = Graph(
        (Entity("Tool", "e1", "NightLoom"), Entity("Tool", "e2", "DayLoom"), Entity("Tactic", "e3", "Persistence")),
        (
            Relationship("USE", "e1", "e2", 0.9, "NightLoom"),
            Relationship("USE", "e1", "e3", 0.9, "is nowhere"),
            Relationship("HAS", "e1", "e3", 0.9, ""),
        ),
    )
    shown, flagged = select(graph, TEXT, Wanted(offsets=True))
    assert (len(shown["entities"]), len(shown["relationships"])) == (3, 3)
    assert flagged.ungrounded == {"name": 2, "evidence": 1}
    assert [one["mentions"] == [] for one in shown["entities"]] == [False, True, True]
    assert [one["evidence_at"] is None for one in shown["relationships"]] == [False, True, True]

    wanted = Wanted(ungrounded="drop", unanchored=frozenset({"Tactic"}))
    shown, dropped = select(graph, TEXT, wanted)
    assert [one["name"] for one in shown["entities"]] == ["NightLoom", "Persistence"]
    assert [one["type"] for one in shown["relationships"]] == ["HAS"]
    assert dropped.withheld == {"ungrounded_name": 1, "end": 1, "ungrounded_evidence": 1}
