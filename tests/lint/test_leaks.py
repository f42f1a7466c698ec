"""Near duplicates that the data itself puts into different splits."""

from __future__ import annotations

from kgtune.graph import Graph
from kgtune.lint import leaks
from kgtune.sources import RawDocument

LONG = "Grey Petrel came back with a new loader and hit three shipping companies in the north. " * 3


def document(number, split, text, doc_id=None):
    where = f"raw.json:{number}: item {number} (id=d{number})"
    return RawDocument(f"d{number}", doc_id or f"doc{number}", text, Graph(), "en", split=split, where=where)


def told(*documents):
    return [(f.code, f.place.record, f.facts["split"], f.facts["other"]) for f in leaks.findings(documents)]


def test_a_near_duplicate_in_another_split_is_told():
    found = told(
        document(1, "train", LONG), document(2, "test", LONG.replace("three", "four")), document(3, "test", "another")
    )
    assert found == [("W-SPLIT-LEAK", 2, "test", "train")]


def test_two_parts_of_one_document_in_two_splits_are_told():
    assert told(document(1, "train", "one", "same"), document(2, "validation", "two", "same")) == [
        ("W-SPLIT-LEAK", 2, "validation", "train")
    ]


def test_near_duplicates_in_one_split_or_without_a_split_are_no_leak():
    assert told(document(1, "train", LONG), document(2, "train", LONG + "x")) == []
    assert told(document(1, None, LONG), document(2, None, LONG)) == []
    assert told(document(1, "train", LONG), document(2, None, LONG)) == []
