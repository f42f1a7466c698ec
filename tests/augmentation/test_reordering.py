from __future__ import annotations

import random

import pytest

from kgtune.augmentation.editing import Document
from kgtune.augmentation.reordering import is_reordered, reorder, units_of
from kgtune.graph import Entity, Graph
from tests.annotated import make


@pytest.mark.parametrize(
    "text",
    [
        "One came. It left. They stayed.",
        "One came. Then two left. Bob stayed.",
        "第一句话。该组织离开。其成员留下。",
        "1. Vexa came.\n2. Latch ran.\n3. Moss ran.",
        "Vexa came in 2021. Latch ran in 2022. Moss ran in 2023.",
        "| a | b |\n\n| c | d |\n\n| e | f |",
        "Alpha came. Bravo left",
        "Vexa met 雾隼.Vexa ran 霜鹿.Vexa used 192.0.2.7.",
        "雾隼来过。霜鹿用192.0.2.7。砂狐来过。Vexa ran Latch.",
    ],
)
def test_what_may_be_told_in_order_stays_in_order(text: str) -> None:
    assert reorder(Document(text, Graph()), random.Random(1)) is None


def test_a_sentence_that_ends_in_an_abbreviation_runs_into_no_other() -> None:
    text = "Alpha came. Bravo left. Carol woke. Vexa ran Latch, Ltd."
    found = {reorder(Document(text, Graph()), random.Random(seed)) for seed in range(60)}
    assert None in found
    kept = found - {None}
    assert len(kept) >= 1
    assert all(one is not None and one.endswith(" Vexa ran Latch, Ltd.") for one in kept)


def test_units_of_one_evidence_move_together() -> None:
    example = make("Alpha came. Vexa ran Latch. Latch fell. Bob slept. Carol woke.", "Vexa", "Latch",
                   evidence="Vexa ran Latch. Latch fell.")  # fmt: skip
    texts = {reorder(Document(example.text, example.graph), random.Random(seed)) for seed in range(30)}
    assert len(texts) > 1
    assert all(text is not None and "Vexa ran Latch. Latch fell." in text for text in texts)


@pytest.mark.parametrize("mark", ["> ", "- ", "# ", "“", "(", "\U0001f600 "])
def test_a_word_that_leans_back_is_seen_behind_any_mark(mark: str) -> None:
    text = f"Alpha came.\n\nBravo left.\n\n{mark}However, it rained.\n\nCarol woke."
    assert units_of(Document(text, Graph())) is None  # only Carol could move


@pytest.mark.parametrize(
    "opener", ["曾多次活动", "主要利用漏洞", "攻击平台很多", "活跃时间不长", "早前也来过", "该组织很大"]
)
def test_a_chinese_sentence_without_a_subject_of_its_own_stays(opener: str) -> None:
    text = f"雾隼来过。霜鹿来过。{opener}。砂狐来过。"
    assert units_of(Document(text, Graph())) is None


def test_a_list_that_opens_the_text_keeps_its_first_item() -> None:
    text = "- one\n- two\n- three\n- four"
    found = {reorder(Document(text, Graph()), random.Random(seed)) for seed in range(20)}
    assert len(found) > 2
    assert all(one is not None and one.startswith("- one\n") for one in found)


def test_the_first_item_of_a_list_moves_only_where_something_stands_before_it() -> None:
    items = "- Vexa slept\n- Latch ran\n- Moss fell"
    opening, introduced = (units_of(Document(text, Graph())) for text in (items, f"What was seen\n{items}"))
    assert opening is not None
    assert introduced is not None
    assert (opening.movable, introduced.movable) == ((1, 2), (0, 1, 2))


def test_evidence_in_another_spelling_holds_its_units_together_too() -> None:
    example = make("Alpha came. Vexa ran Latch. Latch fell. Bob slept. Carol woke.", "Vexa", "Latch",
                   evidence="VEXA ran Latch. Latch fell.")  # fmt: skip
    texts = {reorder(Document(example.text, example.graph), random.Random(seed)) for seed in range(30)}
    assert len(texts) > 1
    assert all(text is not None and "Vexa ran Latch. Latch fell." in text for text in texts)


TEXT = "Alpha came. Bravo left. Carol woke. It rained. Dora slept. Echo rang."


def test_what_reorder_makes_is_reordered() -> None:
    document = Document(TEXT, Graph())
    for seed in range(20):
        text = reorder(document, random.Random(seed))
        assert text is not None
        assert text != TEXT
        assert is_reordered(document, text)


@pytest.mark.parametrize(
    "child",
    [
        "Bravo left. Alpha came. Carol woke. It rained. Dora slept. Echo rang.",  # the first one moved
        "Alpha came. Bravo left. It rained. Carol woke. Dora slept. Echo rang.",  # what leans back moved
        "Alpha came. Carol woke. It rained. Bravo left. Dora slept. Echo rang.",  # what it leans on moved
        "Alpha came. Dora slept. Carol woke. It rained. Dora slept. Echo rang.",  # one twice, one gone
        "Alpha came. Dora slept.  Carol woke. It rained. Bravo left.Echo rang.",  # other separators
        "Alpha came. Dora slept. Carol woke. It rained. Bravo left. Echo rang!",
        "Alpha came. Dora slept. Carol woke. It rained. Bravo left.",
    ],
)
def test_any_other_change_is_no_reordering(child: str) -> None:
    assert is_reordered(
        Document(TEXT, Graph()), "Alpha came. Dora slept. Carol woke. It rained. Bravo left. Echo rang."
    )
    assert not is_reordered(Document(TEXT, Graph()), child)


def test_a_text_in_which_nothing_may_move_has_no_reordering() -> None:
    text = "1. Vexa came.\n2. Latch ran.\n3. Moss ran."
    assert not is_reordered(Document(text, Graph((Entity("Tool", "e", "Latch"),))), text)
