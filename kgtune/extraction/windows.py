"""Windows of a text that is too long to be answered at once: runs of whole sentences, the next begins in the last.

Knows nothing about tokenizers, models or graphs: a `measure` says how long a piece is.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

from kgtune import grounding
from kgtune.grounding import Haystack, Span

Measure = Callable[[str], int]

# A token is seldom longer; where one is (a line of dashes), a window only gets shorter than it might be.
_CHARS_PER_TOKEN = 16
_LONGEST_INDICATOR = 4  # windows
_PAUSE = re.compile(r"[,;:，；：、。\s]\s*")


def windows(text: str, measure: Measure, limit: int, overlap: int) -> list[Span]:
    """Cut a text into windows that measure at most `limit`; the whole text is one where it fits.

    Only an indicator may be longer.

    A window ends where a sentence does, or where a sentence that is too long for a window can be divided. It begins
    with the last sentences of the window before it, as many as `overlap` holds, so that what two sentences say
    together is said in one window. Every character but white space stands in one window at least.
    """
    if measure(text) <= limit:
        return [Span(0, len(text))]
    pieces = list(_pieces(text, measure, limit))
    sizes = [0, *accumulate(measure(text[piece.start : piece.end]) for piece in pieces)]
    found = []
    first = end = 0
    while end < len(pieces):
        # back into the window before, as far as the overlap and the next piece allow
        room = max(sizes[end] - overlap, sizes[end + 1] - limit)
        while first < end and sizes[first] < room:
            first += 1
        end = max(bisect_right(sizes, sizes[first] + limit) - 1, end + 1)
        found.append(_trimmed(text, pieces[first].start, pieces[end - 1].end))
    return found


def _pieces(text: str, measure: Measure, limit: int) -> Iterator[Span]:
    """Give the sentences that say anything, those that are too long for a window in parts."""
    haystack = grounding.haystack(text)
    for sentence in grounding.sentences(text):
        if not text[sentence.start : sentence.end].strip():
            continue
        if measure(text[sentence.start : sentence.end]) <= limit:
            yield sentence
        else:
            yield from _divided(haystack, sentence, measure, limit)


def _divided(haystack: Haystack, sentence: Span, measure: Measure, limit: int) -> Iterator[Span]:
    text, start = haystack.text, sentence.start
    while start < sentence.end:
        reach = min(sentence.end, start + limit * _CHARS_PER_TOKEN)
        end = reach if measure(text[start:reach]) <= limit else _cut(haystack, start, reach, measure, limit)
        yield Span(start, end)
        start = end


def _cut(haystack: Haystack, start: int, reach: int, measure: Measure, limit: int) -> int:
    """Find the last place at which text[start:reach] may be cut: at a pause, else outside indicators.

    An indicator that is longer than a window is one all the same, up to four times as long; a longer one is cut.
    """
    text = haystack.text
    pauses = [match.end() for match in _PAUSE.finditer(text, start, reach)]
    for places in (pauses, range(start + 1, reach + 1)):
        outside = [place for place in places if place > start and not _divides_ioc(haystack, place)]
        if (at := _last_fitting(text, start, outside, measure, limit)) is not None:
            return at
    if outside and measure(text[start : outside[0]]) <= _LONGEST_INDICATOR * limit:
        return outside[0]
    at = _last_fitting(text, start, range(start + 1, reach), measure, limit)
    return start + 1 if at is None else at  # a character that is longer than a window has one of its own


def _last_fitting(text: str, start: int, places: Sequence[int], measure: Measure, limit: int) -> int | None:
    fitting = bisect_right(places, limit, key=lambda place: measure(text[start:place]))
    return places[fitting - 1] if fitting else None


def _divides_ioc(haystack: Haystack, place: int) -> bool:
    """Tell whether both sides of a place belong to one indicator."""
    return haystack.is_inside_ioc(Span(place - 1, place)) and haystack.is_inside_ioc(Span(place - 1, place + 1))


def _trimmed(text: str, start: int, end: int) -> Span:
    piece = text[start:end]
    return Span(start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip()))
