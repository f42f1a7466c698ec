"""Counts of many answers: summed by document, sliced by row."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from kgtune.scoring.metrics import COUNTERS, INDEX
from kgtune.scoring.sample import NUM_ROWS_SHOWN, Sample, length_bucket, summed_by
from tests.scoring.build import HALF, NOTHING, RIGHT, document, row, sample


def hits(matrix):
    return matrix[:, INDEX["entity_hits_strict"]].tolist()


def test_rows_of_one_document_are_summed():
    docs = [document(1, doc_id="a"), document(2, doc_id="b"), document(3, doc_id="a")]
    made = sample(RIGHT, HALF, RIGHT, docs=docs)
    assert made.num_rows == 3
    assert hits(made.by_document()) == [4, 1]
    assert hits(made.by_document([0, 1])) == [2, 1]


def test_a_row_without_a_document_id_is_its_own_document():
    assert hits(sample(RIGHT, HALF, RIGHT).by_document()) == [2, 1, 2]


def test_documents_keep_the_order_in_which_they_came():
    groups = np.array([7, 3, 7, 5])
    assert summed_by(groups, np.array([[1], [10], [100], [1000]])).tolist() == [[101], [10], [1000]]


def test_nothing_at_all_has_the_right_shape():
    assert Sample().by_document().shape == (0, len(COUNTERS))


@pytest.mark.parametrize(
    ("length", "bucket"),
    [
        (0, "under 200"),
        (199, "under 200"),
        (200, "200-499"),
        (999, "500-999"),
        (1999, "1000-1999"),
        (2000, "2000 and more"),
    ],
)
def test_a_text_has_its_bucket_by_characters(length, bucket):
    assert length_bucket("字" * length) == bucket


def test_rows_are_found_by_trait_and_those_without_it_are_left_out():
    docs = [document(1, lang="zh"), document(2, lang="en"), document(3, lang="zh", text=None), document(4)]
    made = sample(RIGHT, RIGHT, RIGHT, RIGHT, docs=docs)
    assert made.rows_with("language") == {"en": [1], "zh": [0, 2]}
    assert made.rows_with("source") == {}
    assert made.rows_with("length") == {"under 200": [0, 1, 3]}


def test_a_slice_of_the_items_is_counted_for_every_document():
    made = sample(RIGHT, HALF, NOTHING)
    assert made.cell_counts(("label", "Tool")).tolist() == [[1, 1, 1], [0, 1, 0], [0, 1, 0]]


def test_row_ids_of_a_finding_stop_at_fifty_and_their_count_goes_on():
    made = sample(*[NOTHING] * (NUM_ROWS_SHOWN + 5))
    assert made.finding_counts == {"not_json": NUM_ROWS_SHOWN + 5} == made.reasons
    assert made.findings["not_json"] == [f"row-{n}" for n in range(NUM_ROWS_SHOWN)]


def test_a_row_takes_a_kilobyte_whatever_its_text():
    made, answer = Sample(), row(RIGHT)
    for number in range(1000):
        made.add(document(number, text="x" * 5000), answer)
    arrays = sum(sys.getsizeof(part) for part in (made.rows, made.cells, made.document_of))
    assert arrays / 1000 < 1100
