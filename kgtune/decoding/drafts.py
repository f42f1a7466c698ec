"""Guesses at an answer's next tokens, cheap enough to be wrong: copied from the text and from the answer itself.

Knows nothing about models or grammars: whoever asks for a guess checks it. No guess can change an answer, only
how many forward passes it takes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import accumulate

from kgtune import grounding
from kgtune.decoding.outline import Outline

# Tokens that are looked up together, the longest known run first.
NGRAM = 4
_NGRAMS = range(NGRAM, 0, -1)
# Bytes of text that are offered at once; a draft is cut to a few tokens anyway.
_REACH = 160


class Recall:
    """Finds what followed the last tokens when they were last seen."""

    def __init__(self, tokens: Sequence[int] = ()) -> None:
        self.tokens: list[int] = []
        self._last: dict[tuple[int, ...], int] = {}
        self.extend(tokens)

    def extend(self, tokens: Sequence[int]) -> None:
        for token in tokens:
            for length in _NGRAMS:
                if len(self.tokens) >= length:
                    self._last[tuple(self.tokens[-length:])] = len(self.tokens)
            self.tokens.append(token)

    def after(self, tokens: Sequence[int]) -> Sequence[int]:
        """Return what followed the longest known ending of `tokens`."""
        for length in _NGRAMS:
            at = self._last.get(tuple(tokens[-length:]))
            if at is not None and len(tokens) >= length:
                return self.tokens[at : at + _REACH]
        return ()


class Source:
    """The text that an answer is about, in its JSON spelling, as whoever copies from it sees it."""

    def __init__(self, text: str) -> None:
        self.text = text
        characters = [json.dumps(character, ensure_ascii=False)[1:-1].encode() for character in text]
        self.spelled = b"".join(characters)
        self._offsets = [0, *accumulate(len(character) for character in characters)]

    @cached_property
    def sentences(self) -> list[tuple[int, int]]:
        """Where sentences start and end in `spelled`, without the white space behind them."""
        spans = [(s.start, s.start + len(self.text[s.start : s.end].rstrip())) for s in grounding.sentences(self.text)]
        return [(self._offsets[start], self._offsets[end]) for start, end in spans]

    def continuation(self, outline: Outline) -> bytes:
        """Guess how the open string goes on, and what follows it; nothing where there is no guess."""
        started = outline.open_string
        if outline.open_field == "evidence":
            return self._evidence(started, outline)
        if not started or outline.open_field is None:
            return b""
        # Entities stand in the order of their first mention.
        last = outline.entities[-1]["name"] if outline.entities else ""
        at = self.spelled.find(started, max(self.spelled.find(_spell(last)), 0))
        at = at if at >= 0 else self.spelled.find(started)
        return self.spelled[at + len(started) :][:_REACH] if at >= 0 else b""

    def _evidence(self, started: bytes, outline: Outline) -> bytes:
        """Evidence is mostly the rest of a sentence, and of one that names both ends."""
        names = {entity["id"]: _spell(entity["name"]) for entity in outline.entities}
        item = outline.open_item
        ends = [names.get(item["source"], b"\0"), names.get(item["target"], b"\0")]
        # A stable sort: of sentences with as many ends the first comes first.
        ranked = sorted(self.sentences, key=lambda span: -sum(end in self.spelled[slice(*span)] for end in ends))
        for start, end in ranked:
            at = self.spelled.find(started, start, end) if started else start
            if at >= 0:
                rest = self.spelled[at + len(started) : end]
                return rest[:_REACH] if len(rest) > _REACH else rest + b'"},{"type":"'
        return b""


def _spell(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False)[1:-1].encode()


class Drafter:
    """Guesses for one answer. `encode` turns bytes of an answer into tokens."""

    def __init__(self, source: Source, encode: Callable[[bytes], list[int]]) -> None:
        self._source = source
        self._encode = encode
        self._recall = Recall()

    def read(self, tokens: Sequence[int]) -> None:
        """Take note of tokens that the answer holds for good."""
        self._recall.extend(tokens)

    def guess(self, outline: Outline, tokens: Sequence[int]) -> Sequence[int]:
        """Guess what follows `tokens`, which `outline` has read."""
        if outline.open_field is None:
            return self._recall.after(tokens)
        rest = self._source.continuation(outline)
        whole = _whole_characters(rest)
        return self._encode(whole) if whole else ()


def _whole_characters(piece: bytes) -> bytes:
    """Cut off what is left of a character at the end; nothing where the beginning is one."""
    if piece and piece[0] & 0xC0 == 0x80:
        return b""
    return piece.decode(errors="ignore").encode()
