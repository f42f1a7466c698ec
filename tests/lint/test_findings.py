"""Places as readers write them, and how bad a code is."""

from __future__ import annotations

import pytest

from kgtune.lint.findings import Finding, Place, read_place, short


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("raw.json", Place("raw.json")),
        ("raw.json:12", Place("raw.json", 12)),
        ("raw.json:12: item 3", Place("raw.json", 12, 3)),
        ("raw.json:12: item 3 (id=r7)", Place("raw.json", 12, 3, "r7")),
        ("raw.json:12: item 3 (id=a (b): c)", Place("raw.json", 12, 3, "a (b): c")),
        ("raw.json:12: item 3 (id=r7): entities[0].name", Place("raw.json", 12, 3, "r7", "entities[0].name")),
        ("raw.json:12: item 3: output", Place("raw.json", 12, 3, "", "output")),
        (r"C:\data\raw.json:12: item 3", Place(r"C:\data\raw.json", 12, 3)),
        ("raw.json:5: entities[3].chunks_info[0]", Place("raw.json", 5, 0, "", "entities[3].chunks_info[0]")),
        (
            "raw.json:5: entities[3].chunks_info[0] (id=报告#2)",
            Place("raw.json", 5, 0, "报告#2", "entities[3].chunks_info[0]"),
        ),
    ],
)
def test_a_readers_place_is_read(where, expected):
    assert read_place(where) == expected


@pytest.mark.parametrize(
    "where", ["raw.json", "raw.json:12", "raw.json:12: item 3 (id=r7): entities[0].name", "raw.json:5: entities[3]"]
)
def test_a_place_is_written_as_readers_write_it(where):
    assert str(read_place(where)) == where


def test_the_first_letter_of_a_code_says_how_bad_it_is():
    levels = [Finding(code, Place()).level for code in ("E-JSON", "W-NAME", "N-NAME", "F-ID")]
    assert levels == ["error", "warning", "note", "note"]


def test_a_long_text_keeps_its_beginning_and_its_end():
    assert short("one  two\nthree") == "one  two three"  # two spaces may be what the finding is about
    assert short("a" * 60 + "b" * 60, 40) == "a" * 25 + " ... " + "b" * 10
