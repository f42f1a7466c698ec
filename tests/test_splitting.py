from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgtune import placement
from kgtune.cards import card_of
from kgtune.examples import Example, Split, counts_by
from kgtune.graph import Entity, Graph
from kgtune.grouping import Units, with_groups
from kgtune.placement import Placed, place
from kgtune.split_lock import Lock

WORDS = (
    "amber birch cobble dune ember fjord grove harbor island juniper kelp lagoon meadow nectar orchid pebble".split()
)


def text_of(number: int, length: int = 30) -> str:
    return " ".join(random.Random(number).choices(WORDS, k=length)) + f" {number}."


def example(number: int, *, lang: str = "en", text: str = "", doc: str = "", split: Split | None = None) -> Example:
    graph = Graph((Entity("Tool", "e1", "Latch"),))
    identity = f"r{number:03}"
    return Example(identity, doc or identity, "", split, lang, "", text or text_of(number), graph)


@dataclass(frozen=True)
class Shares:
    validation_ratio: float
    test_ratio: float
    seed: int


def placed(
    examples: list[Example], validation: float = 0.1, test: float = 0.1, seed: int = 42, lock: Lock | None = None
) -> Placed:
    units = Units()
    for position, one in enumerate(examples):
        units.add(position, one.text)
    cards = [card_of(one) for one in examples]
    return place(cards, units, examples.__getitem__, Shares(validation, test, seed), lock)


def split_by_group(examples: list[Example], validation: float, test: float, seed: int) -> list[Example]:
    found = placed(examples, validation, test, seed)
    return [
        replace(examples[position], group_id=group, split=split)
        for position, group, split in zip(found.positions, found.groups, found.splits, strict=True)
    ]


def divided_groups(examples: list[Example]) -> list[str]:
    found = placed(examples)
    return placement.divided_groups(found.groups, found.splits)


def grouped(examples: list[Example]) -> set[frozenset[str]]:
    groups = defaultdict(set)
    for one in with_groups(examples):
        groups[one.group_id].add(one.id)
    return {frozenset(ids) for ids in groups.values()}


def test_one_document_is_one_group() -> None:
    assert grouped([example(1, doc="d"), example(2, doc="d"), example(3)]) == {
        frozenset({"r001", "r002"}), frozenset({"r003"})
    }  # fmt: skip


def test_groups_join_through_a_shared_document() -> None:
    long = text_of(1, 80)
    close = long.replace("amber", "umber", 3)
    assert len(grouped([example(1, doc="d"), example(2, doc="d", text=long), example(3, doc="a", text=close)])) == 1


def test_texts_that_differ_in_case_and_width_only_are_one_group() -> None:
    assert len(grouped([example(1, text="Ａ ｌｏｃａｌ text"), example(2, text="a LOCAL  text")])) == 1


def test_near_duplicates_are_one_group_and_others_are_not() -> None:
    long = text_of(1, 80)
    close = long.replace("amber", "umber", 3)
    half = long[: len(long) // 2] + text_of(9, 40)
    assert grouped([example(1, text=long), example(2, text=close), example(3, text=half)]) == {
        frozenset({"r001", "r002"}), frozenset({"r003"})
    }  # fmt: skip


def test_a_shared_long_paragraph_joins_two_reports() -> None:
    boilerplate = text_of(5, 60)
    one, two = f"{text_of(1, 90)}\n\n{boilerplate}", f"{boilerplate}\n\n{text_of(2, 90)}"
    assert len(grouped([example(1, text=one), example(2, text=two)])) == 1


def test_a_given_group_is_kept_and_joins() -> None:
    one, two = replace(example(1), group_id="g"), replace(example(2), group_id="g")
    assert [e.group_id for e in with_groups([one, two])] == ["g", "g"]


def test_quotas_are_exact_and_every_language_is_held_out() -> None:
    examples = with_groups([example(n, lang="zh" if n % 2 else "en") for n in range(100)])
    split = split_by_group(examples, 0.1, 0.2, 42)
    assert counts_by(split, "split") == {"train": 70, "test": 20, "validation": 10}
    assert counts_by([e for e in split if e.split == "test"], "lang") == {"en": 10, "zh": 10}


def test_neither_order_nor_company_within_a_seed_changes_a_split() -> None:
    examples = with_groups([example(n) for n in range(60)])
    split = {e.id: e.split for e in split_by_group(examples, 0.1, 0.1, 42)}
    shuffled = list(examples)
    random.Random(1).shuffle(shuffled)
    assert {e.id: e.split for e in split_by_group(shuffled, 0.1, 0.1, 42)} == split
    assert {e.id: e.split for e in split_by_group(examples, 0.1, 0.1, 43)} != split


def test_a_split_given_by_hand_is_kept_and_its_group_follows() -> None:
    examples = with_groups(
        [example(1, doc="d", split="test"), example(2, doc="d"), *[example(n) for n in range(3, 30)]]
    )
    split = {e.id: e.split for e in split_by_group(examples, 0.1, 0.1, 42)}
    assert (split["r001"], split["r002"]) == ("test", "test")


def test_groups_divided_by_hand_are_named() -> None:
    examples = with_groups([example(1, doc="d", split="test"), example(2, doc="d", split="train")])
    assert divided_groups(examples) == ["d"]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_too_few_documents_are_all_train(number: int) -> None:
    assert {e.split for e in split_by_group(with_groups([example(n) for n in range(number)]), 0.1, 0.1, 1)} <= {"train"}


def test_a_dozen_documents_hold_out_at_least_one_each() -> None:
    split = split_by_group(with_groups([example(n) for n in range(12)]), 0.05, 0.05, 42)
    assert counts_by(split, "split") == {"train": 10, "test": 1, "validation": 1}


@pytest.mark.property
@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 12), st.sampled_from(["zh", "en"])), max_size=25),
    st.floats(0, 0.4), st.floats(0, 0.4), st.integers(0, 9),
)  # fmt: skip
def test_no_group_stands_in_two_splits(
    made: list[tuple[int, int, str]], validation: float, test: float, seed: int
) -> None:
    examples = with_groups(
        [replace(example(n, doc=f"d{doc}", lang=lang), text=text_of(text)) for n, (doc, text, lang) in enumerate(made)]
    )
    split = split_by_group(examples, validation, test, seed)
    assert divided_groups(split) == []
    assert all(e.split in ("train", "validation", "test") for e in split)
    texts = defaultdict(set)
    for e in split:
        texts[e.text].add(e.split)
    assert all(len(found) == 1 for found in texts.values())
