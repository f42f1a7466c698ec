from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgtune.sources import fields
from kgtune.sources.findings import Findings


@pytest.mark.property
@settings(deadline=None)
@given(st.text(st.sampled_from("aZ é\u0301e组\r\n\t"), max_size=12))
def test_a_cleaned_string_is_nfc_with_plain_line_ends_and_stays_so(value: str) -> None:
    cleaned = fields.clean(value)
    assert unicodedata.is_normalized("NFC", cleaned)
    assert "\r" not in cleaned
    assert fields.clean(cleaned) == cleaned


@pytest.mark.property
@settings(deadline=None)
@given(st.text(st.sampled_from("aZ é\u0301e组\r\n\ud800"), max_size=8), st.booleans())
def test_a_string_is_read_cleaned_or_is_a_problem(value: str, required: bool) -> None:
    findings = Findings()
    read = fields.string({"name": value}, "name", "here", findings, required=required)
    is_faulty = "\ud800" in value or (required and not value.strip())
    assert (read, len(findings.problems)) == ((None, 1) if is_faulty else (fields.clean(value), 0))


@pytest.mark.parametrize(
    ("value", "strings"),
    [(["a", " b ", "", 3, None, "e\u0301"], ["a", "b", "é"]), ("a", ["a"]), (None, []), ({"a": 1}, []), (" ", [])],
)
def test_the_strings_of_a_list_are_those_that_say_something(value: Any, strings: list[str]) -> None:
    assert fields.strings(value) == strings


def test_equal_triples_are_merged_with_the_higher_confidence() -> None:
    from kgtune.graph import Relationship

    edges = [
        Relationship("USE", "a", "b", 0.4, "x"),
        Relationship("USE", "a", "b", 0.8, "x"),
        Relationship("USE", "a", "b", 0.5, "y"),
    ]
    findings = Findings()
    assert [(edge.confidence, edge.evidence) for edge in fields.distinct(edges, findings)] == [(0.8, "x"), (0.5, "y")]
    assert findings.counts == {"note: relationship given twice, merged": 1}
