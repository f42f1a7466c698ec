"""The match key of a text or name, and the way back from a place in the key to the source.

Knows nothing about names, sentences or graphs. Offsets are code points of the text as given. Most characters stand
for one in the key, so only the places where key and source part are kept; the rest is counted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache

from kgtune.iocs import defanged_places

Piece = tuple[int, int, int]
"""Start and end in the source, and how many characters of the key stand for them."""
Places = tuple[Sequence[int], Sequence[int]]

_COMBINING = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u3099\u309a\ufe20-\ufe2f"
_ZERO_WIDTH = "\u200b-\u200f\u2060\ufeff\u00ad"
_CJK = "[\u2e80-\u31ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
_SAME = str.maketrans(
    {**dict.fromkeys("‘’‚‛′´ʼ", "'"), **dict.fromkeys("“”„‟″«»", '"'), **dict.fromkeys("‐‑‒–—―−", "-")}
)
_BESIDE_CJK = re.compile(_CJK)
# White space that is more, less or other than one blank between two words, neither of them Chinese.
_GAP_IN_ASCII = re.compile(r"\s(?:(?<=[^ ])\s*|\s+)")
_GAP = re.compile(rf"[\s{_ZERO_WIDTH}](?:(?<=[^ ])[\s{_ZERO_WIDTH}]*|[\s{_ZERO_WIDTH}]+|(?<={_CJK} )|(?={_CJK}))")
_GAP_OR_ACCENTED = re.compile(rf"[\s{_ZERO_WIDTH}]+|.[{_COMBINING}]+", re.DOTALL)
_ACCENT = re.compile(f"[{_COMBINING}]")
_GAP_START = re.compile(rf"[\s{_ZERO_WIDTH}]")
_ODD = "\ufffe"  # no character; a text that holds it all the same only takes the slow way


class Folded:
    """A match key and, for each of its characters, where the source piece behind it starts and ends.

    The places are counted when they are first asked for: most searches end without a hit.
    """

    def __init__(self, key: str, places: Callable[[], Places]) -> None:
        self.key = key
        self._find_places = places

    @cached_property
    def _places(self) -> Places:
        return self._find_places()

    @property
    def starts(self) -> Sequence[int]:
        return self._places[0]

    @property
    def ends(self) -> Sequence[int]:
        return self._places[1]


def fold(text: str) -> Folded:
    """Fold to the match key: NFKC, one kind of quote and dash, casefold, white space collapsed.

    Zero-width characters vanish, and so does white space beside a Chinese character, where it says nothing.
    """
    keys: list[str] = []
    pieces: list[Piece] = []
    at = 0
    gap = _GAP_IN_ASCII if text.isascii() else _GAP_OR_ACCENTED if _ACCENT.search(text) else _GAP
    for match in gap.finditer(text):
        begin, stop = match.span()
        keys.append(_fold_run(text[at:begin], at, pieces))
        is_gap = _GAP_START.match(text, begin) is not None
        key = _space_key(text, begin, stop) if is_gap else _fold_character(match[0])
        keys.append(key)
        pieces.append((begin, stop, len(key)))
        at = stop
    keys.append(_fold_run(text[at:], at, pieces))
    return Folded("".join(keys), lambda: _places(len(text), pieces))


@lru_cache(maxsize=65_536)
def match_key(name: str) -> str:
    """Return a name's match key; names are compared again and again, texts are not."""
    return fold(name).key.strip()


def refanged(folded: Folded) -> Folded:
    """Undo defanging in the key; a replacement stands for the whole of what it replaces, as one piece."""
    found = list(defanged_places(folded.key))
    if not found:
        return folded
    keys: list[str] = []
    at = 0
    for start, end, new in found:
        keys += [folded.key[at:start], new]
        at = end
    return Folded("".join([*keys, folded.key[at:]]), lambda: _refanged_places(folded, found))


def _places(length: int, pieces: Sequence[Piece]) -> Places:
    """Count one for one between the pieces; all characters of a piece share its edges."""
    if not pieces:
        return range(length), range(1, length + 1)
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for begin, stop, in_key in (*pieces, (length, length, 0)):
        starts.extend(range(at, begin))
        ends.extend(range(at + 1, begin + 1))
        starts.extend([begin] * in_key)
        ends.extend([stop] * in_key)
        at = stop
    return starts, ends


def _refanged_places(folded: Folded, found: Sequence[tuple[int, int, str]]) -> Places:
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for start, end, new in found:
        # The replacement stands for the whole of what it replaces; equal starts mark it as one piece.
        starts += [*folded.starts[at:start], *[folded.starts[start]] * len(new)]
        ends += [*folded.ends[at:start], *[folded.ends[end - 1]] * len(new)]
        at = end
    return [*starts, *folded.starts[at:]], [*ends, *folded.ends[at:]]


def _space_key(text: str, begin: int, stop: int) -> str:
    if not any(character.isspace() for character in text[begin:stop]):
        return ""
    before, after = text[begin - 1 : begin] if begin else "", text[stop : stop + 1]
    return "" if _BESIDE_CJK.match(before) or _BESIDE_CJK.match(after) else " "


def _fold_run(run: str, start: int, pieces: list[Piece]) -> str:
    """Fold characters that stand alone; one whose key is not one character becomes a piece."""
    if run.isascii():
        return run.lower()
    key = run.translate(_ONE_FOR_ONE)
    if _ODD not in key:
        return key
    parts = list(key)
    for index, character in enumerate(parts):
        if character == _ODD:
            parts[index] = _fold_character(run[index])
            pieces.append((start + index, start + index + 1, len(parts[index])))
    return "".join(parts)


def _fold_character(character: str) -> str:
    folded = unicodedata.normalize("NFKC", character.translate(_SAME)).casefold()
    return unicodedata.normalize("NFKC", folded).translate(_SAME).replace(" ", "")


class _OneForOne(dict[int, str]):
    """The key of each character where that is one character, else `_ODD`; filled as characters are met."""

    def __missing__(self, code: int) -> str:
        key = chr(code).lower() if code < 128 else _fold_character(chr(code))
        self[code] = key if len(key) == 1 else _ODD
        return self[code]


_ONE_FOR_ONE = _OneForOne()
