from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from kgtune.conversion.cards import card_of
from kgtune.examples import Example, Split
from kgtune.graph import Entity, Graph
from kgtune.splitting import leaks
from kgtune.splitting.grouping import Units

WORDS = (
    "amber birch cobble dune ember fjord grove harbor island juniper kelp lagoon meadow nectar orchid pebble".split()
)


def row(number: int, split: Split, *names: str, text: str = "") -> Example:
    written = text or " ".join(random.Random(number).choices(WORDS, k=60)) + f" {number}."
    graph = Graph(tuple(Entity("Tool", f"e{i}", name) for i, name in enumerate(names, start=1)))
    return Example(f"r{number:03}", f"r{number:03}", f"r{number:03}", split, "en", "", written, graph)


def reported(rows: list[Example]) -> dict[str, Any]:
    units = Units()
    for position, one in enumerate(rows):
        units.add(position, one.text)
    splits = [one.split for one in rows if one.split]
    cards = [card_of(one) for one in rows]
    return leaks.report(cards, [one.group_id for one in rows], splits, units, lambda position: rows[position].text)


CLEAN = [row(n, "train", "Vexa", "Latch") for n in range(8)] + [row(8, "test", "Latch", "Moss"), row(9, "validation")]


def test_documents_of_their_own_are_clean() -> None:
    found = reported(CLEAN)
    assert (found["is_clean"], found["groups_divided"], found["divided"]) == (True, 0, [])
    assert 0 < found["highest_similarity_across_splits"] < 0.7
    assert leaks.lines(found, [])[0] == "leaks: none found"


def test_a_group_in_two_splits_turns_the_report_red() -> None:
    found = reported([*CLEAN, replace(row(10, "test"), group_id="r001")])
    assert (found["is_clean"], found["groups_divided"], found["divided"]) == (False, 1, ["r001"])
    told = leaks.lines(found, [])
    assert told[0].startswith("leaks: FOUND")
    assert told[1] == "  groups in two splits: 1 (r001)"


@pytest.mark.parametrize("number", [0, 1500])
def test_a_near_duplicate_planted_in_another_split_turns_the_report_red(number: int) -> None:
    planted = row(500, "test", text=CLEAN[3].text.replace("amber", "umber", 1) + " More.")
    others = [row(n, "train") for n in range(1000, 1000 + number)]  # more than are compared pair by pair
    found = reported([*CLEAN, *others, planted])
    assert not found["is_clean"]
    assert found["highest_similarity_across_splits"] > 0.85
    assert set(found["most_similar"]) == {"r003", "r500"}


def test_a_near_duplicate_within_a_split_is_no_leak() -> None:
    assert reported([*CLEAN, row(11, "train", text=CLEAN[3].text + " More.")])["is_clean"]


def test_names_are_counted_once_and_told_seen_from_unseen_without_regard_to_case() -> None:
    rows = [row(1, "train", "Vexa", "latch"), row(2, "test", "LATCH", "Latch", "Moss"), row(3, "validation", "Hook")]
    found = reported(rows)["names"]
    assert found["test"] == {"names": 2, "seen_in_train": 1, "unseen": 1, "seen_rate": 0.5}
    assert found["validation"] == {"names": 1, "seen_in_train": 0, "unseen": 1, "seen_rate": 0.0}


def test_rare_labels_are_named() -> None:
    assert leaks.lines(reported(CLEAN), ["Tactic", "Odd"])[-1].endswith("Tactic, Odd")


def test_a_corpus_of_train_rows_alone_has_nothing_to_leak() -> None:
    found = reported(CLEAN[:8])
    assert (found["is_clean"], found["highest_similarity_across_splits"], found["names"]) == (True, 0.0, {})
