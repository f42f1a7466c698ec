from __future__ import annotations

from pathlib import Path

from kgtune.conversion.spill import Spill, batches, pack, unpack
from kgtune.graph import Entity, Graph, Relationship
from kgtune.sources import RawDocument

GRAPH = Graph(
    (Entity("Tool", "a", "Latch", "kept"), Entity("Target", "b", "North Mill")),
    (Relationship("USE", "a", "b", 0.25, "Latch 在 North Mill"),),
)


def document(number: int) -> RawDocument:
    text = f"Latch 在 North Mill {number} \U0001f600"
    return RawDocument(f"r{number}", f"d{number}", text, GRAPH, "mixed", "train", f"g{number}", where="raw.json:3")


def test_what_is_unpacked_is_what_was_packed_less_its_place() -> None:
    given = document(1)
    assert unpack(pack(given)) == RawDocument("r1", "d1", given.text, GRAPH, "mixed", "train", "g1")


def test_documents_are_taken_up_in_any_order_and_laid_aside_in_between(tmp_path: Path) -> None:
    with Spill(tmp_path) as spill:
        for number in range(5):
            spill.put(pack(document(number)))
        assert spill.document(3).id == "r3"
        spill.put(pack(document(5)))
        assert [spill.document(number).id for number in (5, 0, 4)] == ["r5", "r0", "r4"]
        assert spill.names(2) == [("Tool", "Latch"), ("Target", "North Mill")]
        assert len(spill) == 6
        assert unpack(spill.packed(1)) == spill.document(1)


def test_the_file_has_no_name_that_could_stay_behind(tmp_path: Path) -> None:
    with Spill(tmp_path) as spill:
        spill.put(b"x")
        assert list(tmp_path.iterdir()) == []


def test_batches_are_full_but_for_the_last() -> None:
    assert list(batches(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(batches([], 3)) == []
