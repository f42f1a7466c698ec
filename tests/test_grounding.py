from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kgtune.grounding import (
    Haystack,
    Span,
    fold,
    haystack,
    iocs,
    language_of,
    match_key,
    refang,
    sentences,
)


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
        ("见１９２．１６８．１．１，", "192.168.1.1", (1, 12, "folded")),
        ("去evil[。]com看", "evil.com", (1, 11, "refanged")),
        ("去evil.com看", "evil[dot]com", (1, 9, "refanged")),
        ("写信给a[at]b.example。", "a@b.example", (3, 17, "refanged")),
        ("\U0001f600\U0001f600 Vexa", "Vexa", (3, 7, "exact")),
        ("e\u0301clair ran", "éclair", (0, 7, "folded")),
        ("the IT department", "IT", (4, 6, "exact")),
        ("见“Vexa’s”", "Vexa's", (2, 8, "folded")),
        ("Vexa² was seen", "Vexa", (0, 4, "exact")),
        ("Конти пришли", "Конти", (0, 5, "exact")),
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
        ("Café", "Caf"),
        ("ＡＰＴ２８", "PT28"),
        ("Континент", "Конти"),
        ("㈱夜织", "株)夜织"),
        ("夜织㈱", "夜织(株"),
    ],
)
def test_part_of_a_word_is_no_mention(text: str, name: str) -> None:
    assert Haystack(text).first(name) is None


@pytest.mark.parametrize("word", ["the", "The", "they", "以及", "我们"])
def test_a_word_that_is_everywhere_anchors_nothing(word: str) -> None:
    text = f"And {word} saw it. 此外，{word}。"
    assert Haystack(text).all(word) == []


def test_a_traditional_name_is_another_spelling_and_not_found() -> None:
    assert Haystack("霧隼組織").first("雾隼组织") is None


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


def test_part_of_an_indicator_is_no_anchor() -> None:
    assert Haystack("see evil.example, Evil").anchor("Evil") == Span(18, 22)
    assert Haystack("see evil.example").anchor("evil") is None
    assert Haystack("see evil.example").anchor("evil.example") == Span(4, 16)
    assert Haystack("see C:\\Vexa\\run.exe").anchor("Vexa") is None


NASTY = st.text(
    alphabet=st.sampled_from("aZs é ß İ ﬁ Ⅲ１．－“‘’ \n\t\u200b\u0301 海莲花。， \U0001f600[.]-ａＢ：／①"), max_size=40
)


@pytest.mark.property
@given(NASTY)
@example("İß\u200b ﬁ")
def test_folding_maps_every_key_character_back_to_its_source(text: str) -> None:
    folded = fold(text)
    assert len(folded.key) == len(folded.starts) == len(folded.ends)
    assert list(folded.starts) == sorted(folded.starts)
    assert list(folded.ends) == sorted(folded.ends)
    assert all(0 <= s < e <= len(text) for s, e in zip(folded.starts, folded.ends, strict=True))


@pytest.mark.property
@given(NASTY)
def test_the_key_is_the_same_in_full_width_and_in_either_normal_form(text: str) -> None:
    wide = text.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)})
    assert match_key(wide) == match_key(text)
    for form in ("NFC", "NFD"):
        assert match_key(unicodedata.normalize(form, text)) == match_key(text)


@pytest.mark.property
@given(NASTY, NASTY.filter(str.strip), NASTY)
@example("", "海 a", "")
@example("x", "evil[.]com", "")
def test_a_hit_folds_to_the_key_of_the_name(before: str, name: str, after: str) -> None:
    text = f"{before} {name} {after}"
    spans = Haystack(text).all(name)
    for span in spans:
        assert 0 <= span.start < span.end <= len(text)
        found = text[span.start : span.end]
        if span.level == "exact":
            assert found == name.strip()
        elif span.level == "folded":
            assert match_key(found) == match_key(name)
        else:
            assert refang(match_key(found)) == refang(match_key(name))
    assert [span.start for span in spans] == sorted(span.start for span in spans)
    assert len({(span.start, span.end) for span in spans}) == len(spans)


@pytest.mark.property
@given(
    st.text(
        alphabet=st.sampled_from('ab. 。！?\n\r\u2028\u200b\u0301\U0001f600evil[.]com 1.2.3.4 中文A"” \u3000\xa0'),
        max_size=120,
    )
)
@example("A\u3000. B")
def test_sentences_join_back_to_the_text(text: str) -> None:
    spans = sentences(text)
    assert "".join(text[span.start : span.end] for span in spans) == text
    assert all(one.end == other.start for one, other in pairwise(spans))


LINES = {
    "mixed": "雾隼组织使用evil[.]com，Vexa ran a.exe at 10.0.0.1 (see http://a.example/b). ",
    "defanged": "hxxp[:]//a[.]b[.]example/c[dot]d ",
    "han": "海莲花组织",
    "accents": "e\u0301",
    "zero width": "a\u200b",
    "spaces": " 海 ",
    "letter": "a",
}
SEARCHES: dict[str, Callable[[str], object]] = {
    "fold": fold,
    "all": lambda text: [Haystack(text).all(name) for name in ("Vexa", "evil.com", "海莲花", "aaaa", "e\u0301e\u0301")],
    "first": lambda text: [Haystack(text).first(name) for name in ("evil", "absent.example", "10.0.0.1")],
    "sentences": sentences,
    "language_of": language_of,
}


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("line", LINES)
def test_sixteen_times_the_text_takes_about_sixteen_times_as_long(search: str, line: str) -> None:
    small, large = (LINES[line] * (size // len(LINES[line])) for size in (8_000, 128_000))

    def seconds(text: str) -> float:
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            SEARCHES[search](text)
            best = min(best, time.process_time() - start)
        return best

    # Linear is 16, quadratic 256; below 2 ms the clock says little.
    assert seconds(large) <= 64 * max(seconds(small), 0.002)


def test_a_line_of_a_megabyte_is_searched_in_seconds() -> None:
    text = LINES["mixed"] * (1_000_000 // len(LINES["mixed"]))
    start = time.process_time()
    haystack = Haystack(text)
    assert len(haystack.all("evil.com")) == text.count("evil[.]com")
    assert len(haystack.all("Vexa")) == text.count("Vexa")
    assert len(iocs(text)) == 4 * text.count("Vexa")
    assert len(sentences(text)) >= text.count("Vexa")
    assert time.process_time() - start < 30


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


def test_the_haystack_of_a_text_is_made_once() -> None:
    text = "Latch was seen at evil.example"
    assert haystack(text) is haystack("".join(text))
    assert haystack(text).all("Latch") == Haystack(text).all("Latch") == [Span(0, 5)]


def test_what_a_haystack_hands_out_is_the_callers_own() -> None:
    found = haystack("Latch")
    found.all("Latch").clear()
    assert found.all("Latch") == [Span(0, 5)]


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


def test_mentions_inside_a_longer_indicator_count_only_where_there_are_no_others() -> None:
    haystack = Haystack("The tool evil asked hxxp://evil[.]example/evil.php; see c2.example/kit.zip.")

    assert [span.start for span in haystack.mentions("evil")] == [9]
    assert [haystack.text[span.start : span.end] for span in haystack.mentions("kit")] == ["kit"]
    assert haystack.mentions("nowhere") == []


@pytest.mark.parametrize(
    ("name", "level"),
    [("VelkaRAT", "exact"), ("crimson otter", "folded"), ("velka.invalid", "refanged"), ("velka", "folded"),
     ("Karvost", None)],
)  # fmt: skip
def test_the_level_of_a_name_is_that_of_its_closest_mention_anywhere(name, level):
    assert Haystack("Crimson  Otter loaded VelkaRAT from Velka[.]invalid.").level(name) == level
