"""How an answer is read, once."""

from __future__ import annotations

import pytest

from kgtune.scoring.documents import judge, judge_graph
from tests.scoring.build import GOLD, NOTHING, RIGHT, document


def test_a_strict_answer_is_its_own_repair():
    found = judge(document(), RIGHT)
    assert found.graph == found.repaired == GOLD
    assert (found.is_json, found.faults) == (True, {})


@pytest.mark.parametrize(
    ("answer", "is_json", "repaired", "faults"),
    [
        (f"[{RIGHT}]", True, GOLD, {"array_root": 1}),
        (f"```\n{RIGHT}\n```", False, GOLD, {"code_fence": 1}),
        (NOTHING, False, None, {"not_json": 1}),
        (None, False, None, {"no_answer": 1}),
    ],
)
def test_a_broken_answer_is_no_graph_whatever_the_repair_gives(answer, is_json, repaired, faults):
    found = judge(document(), answer, is_truncated=True)
    assert found.graph is None
    assert (found.is_json, found.repaired, found.faults) == (is_json, repaired, faults)


def test_a_graph_without_a_text_says_nothing_of_details_unless_told():
    assert judge_graph(document(), GOLD).has_details is False
    assert judge_graph(document(), GOLD, has_details=True).has_details is True
    assert judge_graph(document(), GOLD).answer is None


def test_the_unit_is_the_document_and_a_row_without_one_is_its_own():
    assert document(3, doc_id="d").unit == "d"
    assert document(3).unit == "row-3"
