from __future__ import annotations

import pytest

from kgtune.augmentation.tables import tables
from kgtune.augmentation.vetting import Vetted, vet
from kgtune.grounding import Haystack, match_key

T = tables()


def vetted(*names: str, label_words: tuple[str, ...] = ()) -> Vetted:
    return vet(T, {name: match_key(name) for name in names}, label_words)


def test_nothing_is_taken_out_for_nothing() -> None:
    lists = vetted("Vexa", "雾隼")
    assert lists.tables == T
    assert (lists.spanning, lists.left_out) == ((), {})


@pytest.mark.parametrize(
    ("name", "gone", "kept"),
    [
        ("Often Ltd", "often", "mostly"),
        ("Lately Group", "lately,", "often"),
        ("Softener Inc", "mostly", ""),  # "often" is no word of it
        ("近期工业", "近期", "近日"),
        ("非常会社", "非常", "极其"),
    ],
)
def test_words_of_a_name_are_neither_written_nor_replaced(name: str, gone: str, kept: str) -> None:
    words = {word for table in vetted(name).tables.values() for word in table.synonyms}
    everything = {word for table in T.values() for word in table.synonyms}
    if name == "Softener Inc":
        assert words == everything
    else:
        assert gone in everything - words
        assert kept in words


def test_a_group_of_one_word_is_none() -> None:
    assert "frequently" not in vetted("Often Ltd").tables["en"].synonyms


def test_the_ontologys_words_are_left_alone() -> None:
    words = vetted("Vexa", label_words=("often", "多次")).tables
    assert "often" not in words["en"].synonyms
    assert "多次" not in words["zh"].synonyms
    assert "mostly" in words["en"].synonyms


def test_sentences_with_a_name_are_left_out_and_counted() -> None:
    lists = vetted("Backup", "dough", "沙箱", "editors")
    left = [sentence for table in lists.tables.values() for sentence in table.sentences()]
    haystacks = [Haystack(sentence) for sentence in left]
    assert not any(haystack.first(name) for haystack in haystacks for name in ("Backup", "dough", "沙箱", "editors"))
    everything = [sentence for table in T.values() for sentence in table.sentences()]
    assert lists.left_out["affixes"] + lists.left_out["empties"] == len(everything) - len(left) > 5


def test_a_name_that_two_sentences_could_form_is_watched() -> None:
    assert vetted("Vexa", "St. Vexa", "雾。隼", "evil.example", "Vexa.").spanning == ("St. Vexa", "雾。隼")
