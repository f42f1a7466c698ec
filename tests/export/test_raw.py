"""The correction loop: what is exported is read back by convert_data.py's readers, and doubtful items are marked."""

import json
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kgtune import export, sources
from kgtune.export import Document
from kgtune.graph import Entity, Graph, Relationship
from kgtune.sources import fields
from tests.export import golden
from tests.export.graphs import HOSTILE_TEXT
from tests.export.graphs import graphs as random_graphs

TEXT = "GlassViper used NightLoom."


def item(graph, text=TEXT, document=None):
    return json.loads(export.render(graph, text, "raw", document or Document()).content)


def marks(**changes):
    edge = {"type": "USE", "source": "e1", "target": "e1", "confidence": 0.9, "evidence": "used NightLoom"} | changes
    return item(Graph((Entity("Tool", "e1", "NightLoom"),), (Relationship(**edge),)))["relationships"][0].get("review")


def test_an_item_of_the_text_is_not_marked():
    assert marks() is None
    assert item(Graph((Entity("Tool", "e1", "NightLoom"),)))["entities"] == [
        {"labels": "Tool", "id": "e1", "name": "NightLoom", "description": ""}
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"confidence": 0.49}, ["confidence below 0.5"]),
        ({"confidence": 0.5}, None),
        ({"evidence": ""}, ["no evidence"]),
        ({"evidence": "used VelkaRAT"}, ["evidence is not in the text"]),
        ({"evidence": "used VelkaRAT", "confidence": 0.1}, ["confidence below 0.5", "evidence is not in the text"]),
    ],
)
def test_what_is_doubtful_says_why(changes, expected):
    assert marks(**changes) == expected


def test_a_name_that_is_not_in_the_text_is_marked_and_counted():
    exported = export.render(Graph((Entity("Tool", "e1", "VelkaRAT"),)), TEXT, "raw", Document())
    assert json.loads(exported.content)["entities"][0]["review"] == ["name is not in the text"]
    assert exported.findings == {"to review: name is not in the text": 1}


def test_the_keys_are_known_to_the_reader():
    assert "review" in fields.ENTITY_KEYS & fields.RELATIONSHIP_KEYS


def read(path, content):
    path.write_bytes(content)
    return sources.read_raw([path])


def test_the_graph_reads_back_as_it_was_written(tmp_path):
    found = read(tmp_path / "corrected.jsonl", golden.render("raw").content)
    assert [(d.id, d.text, d.graph) for d in found.documents] == [(golden.DOCUMENT.title, golden.TEXT, golden.GRAPH)]
    assert (found.problems, found.repairs, found.counts) == ([], (), {"read": 1, "used": 1})


@pytest.mark.scripts
def test_corrected_items_are_checked_without_a_finding(tmp_path):
    """The loop: export, take out what is marked, check."""
    item = json.loads(golden.render("raw").content)
    assert sum("review" in one for key in ("entities", "relationships") for one in item[key]) == 2
    for key in ("entities", "relationships"):
        item[key] = [one for one in item[key] if "review" not in one]
    path = tmp_path / "corrected.jsonl"
    path.write_text(json.dumps(item, ensure_ascii=False), encoding="utf-8")
    command = [sys.executable, "convert_data.py", str(path), "--check", "ontology=threat_event"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, done.stderr), done.stdout + done.stderr


@pytest.mark.property
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(random_graphs(), st.sampled_from([HOSTILE_TEXT, *filter(str.strip, HOSTILE_TEXT.splitlines())]))
def test_any_graph_reads_back_without_a_problem(tmp_path, graph, text):
    """What the reader normalises (white space around it, line ends, NFC) is the same on a second pass."""
    found = read(tmp_path / "one.jsonl", export.render(graph, text, "raw", Document("a document")).content)
    assert (found.problems, len(found.documents)) == ([], 1)
    assert [key for key in found.counts if "ignored" in key] == []
    (document,) = found.documents
    content = export.render(document.graph, document.text, "raw", Document("a document")).content
    (again,) = read(tmp_path / "two.jsonl", content).documents
    assert (again.text, again.graph) == (document.text, document.graph)
