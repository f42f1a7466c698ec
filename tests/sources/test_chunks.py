from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from kgtune.sources import RawSet, read_raw


def chunk(text: str, number: int | None = 0, title: str = "Report A", key: str = "chunk_index") -> dict[str, Any]:
    info: dict[str, Any] = {"chunk_content": text, "source_metadata": {"document_title": title}}
    return info if number is None else info | {key: number}


def entity(identity: str, name: str, *chunks: dict[str, Any], label: str = "Tool") -> dict[str, Any]:
    return {"labels": label, "type": label, "id": identity, "name": name, "description": "", "chunks_info": [*chunks]}


def edge(source: str, target: str, *chunks: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "USE",
        "source": source,
        "target": target,
        "confidence": 0.9,
        "evidence": "",
        "chunks_info": [*chunks],
    }


def read(tmp_path: Path, entities: list[Any], relationships: list[Any]) -> RawSet:
    path = tmp_path / "raw.json"
    path.write_text(json.dumps({"entities": entities, "relationships": relationships}), encoding="utf-8")
    return read_raw([path])


@pytest.mark.parametrize("key", ["chunk_index", "chunk_id"])
def test_either_chunk_key_gives_one_document_per_chunk(tmp_path: Path, key: str) -> None:
    one, two = chunk("Vex and Latch.", 1, key=key), chunk("Latch alone.", 2, key=key)
    raw_set = read(tmp_path, [entity("v", "Vex", one), entity("l", "Latch", one, two)], [edge("v", "l", one)])
    assert [
        (d.id, d.doc_id, [e.name for e in d.graph.entities], len(d.graph.relationships)) for d in raw_set.documents
    ] == [
        ("report-a#1", "report-a", ["Vex", "Latch"], 1),
        ("report-a#2", "report-a", ["Latch"], 0),
    ]
    assert raw_set.problems == []


def test_chunk_numbers_repeat_across_documents(tmp_path: Path) -> None:
    one, other = chunk("Vex here.", 0, "A"), chunk("Vex there.", 0, "B")
    raw_set = read(tmp_path, [entity("v", "Vex", one), entity("v", "Vex", other)], [])
    assert [(d.id, d.text) for d in raw_set.documents] == [("a#0", "Vex here."), ("b#0", "Vex there.")]


def test_one_chunk_with_and_without_a_number_is_one_document(tmp_path: Path) -> None:
    raw_set = read(
        tmp_path, [entity("v", "Vex", chunk("Vex, Latch.", None)), entity("l", "Latch", chunk("Vex, Latch."))], []
    )
    assert [(d.id, len(d.graph.entities)) for d in raw_set.documents] == [("report-a#0", 2)]


def test_an_end_in_another_chunk_is_pulled_in_when_the_text_names_it(tmp_path: Path) -> None:
    one, two = chunk("Vexa came.", 0), chunk("VEXA used Latch.", 1)
    raw_set = read(tmp_path, [entity("v", "Vexa", one), entity("l", "Latch", two)], [edge("v", "l", two)])
    assert [e.name for e in raw_set.documents[1].graph.entities] == ["Latch", "Vexa"]
    assert raw_set.counts["note: entity pulled in from another chunk"] == 1


def test_a_relationship_whose_end_the_text_does_not_name_is_left_out_and_counted(tmp_path: Path) -> None:
    one, two = chunk("Vex came.", 0), chunk("It used Latch.", 1)
    raw_set = read(tmp_path, [entity("v", "Vex", one), entity("l", "Latch", two)], [edge("v", "l", two)])
    assert [len(d.graph.relationships) for d in raw_set.documents] == [0, 0]
    assert raw_set.counts["note: relationship left out: an end is not named in its chunk"] == 1
    assert raw_set.problems == []


def test_a_chunk_that_loses_everything_is_no_empty_sample(tmp_path: Path) -> None:
    one, two = chunk("Vex and Latch.", 0), chunk("They met.", 1)
    raw_set = read(tmp_path, [entity("v", "Vex", one), entity("l", "Latch", one)], [edge("v", "l", two)])
    counts = raw_set.counts
    assert (counts["read"], counts["used"]) == (2, 1)
    assert counts["dropped: chunk whose relationships all have their ends in other chunks"] == 1


def test_an_end_that_no_entity_has_is_a_problem(tmp_path: Path) -> None:
    one = chunk("Vex and Latch.", 0)
    raw_set = read(tmp_path, [entity("v", "Vex", one)], [edge("v", "nobody", one)])
    assert [p.code for p in raw_set.problems] == ["E-DANGLING"]
    assert "raw.json:1: relationships[0].target" in raw_set.problems[0].where


def test_one_id_for_two_things_within_a_chunk_is_a_problem(tmp_path: Path) -> None:
    one = chunk("Vex and Latch.", 0)
    raw_set = read(tmp_path, [entity("v", "Vex", one), entity("v", "Latch", one)], [])
    assert [p.code for p in raw_set.problems] == ["E-DUPLICATE-ID"]


@pytest.mark.parametrize("infos", [None, [], "x", [3], [{"chunk_index": 0}]])
def test_an_entity_that_names_no_chunk_is_a_problem(tmp_path: Path, infos: Any) -> None:
    raw_set = read(tmp_path, [entity("v", "Vex") | {"chunks_info": infos}], [])
    assert next(p.code for p in raw_set.problems) in ("E-NO-CHUNK", "E-TYPE", "E-MISSING-KEY")


@pytest.mark.skipif("KGTUNE_SAMPLES" not in os.environ, reason="KGTUNE_SAMPLES names no folder of sample data")
def test_every_chunk_of_the_users_example_is_accounted_for() -> None:
    raw_set = read_raw([Path(os.environ["KGTUNE_SAMPLES"]) / "formats/chunk-indexed/raw_graph_example.json"])
    dropped = sum(number for key, number in raw_set.counts.items() if key.startswith("dropped: "))
    assert (raw_set.counts["read"], raw_set.counts["used"], dropped, raw_set.problems) == (3, 2, 1, [])


@pytest.mark.parametrize("key", ["chunk_info", "chunks", "chunksInfo", "chunk_infos"])
def test_a_misspelt_list_of_chunks_is_asked_about_by_its_name(tmp_path: Path, key: str) -> None:
    value = entity("v", "Vex", chunk("Vex.", 0))
    value[key] = value.pop("chunks_info")
    problem = next(p for p in read(tmp_path, [value], []).problems if p.code == "E-NO-CHUNK")
    assert problem.fix == f'Did you mean chunks_info by "{key}"?'


@pytest.mark.parametrize("more", [{"chunks_info": []}, {"aliases": ["Vexa"]}, {"chunk": "Vex."}])
def test_nothing_like_a_list_of_chunks_is_asked_about(tmp_path: Path, more: dict[str, Any]) -> None:
    value = {key: one for key, one in entity("v", "Vex").items() if key != "chunks_info"} | more
    problem = next(p for p in read(tmp_path, [value], []).problems if p.code == "E-NO-CHUNK")
    assert problem.fix == "Say which chunk it was found in."
