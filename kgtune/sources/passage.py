"""A text and the spans that a tool marked in it, however the tool counted: where they stand in the text we keep.

Knows nothing about labels or graphs. What we keep is NFC with LF line ends; a tool may have counted UTF-16
units (browsers do), or CRLF as one character, or in a text that was not NFC.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from kgtune.grounding import Haystack, Span, match_key, sentences
from kgtune.sources import fields

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Found:
    """Where a span stands in the kept text. `how` is "" when it was counted in code points, and says how else."""

    place: Place
    how: str = ""


class Passage:
    """One text, as given (`raw`) and as kept (`text`)."""

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self.text = fields.clean(raw)

    @cached_property
    def haystack(self) -> Haystack:
        return Haystack(self.text)

    @cached_property
    def has_pairs(self) -> bool:
        """Whether a character takes two UTF-16 units, so that browsers count otherwise than Python does."""
        return any(character > "\uffff" for character in self.raw)

    def place(self, start: int, end: int) -> Place | None:
        """Return where code points start..end of the raw text stand; None when they are no span of it."""
        return self._kept(self.raw, start, end)

    def find(self, start: int, end: int, surface: str) -> Found | None:
        """Return the span that reads `surface`: as counted, in another way of counting, or the nearest that does."""
        readings = list(self._readings(start, end))
        for is_same in (str.__eq__, _is_alike):
            for how, base, begin, stop in readings:
                if is_same(base[begin:stop], surface):
                    place = self._kept(base, begin, stop)
                    if place is not None:
                        return Found(place, how)
        return self._nearest(start, surface)

    def mentions_of(self, name: str) -> list[Span]:
        """Return where the text names `name`, not counting a part of a longer indicator."""
        return [span for span in self.haystack.all(name) if not self.haystack.is_inside_ioc(span)]

    def sentences_around(self, one: Place, other: Place) -> str:
        """Return the sentence, or the run of sentences, that holds both places, word by word."""
        first, last = min(one[0], other[0]), max(one[1], other[1])
        inside = [s for s in self._sentences if s.end > first and s.start < last]
        return self.text[inside[0].start : inside[-1].end].strip() if inside else ""

    def closest(self, ones: list[Span], others: list[Span]) -> tuple[Place, Place]:
        """Return the two mentions, one of each list, that stand closest to each other."""
        pairs = (((a.start, a.end), (b.start, b.end)) for a in ones for b in others)
        return min(pairs, key=lambda pair: (max(pair[0][1], pair[1][1]) - min(pair[0][0], pair[1][0]), pair))

    @cached_property
    def _sentences(self) -> list[Span]:
        return sentences(self.text)

    def _readings(self, start: int, end: int) -> Iterator[tuple[str, str, int, int]]:
        """Yield (how, text counted in, start, end), the likeliest first."""
        bases = [("", self.raw)]
        if "\r\n" in self.raw:
            bases.append(("CRLF as one character", self.raw.replace("\r\n", "\n")))
        for note, base in bases:
            yield note, base, start, end
        for note, base in bases if self.has_pairs else ():
            begin, stop = _from_utf16(base, start), _from_utf16(base, end)
            if begin is not None and stop is not None:
                yield ", ".join(filter(None, ["UTF-16 units", note])), base, begin, stop

    def utf16_place(self, start: int, end: int) -> Place | None:
        """Return where UTF-16 units start..end of the raw text stand."""
        begin, stop = _from_utf16(self.raw, start), _from_utf16(self.raw, end)
        return None if begin is None or stop is None else self._kept(self.raw, begin, stop)

    def _kept(self, base: str, start: int, end: int) -> Place | None:
        if not 0 <= start < end <= len(base):
            return None
        if base == self.text:
            return start, end
        surface = fields.clean(base[start:end])
        begin = len(fields.clean(base[:start]))
        if self.text[begin : begin + len(surface)] == surface:
            return begin, begin + len(surface)
        found = self._nearest(begin, surface)  # the span begins or ends within a composed character
        return found.place if found else None

    def _nearest(self, start: int, surface: str) -> Found | None:
        wanted = fields.clean(surface).strip()
        if not wanted:
            return None
        exact = [(at, at + len(wanted)) for at in _occurrences(self.text, wanted)]
        places = exact or [(span.start, span.end) for span in self.haystack.all(wanted)]
        if not places:
            return None
        return Found(min(places, key=lambda place: (abs(place[0] - start), place)), "the nearest place that reads so")


def _is_alike(one: str, other: str) -> bool:
    """Compare as a person would; tools write line ends and "&" in markup's ways."""
    plain = match_key(html.unescape(other).replace("\\n", "\n"))
    return plain != "" and match_key(one) == plain


def _occurrences(text: str, wanted: str) -> Iterator[int]:
    at = text.find(wanted)
    while at >= 0:
        yield at
        at = text.find(wanted, at + 1)


def _from_utf16(text: str, offset: int) -> int | None:
    """Turn an offset in UTF-16 units into one in code points; None within a pair or behind the end."""
    units = text.encode("utf-16-le")
    if not 0 <= 2 * offset <= len(units):
        return None
    try:
        return len(units[: 2 * offset].decode("utf-16-le"))
    except UnicodeDecodeError:
        return None
