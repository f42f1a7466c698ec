from __future__ import annotations

import random
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgtune.folding import fold
from kgtune.splitting.near_duplicates import (
    HeldOut,
    estimated,
    is_near,
    likely_pairs,
    similarity,
    sketch,
    stacked,
    units,
)

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def words(rng: random.Random, number: int) -> list[str]:
    return ["".join(rng.choices(LETTERS, k=rng.randint(3, 8))) for _ in range(number)]


def plain_similarity(one: str, other: str) -> float:
    sets = [{zlib.crc32(t[i : i + 5].encode()) for i in range(max(1, len(t) - 4))} for t in (one, other)]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


@pytest.mark.property
@given(st.text(max_size=60), st.text(max_size=60))
def test_similarity_is_that_of_the_sets_of_5_grams(one: str, other: str) -> None:
    left, right = (np.asarray(units(text)[0]) for text in (one, other))
    assert similarity(left, right) == pytest.approx(plain_similarity(fold(one).key, fold(other).key))


def test_the_units_are_the_whole_and_each_long_paragraph_once() -> None:
    rng = random.Random(1)
    long, short = " ".join(words(rng, 60)), "Short."
    assert [len(unit) for unit in units(f"{short}\n{short}")] == [len(units(f"{short} {short}")[0])]
    found = units(f"{long}\n\n{short}\n{long}")
    assert len(found) == 2
    assert similarity(found[1], units(long)[0]) == 1.0
    assert len(units(long)) == 1


def test_a_paragraph_is_hashed_alike_alone_and_inside_a_text() -> None:
    rng = random.Random(2)
    paragraphs = [" ".join(words(rng, 50)), "  indented " + " ".join(words(rng, 50)), "海莲花 组织 " * 60]
    for paragraph, unit in zip(paragraphs, units("\n".join(paragraphs))[1:], strict=True):
        assert similarity(unit, units(paragraph)[0]) == 1.0


def test_a_sketch_has_one_byte_a_bin_and_estimates_the_similarity() -> None:
    rng = random.Random(3)
    errors = []
    for share in (0.0, 0.1, 0.2, 0.5):
        for _ in range(20):
            base = words(rng, 200)
            changed = [word if rng.random() > share else words(rng, 1)[0] for word in base]
            pair = [units(" ".join(text))[0] for text in (base, changed)]
            rows = stacked(sketch(unit) for unit in pair)
            assert rows.shape == (2, 128)
            errors.append(abs(estimated(rows, np.array([0]), np.array([1]))[0] - similarity(*pair)))
    assert max(errors) < 0.2
    assert sum(errors) / len(errors) < 0.05


@pytest.mark.parametrize("number", [400, 4_000])
def test_near_duplicates_are_among_the_likely_pairs_of_few_and_of_many_texts(number: int) -> None:
    rng = random.Random(number)
    texts = [words(rng, 40) for _ in range(number)]
    planted = {}
    for index in range(0, 120, 2):  # the second of each pair has 3 to 12 % other words, about 0.72 to 0.93 similar
        texts[index + 1] = [word if rng.random() > 0.03 + index / 1300 else "zz" + word for word in texts[index]]
        planted[index] = similarity(*(units(" ".join(texts[i]))[0] for i in (index, index + 1)))
    shingles = [units(" ".join(text))[0] for text in texts]
    found = set(likely_pairs(stacked(map(sketch, shingles)), [len(unit) for unit in shingles]))
    missed = [
        index
        for index, value in planted.items()
        if value >= 0.7 and not {(index, index + 1), (index + 1, index)} & found
    ]
    assert sum(value >= 0.7 for value in planted.values()) >= 40
    assert missed == []
    # The others are compared in vain; 400 texts have 79,800 pairs, 4,000 have 7,998,000.
    assert len(found) < number


def test_the_sketch_of_a_text_of_one_character_is_full_too() -> None:
    (unit,) = units("x")
    assert len(sketch(unit)) == 128
    assert list(likely_pairs(stacked([sketch(unit)] * 2), [1, 1])) == [(0, 1)]


def test_held_out_documents_that_a_text_comes_near_to_are_found_and_no_others() -> None:
    rng = random.Random(5)
    texts = [" ".join(words(rng, 60)) for _ in range(40)]
    rows = [(owner, unit) for owner, text in enumerate(texts) for unit in units(text)]
    held_out = HeldOut([o for o, _ in rows], [len(u) for _, u in rows], [sketch(u) for _, u in rows])
    for owner, text in enumerate(texts):
        near = text.split()
        near[rng.randrange(60)] = "another"
        assert held_out.candidates(" ".join(near)) == (owner,)
        assert is_near(" ".join(near), [text])
    stranger = " ".join(words(rng, 60))
    assert held_out.candidates(stranger) == ()
    assert not is_near(stranger, texts)
    assert HeldOut([], [], []).candidates(stranger) == ()
