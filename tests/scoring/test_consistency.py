"""How far several answers to one text agree."""

from __future__ import annotations

from dataclasses import replace

from kgtune.graph import Graph
from kgtune.scoring.consistency import Agreement
from tests.scoring.build import ACTOR, GOLD, QUICK, TOOL, USE


def agreed(*texts):
    made = Agreement()
    for number, graphs in enumerate(texts):
        made.add(f"d{number}", graphs)
    return made.result(QUICK)


def value(found, thing):
    return found[f"{thing}_jaccard"]["value"]


def test_one_answer_agrees_with_nothing():
    assert agreed([GOLD]) is None
    assert Agreement().result(QUICK) is None


def test_equal_answers_agree_whatever_their_ids():
    renamed = Graph((replace(TOOL, id="b"), replace(ACTOR, id="a")), (replace(USE, source="a", target="b"),))
    found = agreed([GOLD, renamed, GOLD])
    assert (value(found, "entity"), value(found, "relationship"), found["num_runs"]) == (1.0, 1.0, 3)


def test_the_index_is_the_mean_over_all_pairs_of_answers():
    found = agreed([GOLD, GOLD, Graph((ACTOR,), ())])
    assert value(found, "entity") == round((1 + 0.5 + 0.5) / 3, 4)
    assert value(found, "relationship") == 0.3333


def test_answers_that_say_nothing_agree_and_an_unreadable_one_says_nothing():
    assert value(agreed([None, Graph()]), "entity") == 1.0
    assert value(agreed([None, GOLD]), "entity") == 0.0


def test_documents_are_averaged_with_an_interval():
    found = agreed(*[[GOLD, GOLD]] * 15, *[[GOLD, None]] * 5)
    assert value(found, "relationship") == 0.75
    assert 0.5 < found["relationship_jaccard"]["low"] < 0.75 < found["relationship_jaccard"]["high"] < 0.95
