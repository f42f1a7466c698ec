"""GraphML: read by networkx, into the graph that was written."""

import io
import re

import networkx as nx
import pytest
from hypothesis import given, settings

from kgtune import export
from kgtune.export import Document
from kgtune.graph import Entity, Graph
from tests.export import golden
from tests.export.graphs import HOSTILE, HOSTILE_GRAPH
from tests.export.graphs import graphs as random_graphs

NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def read(graph):
    content = export.render(graph, "", "graphml", Document()).content
    return nx.read_graphml(io.BytesIO(content), force_multigraph=True)


def xml(value):
    return NOT_IN_XML.sub("\ufffd", value)


def assert_read_back(graph):
    found = read(graph)
    nodes = {key: tuple(found.nodes[key].get(name, "") for name in ("label", "name", "description")) for key in found}
    assert nodes == {xml(e.id): (xml(e.labels), xml(e.name), xml(e.description)) for e in graph.entities}
    keys = ("type", "confidence", "evidence")
    edges = [(a, b, *(data.get(key, "") for key in keys)) for a, b, data in found.edges(data=True)]
    expected = [(xml(r.source), xml(r.target), xml(r.type), r.confidence, xml(r.evidence)) for r in graph.relationships]
    assert sorted(edges) == sorted(expected)


def test_networkx_reads_the_graph_that_was_written():
    assert read(golden.GRAPH).is_directed()
    assert_read_back(golden.GRAPH)


def test_hostile_names_are_read_back():
    assert_read_back(HOSTILE_GRAPH)


@pytest.mark.parametrize("value", [v for v in HOSTILE if not NOT_IN_XML.search(v)])
def test_a_hostile_id_is_read_back(value):
    assert list(read(Graph((Entity("Tool", value, "name"),)))) == [value]


def test_what_xml_can_not_hold_is_counted():
    found = export.render(Graph((Entity("Tool", "a", "\x00\x01"),)), "", "graphml", Document())
    assert found.findings == {"control character replaced by U+FFFD": 2}


@pytest.mark.property
@settings(max_examples=50, deadline=None)
@given(random_graphs())
def test_any_graph_is_read_back(graph):
    assert_read_back(graph)
