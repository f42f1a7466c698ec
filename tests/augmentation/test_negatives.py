from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

from kgtune.augmentation.negatives import compose, kind_of
from kgtune.augmentation.tables import tables

T = tables()


def drawn(lang: str, number: int = 400) -> list:
    return [compose(lang, random.Random(seed), T) for seed in range(number)]


def test_most_are_hard_and_every_theme_comes_up() -> None:
    for lang in ("zh", "en"):
        made = drawn(lang)
        kinds = Counter(kind_of(example.group_id) for example in made)
        assert 0.7 < kinds["hard"] / len(made) < 0.9
        assert {example.group_id.rpartition("-")[2] for example in made} == {*T[lang].hard, *T[lang].easy}
        assert {example.lang for example in made} == {lang}


def test_they_are_as_long_as_reports_and_as_short_as_a_line() -> None:
    lengths = sorted(len(example.text) for example in drawn("en"))
    assert lengths[0] < 60
    assert lengths[-1] > 500
    assert len({example.text for example in drawn("en")}) > 370


def test_the_group_tells_what_a_row_is() -> None:
    made = drawn("zh", 40)
    for example in made:
        operation, kind, lang, theme = example.group_id.split("-")
        assert (operation, lang, example.aug, example.split) == ("empties", "zh", "empties", "train")
        sentences = (T["zh"].hard if kind == "hard" else T["zh"].easy)[theme]
        assert any(sentence in example.text for sentence in sentences)
    assert [kind_of(group) for group in ("r1", "empties-x", "empties-easy-zh-weather", "")] == [
        None,
        None,
        "easy",
        None,
    ]


def test_a_mixed_document_gets_one_of_either_language() -> None:
    assert {example.lang for example in drawn("mixed", 40)} == {"zh", "en"}


def test_without_a_sentence_left_there_is_none() -> None:
    bare = {"en": replace(T["en"], hard={"policy": ()}, easy={"weather": ()})}
    assert compose("en", random.Random(1), bare) is None
