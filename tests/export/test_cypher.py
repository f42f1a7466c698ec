"""Cypher: read by a real engine, into the graph that was written; no name ends its string."""

import re
from collections import Counter

import ladybug
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgtune import export
from kgtune import graph as graphs
from kgtune.export import Document, cypher
from kgtune.graph import Entity, Graph, Relationship
from tests.export import golden
from tests.export.graphs import HOSTILE, HOSTILE_GRAPH
from tests.export.graphs import graphs as random_graphs

CONTROL = re.compile(r"[\x00-\x07\x0b\x0e-\x1f\x7f\x85\u2028\u2029]")  # what has no escape in Cypher


def statements(graph):
    text = export.render(graph, "", "cypher", Document()).content.decode("utf-8")
    lines = text.split("\n")
    assert lines.pop() == ""
    assert all(line.endswith(";") for line in lines)
    return [line.removesuffix(";") for line in lines]


def stored(graph, *, times=1):
    """Run the statements in a database whose tables are the graph's labels and types; return what is in it."""
    label_of = {entity.id: cypher.name(entity.labels, Counter()) for entity in graph.entities}
    labels, types = sorted(set(label_of.values())), {}
    for edge in graph.relationships:
        ends = types.setdefault(cypher.name(edge.type, Counter()), set())
        ends.add((label_of[edge.source], label_of[edge.target]))
    with ladybug.Database(":memory:") as database, ladybug.Connection(database) as connection:
        for label in labels:
            connection.execute(f"CREATE NODE TABLE {label} (id STRING PRIMARY KEY, name STRING, description STRING)")
        for type_, ends in types.items():
            pairs = ", ".join(f"FROM {source} TO {target}" for source, target in sorted(ends))
            connection.execute(f"CREATE REL TABLE {type_} ({pairs}, evidence STRING, confidence DOUBLE)")
        for statement in statements(graph) * times:
            connection.execute(statement)
        nodes = connection.execute("MATCH (n) RETURN label(n), n.id, n.name, n.description").get_all() if labels else []
        edges = (
            connection.execute("MATCH (a)-[r]->(b) RETURN label(r), a.id, b.id, r.confidence, r.evidence").get_all()
            if types
            else []
        )
    return sorted(map(tuple, nodes)), sorted(map(tuple, edges))


def expected(graph):
    """What must be in the database: the graph with slugs, relationships that are said twice merged."""
    graph = graphs.with_ids(graph, "slug")
    plain = [(e.labels, e.id, e.name, e.description) for e in graph.entities]
    edges = {(r.type, r.source, r.target, r.evidence): r.confidence for r in graph.relationships}
    stored_edges = [(*key[:3], confidence, key[3]) for key, confidence in edges.items()]
    replaced = [
        [tuple(CONTROL.sub("\ufffd", v) if isinstance(v, str) else v for v in row) for row in rows]
        for rows in (plain, stored_edges)
    ]
    return sorted(replaced[0]), sorted(replaced[1])


def test_an_engine_reads_the_graph_that_was_written():
    assert stored(golden.GRAPH) == expected(golden.GRAPH)


def test_a_second_run_changes_nothing():
    assert stored(golden.GRAPH, times=2) == stored(golden.GRAPH)


@pytest.mark.parametrize("value", HOSTILE)
def test_no_string_ends_before_its_end(value):
    graph = Graph(
        (Entity("Tool", "a", value, value), Entity("Tool", "b", "b")), (Relationship("USE", "a", "b", 0.5, value),)
    )
    assert stored(graph) == expected(graph)


@pytest.mark.parametrize("value", HOSTILE)
def test_no_label_or_type_ends_before_its_end(value):
    names, lines = Counter(), statements(Graph((Entity(value, "a", "n"),), (Relationship(value, "a", "a", 0.5),)))
    name = cypher.name(value, names)
    assert "\\" not in name
    assert not CONTROL.search(name)
    assert name.replace("``", "").count("`") == 2
    assert lines[0].startswith(f"MERGE (n:{name} {{")
    assert f"-[r:{name} {{" in lines[1]


def test_no_u_follows_a_backslash():
    """Some servers read a unicode escape before they look for the string's end."""
    for statement in statements(HOSTILE_GRAPH):
        assert not re.search(r"\\[uU]", statement)


def test_what_has_no_escape_is_counted():
    found = export.render(Graph((Entity("To\\ol", "a", "\x00\x01"),)), "", "cypher", Document())
    # two characters of the name; none of the id, which is a slug
    assert found.findings == {"control character replaced by U+FFFD": 2, "character of a label or type replaced": 1}


def test_numbered_ids_of_two_documents_are_not_merged():
    one, other = (statements(Graph((Entity("Tool", "e1", name),)))[0] for name in ("NightLoom", "VelkaRAT"))
    assert ("{id: 'tool--night-loom'}" in one, "{id: 'tool--velka-rat'}" in other) == (True, True)


@pytest.mark.property
@settings(max_examples=25, deadline=None)
@given(random_graphs(), st.integers(1, 2))
def test_an_engine_reads_any_graph(graph, times):
    assert stored(graph, times=times) == expected(graph)


@pytest.mark.parametrize("letter", "uU")
def test_a_string_is_cut_in_two_between_a_backslash_and_either_u(letter):
    assert cypher.string(f"C:\\{letter}0027", Counter()) == f"'C:\\\\' + '{letter}0027'"
