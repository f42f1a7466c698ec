"""Where a name stands in a text: the folding key, the mention finder, sentences and language.

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

from kgtune.iocs import Ioc, defanged_places, iocs, refang

__all__ = [
    "Folded",
    "Haystack",
    "Ioc",
    "Language",
    "Span",
    "fold",
    "iocs",
    "language_of",
    "match_key",
    "refang",
    "sentences",
]

Level = Literal["exact", "folded", "refanged"]
Language = Literal["zh", "en", "mixed"]

_COMBINING = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u3099\u309a\ufe20-\ufe2f"
_ZERO_WIDTH = "\u200b-\u200f\u2060\ufeff\u00ad"
_PIECE = re.compile(
    rf"(?P<ascii>[!-~]+(?![{_COMBINING}]))|(?P<han>[\u4e00-\u9fff]+(?![{_COMBINING}]))"
    rf"|(?P<space>[\s{_ZERO_WIDTH}]+)|(?P<other>.[{_COMBINING}]*)",
    re.DOTALL,
)
_SAME = str.maketrans(
    {**dict.fromkeys("‘’‚‛′´ʼ", "'"), **dict.fromkeys("“”„‟″«»", '"'), **dict.fromkeys("‐‑‒–—―−", "-")}
)
_CJK = re.compile("[\u2e80-\u31ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_HAN = re.compile("[\u3400-\u9fff\U00020000-\U0003ffff]")
# In Chinese text the Latin words are names, mostly capitalised; lower-case words are what makes English.
_ENGLISH_WORD = re.compile(r"(?<![A-Za-z0-9])[a-z]{2,}(?![A-Za-z0-9])")
_LOOKS_DEFANGED_OR_DOTTED = re.compile(r"[.:@]")
# Below this a name such as "IT" or "Go" is told from the words "it" and "go" by its case alone.
_SHORTEST_FOLDED_NAME = 4


@dataclass(frozen=True, slots=True)
class Span:
    """text[start:end] is a mention; `level` says how far the text's spelling is from the name's."""

    start: int
    end: int
    level: Level = "exact"


@dataclass(frozen=True, slots=True)
class Folded:
    """A match key and, for each of its characters, where the source piece behind it starts and ends."""

    key: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]


def fold(text: str) -> Folded:
    """Fold to the match key: NFKC, one kind of quote and dash, casefold, white space collapsed.

    Zero-width characters vanish, and so does white space beside a Chinese character, where it says nothing.
    """
    keys: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for match in _PIECE.finditer(text):
        begin, stop = match.span()
        if match.lastgroup in ("ascii", "han"):
            keys.append(match[0].lower())
            starts.extend(range(begin, stop))
            ends.extend(range(begin + 1, stop + 1))
            continue
        key = _space_key(text, begin, stop) if match.lastgroup == "space" else _fold_character(match[0])
        keys.append(key)
        starts.extend([begin] * len(key))
        ends.extend([stop] * len(key))
    return Folded("".join(keys), tuple(starts), tuple(ends))


@lru_cache(maxsize=65_536)
def match_key(name: str) -> str:
    """Return a name's match key; names are compared again and again, texts are not."""
    return fold(name).key.strip()


def _space_key(text: str, begin: int, stop: int) -> str:
    if not any(character.isspace() for character in text[begin:stop]):
        return ""
    beside_cjk = (begin > 0 and _CJK.match(text[begin - 1])) or (stop < len(text) and _CJK.match(text[stop]))
    return "" if beside_cjk else " "


def _fold_character(character: str) -> str:
    folded = unicodedata.normalize("NFKC", character.translate(_SAME)).casefold()
    return unicodedata.normalize("NFKC", folded).translate(_SAME).replace(" ", "")


class Haystack:
    """A text that is searched for many names. Folding, refanging and indicators are computed once, when asked for."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def folded(self) -> Folded:
        return fold(self.text)

    @cached_property
    def iocs(self) -> list[Ioc]:
        return iocs(self.text)

    @cached_property
    def _refanged(self) -> Folded:
        return _refang_folded(self.folded)

    def first(self, name: str) -> Span | None:
        """Return the first mention at the closest spelling: exact, else folded, else refanged.

        A mention inside a longer indicator ("evil" in "evil.com") is returned only when there is no other.
        """
        inside: Span | None = None
        for mentions in self._levels(name):
            for span in mentions:
                if not self.is_inside_ioc(span):
                    return span
                inside = inside or span
        return inside

    def all(self, name: str) -> list[Span]:
        """Return every mention of every spelling, in order; a place is listed once, at its closest spelling."""
        found: dict[tuple[int, int], Span] = {}
        for mentions in self._levels(name):
            for span in mentions:
                found.setdefault((span.start, span.end), span)
        return sorted(found.values(), key=lambda span: (span.start, -span.end))

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

    def _levels(self, name: str) -> Iterator[Iterator[Span]]:
        name = name.strip()
        key = match_key(name)
        if len(key) < 2:  # one letter or one character is everywhere and nowhere
            return
        yield self._exact(name)
        if len(key) < _SHORTEST_FOLDED_NAME and name.isascii():
            return
        yield self._keyed(self.folded, key, "folded")
        if _LOOKS_DEFANGED_OR_DOTTED.search(key):
            yield self._keyed(self._refanged, refang(key), "refanged")

    def _exact(self, name: str) -> Iterator[Span]:
        at = self.text.find(name)
        while at >= 0:
            if _has_edges(self.text, at, at + len(name), name):
                yield Span(at, at + len(name), "exact")
            at = self.text.find(name, at + 1)

    def _keyed(self, folded: Folded, key: str, level: Level) -> Iterator[Span]:
        at = folded.key.find(key)
        while at >= 0:
            stop = at + len(key)
            # A hit must cover whole source characters: "s" is no mention inside "ß".
            whole = (at == 0 or folded.starts[at - 1] != folded.starts[at]) and (
                stop == len(folded.key) or folded.starts[stop] != folded.starts[stop - 1]
            )
            if whole and (_has_edges(folded.key, at, stop, key) or _is_plural(folded.key, at, stop, key)):
                yield Span(folded.starts[at], folded.ends[stop - 1], level)
            at = folded.key.find(key, at + 1)


def _has_edges(text: str, start: int, stop: int, name: str) -> bool:
    """Ask for an edge only where the name itself starts or ends with an ASCII letter or digit."""
    if stop < len(text) and unicodedata.combining(text[stop]):  # an accent that belongs to the last letter
        return False
    return not (
        (_is_ascii_alnum(name[0]) and start > 0 and _is_ascii_alnum(text[start - 1]))
        or (_is_ascii_alnum(name[-1]) and stop < len(text) and _is_ascii_alnum(text[stop]))
    )


def _is_plural(key: str, start: int, stop: int, name: str) -> bool:
    """Accept "backdoors" for "backdoor": an English plural is a mention of the singular."""
    is_word = len(name) >= _SHORTEST_FOLDED_NAME and "a" <= name[-1] <= "z" and name[-1] != "s"
    return is_word and key[stop : stop + 1] == "s" and _has_edges(key, start, stop + 1, name[0] + "s")


def _is_ascii_alnum(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _refang_folded(folded: Folded) -> Folded:
    keys: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for start, end, new in defanged_places(folded.key):
        keys += [folded.key[at:start], new]
        # The replacement stands for the whole of what it replaces; equal starts mark it as one piece.
        starts += [*folded.starts[at:start], *[folded.starts[start]] * len(new)]
        ends += [*folded.ends[at:start], *[folded.ends[end - 1]] * len(new)]
        at = end
    return Folded("".join([*keys, folded.key[at:]]), (*starts, *folded.starts[at:]), (*ends, *folded.ends[at:]))


def language_of(text: str) -> Language:
    """Tell Chinese from English by Chinese characters against lower-case English words outside indicators."""
    plain = "".join(_outside_iocs(text))
    num_han = len(_HAN.findall(plain))
    num_english = len(_ENGLISH_WORD.findall(plain))
    if num_han == 0:
        return "en"
    share = num_han / (num_han + 2 * num_english)  # an English word says about as much as two characters
    return "zh" if share >= 0.7 else "en" if share <= 0.3 else "mixed"


def _outside_iocs(text: str) -> Iterator[str]:
    at = 0
    for ioc in iocs(text):
        yield text[at : ioc.start] + " "
        at = ioc.end
    yield text[at:]


def sentences(text: str) -> list[Span]:
    """Split into sentences that join back to the text: lines first, then sentencex, never inside an indicator.

    A sentence owns the white space behind it; blank lines belong to the sentence before them.
    """
    inside = [(ioc.start, ioc.end) for ioc in iocs(text)]
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
