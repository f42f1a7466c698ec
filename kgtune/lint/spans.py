"""Where the text comes nearest to a name or an evidence that it does not hold, and whether only the type differs.

Knows nothing about labels or relationships.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from kgtune.grounding import Haystack, Span

# Of 100; below, the nearest stretch has nothing to do with the name. A Chinese name has few characters, and one
# word put into it ("雾隼攻击组织" for "雾隼组织") costs a third of them.
_ALIKE, _ALIKE_CHINESE = 70.0, 60.0
_SHORTEST = 4  # characters; shorter ones are near to anything
# Up to 64 characters rapidfuzz compares in machine words, 0.01 ms in 5,000 characters; longer ones take about 1 ms,
# so that of very many only the first are looked for and a hopeless corpus is still checked in seconds.
_QUICK, _MOST_SLOW = 64, 3_000

_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_PLAIN = str.maketrans(_HALF_WIDTH | {ord(mark): "'" for mark in "‘’‚‛′´ʼ`"} | {ord(mark): '"' for mark in "“”„‟″«»＂"})


@dataclass(frozen=True, slots=True)
class Near:
    """text[start:end] is the stretch most like what was wanted; `score` in [0, 100]."""

    start: int
    end: int
    score: int
    text: str


class Nearest:
    """Finds the stretch of a text that is most like a string."""

    def __init__(self) -> None:
        self._slow_left = _MOST_SLOW

    def span(self, wanted: str, text: str) -> Near | None:
        """Return the nearest stretch, widened to whole words; None when nothing is alike."""
        if not _SHORTEST <= len(wanted) <= len(text):
            return None
        if len(wanted) > _QUICK:
            if self._slow_left == 0:
                return None
            self._slow_left -= 1
        from rapidfuzz import fuzz

        low_wanted, low_text = wanted.lower(), text.lower()
        if len(low_text) != len(text):  # a letter whose lower case is longer would shift every offset behind it
            low_wanted, low_text = wanted, text
        cutoff = _ALIKE if wanted.isascii() else _ALIKE_CHINESE
        found = fuzz.partial_ratio_alignment(low_wanted, low_text, score_cutoff=cutoff)
        if found is None:
            return None
        start, end = _trimmed(low_text, set(low_wanted), found.dest_start, found.dest_end)
        start, end = _whole_words(text, start, end)
        return Near(start, end, round(found.score), text[start:end])


def _trimmed(text: str, wanted: set[str], start: int, end: int) -> tuple[int, int]:
    """The stretch is as long as what was wanted: take off what only fills it up."""
    while start < end and (text[start].isspace() or text[start] not in wanted):
        start += 1
    while end > start and (text[end - 1].isspace() or text[end - 1] not in wanted):
        end -= 1
    return start, end


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    while start > 0 and _is_inside_word(text, start):
        start -= 1
    while end < len(text) and _is_inside_word(text, end):
        end += 1
    return start, end


def _is_inside_word(text: str, at: int) -> bool:
    pair = text[at - 1 : at + 1]
    return pair.isascii() and pair.isalnum()


def mention(name: str, haystack: Haystack) -> Span | None:
    """Return a mention of the name at the closest spelling; where there is an exact one, without folding the text."""
    if len(name) > 1:
        at = haystack.text.find(name)
        while at >= 0:
            if has_edges(haystack.text, at, at + len(name)):
                return Span(at, at + len(name), "exact")
            at = haystack.text.find(name, at + 1)
    return haystack.first(name)


def has_edges(text: str, start: int, end: int) -> bool:
    """Ask for an edge where the name starts or ends with an ASCII letter or digit: "Conti" is not in "Continental"."""
    return not (_joins(text[start - 1 : start], text[start]) or _joins(text[end : end + 1], text[end - 1]))


def _joins(outside: str, inside: str) -> bool:
    return outside.isascii() and outside.isalnum() and inside.isascii() and inside.isalnum()


def respelling(wanted: str, haystack: Haystack, first: Span) -> str | None:
    """Return the text's own spelling where quotes and width are all that differs, and the text has but one such."""
    if first.level != "folded":
        return None
    spellings = {haystack.text[span.start : span.end] for span in haystack.all(wanted)}
    if len(spellings) != 1:
        return None
    spelling = spellings.pop()
    alike = spelling != wanted and spelling.translate(_PLAIN) == wanted.translate(_PLAIN)
    return spelling if alike else None


class Respeller:
    """Answers for one text as `respelling` does, and folds the text only where the answer can be other than no."""

    def __init__(self, text: str) -> None:
        self._haystack = Haystack(text)

    @cached_property
    def _plain(self) -> str:
        return self._haystack.text.translate(_PLAIN)

    def respelt(self, wanted: str) -> str | None:
        """Return the text's own spelling of a string that it holds only with other quotes or in another width."""
        if wanted in self._haystack.text or wanted.translate(_PLAIN) not in self._plain:
            return None
        span = self._haystack.first(wanted)
        return respelling(wanted, self._haystack, span) if span else None
