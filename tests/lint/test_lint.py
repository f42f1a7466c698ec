"""The linter as a whole: what a person sees of all its checks together."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kgtune import lint, naming, ontology
from kgtune.lint.document import LengthLimit
from kgtune.lint.report import Tally
from kgtune.sources import RawDocument, read_raw


def codes(findings):
    return [(finding.level, finding.code) for finding in findings]


def test_a_sound_item_has_no_findings(check, item):
    assert codes(check(item())) == []


def test_names_and_evidence_that_the_text_lacks_are_warnings(check, item, edge):
    assert codes(check(item(text="Vexa came.", relationships=[edge | {"evidence": "elsewhere"}]))) == [
        ("warning", "W-NAME"), ("warning", "W-EVIDENCE")
    ]  # fmt: skip
    assert ("warning", "W-UNANCHORED") in codes(check(item(text="Nothing here.")))


def test_a_phrase_of_a_label_that_need_not_stand_in_the_text_is_only_noted(check, item):
    technique = {"labels": "Technique", "id": "k", "name": "Lateral movement", "description": ""}
    found = codes(check(item(entities=[*item()["entities"], technique])))
    assert found == [("note", "N-NAME"), ("note", "N-ISOLATED")]


def test_unforeseen_pairs_and_loops_are_warnings_and_unknown_names_are_errors(check, item, edge):
    assert codes(check(item(relationships=[edge | {"source": "t", "target": "o"}]))) == [("warning", "W-PAIR-REVERSED")]
    assert ("warning", "W-SELF-LOOP") in codes(check(item(relationships=[edge | {"target": "o"}])))
    assert codes(check(item(relationships=[edge | {"type": "EATS"}]))) == [("error", "E-UNKNOWN-TYPE")]
    odd = {"labels": "Fruit", "id": "f", "name": "Latch", "description": ""}
    assert ("error", "E-UNKNOWN-LABEL") in codes(check(item(entities=[*item()["entities"], odd])))


def test_problems_of_the_readers_are_errors_and_come_first(check, item, edge):
    found = codes(check(item(text="Vexa came."), item(id="r2", relationships=[edge | {"source": "x"}])))
    assert found[0] == ("error", "E-DANGLING")


def test_many_findings_of_one_kind_are_counted_not_listed(check, item):
    tally = Tally()
    for finding in check(*[item(id=f"r{n}", text=f"Latch {n}.") for n in range(9)]):
        tally.add(finding)
    text = tally.as_text("en")
    assert text.count("warning W-NAME") == 5
    assert "... and 4 more W-NAME" in text
    assert text.endswith("no errors: errors 0, warnings 18, notes 0; --fix can mend 0")


def test_a_documents_own_checks_are_a_generator_that_needs_no_file(item):
    path_less = RawDocument("r1", "r1", "Vexa came.", _graph(item()), "en", where="nowhere.json:3: item 2 (id=r1)")
    found = lint.check_document(path_less, ontology.load("threat_event"))
    assert isinstance(found, Iterator)
    assert [(finding.code, str(finding.place)) for finding in found] == [
        ("W-NAME", "nowhere.json:3: item 2 (id=r1): entities[1].name"),
        ("W-EVIDENCE", "nowhere.json:3: item 2 (id=r1): relationships[0].evidence"),
    ]


def _graph(one):
    from kgtune.graph import Entity, Graph, Relationship

    return Graph(
        tuple(Entity(**entity) for entity in one["entities"]),
        tuple(Relationship(**edge) for edge in one["relationships"]),
    )


def test_a_row_over_the_limit_is_told_with_its_length_and_whether_it_is_an_estimate(check, item, tmp_path):
    path = tmp_path / "raw.json"
    path.write_text(json.dumps([item(), item(id="r2", text="Vexa used Latch. " + "x" * 99)]), encoding="utf-8")
    documents = read_raw([path]).documents
    for is_exact, about in ((True, ""), (False, "~")):
        limit = LengthLimit(lambda document: len(document.text), 50, is_exact)
        (finding,) = lint.check(documents, ontology.load("threat_event"), length_limit=limit)
        assert (finding.code, finding.value, finding.place.id) == ("W-LENGTH", "116", "r2")
        assert (
            lint.catalogue.what(finding, "en") == f"{about}116 tokens of prompt and answer; model.max_seq_length is 50."
        )


def test_documents_are_streamed_twice_and_never_held(item, tmp_path):
    path = tmp_path / "raw.jsonl"
    path.write_text(
        "\n".join(json.dumps(item(id=f"r{n}", text=f"Vexa used Latch {n}.")) for n in range(40)), encoding="utf-8"
    )
    alive: set[str] = set()
    most = 0

    class Document(RawDocument):
        def __del__(self):
            alive.discard(self.id)

    class Stream:
        passes = 0

        def __iter__(self):
            nonlocal most
            Stream.passes += 1
            for one in read_raw([path]).documents:
                document = Document(**{name: getattr(one, name) for name in one.__slots__})
                alive.add(document.id)
                most = max(most, len(alive))
                yield document

    assert {finding.code for finding in lint.check(Stream(), ontology.load("threat_event"))} == {
        "W-EVIDENCE",
        "N-CONFIDENCE-CONSTANT",
    }
    assert Stream.passes == 3
    assert most <= 3


@pytest.mark.parametrize(
    ("name", "shown_on_purpose"),
    [
        ("raw_graph_chunks_example.json", []),
        # who attacked stands in another sentence than the attack; and what did not happen is no relationship
        ("raw_graph_example.json", [("N-EVIDENCE-END", "en-04-list"), ("N-ISOLATED", "en-05-negation")]),
    ],
)
def test_of_the_shipped_examples_nothing_is_told_but_what_they_show_on_purpose(check, name, shown_on_purpose):
    path = Path(__file__).resolve().parents[2] / "fine_tune_input" / name
    assert [(found.code, found.place.id) for found in check(content=path.read_bytes())] == shown_on_purpose


@pytest.mark.skipif("KGTUNE_SAMPLES" not in os.environ, reason="KGTUNE_SAMPLES names no folder of sample data")
@pytest.mark.parametrize(
    ("name", "documents", "codes"),
    [
        ("cti_sample.jsonl", 61, {"W-EVIDENCE-WHOLE", "W-MISSED"}),
        ("formats/chunk-indexed/raw_graph_example.json", 2, {"W-NAME", "W-UNANCHORED"}),
    ],
)
def test_real_data_has_warnings_and_no_errors(name, documents, codes):
    path = Path(os.environ["KGTUNE_SAMPLES"]) / name
    raw_set = read_raw([path])
    assert len(raw_set.documents) == documents
    seen = naming.seen(document.graph for document in raw_set.documents)
    by = ontology.choose("auto", seen.labels, seen.types, seen.pairs)
    found = list(lint.check(raw_set.documents, by, problems=raw_set.problems, paths=[path]))
    assert {finding.code for finding in found if finding.level != "note"} == codes
    assert all(finding.place.line for finding in found if finding.level != "note")
