"""Leftovers in texts and names."""

from __future__ import annotations

import time

import pytest

from kgtune.lint import markup
from kgtune.lint.findings import Place


def found(text):
    return [
        (finding.code, finding.value, finding.facts["start"], finding.facts["number"])
        for finding in markup.in_text(text, Place())
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text, 1 < 2 and 3 > 2, R&D", []),
        ("<p>Vexa</p> came", [("W-HTML", "<p>", 0, 2)]),
        ('see <a href="http://x.test">it</a>', [("W-HTML", '<a href="http://x.test">', 4, 2)]),
        ("Vexa &amp; Co&#39;s", [("W-HTML", "&amp;", 5, 2)]),
        ("the <script> tag of <Vexa>", []),
        ("see [Vexa](https://x.test/a)", [("N-MARKDOWN", "[Vexa](https://x.test/a)", 4, 1)]),
        ("**Vexa** came", [("N-MARKDOWN", "**Vexa**", 0, 1)]),
        ("# Title\ntext\n## Part", [("N-MARKDOWN", "#", 0, 2)]),
        ("C# and 2**3 and `code`", []),
        ("used it.(Citation: Vexa 2031)", [("N-MARKDOWN", "(Citation: Vexa 2031)", 8, 1)]),
        ("itâ€™s", [("W-GARBLED", "â€™", 2, 1)]),
        ("caf\ufffd", [("W-GARBLED", "\ufffd", 3, 1)]),
        ("São Paulo, Ã, 「組織」", []),
    ],
)
def test_what_was_left_behind_is_told_once_a_kind_with_its_first_place_and_number(text, expected):
    assert found(text) == expected


def test_markup_in_a_name_is_told():
    assert [finding.value for finding in markup.in_name("Vexa &amp; Co", Place())] == ["&amp;"]
    assert list(markup.in_name("R&D <2>", Place())) == []


@pytest.mark.parametrize("piece", ["<a ", "[", "**x", "(Citation: ", "&#1", "# "])
def test_a_hostile_text_is_read_in_linear_time(piece):
    text = piece * (400_000 // len(piece))
    start = time.process_time()
    found(text)
    assert time.process_time() - start < 5.0
