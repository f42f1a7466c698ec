"""Which names are alike, and which only look so."""

from __future__ import annotations

import pytest

from kgtune.errors import DataError
from kgtune.grounding import match_key
from kgtune.scoring.likeness import ALIAS, SAME, SAME_INDICATOR, Aliases, likeness


def like(one, other, aliases=None):
    return likeness(match_key(one), match_key(other), aliases or Aliases())


def test_folding_makes_names_the_same():
    assert like("Ｃｒｉｍｓｏｎ  Otter", "crimson otter") == SAME


def test_defanging_makes_no_other_indicator():
    assert like("hxxp://velka[.]invalid/a", "http://velka.invalid/a") == SAME_INDICATOR


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Crimson Otter", "Crimson Otter Group"),
        ("Otter", "the Otter"),
        ("绯獭", "绯獭组织"),
        ("UNC9001 (绯獭)", "绯獭"),
        ("VelkaRAT", "VelkaRATT"),
        ("Crimson Otter", "Crimzon Otter"),
        ("NightLoom", "NightLoom 2.1"),
    ],
)
def test_contained_and_misspelt_names_are_alike_both_ways(one, other):
    assert 0 < like(one, other) == like(other, one) < ALIAS


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("UNC9001", "UNC9002"),
        ("APT1", "APT10"),
        ("NightLoom 2.1", "NightLoom 2.2"),
        ("10.1.2.3", "10.1.2.4"),
        ("10.1.2.3", "10.1.2.30"),
        ("velka.invalid", "www.velka.invalid"),
        ("velka.invalid", "velka.invalid.example"),
        ("T1059", "T1059.001"),
        ("CVE-2030-11111", "CVE-2030-11112"),
        ("Otter", "Potter"),
        ("RAT", "VelkaRAT"),
        ("Go", "Go tool"),
        ("獭", "绯獭"),
        ("Velka", "Volke"),
        ("Crimson Otter", "Silent Karvost"),
        ("", "Otter"),
    ],
)
def test_other_names_are_unlike(one, other):
    assert like(one, other) == like(other, one) == 0


def test_the_closer_name_is_the_more_alike():
    assert like("Crimson Otter", "Crimson Otter A") > like("Crimson Otter", "Crimson Otter Group of Five") > 0


def test_aliases_are_one_thing_in_any_spelling():
    aliases = Aliases({"OceanGlass": ["海璃", "UNC 77"], "SandGlass": ["沙璃"]})
    assert like("海璃", "unc 77", aliases) == like("oceanglass", "海璃", aliases) == ALIAS
    assert like("海璃", "沙璃", aliases) == 0
    assert like("海璃", "UNC 77") == 0


def test_a_name_in_two_groups_of_aliases_is_refused():
    with pytest.raises(DataError, match='"Glass" is an alias of "B" and of "A"'):
        Aliases({"A": ["glass"], "B": ["Glass"]})
