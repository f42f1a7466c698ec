from __future__ import annotations

import re
from pathlib import Path

import pytest

from kgtune import iocs, ontology
from kgtune.augmentation.tables import tables
from kgtune.augmentation.tables.common_words import COMMON_WORDS
from kgtune.augmentation.tables.user_words import with_user_words
from kgtune.errors import ConfigError
from tests.invariant_checks import LABEL_BEARING


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_tables_keep_their_own_rules(language: str) -> None:
    table = tables()[language]
    sentences = [*table.prefixes, *table.suffixes, *(s for theme in table.empties.values() for s in theme)]
    assert len(table.prefixes) >= 20
    assert len(table.suffixes) >= 20
    assert len(sentences) == len(set(sentences)) >= 110
    for sentence in sentences:
        assert not iocs.iocs(sentence), sentence
        assert not re.search(r"\d", sentence), sentence
        assert sentence.endswith("。" if language == "zh" else ".")
    for word, others in table.synonyms.items():
        assert word not in others
        assert len(set(others)) == len(others) > 0
        assert all((word[-1] in ",，") == (other[-1] in ",，") for other in others)


def test_no_synonym_bears_a_label() -> None:
    words = [w for t in tables().values() for key, others in t.synonyms.items() for w in (key, *others)]
    assert len(words) > 150
    assert [w for w in words if any(bad in w for bad in LABEL_BEARING)] == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_hard_negatives_come_in_variety(language: str) -> None:
    table = tables()[language]
    sentences = [sentence for theme in table.hard.values() for sentence in theme]
    assert len(table.hard) >= 6
    assert len(set(sentences)) >= 150
    assert min(len(theme) for theme in table.hard.values()) >= 20
    assert set(table.hard) == set(tables()["en"].hard)
    assert not set(table.hard) & set(table.easy)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_word_may_be_put_back_and_stands_in_one_group(language: str) -> None:
    table = tables()[language]
    words = [word for group in (*table.openers, *table.groups) for word in group]
    assert len(words) == len(set(words)) > 50
    assert set(words) == set(table.synonyms)
    pairs = [(word, other) for word, others in table.synonyms.items() for other in others]
    assert all(word in table.synonyms[other] for word, other in pairs)
    assert {*table.not_before, *table.not_after} <= set(words)


def ontology_words() -> set[str]:
    words = set()
    for name in ontology.SHIPPED:
        shipped = ontology.load(name)
        for item in (*shipped.labels, *shipped.types):
            words |= {item.name.replace("-", " ").replace("_", " ").lower(), item.zh, item.en}
    return words - {""}


def test_no_synonym_is_part_of_an_ontology_name_or_holds_one() -> None:
    names = ontology_words()
    assert len(names) > 100
    for language, table in tables().items():
        for word in table.synonyms:
            bare = word.strip(",，")
            for name in names:
                pattern = r"(?<![a-z]){}(?![a-z])" if language == "en" else "{}"
                assert not re.search(pattern.format(re.escape(bare)), name), (word, name)
                assert not re.search(pattern.format(re.escape(name)), bare), (word, name)


def test_no_negative_names_an_actor_a_tool_or_a_place() -> None:
    """English ones by their capitals: inside a sentence there is none but that of a pronoun."""
    table = tables()["en"]
    sentences = [sentence for theme in table.empties.values() for sentence in theme]
    capitals = {word for sentence in sentences for word in re.findall(r"(?<=[a-z,;] )[A-Z]\w*", sentence)}
    assert capitals == set()
    for language in ("zh", "en"):
        for sentence in tables()[language].sentences():
            assert not [
                word for word in COMMON_WORDS if len(word) > 2 and f" {word} " in f" {sentence} " and word[0].isupper()
            ]


def test_common_words_are_casefolded_and_many() -> None:
    assert len(COMMON_WORDS) > 300
    assert all(word == word.casefold() == word.strip() for word in COMMON_WORDS)
    assert {"russia", "俄罗斯", "政府", "government"} <= COMMON_WORDS


def words_file(folder: Path, text: str) -> str:
    path = folder / "words.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_without_a_file_the_lists_are_the_shipped_ones() -> None:
    assert with_user_words(None) == tables()


def test_a_users_groups_are_added_and_vetoed_words_struck_off(tmp_path: Path) -> None:
    path = words_file(
        tmp_path, "zh:\n  add: [[近来, 近期], [据称，, 据说，]]\n  veto: [十分]\nen:\n  add: [[above all, chiefly]]\n"
    )
    changed = with_user_words(path)
    zh, en = changed["zh"], changed["en"]
    assert set(zh.synonyms["近来"]) == {"近期", "近日", "最近"}
    assert zh.synonyms["据称，"] == ("据说，",)
    assert "据称，" in zh.opening
    assert "十分" not in zh.synonyms
    assert "非常" not in zh.synonyms  # alone in its group
    assert set(en.synonyms["above all"]) == {"primarily", "mainly", "chiefly"}
    assert "above all" not in en.opening
    assert zh.hard == tables()["zh"].hard


def test_a_word_joins_verbs_without_becoming_an_opener(tmp_path: Path) -> None:
    zh = with_user_words(words_file(tmp_path, "zh: {add: [[认为，, 指出，]]}\n"))["zh"]
    assert set(zh.synonyms["认为，"]) == {"表示，", "指出，"}
    assert "认为，" not in zh.opening


def test_all_that_is_wrong_with_a_users_file_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    path = words_file(
        tmp_path,
        "zh:\n  add: [[近来], [近来, recently], [然后，, 然后]]\n  vetoes: [十分]\n  veto: [十分钟, 好]\nde: {}\nen:\n  add: [[Often, x2]]\n",
    )
    with pytest.raises(ConfigError) as error:
        with_user_words(path)
    told = str(error.value).split("\n")
    assert len(told) == 9
    assert all(f"{path}:" in line for line in told)
    for what in ("is no group", "'recently' is no zh word", "some words have a comma", '"十分钟" is in no group. Did you mean "十分"?', '"好" is in no group. The words are in',
                 'there is no key "vetoes"', '"de" is no language', "'Often' is no en word"):  # fmt: skip
        assert any(what in line for line in told), what
