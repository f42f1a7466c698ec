from __future__ import annotations

import pytest

from kgtune.augmentation.editing import Document, Edit, EditRefused, merged, overlaps, projected
from kgtune.graph import Entity, Graph, Relationship

TEXT = "Recently, Vexa used Latch. See `Recently, x` and evil.example for more."
GRAPH = Graph(
    (Entity("ThreatOrganization", "o", "Vexa"), Entity("Tool", "t", "Latch")),
    (
        Relationship("USE", "o", "t", 0.9, "Recently, Vexa used Latch."),
        Relationship("USE", "o", "t", 0.9, "paraphrase"),
    ),
)


def test_evidence_follows_an_edit_and_a_paraphrase_stays() -> None:
    text, graph = Document(TEXT, GRAPH).edited([Edit(0, 9, "Not long ago,")])
    assert text.startswith("Not long ago, Vexa used Latch.")
    assert [r.evidence for r in graph.relationships] == ["Not long ago, Vexa used Latch.", "paraphrase"]


@pytest.mark.parametrize("position", [0, 26])
def test_what_is_inserted_beside_evidence_stays_outside_it(position: int) -> None:
    _, graph = Document(TEXT, GRAPH).edited([Edit(position, position, " New. ")])
    assert graph.relationships[0].evidence == "Recently, Vexa used Latch."


@pytest.mark.parametrize(
    "edit",
    [
        Edit(10, 14, "Waxa"),
        Edit(12, 13, ""),
        Edit(9, 11, ""),
        Edit(32, 41, "Lately,"),
        Edit(50, 52, "x"),
        Edit(24, 30, ""),
    ],
)
def test_names_code_indicators_and_edges_of_evidence_are_protected(edit: Edit) -> None:
    with pytest.raises(EditRefused, match="protected"):
        Document(TEXT, GRAPH).edited([edit])


def test_edits_that_overlap_or_leave_nothing_are_refused() -> None:
    with pytest.raises(EditRefused, match="overlap"):
        Document("one two", Graph()).edited([Edit(0, 4, "x"), Edit(3, 5, "y")])
    with pytest.raises(EditRefused, match="nothing"):
        Document("one", Graph()).edited([Edit(0, 3, " ")])


def test_spans_merge_and_overlap_as_half_open_intervals() -> None:
    spans = merged([(5, 7), (0, 2), (6, 9), (2, 3)])
    assert spans == [(0, 3), (5, 9)]
    assert [overlaps(spans, *span) for span in [(3, 5), (2, 4), (9, 9), (5, 5), (6, 6), (0, 9)]] == [
        False, True, False, False, True, True
    ]  # fmt: skip


def test_positions_move_by_what_stands_before_them() -> None:
    edits = [Edit(2, 4, "abc"), Edit(6, 6, "++")]
    assert [projected(edits, p) for p in (0, 2, 4, 6, 8)] == [0, 2, 5, 9, 11]
    assert projected(edits, 6, is_end=True) == 7
