from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgtune.sources.fields import clean
from kgtune.sources.passage import Found, Passage

PIECES = st.sampled_from(["a", "Vex ", "组织", "😀", "𠮷", "\r\n", "\n", "e\u0301", "é", ".", " "])
RAW = st.lists(PIECES, max_size=30).map("".join)


def utf16(text: str, end: int) -> int:
    return len(text[:end].encode("utf-16-le")) // 2


@given(RAW, st.data())
def test_a_span_is_found_however_a_tool_counted(raw: str, data: st.DataObject) -> None:
    """The span keeps its words: as counted in code points, in UTF-16 units, or with CRLF as one character."""
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, len(raw)))
    surface = raw[start:end]
    if not surface.strip() or clean(raw[:start]) + clean(surface) + clean(raw[end:]) != clean(raw):
        return  # white space, or a span whose edge lies within a composed character or between CR and LF
    passage = Passage(raw)
    one = raw[:start].count("\r\n"), raw[:end].count("\r\n")
    for counted in (
        (start, end), (utf16(raw, start), utf16(raw, end)), (start - one[0], end - one[1]),
        (utf16(raw, start) - one[0], utf16(raw, end) - one[1]),
    ):  # fmt: skip
        found = passage.find(*counted, surface)
        assert found is not None
        assert clean(passage.text[slice(*found.place)]).strip() == clean(surface).strip()
    assert passage.place(start, end) == (len(clean(raw[:start])), len(clean(raw[:start])) + len(clean(surface)))


@pytest.mark.parametrize(
    ("raw", "start", "end", "surface", "place", "how"),
    [
        ("Vex used Latch", 0, 3, "Vex", (0, 3), ""),
        ("😀 Vex", 3, 6, "Vex", (2, 5), "UTF-16 units"),
        ("😀\r\nVex", 4, 7, "Vex", (2, 5), "UTF-16 units"),
        ("a\r\nVex", 2, 5, "Vex", (2, 5), "CRLF as one character"),
        ("😀\r\nVex", 3, 6, "Vex", (2, 5), ""),
        ("a😀\r\nVex", 4, 7, "Vex", (3, 6), ""),
        ("a😀\r\n\r\nVex", 5, 8, "Vex", (4, 7), "UTF-16 units, CRLF as one character"),
        ("e\u0301 Vex", 3, 6, "Vex", (2, 5), ""),
        ("A&B fell", 0, 3, "A&amp;B", (0, 3), ""),
        ("A\nB fell", 0, 3, "A\\nB", (0, 3), ""),
        ("Vex, Vex, Vex", 6, 9, "Vex", (5, 8), "the nearest place that reads so"),
        ("used VEX here", 0, 3, "Vexx", None, ""),
        ("used LATCHER here", 0, 7, "Latcher", (5, 12), "the nearest place that reads so"),
        ("Vex", -3, 2, "ghost", None, ""),
        ("Vex", 5, 9, "Vex", (0, 3), "the nearest place that reads so"),
    ],
)  # fmt: skip
def test_a_span_and_its_words_are_brought_together(
    raw: str, start: int, end: int, surface: str, place: tuple[int, int] | None, how: str
) -> None:
    assert Passage(raw).find(start, end, surface) == (None if place is None else Found(place, how))


def test_a_span_that_is_none_has_no_place() -> None:
    passage = Passage("Vex")
    assert [passage.place(*span) for span in ((0, 0), (2, 1), (-1, 2), (0, 4))] == [None] * 4


def test_utf16_units_are_counted_where_there_are_no_words_to_compare() -> None:
    passage = Passage("😀 Vex")
    assert (passage.utf16_place(3, 6), passage.utf16_place(1, 6), passage.utf16_place(3, 60)) == ((2, 5), None, None)


def test_sentences_around_two_places_are_the_text_word_by_word() -> None:
    passage = Passage("Vex came. It brought Latch, v1.2. 随后外传数据。Then it left.\nThe end.")
    text = passage.text

    def around(one: str, other: str) -> str:
        at, to = text.index(one), text.index(other)
        return passage.sentences_around((at, at + len(one)), (to, to + len(other)))

    assert around("Vex", "came") == "Vex came."
    assert around("Latch", "Vex") == "Vex came. It brought Latch, v1.2."
    assert around("left", "外传") == "随后外传数据。Then it left."
    assert around("end", "end") == "The end."
    assert all(around(a, b) in text for a in ("Vex", "外传") for b in ("left", "end"))


def test_the_closest_mentions_are_taken() -> None:
    passage = Passage("Vex. Latch. Vex used Latch here. Latch.")
    ones, others = passage.haystack.all("Vex"), passage.haystack.all("Latch")
    assert passage.closest(ones, others) == ((0, 3), (5, 10))
    assert passage.closest(ones[1:], others[1:]) == ((12, 15), (21, 26))


def test_a_part_of_a_longer_indicator_is_no_mention() -> None:
    passage = Passage("evil called http://evil.example/evil today")
    assert [(span.start, span.end) for span in passage.mentions_of("evil")] == [(0, 4)]
