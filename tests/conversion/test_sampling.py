"""The rows that a person is shown."""

from __future__ import annotations

from dataclasses import replace

from kgtune.conversion.sampling import Family, sample
from kgtune.examples import Example
from kgtune.graph import Graph
from tests.conversion.test_data_page import make, variant

TEXT = "Copper Magpie ran PaperKite."


def test_the_sample_has_every_label_language_split_and_operation_and_no_more_than_asked() -> None:
    rows: list[Example] = []
    for number in range(500):
        row = make(number)
        rows += [row, *([variant(row, "synonyms", TEXT + "!")] if number == 77 else [])]
    rows[13] = make(13, lang="zh")
    rows[200] = make(200, split="test")
    rows[300] = make(300, label="Procedure")
    rows.append(replace(make(900), aug="empties", id="empties-1", graph=Graph()))
    chosen = sample(rows, 12)
    features = set().union(*(family.features() for family in chosen))

    assert len(chosen) == 12
    assert features == set().union(*(Family(row).features() for row in rows))


def test_the_sample_depends_on_the_rows_and_not_on_their_order() -> None:
    rows = [make(number) for number in range(200)]

    assert sample(rows, 10) == sample(list(reversed(rows)), 10)


def test_a_variant_stands_with_its_parent_and_an_invented_row_alone() -> None:
    row, empty = make(1), replace(make(2), aug="empties", id="empties-1", graph=Graph())
    rows = [row, variant(row, "order", "x"), variant(row, "affixes", "y"), empty]

    found = {family.row.id: [v.id for v in family.variants] for family in sample(rows, 9)}
    assert found == {row.id: [rows[1].id, rows[2].id], empty.id: []}
