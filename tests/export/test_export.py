"""The seam of the formats: what is there is written, what is not is refused."""

import pytest

from kgtune import export
from kgtune import graph as graphs
from kgtune.errors import UserError
from kgtune.export import Document
from kgtune.extraction.extractor import CANNED_ANSWER
from kgtune.parsing import parse_answer

GRAPH = parse_answer(CANNED_ANSWER).graph


def test_json_is_the_graph_alone_whatever_is_known_of_the_document():
    document = Document("Title", "https://x.example/", "2026-11-20", "amber")
    assert export.render(GRAPH, "text", "json", document) == ("application/json", graphs.dumps(GRAPH).encode())


@pytest.mark.parametrize("name", ["stix", "cypher", "graphml", "raw", "", "JSON", "x" * 1000])
def test_a_format_that_is_not_there_is_refused_by_name(name):
    with pytest.raises(UserError, match=r"^format: there is no ") as caught:
        export.render(GRAPH, "text", name, Document())
    assert len(str(caught.value)) < 150


def test_every_format_that_is_offered_is_written():
    assert len(export.FORMATS) >= 1
    for name in export.FORMATS:
        media_type, content = export.render(GRAPH, "text", name, Document())
        assert "/" in media_type
        assert b"NightLoom" in content
