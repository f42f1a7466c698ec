"""The graph: canonical text, ids for the outside, and every departure from the contract's shape."""

import json
from collections import Counter
from itertools import permutations

import pytest

from kgtune import graph as graphs
from kgtune.graph import EMPTY_TEXT, Entity, Graph, Relationship

TEXT = "GlassViper (also 玻璃蝰蛇) sent NightLoom Loader, a part of NightLoom, to Northwind Bank."


def entity(name: str, id_: str, labels: str = "Tool", description: str = "") -> Entity:
    return Entity(labels, id_, name, description)


def edge(source: str, target: str, type_: str = "USE", confidence: float = 0.9, evidence: str = "") -> Relationship:
    return Relationship(type_, source, target, confidence, evidence)


def shape(value: object) -> list[str]:
    """Return the places of all problems, and check that problems and a graph exclude each other."""
    graph, problems = graphs.from_object(value)
    assert (graph is None) == bool(problems)
    return [f"{problem.where} {problem.code}" for problem in problems]


def test_entities_stand_by_first_mention_longest_first_and_unmentioned_last():
    names = ["Nowhere B", "NightLoom", "NightLoom Loader", "Northwind Bank", "Nowhere A", "玻璃蝰蛇", "GlassViper"]
    graph = Graph(tuple(entity(name, f"x{i}") for i, name in enumerate(names)))
    ordered = graphs.canonical(graph, TEXT).entities
    assert [(e.id, e.name) for e in ordered] == [
        ("e1", "GlassViper"),
        ("e2", "玻璃蝰蛇"),
        ("e3", "NightLoom Loader"),
        ("e4", "NightLoom"),
        ("e5", "Northwind Bank"),
        ("e6", "Nowhere A"),
        ("e7", "Nowhere B"),
    ]


def test_entities_of_one_name_stand_by_label():
    graph = Graph((entity("NightLoom", "a", "Tool"), entity("NightLoom", "b", "Asset")))
    assert [(e.id, e.labels) for e in graphs.canonical(graph, TEXT).entities] == [("e1", "Asset"), ("e2", "Tool")]


def test_relationships_stand_by_number_of_source_then_target_then_type():
    entities = tuple(entity(f"n{i}", f"x{i}") for i in range(1, 12))
    text = " ".join(e.name for e in entities)
    edges = [
        edge("x10", "x2"),
        edge("x2", "x11"),
        edge("x2", "x3", "USE"),
        edge("x2", "x3", "ATTACK"),
        edge("x1", "x9"),
    ]
    for shuffled in permutations(edges):
        found = graphs.canonical(Graph(entities, shuffled), text).relationships
        assert [(r.source, r.target, r.type) for r in found] == [
            ("e1", "e9", "USE"),
            ("e2", "e3", "ATTACK"),
            ("e2", "e3", "USE"),
            ("e2", "e11", "USE"),
            ("e10", "e2", "USE"),
        ]


def test_equal_graphs_have_one_canonical_text_whatever_their_order_and_ids():
    entities = [("GlassViper", "ThreatOrganization"), ("NightLoom", "Tool"), ("Northwind Bank", "Target")]
    texts = set()
    for number, order in enumerate(permutations(range(3))):
        ids = {i: f"{number}-{position}" for position, i in enumerate(order)}
        graph = Graph(
            tuple(entity(entities[i][0], ids[i], entities[i][1]) for i in order),
            (edge(ids[0], ids[1]), edge(ids[0], ids[2], "ATTACK")),
        )
        texts.add(graphs.dumps(graphs.canonical(graph, TEXT)))
    assert len(texts) == 1


def test_canonical_twice_changes_nothing():
    graph = Graph((entity("NightLoom", "b"), entity("GlassViper", "a")), (edge("a", "b", confidence=0.987),))
    once = graphs.canonical(graph, TEXT)
    assert graphs.canonical(once, TEXT) == once


def test_canonical_text_is_compact_in_the_contracts_key_order_and_keeps_unicode():
    graph = Graph((entity("玻璃蝰蛇", "x", "Tool", "组织"),), (edge("x", "x", "USE", 1, '"证据"\n'),))
    assert graphs.dumps(graphs.canonical(graph, TEXT)) == (
        '{"entities":[{"labels":"Tool","id":"e1","name":"玻璃蝰蛇","description":"组织"}],'
        '"relationships":[{"type":"USE","source":"e1","target":"e1","confidence":1.0,"evidence":"\\"证据\\"\\n"}]}'
    )
    assert graphs.dumps(Graph()) == EMPTY_TEXT


def test_descriptions_are_dropped_when_asked():
    graph = Graph((entity("NightLoom", "x", description="a loader"),))
    assert [e.description for e in graphs.canonical(graph, TEXT, drop_descriptions=True).entities] == [""]


@pytest.mark.parametrize(
    ("confidence", "text"), [(1, "1.0"), (0, "0.0"), (-0.0, "0.0"), (0.999, "1.0"), (0.954, "0.95"), (0.9, "0.9")]
)
def test_a_confidence_has_one_spelling_of_at_most_two_decimals(confidence, text):
    assert json.dumps(graphs.round_confidence(confidence)) == text


@pytest.mark.parametrize(
    ("value", "slug"),
    [
        ("ThreatOrganization", "threat-organization"),
        ("attack-pattern", "attack-pattern"),
        ("Northwind  Bank, Inc.", "northwind-bank-inc"),
        ("APT_28", "apt-28"),
        ("夜织机 2.0", "夜织机-2-0"),
        ("Müller", "müller"),
        ("Mu\u0308ller", "müller"),
        ("C:\\Windows\\x.exe", "c-windows-x-exe"),
        ("***", "unnamed"),
        ("", "unnamed"),
    ],
)
def test_a_slug_is_kebab_case_and_keeps_unicode_letters(value, slug):
    assert graphs.slug(value) == slug


def test_slug_ids_of_one_name_are_numbered_from_two_and_stay_apart():
    names = ["Night Loom", "night-loom", "Night Loom 2", "NIGHT LOOM", "!!!"]
    graph = Graph(tuple(entity(name, f"e{i}") for i, name in enumerate(names, start=1)), (edge("e2", "e5"),))
    found = graphs.with_ids(graph, "slug")
    assert [e.id for e in found.entities] == [
        "tool--night-loom",
        "tool--night-loom-2",
        "tool--night-loom-2-2",
        "tool--night-loom-3",
        "tool--unnamed",
    ]
    assert [(r.source, r.target) for r in found.relationships] == [("tool--night-loom-2", "tool--unnamed")]


def test_numbered_ids_follow_the_order_of_entities():
    graph = Graph((entity("b", "x"), entity("a", "y")), (edge("y", "x"),))
    found = graphs.with_ids(graph, "numbered")
    assert [(e.id, e.name) for e in found.entities] == [("e1", "b"), ("e2", "a")]
    assert [(r.source, r.target) for r in found.relationships] == [("e2", "e1")]


def test_an_object_of_the_contract_comes_back_as_it_went_in():
    graph = Graph((entity("NightLoom", "e1", description="一"),), (edge("e1", "e1", confidence=0.25, evidence="x"),))
    assert graphs.from_object(graphs.to_object(graph)) == (graph, [])
    assert graphs.from_object({"entities": [], "relationships": []}) == (Graph(), [])


ENTITY = {"labels": "Tool", "id": "e1", "name": "NightLoom", "description": ""}
EDGE = {"type": "USE", "source": "e1", "target": "e1", "confidence": 0.5, "evidence": ""}


def with_entity(**changes: object) -> dict[str, object]:
    return {"entities": [ENTITY | changes], "relationships": []}


def with_edge(**changes: object) -> dict[str, object]:
    return {"entities": [ENTITY], "relationships": [EDGE | changes]}


@pytest.mark.parametrize(
    ("value", "problems"),
    [
        ([], ["answer E-SHAPE"]),
        (None, ["answer E-SHAPE"]),
        ({}, ["answer.entities E-MISSING-KEY", "answer.relationships E-MISSING-KEY"]),
        ({"entities": {}, "relationships": None}, ["answer.entities E-SHAPE", "answer.relationships E-SHAPE"]),
        ({"entities": [], "relationships": [], "nodes": []}, ["answer.nodes E-EXTRA-KEY"]),
        ({"entities": ["NightLoom"], "relationships": []}, ["answer.entities[0] E-SHAPE"]),
        ({"entities": [], "relationships": [[]]}, ["answer.relationships[0] E-SHAPE"]),
        (with_entity(labels=["Tool"]), ["answer.entities[0].labels E-SHAPE"]),
        (with_entity(name=" "), ["answer.entities[0].name E-SHAPE"]),
        (with_entity(id=1), ["answer.entities[0].id E-SHAPE"]),
        (with_entity(name="half \ud83d"), ["answer.entities[0].name E-SHAPE"]),
        (with_entity(type="x"), ["answer.entities[0].type E-EXTRA-KEY"]),
        (with_entity(description=None), ["answer.entities[0].description E-SHAPE"]),
        (
            {"entities": [{}], "relationships": []},
            [f"answer.entities[0].{k} E-MISSING-KEY" for k in graphs.ENTITY_KEYS],
        ),
        (with_edge(source=""), ["answer.relationships[0].source E-SHAPE"]),
        (with_edge(evidence=7), ["answer.relationships[0].evidence E-SHAPE"]),
        *[
            (with_edge(confidence=bad), ["answer.relationships[0].confidence E-SHAPE"])
            for bad in ("0.5", None, True, 1.01, -0.1, 10**400, float("nan"), float("inf"), [0.5])
        ],
        (
            {"entities": [{**ENTITY, "id": 7}], "relationships": [{**EDGE, "type": ""}, EDGE]},
            ["answer.entities[0].id E-SHAPE", "answer.relationships[0].type E-SHAPE"],
        ),
    ],
)
def test_every_departure_from_the_shape_is_listed_with_its_place(value, problems):
    assert shape(value) == problems


def test_a_missing_confidence_is_one_problem():
    missing = {key: value for key, value in EDGE.items() if key != "confidence"}
    assert shape({"entities": [ENTITY], "relationships": [missing]}) == [
        "answer.relationships[0].confidence E-MISSING-KEY"
    ]


def test_problems_can_be_printed_as_utf8():
    _, problems = graphs.from_object({"entities": [], "relationships": [], "\ud83d": 1})
    assert [str(problem).encode("utf-8") for problem in problems] == [
        b"answer.\\ud83d: is not a key of the contract. Remove it."
    ]


def test_dangling_relationship_is_reported_with_known_ids():
    graph = Graph((entity("a", "e1"), entity("b", "e2")), (edge("e1", "e2"), edge("e1", "e9", "ATTACK")))
    assert [str(problem) for problem in graphs.reference_problems(graph)] == [
        (
            'graph.relationships[1].target: relationship "ATTACK" points to unknown entity "e9". '
            "Known ids: e1, e2. Fix the target or add the entity."
        )
    ]


def test_a_taken_id_is_reported_with_its_owner():
    graph = Graph((entity("a", "e1"), entity("b", "e1")))
    assert [(p.code, p.where, p.what) for p in graphs.reference_problems(graph)] == [
        ("E-DUPLICATE-ID", "graph.entities[1].id", 'id "e1" is also the id of entities[0].')
    ]


def test_closing_a_graph_drops_and_counts_what_was_reported():
    graph = Graph(
        (entity("a", "e1"), entity("b", "e1"), entity("c", "e2")),
        (edge("e1", "e2"), edge("e1", "e9"), edge("e8", "e9")),
    )
    closed, dropped = graphs.closed(graph)
    assert closed == Graph((entity("a", "e1"), entity("c", "e2")), (edge("e1", "e2"),))
    assert dropped == Counter(duplicate_id=1, dangling=2)
    assert graphs.reference_problems(closed) == []


def test_closing_a_closed_graph_changes_and_counts_nothing():
    graph = Graph((entity("a", "e1"),), (edge("e1", "e1"),))
    assert graphs.closed(graph) == (graph, Counter())
    assert not graphs.closed(graph)[1]
