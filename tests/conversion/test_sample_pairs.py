from __future__ import annotations

from kgtune.augmentation.augment import augment
from kgtune.conversion.sample_pairs import as_text
from tests.annotated import EN, ZH, every


def test_originals_stand_beside_their_variants_the_operations_in_turn() -> None:
    variants, _ = augment([EN, ZH], every(), 1)
    text = as_text([EN, ZH, *variants], 1)
    heads = [line for line in text.split("\n") if line[:1].isdigit()]
    assert len(heads) == len([v for v in variants if v.aug != "empties"]) > 3
    assert len({head.split()[1] for head in heads[:2]}) == 2
    assert text.count("\n  original\n") == text.count("\n  variant\n") == len(heads)
    assert "    " + EN.text in text


def test_a_sample_is_the_same_each_time_and_of_bounded_size() -> None:
    variants, _ = augment([EN, ZH], every(), 1)
    rows = [EN, ZH, *variants]
    assert as_text(rows, 1, 2) == as_text(rows[::-1], 1, 2)
    assert as_text(rows, 1, 2).count("  variant") == 2
    assert as_text([EN], 1) == "no variants\n"
