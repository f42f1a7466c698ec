"""An answer item by item while it grows: nothing twice, nothing that the whole answer has not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgtune.extraction.extractor import CANNED_ANSWER
from kgtune.extraction.selection import Wanted, select
from kgtune.graph import dumps
from kgtune.service.refusals import RefusalError
from kgtune.service.unfolding import Unfolding
from tests.extraction.test_incremental import GRAPHS

TEXT = "GlassViper used NightLoom against Northwind Bank."


def shown(answers):
    unfolding = Unfolding(TEXT, Wanted())
    return [[item.get("name") or item["type"] for item in unfolding.read(answer)] for answer in answers]


def test_each_answer_so_far_shows_what_it_completes():
    answers = [CANNED_ANSWER[: CANNED_ANSWER.index(end)] for end in (',{"labels":"Tool"', '],"rel', '],"rel')]
    assert shown([*answers, CANNED_ANSWER]) == [["GlassViper"], ["NightLoom", "Northwind Bank"], [], ["USE", "ATTACK"]]


@given(GRAPHS, st.data())
def test_however_it_is_cut_it_shows_what_the_whole_shows(graph, data):
    answer = dumps(graph)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(answer)), max_size=8)))
    unfolding = Unfolding(TEXT, Wanted())
    items = [item for cut in [*cuts, len(answer)] for item in unfolding.read(answer[:cut])]
    unfolding.selection.finish()
    whole, selection = select(graph, TEXT, Wanted())
    assert [item for item in items if "type" not in item] == whole["entities"]
    assert [item for item in items if "type" in item] == whole["relationships"]
    assert unfolding.selection.graph == selection.graph


def test_an_answer_that_is_begun_again_catches_up():
    part = CANNED_ANSWER[: CANNED_ANSWER.index('],"rel')]
    assert shown([part, "", part[:90], part, CANNED_ANSWER]) == [
        ["GlassViper", "NightLoom", "Northwind Bank"], [], [], [], ["USE", "ATTACK"],
    ]  # fmt: skip


def test_an_answer_that_comes_out_otherwise_is_refused():
    with pytest.raises(RefusalError, match="begun anew") as caught:
        shown([CANNED_ANSWER[:120], CANNED_ANSWER.replace("GlassViper", "NorthMoth")])
    assert (caught.value.status, caught.value.headers) == (503, {"Retry-After": "1"})
