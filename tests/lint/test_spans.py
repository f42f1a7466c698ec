"""The nearest stretch of a text, and when only quotes and width differ."""

from __future__ import annotations

import pytest

from kgtune.grounding import Haystack
from kgtune.lint.spans import Nearest, mention, respelling


@pytest.mark.parametrize(
    ("wanted", "text", "expected"),
    [
        ("Norrgard Shiping", "They hit Norrgard Shipping twice.", "Norrgard Shipping"),
        ("lantern rat v2", "The LanternRat v3 came.", "LanternRat v3"),
        ("雾隼攻击组织", "近日，雾隼组织再次出现。", "雾隼组织"),
        ("Umber Lynx", "Nothing of the kind.", None),
        ("abc", "abd abc", None),  # too short to be near to anything
        ("longer than the text", "short", None),
    ],
)
def test_the_nearest_stretch_is_found_and_widened_to_whole_words(wanted, text, expected):
    near = Nearest().span(wanted, text)
    assert (near.text if near else None) == expected
    if near:
        assert text[near.start : near.end] == near.text
        assert 60 <= near.score <= 100


def test_offsets_stay_true_beside_letters_whose_lower_case_is_longer():
    text = "İİİ Norrgard Shipping"
    near = Nearest().span("Norrgard Shiping", text)
    assert near is not None
    assert text[near.start : near.end] == "Norrgard Shipping"


def test_after_very_many_long_searches_the_nearest_is_left_out():
    nearest = Nearest()
    wanted, text = "a long sentence that is cited " * 3, "a long sentence that is cited? " * 4
    found = [nearest.span(wanted, text) is not None for _ in range(3005)]
    assert (found[0], found[2999], found[3000]) == (True, True, False)
    assert nearest.span("a long sentence", text) is not None


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("Petrel's crew", "Petrel’s crew came.", "Petrel’s crew"),
        ('"Night" group', "The “Night” group came.", "“Night” group"),
        ("ＣＶＥ－2031－0001", "See CVE-2031-0001.", "CVE-2031-0001"),
        ("APT（雾）组织", "属于APT(雾)组织。", "APT(雾)组织"),
        ("petrel's crew", "Petrel’s crew came.", None),  # case differs as well: no mere spelling
        ("Petrel's crew", "Petrel’s crew met Petrel‘s crew.", None),  # the text has two spellings
        ("Night group", "Night  group", None),  # white space
    ],
)
def test_a_respelling_is_the_texts_own_where_quotes_and_width_alone_differ(name, text, expected):
    haystack = Haystack(text)
    span = haystack.first(name)
    assert span is not None
    assert respelling(name, haystack, span) == expected


@pytest.mark.parametrize(
    "text", ["Conti came.", "See Continental; Conti.", "conti came", "nothing", "http://x.test/Conti"]
)
@pytest.mark.parametrize("name", ["Conti", "C", "conti", "x.test"])
def test_a_mention_is_found_exactly_when_grounding_finds_one(name, text):
    haystack = Haystack(text)
    assert (mention(name, haystack) is None) == (haystack.first(name) is None)
