from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgtune.conversion.cards import card_of
from kgtune.examples import Example, Split, counts_by
from kgtune.graph import Entity, Graph
from kgtune.splitting import placement
from kgtune.splitting.grouping import Units, with_groups
from kgtune.splitting.placement import Placed, place
from kgtune.splitting.split_lock import Lock
from kgtune.splitting.splitting import NOTHING, Assigned, Group, assign

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


def group(number: int, *labels: str, lang: str = "en", size: int = 1) -> Group:
    return Group(f"g{number:03}", size, lang, labels or (NOTHING,))


RATIOS: dict[Split, float] = {"test": 0.1, "validation": 0.1}


def having(groups: list[Group], assigned: Assigned, label: str) -> dict[str, int]:
    return counts_by_split([g for g in groups if label in g.labels], assigned)


def counts_by_split(groups: list[Group], assigned: Assigned) -> dict[str, int]:
    found = {"train": 0, "validation": 0, "test": 0}
    for one in groups:
        found[assigned.splits[one.id]] += one.size
    return found


def test_every_label_is_in_every_split_in_proportion_the_rare_ones_too() -> None:
    rng = random.Random(4)
    groups = []
    for number in range(200):
        labels = ["Tool"] + ["Target"] * (number % 2) + ["Asset"] * (rng.random() < 0.1) + ["Tactic"] * (number < 3)
        groups.append(group(number, *sorted(set(labels))))
    assigned = assign(groups, RATIOS, 42)
    assert counts_by_split(groups, assigned) == {"train": 160, "validation": 20, "test": 20}
    assert having(groups, assigned, "Tactic") == {"train": 1, "validation": 1, "test": 1}
    assert all(8 <= having(groups, assigned, "Target")[split] <= 12 for split in ("test", "validation"))
    assert all(1 <= having(groups, assigned, "Asset")[split] <= 4 for split in ("test", "validation"))


def test_labels_of_fewer_than_three_groups_stay_in_train_and_are_named() -> None:
    groups = [group(number, "Tool", *(["Odd"] if number in {4, 9} else [])) for number in range(40)]
    for seed in range(20):
        assigned = assign(groups, RATIOS, seed)
        assert assigned.rare_labels == ("Odd",)
        assert having(groups, assigned, "Odd") == {"train": 2, "validation": 0, "test": 0}
        assert counts_by_split(groups, assigned) == {"train": 32, "validation": 4, "test": 4}


@pytest.mark.parametrize("number", [1, 2])
def test_a_group_with_a_rare_label_stays_in_train_whatever_else_it_holds(number: int) -> None:
    groups = [Group(f"g{n:02}", 1, "en", ("Tool", "Odd") if n < number else ("Tool",)) for n in range(12)]
    for seed in range(40):
        splits = assign(groups, {"validation": 0.25, "test": 0.25}, seed).splits
        assert {splits[group.id] for group in groups[:number]} == {"train"}


def test_where_every_label_is_rare_something_is_held_out_all_the_same() -> None:
    groups = [group(number, f"L{number}") for number in range(6)]
    assigned = assign(groups, RATIOS, 1)
    assert len(assigned.rare_labels) == 6
    assert counts_by_split(groups, assigned) == {"train": 4, "validation": 1, "test": 1}


def test_languages_come_first_and_empty_documents_are_spread_like_a_label() -> None:
    groups = [group(n, *(["Tool"] if n % 10 else []), lang="zh" if n % 4 else "en") for n in range(200)]
    assigned = assign(groups, RATIOS, 7)
    for lang, number in (("en", 5), ("zh", 15)):
        found = counts_by_split([g for g in groups if g.lang == lang], assigned)
        assert (found["test"], found["validation"]) == (number, number)
    empty = counts_by_split([g for g in groups if g.labels == (NOTHING,)], assigned)
    assert 1 <= empty["test"] <= 3
    assert 1 <= empty["validation"] <= 3


def test_a_group_larger_than_the_room_is_held_out_only_when_nothing_else_is() -> None:
    groups = [group(1, "Tool", size=50), group(2, "Tool", size=40), group(3, "Tool", size=30)]
    assert counts_by_split(groups, assign(groups, RATIOS, 1)) == {"train": 50, "validation": 40, "test": 30}
    groups += [group(number, "Tool") for number in range(4, 24)]
    assigned = assign(groups, RATIOS, 1)
    assert all(assigned.splits[f"g00{number}"] == "train" for number in (1, 2, 3))


def test_fixed_groups_stay_and_count() -> None:
    groups = [group(number, "Tool") for number in range(30)]
    fixed: dict[str, Split] = {"g000": "test", "g001": "test", "g002": "test", "g003": "test", "g004": "train"}
    assigned = assign(groups, RATIOS, 3, fixed)
    assert {identity: assigned.splits[identity] for identity in fixed} == fixed
    assert counts_by_split(groups, assigned) == {"train": 23, "validation": 3, "test": 4}


@pytest.mark.property
@given(
    st.lists(
        st.tuples(st.sets(st.sampled_from("ABCDE"), max_size=3), st.sampled_from(["zh", "en"]), st.integers(1, 4)),
        max_size=40,
    ),
    st.integers(0, 5),
)
def test_no_split_takes_more_than_its_share_unless_it_would_be_empty(
    made: list[tuple[set[str], str, int]], seed: int
) -> None:
    groups = [group(n, *sorted(labels), lang=lang, size=size) for n, (labels, lang, size) in enumerate(made)]
    assigned = assign(groups, RATIOS, seed)
    found = counts_by_split(groups, assigned)
    assert set(assigned.splits) == {g.id for g in groups}
    for split in ("test", "validation"):
        share = max(1, round(0.1 * sum(g.size for g in groups)))
        in_split = [g for g in groups if assigned.splits[g.id] == split]
        assert found[split] <= share or len(in_split) == 1
    if len(groups) >= 3:
        assert all(found.values())
