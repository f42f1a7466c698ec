from __future__ import annotations

import random

from kgtune.splitting.grouping import Comparison, Units, sketched
from kgtune.splitting.near_duplicates import similarity, units

WORDS = "amber birch cobble dune ember fjord grove harbor island juniper kelp lagoon meadow nectar".split()


def text(number: int, length: int = 60) -> str:
    return " ".join(random.Random(number).choices(WORDS, k=length))


TEXTS = [text(1), f"{text(2)}\n{text(3)}", "short", f"{text(3)}\n{text(1)}\n{text(4)}"]


def filled() -> Units:
    found = Units()
    for position, one in enumerate(TEXTS):
        found.add(position, one)
    return found


def test_units_know_their_documents() -> None:
    found = filled()
    assert found.owners == [0, 1, 1, 1, 2, 3, 3, 3, 3]
    assert found.sizes[:1] == sketched(TEXTS[0])[0]


def test_units_follow_their_documents_into_another_order_and_some_go() -> None:
    found = filled().reordered([3, 0, 2])
    assert found.owners == [0, 0, 0, 0, 1, 2]
    assert found.rows == [*sketched(TEXTS[3])[1], *sketched(TEXTS[0])[1], *sketched(TEXTS[2])[1]]
    assert Units().reordered([]) == Units()


def test_units_are_compared_by_their_texts_which_are_asked_for_once() -> None:
    asked = []

    def text_of(position: int) -> str:
        asked.append(position)
        return TEXTS[position]

    compare = Comparison(filled(), text_of)
    assert compare.similarity(0, 7) == 1.0  # the first text is the second paragraph of the last
    assert compare.similarity(3, 6) == 1.0
    assert compare.similarity(0, 1) == similarity(units(TEXTS[0])[0], units(TEXTS[1])[0])
    assert asked == [0, 3, 1]
