"""Empty gold graphs: easy when the text speaks of other things, hard when it speaks of security."""

from __future__ import annotations

import random

import pytest

from kgtune.augmentation import negatives
from kgtune.augmentation.tables import tables
from kgtune.scoring.negatives import kind_of


def test_a_document_with_items_is_no_negative():
    assert kind_of(is_empty=False, text="malware", stated="hard_negative") == "none"


def test_every_text_that_augmentation_writes_is_sorted_as_it_was_written():
    made = [
        negatives.compose(language, random.Random(seed), tables()) for language in ("en", "zh") for seed in range(60)
    ]
    kinds = {
        (example.group_id.split("-")[1], kind_of(is_empty=True, text="", group_id=example.group_id)) for example in made
    }
    assert kinds == {("hard", "hard_negative"), ("easy", "easy_negative")}


def test_what_the_row_says_goes_first():
    assert (
        kind_of(is_empty=True, text="attack", group_id="empties-hard-en-policy", stated="easy_negative")
        == "easy_negative"
    )


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Spyware is malware that watches a user.", "hard_negative"),
        ("Groups of attackers often share tools.", "hard_negative"),
        ("周一的讲座介绍团队如何应对威胁。", "hard_negative"),
        ("Check the logs twice a day.", "hard_negative"),
        ("The bus stop was moved by 40 meters.", "easy_negative"),
        ("A catalogue of logic puzzles.", "easy_negative"),
        ("湖水适合游泳。", "easy_negative"),
        (None, "easy_negative"),
    ],
)
def test_else_the_words_tell(text, kind):
    assert kind_of(is_empty=True, text=text) == kind
