"""Who was trained on is not measured."""

from __future__ import annotations

import pytest

from kgtune.errors import DataError
from kgtune.graph import Graph
from kgtune.scoring.leakage import Identity, Trained, refuse
from tests.scoring.build import GOLD

TRAIN = Identity("t1", "report-1", "group-1", "Crimson Otter loaded  VelkaRAT.")


@pytest.fixture
def trained():
    made = Trained()
    made.add(TRAIN, GOLD)
    made.add(Identity("t2", "report-2", "", ""), Graph())
    return made


@pytest.mark.parametrize(
    ("measured", "shared"),
    [
        (Identity("t1"), 'the same id "t1"'),
        (Identity("m", "report-1"), 'the same doc_id "report-1"'),
        (Identity("m", "report-9", "group-1"), 'the same group_id "group-1"'),
        (Identity("m", text="crimson otter loaded velkarat."), "the same text"),
    ],
)
def test_a_row_that_shares_anything_with_a_train_row_is_refused(trained, measured, shared):
    with pytest.raises(DataError, match="1 measured rows were trained on") as refused:
        refuse(trained, [Identity("fine", "report-8"), measured])
    assert f'row "{measured.id}": is measured, and train row "t1" has {shared}' in str(refused.value)


def test_other_rows_pass_and_empty_marks_mean_nothing(trained):
    refuse(trained, [Identity("m", "report-9", "", ""), Identity("n", "", "group-2", "Another text.")])


def test_every_leak_is_listed(trained):
    with pytest.raises(DataError, match="2 measured rows"):
        refuse(trained, [Identity("t1"), Identity("t2")])


def test_names_of_train_rows_are_known_folded(trained):
    assert trained.names == {"crimson otter", "velkarat"}
