"""Other people's graphs, where KGTUNE_SAMPLES names a folder of them: every export is clean, too."""

import io
import json
import os
from pathlib import Path

import networkx as nx
import pytest

from kgtune import export, sources
from kgtune import graph as graphs
from kgtune.export import Document
from tests.export.test_cypher import expected, stored
from tests.export.test_stix import problems

FOLDER = os.environ.get("KGTUNE_SAMPLES")

pytestmark = pytest.mark.skipif(FOLDER is None, reason="KGTUNE_SAMPLES names no folder of sample data")


def test_the_readers_of_each_format_take_the_export_of_real_graphs():
    documents = sources.read_raw([Path(FOLDER or "") / "cti_sample.jsonl"]).documents
    assert len(documents) > 50
    for document in documents:
        graph, _ = graphs.closed(document.graph)
        bundle = export.render(graph, document.text, "stix", Document(document.id))
        assert problems(json.loads(bundle.content))[0] == []
        read = nx.read_graphml(
            io.BytesIO(export.render(graph, "", "graphml", Document()).content), force_multigraph=True
        )
        assert (len(read), read.number_of_edges()) == (len(graph.entities), len(graph.relationships))
        assert stored(graph) == expected(graph)
