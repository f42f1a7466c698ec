"""The nearest known name."""

from __future__ import annotations

import pytest

from kgtune import spelling


@pytest.mark.parametrize(
    ("name", "expected"), [("max_step", "max_steps"), ("MAX_STEPS", "max_steps"), ("Lora_R", "lora_r"), ("zzz", None)]
)
def test_the_nearest_name_is_found_whatever_its_case(name, expected):
    assert spelling.nearest(name, ["seed", "max_steps", "lora_r"]) == expected


def test_a_suggestion_is_the_nearest_name_or_all_there_are():
    assert spelling.suggestion("sed", ["seed", "hub"]) == 'Did you mean "seed"?'
    assert spelling.suggestion("zzz", ["seed", "hub"]) == "Known: hub, seed."
    assert spelling.suggestion("zzz", []) == "Known: none."


@pytest.mark.parametrize(
    "name", ["threat-actor", "ThreatActor", "THREAT_ACTOR", "threat  actor", "ｔｈｒｅａｔ‑ａｃｔｏｒ"]
)
def test_spellings_of_one_name_share_a_key(name):
    assert spelling.spelling_key(name) == "threatactor"


def test_names_that_differ_in_a_letter_do_not_share_a_key():
    assert spelling.spelling_key("tool") != spelling.spelling_key("tools")
    assert spelling.spelling_key("恶意 软件") == "恶意软件"
