from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import convert_data
from kgtune.sources import FORMATS, read_raw
from kgtune.sources.findings import UnreadableError
from kgtune.sources.formats import _FIRST, _LAST, READERS, format_of

STIX_ID = "malware--00000000-0000-4000-8000-000000000001"
GIVEN: list[tuple[str, str, Any]] = [
    ("texts", "a.jsonl", {"text": "x", "entities": [], "relationships": []}),
    ("texts", "a.json", [{"text": "x"}]),
    ("texts", "a.json", {"documents": [{"text": "x", "entities": []}]}),
    ("texts", "a.txt", {"text": "x", "entities": [], "relationships": []}),
    ("rows", "a.json", [{"input": "x", "output": "{}"}]),
    ("rows", "a.json", [{"instruction": "do", "input": "x", "output": "{}"}]),
    ("chunks", "a.json", {"entities": [{"chunks_info": []}], "relationships": []}),
    ("chunks", "a.json", {"metadata": {}, "relationships": []}),
    ("doccano", "a.jsonl", {"text": "x", "entities": [], "relations": []}),
    ("doccano", "a.jsonl", {"text": "x", "label": [[0, 1, "Tool"]]}),
    ("doccano", "a.jsonl", {"data": "x", "labels": [[0, 1, "Tool"]]}),
    ("doccano", "a.json", [{"text": "x", "annotations": [{"label": 1, "start_offset": 0, "end_offset": 1}]}]),
    ("labelstudio", "a.json", [{"id": 1, "data": {"text": "x"}, "annotations": []}]),
    ("labelstudio", "a.json", [{"id": 1, "data": {"text": "x"}, "completions": []}]),
    ("stix", "a.json", {"type": "bundle", "id": "bundle--1", "objects": []}),
    ("stix", "a.json", {"objects": [{"type": "malware", "id": STIX_ID}]}),
    ("stix", "a.json", [{"type": "malware", "id": STIX_ID}]),
    ("misp", "a.json", {"Event": {"info": "x"}}),
    ("misp", "a.json", {"response": [{"Event": {"info": "x"}}]}),
    ("misp", "a.json", [{"Event": {"info": "x"}}]),
    ("triples", "a.csv", "anything"),
    ("triples", "a.tsv", "anything"),
    ("triples", "a.txt", "text|head|head_type|relation|tail|tail_type"),
    ("brat", "a.ann", "T1\tTool 0 1\tx"),
    ("texts", "a.json", "hello"),
    ("texts", "a.jsonl", ""),
    ("texts", "a.json", '{"text": "half'),
]


def write(tmp_path: Path, name: str, content: Any) -> Path:
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(("expected", "name", "content"), GIVEN)
def test_a_format_is_found_out_by_looking(tmp_path: Path, expected: str, name: str, content: Any) -> None:
    assert format_of(write(tmp_path, name, content)) == expected


def test_every_reader_is_looked_for_and_can_be_named() -> None:
    assert sorted(READERS) == sorted((*_FIRST, *_LAST))
    assert ("auto", *READERS) == FORMATS == convert_data.FORMATS


def test_json_of_no_known_form_is_refused_with_its_keys(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError) as caught:
        format_of(write(tmp_path, "a.json", [{"foo": 1, "bar": 2}]))
    assert caught.value.problem.code == "E-FORMAT"
    assert 'The keys of its first object: "foo", "bar". Write it as JSON Lines' in str(caught.value.problem)


def test_a_format_that_is_named_is_tried_without_a_look(tmp_path: Path) -> None:
    path = write(
        tmp_path, "table.dat", "text;head;head_type;relation;tail;tail_type\nVex uses Latch.;Vex;Org;USE;Latch;Tool\n"
    )
    assert len(read_raw([path], source_format="triples").documents) == 1


def test_a_wrong_name_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, "a.json", {"entities": [], "relationships": []})
    raw_set = read_raw([path], source_format="misp")
    assert [p.code for p in raw_set.problems] == ["E-NO-RECORDS"]
    assert "Is it misp? Leave --from out" in str(raw_set.problems[0])


@pytest.mark.parametrize("name", list(READERS))
def test_no_reader_falls_over_what_is_not_of_its_format(tmp_path: Path, name: Any) -> None:
    """Each reader is made to read each of the others' files, and broken ones: it says something and ends."""
    tried = 0
    for number, (_, file, content) in enumerate(
        [*GIVEN, ("", "x.json", '[{"a": '), ("", "x.json", "[[1], 2, null, {}]")]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        raw_set = read_raw([write(folder, file, content)], source_format=name)
        dropped = sum(n for key, n in raw_set.counts.items() if key.startswith("dropped: "))
        assert raw_set.counts["read"] == raw_set.counts["used"] + dropped
        assert raw_set.documents or raw_set.problems
        tried += 1
    assert tried == len(GIVEN) + 2


@pytest.mark.skipif("KGTUNE_SAMPLES" not in os.environ, reason="KGTUNE_SAMPLES names no folder of sample data")
def test_every_sample_is_read_or_refused_in_words() -> None:
    root = Path(os.environ["KGTUNE_SAMPLES"])
    paths = [path for folder in ("formats", "stix") for path in sorted((root / folder).rglob("*")) if path.is_file()]
    assert len(paths) == 33
    used = 0
    for path in paths:
        raw_set = read_raw([path])
        dropped = sum(n for key, n in raw_set.counts.items() if key.startswith("dropped: "))
        assert raw_set.counts["read"] == raw_set.counts["used"] + dropped, path
        assert len(raw_set.documents) == raw_set.counts["used"], path
        if not raw_set.documents:
            assert {p.code for p in raw_set.problems} <= {"E-FORMAT", "E-NOTHING"}, path
            assert all(p.what and p.fix for p in raw_set.problems), path
        used += bool(raw_set.documents)
    assert used == 11
