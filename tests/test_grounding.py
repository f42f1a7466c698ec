from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgtune.grounding import Haystack, Span, fold, iocs, language_of, sentences


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("Use Cobalt Strike now", "Cobalt Strike", (4, 17, "exact")),
        ("Use COBALT\n STRIKE now", "Cobalt Strike", (4, 18, "folded")),
        ("利用ＣＶＥ－２０２１－44228", "CVE-2021-44228", (2, 16, "folded")),
        ("Google’s TAG", "Google's TAG", (0, 12, "folded")),
        ("APT-C-00（海莲花）", "APT-C-00(海莲花)", (0, 13, "folded")),
        ("去evil[.]com看", "evil.com", (1, 11, "refanged")),
        ("at hxxp://a[.]b.example/x", "http://a.b.example/x", (3, 25, "refanged")),
        ("海 莲\n花组织", "海莲花", (0, 5, "folded")),
        ("two backdoors", "backdoor", (4, 12, "folded")),
        ("ev\u200bil", "evil", (0, 5, "folded")),
    ],
)
def test_a_name_is_found_in_its_spellings(text: str, name: str, expected: tuple[int, int, str]) -> None:
    assert Haystack(text).first(name) == Span(*expected)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Google", "Go"),
        ("Continental", "Conti"),
        ("it was said", "IT"),
        ("a", "a"),
        ("groß", "gros"),
        ("", "x1"),
        ("T10591", "T1059"),
        ("cafe\u0301s", "cafe"),
    ],
)
def test_part_of_a_word_is_no_mention(text: str, name: str) -> None:
    assert Haystack(text).first(name) is None


def test_chinese_needs_no_edges_and_mixed_names_only_on_the_latin_side() -> None:
    assert Haystack("该雾隼组织的").first("雾隼") == Span(1, 3)
    assert Haystack("被APT28组织").first("APT28") == Span(1, 6)
    assert Haystack("XAPT28组").first("APT28组") is None


def test_all_lists_each_place_once_at_its_closest_spelling() -> None:
    text = "Conti, CONTI and Conti's conti"
    assert [(s.start, s.level) for s in Haystack(text).all("Conti")] == [
        (0, "exact"), (7, "folded"), (17, "exact"), (25, "folded")
    ]  # fmt: skip


def test_a_mention_inside_an_indicator_counts_only_when_there_is_no_other() -> None:
    text = "evil.example belongs to Evil, see hxxp://evil[.]example/evil.php"
    haystack = Haystack(text)
    assert haystack.first("Evil") == Span(24, 28)
    assert haystack.is_inside_ioc(Span(0, 4))
    assert not haystack.is_inside_ioc(Span(0, 12))
    assert Haystack("hxxp://evil[.]example/x").first("evil.example") == Span(7, 21, "refanged")


@pytest.mark.property
@given(st.text(alphabet=st.sampled_from("aZ é ß İ ﬁ Ⅲ１．－“‘ \n\t\u200b\u0301 海莲花 \U0001f600[.]-"), max_size=40))
def test_folding_maps_every_key_character_back_to_its_source(text: str) -> None:
    folded = fold(text)
    assert len(folded.key) == len(folded.starts) == len(folded.ends)
    assert list(folded.starts) == sorted(folded.starts)
    assert all(0 <= s < e <= len(text) for s, e in zip(folded.starts, folded.ends, strict=True))


@pytest.mark.property
@given(st.text(max_size=30), st.text(min_size=1, max_size=10), st.text(max_size=30))
def test_a_hit_folds_to_the_key_of_the_name(before: str, name: str, after: str) -> None:
    text = f"{before} {name} {after}"
    for span in Haystack(text).all(name):
        if span.level == "folded":
            assert fold(text[span.start : span.end]).key.strip().replace(" ", "") == fold(name).key.strip().replace(
                " ", ""
            )


@pytest.mark.property
@given(st.text(alphabet=st.sampled_from("ab. 。！\n\u200b\U0001f600evil[.]com 1.2.3.4 中文A"), max_size=120))
def test_sentences_join_back_to_the_text(text: str) -> None:
    spans = sentences(text)
    assert "".join(text[span.start : span.end] for span in spans) == text


def test_sentences_end_at_lines_and_never_inside_an_indicator() -> None:
    text = "A first one. 见 a.php?x=1！y 和http://e.example/a!b.php。第二句。\n\n- an item\nNov. 2020 it was 185[.]62[.]190[.]86. End"
    parts = [text[s.start : s.end] for s in sentences(text)]
    assert "- an item\n" in parts
    assert any("http://e.example/a!b.php。" in part for part in parts)
    assert any("185[.]62[.]190[.]86." in part for part in parts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("雾隼组织使用Cobalt Strike攻击SolarWinds。", "zh"),
        ("APT28使用Mimikatz和PowerShell。", "zh"),
        ("The group 海莲花 was seen in the region again this week.", "en"),
        ("hxxp://a.example/b", "en"),
        ("样本分析已经全部完成。Analysts said that the sample was seen again.", "mixed"),
        ("", "en"),
    ],
)
def test_language_is_told_by_the_words_around_the_names(text: str, expected: str) -> None:
    assert language_of(text) == expected


WORDS = ["组织", "雾隼投放了", "use ", "a tool ", "Vex ", "APT28", "x", "evil.com", "http://a.example/use/of?tool", "CVE-2021-44228", "：", ",",
         '"C:\\目录\\use.exe"', " C:\\use\\a.dll", "use.exe", "组use织", "é", "use", "😀"]  # fmt: skip


def language_by_definition(text: str) -> str:
    """Count over the text without its indicators, always: `language_of` saves the search where it can't matter."""
    at, plain = 0, ""
    for ioc in iocs(text):
        plain += text[at : ioc.start] + " "
        at = ioc.end
    plain += text[at:]
    num_han = len(re.findall("[\u3400-\u9fff\U00020000-\U0003ffff]", plain))
    num_english = len(re.findall(r"(?<![A-Za-z0-9])[a-z]{2,}(?![A-Za-z0-9])", plain))
    share = num_han / (num_han + 2 * num_english) if num_han else 0
    return "zh" if share >= 0.7 else "en" if share <= 0.3 else "mixed"


@settings(deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=12).map("".join))
def test_the_quick_look_at_a_language_gives_what_counting_without_indicators_gives(text: str) -> None:
    assert language_of(text) == language_by_definition(text)
