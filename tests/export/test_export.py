"""The seam of the formats: what is there is written, what is not is refused, and the golden files hold."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgtune import export
from kgtune import graph as graphs
from kgtune.errors import UserError
from kgtune.export import Document
from kgtune.extraction.extractor import CANNED_ANSWER
from kgtune.graph import Entity, Graph, Relationship
from kgtune.parsing import parse_answer
from tests.export import golden
from tests.export.graphs import HOSTILE_GRAPH, HOSTILE_TEXT
from tests.export.graphs import graphs as random_graphs

GRAPH = parse_answer(CANNED_ANSWER).graph
DOCUMENTS = [
    Document(),
    Document("A title", "https://x.example/r", "2026-11-20", "amber+strict"),
    Document(None, "https://x.example/'\"<", "2026-11-20T08:30:00.5+08:00", "clear"),
]


def test_json_is_the_graph_alone_whatever_is_known_of_the_document():
    exported = export.render(GRAPH, "text", "json", DOCUMENTS[1])
    assert (exported.content, exported.findings) == (graphs.dumps(GRAPH).encode(), {})


def test_a_line_of_jsonl_has_the_name_of_its_document():
    exported = export.render(GRAPH, "text", "jsonl", DOCUMENTS[1])
    assert exported.content.count(b"\n") == 1
    assert json.loads(exported.content) == {"source": "A title", "graph": graphs.to_object(GRAPH)}


@pytest.mark.parametrize(
    ("document", "format_", "lost"),
    [
        (DOCUMENTS[0], "json", []),
        (DOCUMENTS[1], "json", ["title", "url", "published", "tlp"]),
        (DOCUMENTS[1], "cypher", ["title", "url", "published", "tlp"]),
        (DOCUMENTS[1], "raw", ["url", "published", "tlp"]),
        (DOCUMENTS[2], "raw", ["published", "tlp"]),
        (DOCUMENTS[1], "stix", []),
        (DOCUMENTS[2], "html", []),
    ],
)
def test_what_a_format_does_not_carry_of_a_document_is_counted(document, format_, lost):
    assert export.unplaced(document, format_) == {f"{key} has no place in {format_}": 1 for key in lost}


@pytest.mark.parametrize("value", ["A title", "https://x.example/r", "2026-11-20", "clear", "amber"])
@pytest.mark.parametrize("name", export.FORMATS)
def test_what_a_format_says_that_it_carries_stands_in_it(name, value):
    key = {"A title": "title", "https://x.example/r": "url", "2026-11-20": "published"}.get(value, "tlp")
    document = Document(**{key: value})
    content = export.render(GRAPH, "text", name, document).content.decode("utf-8", "replace")
    assert (value.upper() in content.upper()) == (not export.unplaced(document, name))


@pytest.mark.parametrize("name", ["xml", "", "JSON", "x" * 1000])
def test_a_format_that_is_not_there_is_refused_by_name(name):
    with pytest.raises(UserError, match=r"^format: there is no ") as caught:
        export.render(GRAPH, "text", name, Document())
    assert len(str(caught.value)) < 200


def test_every_format_that_is_offered_is_written():
    assert len(export.FORMATS) == 8
    for name in export.FORMATS:
        exported = export.render(GRAPH, "text", name, Document())
        assert "/" in export.FORMATS[name].media_type
        assert name == "csv" or b"NightLoom" in exported.content


def test_no_two_formats_end_their_files_alike():
    assert len({format_.suffix for format_ in export.FORMATS.values()}) == len(export.FORMATS)


@pytest.mark.parametrize("name", export.FORMATS)
def test_the_golden_file_holds(name):
    """A change is written by `python -m tests.export.golden`, and explained in the commit."""
    assert golden.render(name).content == golden.path(name).read_bytes()


def test_no_golden_file_is_left_over():
    assert sorted(golden.FOLDER.iterdir()) == sorted(map(golden.path, export.FORMATS))


@pytest.mark.parametrize("name", export.FORMATS)
def test_an_empty_graph_is_written_in_every_format(name):
    exported = export.render(Graph(), "nothing here", name, DOCUMENTS[1])
    assert (bool(exported.content), exported.findings) == (name != "cypher", {})  # there is no statement to make


@pytest.mark.parametrize("name", export.FORMATS)
def test_hostile_text_is_valid_utf8_in_every_format(name):
    exported = export.render(
        HOSTILE_GRAPH, HOSTILE_TEXT, name, Document("'\"</title>`\\", "https://x.example/", None, None)
    )
    if name != "csv":
        exported.content.decode("utf-8")


@pytest.mark.parametrize("name", export.FORMATS)
@pytest.mark.parametrize("where", ["text", "document", "entities", "relationships"])
def test_half_a_character_is_refused_by_its_place(name, where):
    half, entity, edge = "\ud83d", GRAPH.entities[0], GRAPH.relationships[0]
    graph, text, document = GRAPH, "text", Document()
    if where == "text":
        text = half
    elif where == "document":
        document = Document(half)
    elif where == "entities":
        graph = replace(GRAPH, entities=(replace(entity, name=half), *GRAPH.entities[1:]))
    else:
        graph = replace(GRAPH, relationships=(replace(edge, evidence=half),))
    with pytest.raises(UserError, match=rf"^{where}: holds half a character"):
        export.render(graph, text, name, document)


@pytest.mark.parametrize("key", ["labels", "id", "name", "description", "type", "evidence", "title", "url"])
def test_half_a_character_is_refused_in_every_value(key):
    entity, edge, half = Entity("Tool", "a", "a", "b"), Relationship("USE", "a", "a", 0.5, "c"), {key: "\ud83d"}
    entity = replace(entity, **half) if hasattr(entity, key) else entity
    edge = replace(edge, **half) if hasattr(edge, key) else edge
    document = Document(**half) if key in ("title", "url") else Document()
    with pytest.raises(UserError, match="holds half a character"):
        export.render(Graph((entity,), (edge,)), "text", "json", document)


@pytest.mark.property
@settings(max_examples=40, deadline=None)
@given(random_graphs(), st.sampled_from(HOSTILE_TEXT.splitlines()), st.sampled_from(DOCUMENTS))
def test_the_same_input_gives_the_same_bytes_in_every_format(graph, text, document):
    for name in export.FORMATS:
        first, second = (export.render(graph, text, name, document) for _ in range(2))
        assert first == second
