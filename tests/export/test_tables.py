"""CSV: read back equal, and nothing in it that a spreadsheet would run."""

import csv
import io
import zipfile

import pytest
from hypothesis import given, settings

from kgtune import export
from kgtune import graph as graphs
from kgtune.export import Document
from kgtune.graph import Entity, Graph, Relationship
from tests.export.graphs import HOSTILE, HOSTILE_GRAPH
from tests.export.graphs import graphs as random_graphs


def tables(graph):
    exported = export.render(graph, "", "csv", Document())
    with zipfile.ZipFile(io.BytesIO(exported.content)) as archive:
        assert archive.namelist() == ["nodes.csv", "relationships.csv"]
        texts = [archive.read(name).decode("utf-8") for name in archive.namelist()]
    return [list(csv.reader(io.StringIO(text, newline=""))) for text in texts]


def plain(value):
    """Undo what is said to be done: the apostrophe before a formula. NUL is lost, and counted."""
    return value[1:] if value[:1] == "'" and value[1:2] in ("=", "+", "-", "@", "\t", "\r") else value


def assert_read_back(graph):
    nodes, edges = tables(graph)
    graph = graphs.with_ids(graph, "slug")
    assert nodes[0] == ["id:ID", "name", "description", ":LABEL"]
    assert edges[0] == [":START_ID", ":END_ID", ":TYPE", "confidence:double", "evidence"]
    expected_nodes = [[e.id, e.name, e.description, e.labels] for e in graph.entities]
    expected_edges = [[r.source, r.target, r.type, repr(float(r.confidence)), r.evidence] for r in graph.relationships]
    for found, expected in ((nodes, expected_nodes), (edges, expected_edges)):
        read = [[plain(value) for value in row] for row in found[1:]]
        assert read == [[plain(value.replace("\x00", "\ufffd")) for value in row] for row in expected]


def test_hostile_names_are_read_back():
    assert_read_back(HOSTILE_GRAPH)


@pytest.mark.parametrize("value", [*(v for v in HOSTILE if v[0] in "=+-@"), "\t=1", "\r=1"])
def test_no_cell_begins_as_a_formula(value):
    graph = Graph((Entity(value, "a", value, value),), (Relationship(value, "a", "a", 0.5, value),))
    cells = [cell for table in tables(graph) for row in table[1:] for cell in row]
    assert [cell for cell in cells if cell[0] in "=+-@\t\r"] == []
    found = export.render(graph, "", "csv", Document()).findings
    assert found == {"apostrophe put before what a spreadsheet would run": 5}


@pytest.mark.property
@settings(max_examples=50, deadline=None)
@given(random_graphs())
def test_any_graph_is_read_back(graph):
    assert_read_back(graph)
