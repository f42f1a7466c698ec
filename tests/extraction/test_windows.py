"""Windows of long texts: whole sentences, nothing lost, overlap, and no indicator divided."""

import tracemalloc
from itertools import pairwise

import pytest

from kgtune import grounding
from kgtune.extraction.windows import windows

SENTENCES = [f"Actor number {n} used tool number {n} in the campaign. " for n in range(40)]
TEXT = "".join(SENTENCES).strip()


def words(text):
    return len(text.split())


def told(text, spans):
    return [text[span.start : span.end] for span in spans]


def test_a_text_that_fits_is_one_window_to_the_last_character():
    text = "  One sentence. \n"
    assert told(text, windows(text, words, 2, 1)) == [text]


@pytest.mark.parametrize(("limit", "overlap"), [(10, 0), (30, 10), (50, 25), (100, 10), (399, 9)])
def test_windows_fit_end_with_sentences_and_hold_every_sentence(limit, overlap):
    pieces = told(TEXT, windows(TEXT, words, limit, overlap))
    assert len(pieces) > 1
    assert max(map(words, pieces)) <= limit
    assert all(piece.startswith("Actor") and piece.endswith("campaign.") for piece in pieces)
    assert [s for s in SENTENCES if not any(s.strip() in piece for piece in pieces)] == []


def test_a_window_begins_with_the_last_sentences_of_the_one_before():
    pieces = told(TEXT, windows(TEXT, words, 40, 20))  # four sentences of ten words, two of them shared
    for piece, following in pairwise(pieces):
        assert following[:50] in piece
    assert len(pieces) == 19


def test_an_overlap_never_keeps_a_window_from_going_on():
    ends = [span.end for span in windows(TEXT, words, 10, 10)]
    assert ends == sorted(set(ends))
    assert len(ends) == 40


def test_a_sentence_that_is_too_long_is_cut_at_pauses():
    text = "The group used " + ", ".join(f"Tool{n} version {n}" for n in range(60)) + "."
    pieces = told(text, windows(text, words, 20, 0))
    assert max(map(words, pieces)) <= 20
    assert " ".join(" ".join(pieces).split()) == text
    assert len(pieces) > 5


def test_an_indicator_is_not_divided_unless_it_is_longer_than_a_window():
    url = "hxxps://cdn[.]lantern-update[.]example/gate/stage.php"
    text = "".join(f"连接到{url}后下载" for _ in range(20))
    spans = windows(text, len, 100, 0)
    assert len(spans) > 10
    inside = [ioc for ioc in grounding.iocs(text) if any(ioc.start < s.end < ioc.end for s in spans)]
    assert (len(grounding.iocs(text)), inside) == (20, [])
    digest = "a1" * 32
    text = f"see {digest} here"
    assert told(text, windows(text, len, 20, 0)) == ["see", digest, "here"]
    assert told(digest, windows(digest, len, 15, 0)) == [digest[:15], digest[15:]]


def test_a_character_that_is_longer_than_a_window_still_comes_to_an_end():
    assert told("ab", windows("ab", lambda piece: 10 * len(piece), 5, 2)) == ["a", "b"]


def test_two_hundred_thousand_characters_on_one_line_take_little_memory_and_few_measurements():
    text = ("雾隼组织使用青灯木马攻击澜江电力，" * 12_000)[:200_000]
    measured = 0

    def measure(piece):
        nonlocal measured
        measured += len(piece)
        return len(piece)

    grounding.sentences(text)
    tracemalloc.start()
    spans = windows(text, measure, 600, 64)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert {len(text[s.start : s.end]) <= 600 for s in spans} == {True}
    assert measured < 40 * len(text)
    assert peak < 64 * 2**20


def test_an_overlap_makes_room_for_a_long_sentence_that_follows():
    text = "One two three. Four five six. A long sentence that has all of nine words."
    pieces = told(text, windows(text, words, 10, 6))
    assert pieces == ["One two three. Four five six.", "A long sentence that has all of nine words."]
