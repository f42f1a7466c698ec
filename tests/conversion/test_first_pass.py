from __future__ import annotations

from pathlib import Path

from kgtune.conversion import first_pass
from kgtune.conversion.cards import card_of
from kgtune.conversion.crew import Crew
from kgtune.conversion.first_pass import BATCH_SIZE
from kgtune.conversion.spill import Spill
from kgtune.graph import Entity, Graph, Relationship
from kgtune.sources import RawDocument
from kgtune.splitting.grouping import sketched

GRAPH = Graph((Entity("Tool", "a", "Latch"), Entity("Tool", "b", "Moss")), (Relationship("USE", "a", "b", 0.9),))


def documents(number: int):
    for index in range(number):
        yield RawDocument(f"r{index}", f"r{index}", f"Latch uses Moss, {index} times. " * 9, GRAPH, "en")


def test_every_document_is_laid_aside_and_its_card_kept_in_the_order_read(tmp_path: Path) -> None:
    number = BATCH_SIZE + 3
    with Spill(tmp_path) as spill, Crew(1, tmp_path) as crew:
        gathered = first_pass.gather(documents(number), spill, crew)
        assert gathered.cards == [card_of(document) for document in documents(number)]
        assert [spill.document(position).id for position in (0, 40, number - 1)] == ["r0", "r40", f"r{number - 1}"]
    expected = [sketched(document.text) for document in documents(number)]
    assert gathered.units.rows == [row for _, rows in expected for row in rows]
    assert gathered.units.owners == [position for position, (sizes, _) in enumerate(expected) for _ in sizes]
    assert gathered.seen.labels == {"Tool": 2 * number}
    assert gathered.seen.types == {"USE": number}
    assert gathered.seen.pairs == {("Tool", "USE", "Tool"): number}


def test_documents_are_read_no_further_than_they_are_looked_at(tmp_path: Path) -> None:
    read = []

    def counted():
        for document in documents(3 * BATCH_SIZE):
            read.append(document.id)
            yield document

    with Spill(tmp_path) as spill, Crew(1, tmp_path) as crew:
        batches = crew.map(
            first_pass.look, None, first_pass.batches(first_pass._laid_aside(counted(), spill), BATCH_SIZE)
        )
        next(batches)
        assert len(read) == BATCH_SIZE
