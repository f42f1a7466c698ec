"""Where a name stands in a text: the mention finder, sentences and language.

Knows nothing about graphs, labels or files. Offsets are code points of the text as given; a text is folded
once (`Haystack`) and every search in it is then linear.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Literal

from kgtune.folding import Folded, fold, match_key, refanged
from kgtune.iocs import Ioc, iocs, refang

__all__ = [
    "Folded",
    "Haystack",
    "Ioc",
    "Language",
    "Span",
    "fold",
    "haystack",
    "iocs",
    "language_of",
    "match_key",
    "refang",
    "sentences",
]

Level = Literal["exact", "folded", "refanged"]
Language = Literal["zh", "en", "mixed"]

_HAN = re.compile("[\u3400-\u9fff\U00020000-\U0003ffff]+")
# In Chinese text the Latin words are names, mostly capitalised; lower-case words are what makes English.
# The edge is asked for behind the first letter: a pattern that begins with a letter skips Chinese three times as fast.
_ENGLISH_WORD = re.compile(r"[a-z](?<![A-Za-z0-9].)[a-z]++(?![A-Za-z0-9])")
_LAST_LATIN = "\u02ff"  # combining characters start behind it
_LOOKS_DEFANGED_OR_DOTTED = re.compile(r"[.:@\[({]")
_ODD_SPACE = re.compile(r"[^\S ]")
# Scripts that put no space between words: a name may stand right beside them.
_UNSPACED = re.compile("[\u2e80-\u31ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]")
# Annotated as names now and then; found everywhere, they say nothing. "IT" and "US" are spelled in capitals.
_STOP_WORDS = frozenset(
    "a an the and or of in on to for with by as at from it its he his she her they their them we our you this that "
    "these those is are was were be been not no none all any some other others who which what "
    "它们 他们 她们 我们 其中 这些 那些 以及 因此 由于".split()
)
_LONGEST_STOP_WORD = max(map(len, _STOP_WORDS))
# Below this a name such as "IT" or "Go" is told from the words "it" and "go" by its case alone.
_SHORTEST_FOLDED_NAME = 4


@dataclass(frozen=True, slots=True)
class Span:
    """text[start:end] is a mention; `level` says how far the text's spelling is from the name's."""

    start: int
    end: int
    level: Level = "exact"


class Haystack:
    """A text that is searched for many names; folded, refanged and searched for indicators once, when asked for.

    What was found is kept, so that asking twice costs nothing.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._first: dict[str, Span | None] = {}
        self._all: dict[str, list[Span]] = {}

    @cached_property
    def folded(self) -> Folded:
        return fold(self.text)

    @cached_property
    def iocs(self) -> list[Ioc]:
        return iocs(self.text)

    @cached_property
    def _refanged(self) -> Folded:
        return refanged(self.folded)

    def first(self, name: str) -> Span | None:
        """Return the first mention at the closest spelling: exact, else folded, else refanged.

        A mention inside a longer indicator ("evil" in "evil.com") is returned only when there is no other.
        """
        if name not in self._first:
            self._first[name] = self._find_first(name)
        return self._first[name]

    def _find_first(self, name: str) -> Span | None:
        inside: Span | None = None
        for level, mentions in self._levels(name):
            for start, end in mentions:
                span = Span(start, end, level)
                if not self.is_inside_ioc(span):
                    return span
                inside = inside or span
        return inside

    def level(self, name: str) -> Level | None:
        """Return the closest spelling in which a name stands anywhere, be it inside an indicator; None: nowhere.

        Cheaper than `first`: no indicator is looked for, and the text is folded only when it must be.
        """
        return next((level for level, mentions in self._levels(name) if next(iter(mentions), None)), None)

    def anchor(self, name: str) -> Span | None:
        """Return the mention that bears the name out; one that is only a part of an indicator does not."""
        span = self.first(name)
        return None if span is None or self.is_inside_ioc(span) else span

    def all(self, name: str) -> list[Span]:
        """Return every mention of every spelling, in order; a place is listed once, at its closest spelling."""
        if name not in self._all:
            found: dict[tuple[int, int], Level] = {}
            for level, mentions in self._levels(name):
                for place in mentions:
                    found.setdefault(place, level)
            ordered = sorted(found.items(), key=lambda item: (item[0][0], -item[0][1]))
            self._all[name] = [Span(start, end, level) for (start, end), level in ordered]
        return list(self._all[name])

    def is_inside_ioc(self, span: Span) -> bool:
        """Tell whether the mention is a part of a longer URL, path, address or hash."""
        index = bisect_right(self._ioc_starts, span.start) - 1
        if index < 0:
            return False
        ioc = self.iocs[index]
        return span.end <= ioc.end and (span.start, span.end) != (ioc.start, ioc.end)

    def mentions(self, name: str) -> list[Span]:
        """Return all mentions, less those inside a longer indicator, unless there are no others: see `first`."""
        found = self.all(name)
        return [span for span in found if not self.is_inside_ioc(span)] or found

    @cached_property
    def _ioc_starts(self) -> list[int]:
        return [ioc.start for ioc in self.iocs]

    def _levels(self, name: str) -> Iterator[tuple[Level, Iterator[tuple[int, int]]]]:
        name = name.strip()
        # One letter or character is everywhere and nowhere, and so is "the" or "The"; six letters are neither.
        if not (len(name) > _LONGEST_STOP_WORD and name[: _LONGEST_STOP_WORD + 1].isalnum()) and _says_nothing(name):
            return
        yield "exact", _places(self.text, name)
        key = match_key(name)
        if len(key) < _SHORTEST_FOLDED_NAME and name.isascii():
            return
        yield "folded", _places_by_key(self.folded, key)
        if _LOOKS_DEFANGED_OR_DOTTED.search(key):
            yield "refanged", _places_by_key(self._refanged, refang(key))


@lru_cache(maxsize=16)
def haystack(text: str) -> Haystack:
    """Return the text's haystack; the last few are kept, since one text is looked at by several rooms in a row."""
    return Haystack(text)


def _places(text: str, name: str) -> Iterator[tuple[int, int]]:
    at = text.find(name)
    while at >= 0:
        stop = at + len(name)
        if _has_edges(text, at, stop, name):
            yield at, stop
        at = text.find(name, at + 1)


def _places_by_key(folded: Folded, key: str) -> Iterator[tuple[int, int]]:
    text = folded.key
    at = text.find(key)
    while at >= 0:
        stop = at + len(key)
        if _has_edges(text, at, stop, key) or _is_plural(text, at, stop, key):
            starts = folded.starts
            # A hit must cover whole source characters: "s" is no mention inside "ß".
            if (at == 0 or starts[at - 1] != starts[at]) and (stop == len(text) or starts[stop] != starts[stop - 1]):
                yield starts[at], folded.ends[stop - 1]
        at = text.find(key, at + 1)


def _has_edges(text: str, start: int, stop: int, name: str) -> bool:
    """Ask for an edge only where the name itself starts or ends with a letter or digit of a spaced script."""
    if stop < len(text):
        after = text[stop]
        if after > _LAST_LATIN and unicodedata.combining(after):  # an accent that belongs to the last letter
            return False
        if _is_spaced(after) and _is_spaced(name[-1]):
            return False
    return not (start > 0 and _is_spaced(name[0]) and _is_spaced(text[start - 1]))


def _is_plural(key: str, start: int, stop: int, name: str) -> bool:
    """Accept "backdoors" for "backdoor": an English plural is a mention of the singular."""
    is_word = len(name) >= _SHORTEST_FOLDED_NAME and "a" <= name[-1] <= "z" and name[-1] != "s"
    return is_word and key[stop : stop + 1] == "s" and _has_edges(key, start, stop + 1, name[0] + "s")


def words(text: str) -> Iterator[str]:
    """Split a text so that it joins back: words of spaced scripts are whole, any other character stands alone.

    What such pieces make together stands in the text as a mention does: no letter of a word before or behind it.
    """
    at = 0
    for end in range(1, len(text) + 1):
        if end < len(text) and (
            (_is_spaced(text[end - 1]) and _is_spaced(text[end]))
            or (text[end] > _LAST_LATIN and unicodedata.combining(text[end]))
        ):
            continue
        yield text[at:end]
        at = end


def is_whole_in(text: str, piece: str) -> bool:
    """Tell whether a piece stands in a text word for word, and not inside of words."""
    return bool(piece) and next(_places(text, piece), None) is not None


def _says_nothing(name: str) -> bool:
    key = match_key(name)
    return len(key) < 2 or (key in _STOP_WORDS and not name.isupper())


@lru_cache(maxsize=65_536)
def _is_spaced(character: str) -> bool:
    """Tell letters and digits of scripts with spaces between words; a footnote mark such as ² is none."""
    if character.isascii():
        return character.isalnum()
    return character.isalpha() and not _UNSPACED.match(character)


def language_of(text: str) -> Language:
    """Tell Chinese from English by Chinese characters against lower-case English words outside indicators."""
    if text.isascii() or not _HAN.search(text):
        return "en"
    # Finding the indicators takes ten times as long as the rest, and they hold no Chinese but in a quoted Windows path:
    # a text that is Chinese with all their English words counted is Chinese without them.
    if ":\\" not in text and _language_by_share(text) == "zh":
        return "zh"
    return _language_by_share("".join(_outside_iocs(text)))


def _language_by_share(text: str) -> Language:
    num_han = sum(map(len, _HAN.findall(text)))
    if num_han == 0:
        return "en"
    # An English word says about as much as two characters.
    share = num_han / (num_han + 2 * len(_ENGLISH_WORD.findall(text)))
    return "zh" if share >= 0.7 else "en" if share <= 0.3 else "mixed"


def _outside_iocs(text: str) -> Iterator[str]:
    at = 0
    for ioc in haystack(text).iocs:
        yield text[at : ioc.start] + " "
        at = ioc.end
    yield text[at:]


def sentences(text: str) -> list[Span]:
    """Split into sentences that join back to the text: lines first, then sentencex, never inside an indicator.

    A sentence owns the white space behind it; blank lines belong to the sentence before them.
    """
    inside = [(ioc.start, ioc.end) for ioc in haystack(text).iocs]
    cuts: list[int] = []
    at = 0
    for line in text.split("\n"):
        if line.strip():
            cuts.append(at)
            cuts.extend(at + offset for offset in _cuts_in_line(line))
        at += len(line) + 1
    kept = [cut for cut in cuts[1:] if not _is_inside(cut, inside)]
    edges = [0, *kept, len(text)]
    return [Span(start, end) for start, end in pairwise(edges) if end > start]


def _cuts_in_line(line: str) -> Iterator[int]:
    import sentencex  # 1 MB of rules that `--help` need not read

    # sentencex 1.0.32 panics on "A\u3000." and its like: it counts one byte for the white space before the dot.
    line = _ODD_SPACE.sub(" ", line)
    parts = sentencex.segment("zh" if _HAN.search(line) else "en", line)
    if "".join(parts) != line:  # a splitter that loses a character would shift every offset behind it
        return
    at = 0
    for part in parts[:-1]:
        at += len(part)
        yield at


def _is_inside(cut: int, spans: list[tuple[int, int]]) -> bool:
    index = bisect_right(spans, (cut, -1)) - 1
    return index >= 0 and spans[index][0] < cut < spans[index][1]
