"""One catalogue: every code in two languages, every code documented, every code that is raised is in it."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from kgtune.lint import catalogue, mending
from kgtune.lint.findings import Finding, Place

PACKAGE = Path(__file__).resolve().parents[2] / "kgtune"
CODE = re.compile(r'"([EWNF]-[A-Z][A-Z-]*)"')
HAN = re.compile("[\u4e00-\u9fff]")


def raised(room):
    files = sorted((PACKAGE / room).rglob("*.py"))
    assert files
    return {code for path in files for code in CODE.findall(path.read_text(encoding="utf-8"))}


def test_every_code_that_is_raised_is_in_the_catalogue():
    found = raised("sources") | raised("lint")
    assert len(found) > 60
    assert found - set(catalogue.entries()) == set()


def test_every_code_of_the_linter_in_the_catalogue_is_raised():
    own = {code for code in catalogue.entries() if not code.startswith("E-")}
    assert len(own) > 50
    assert own - raised("lint") - raised("sources") == set()


@pytest.mark.parametrize("code", list(catalogue.entries()))
def test_a_code_has_all_its_texts_in_both_languages(code):
    entry = catalogue.entries()[code]
    for text in (entry.title, entry.why, entry.fix):
        assert text["en"].strip()
        assert HAN.search(text["zh"]), text["zh"]
        assert not HAN.search(text["en"])
    assert bool(entry.say["en"]) == bool(entry.say["zh"])
    assert bool(entry.near["en"]) == bool(entry.near["zh"])
    assert entry.say["en"] or code.startswith("E-")  # the readers say errors themselves
    assert len(entry.fix["en"].splitlines()) == 1
    for english, chinese in [(entry.say["en"], entry.say["zh"]), (entry.near["en"], entry.near["zh"]), *entry.phrases]:
        assert fields(english) == fields(chinese)
        assert bool(english) == bool(chinese)


def fields(template):
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_the_page_of_codes_is_written_from_the_catalogue():
    assert catalogue.FILE.with_name("CODES.md").read_text(encoding="utf-8") == catalogue.page()
    assert len(re.findall(r"^\| [EWNF]-", catalogue.page(), re.MULTILINE)) == 2 * len(catalogue.entries())


def test_every_code_that_is_mended_is_in_the_catalogue():
    assert set(mending.CODES) <= set(catalogue.entries())


def test_a_finding_is_told_in_either_language_with_its_nearest_candidate():
    found = Finding("W-KEY", Place("a.json", 3), "evidance", "evidence", {"kind": "relationships", "number": 2})
    assert catalogue.what(found, "en") == (
        'relationships have a key "evidance" that is not read (2 times). Did you mean "evidence"?'
    )
    assert catalogue.what(found, "zh") == "relationships 里有不会读取的键“evidance”（2 次）。是否想写“evidence”？"
    assert catalogue.fix(found, "en") == "Rename the key."


def test_a_long_value_is_shortened_and_braces_in_it_are_no_fields():
    found = Finding("W-NAME", Place(), "{x} " + "word " * 60)
    assert "{x} word" in catalogue.what(found, "en")
    assert len(catalogue.what(found, "en")) < 150


def test_a_code_that_the_catalogue_does_not_know_is_shown_all_the_same():
    found = Finding("E-NEW", Place(), facts={"detail": "is new.", "readers_fix": "Mend it."})
    assert (catalogue.what(found, "en"), catalogue.fix(found, "en")) == ("is new.", "Mend it.")
    assert catalogue.what(found, "zh") == "E-NEW：is new."


@pytest.mark.parametrize(
    ("setting", "environment", "expected"),
    [
        ("en", {"LANG": "zh_CN.UTF-8"}, "en"),
        ("zh", {}, "zh"),
        ("auto", {}, "en"),
        ("auto", {"LANG": "C.UTF-8"}, "en"),
        ("auto", {"LANG": "zh_CN.UTF-8"}, "zh"),
        ("auto", {"LC_ALL": "de_DE.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
        ("auto", {"LC_ALL": "", "LC_MESSAGES": "zh_TW.UTF-8", "LANG": "en_US.UTF-8"}, "zh"),
    ],
)
def test_auto_follows_the_locale(setting, environment, expected):
    assert catalogue.language(setting, environment) == expected
