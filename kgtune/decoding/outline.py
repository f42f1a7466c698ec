"""An answer as it grows: its items, where it may be closed, what repeats, and which string is open.

Knows nothing about tokenizers, grammars or models: it reads the bytes that tokens spell. What it reads has the
contract's shape (keys in their order), since a grammar let nothing else through.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import Any, Literal

from kgtune.graph import EMPTY_TEXT

Section = Literal["entities", "relationships"]
Field = Literal["name", "description", "evidence"]

_FIELDS: dict[Section, dict[int, Field]] = {
    # the strings of an item, keys included, counted from 0
    "entities": {5: "name", 7: "description"},
    "relationships": {8: "evidence"},
}
_EDGE_STRINGS = 6  # of a relationship: type, source and target, each with its key
_CLOSINGS: dict[Section, bytes] = {"entities": b'],"relationships":[]}', "relationships": b"]}"}

# How often an item may stand in an answer. Readers merge relationships that are equal, so that none was ever
# trained on; two ids for one entity happen in annotations.
_ENTITY_LIMIT = 2
_RELATIONSHIP_LIMIT = 1
_TRIPLE_LIMIT = 4  # with other evidence each time
# A string whose last 48 bytes and last 4 rounds are one n-gram over and over goes on for ever.
_SHORTEST_ROUND_TRIP = 48
_LONGEST_NGRAM = 24
_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Boundary:
    """A place behind an item: the answer's first `num_tokens` tokens and the bytes `ending`; `closing` closes it."""

    num_entities: int
    num_tokens: int
    ending: bytes
    closing: bytes

    @property
    def rest(self) -> bytes:
        """What closes the answer here, behind its whole tokens."""
        return self.ending + self.closing


@dataclass(slots=True)
class Outline:
    """What was written so far. `source` is the text in its JSON spelling."""

    source: bytes
    written: bytes = b""
    num_tokens: int = 0
    section: Section = "entities"
    entities: tuple[dict[str, Any], ...] = ()
    relationships: tuple[dict[str, Any], ...] = ()
    boundaries: tuple[Boundary, ...] = (Boundary(0, 0, b"", EMPTY_TEXT.encode()),)
    _depth: int = 0
    _in_string: bool = False
    _escaped: bool = False
    _num_strings: int = 0
    _string_at: int = 0
    _item_at: int = 0

    def feed(self, piece: bytes) -> bool:
        """Read the next token's bytes. True when the answer repeats itself: it should go back to `boundaries[-1]`."""
        at = len(self.written)
        self.written += piece
        is_repeating = False
        for offset, byte in enumerate(piece):
            if self._in_string:
                self._inside(byte)
            elif byte == 0x22:  # "
                self._in_string, self._string_at = True, at + offset + 1
            elif byte in b"{[":
                self._open(byte, at + offset)
            elif byte in b"}]":
                self._depth -= 1
                if byte == 0x7D and self._depth == 2:
                    is_repeating = is_repeating or self._item(at + offset + 1, piece[: offset + 1])
                elif self._depth == 1:
                    self.section = "relationships"
        self.num_tokens += 1
        return is_repeating or self._is_going_round()

    def _inside(self, byte: int) -> None:
        if self._escaped:
            self._escaped = False
        elif byte == 0x5C:  # \
            self._escaped = True
        elif byte == 0x22:
            self._in_string = False
            self._num_strings += 1

    def _open(self, byte: int, at: int) -> None:
        self._depth += 1
        if byte == 0x7B and self._depth == 3:
            self._item_at, self._num_strings = at, 0

    def _item(self, end: int, piece: bytes) -> bool:
        """Note an item that has just ended; True when it stood there before, which leaves no boundary."""
        item = json.loads(self.written[self._item_at : end])
        if self._is_repeated(item):
            return True
        if self.section == "entities":
            self.entities = (*self.entities, item)
        else:
            self.relationships = (*self.relationships, item)
        place = Boundary(len(self.entities), self.num_tokens, piece, _CLOSINGS[self.section])
        self.boundaries = (*self.boundaries, place)
        return False

    def _is_repeated(self, item: dict[str, Any]) -> bool:
        if self.section == "entities":
            return _count(self.entities, item, "labels", "name") >= _ENTITY_LIMIT
        triple = ("type", "source", "target")
        return (
            _count(self.relationships, item, *triple, "evidence") >= _RELATIONSHIP_LIMIT
            or _count(self.relationships, item, *triple) >= _TRIPLE_LIMIT
        )

    @property
    def open_field(self) -> Field | None:
        """The value whose string is open, if it is one that a text could give."""
        if not self._in_string or self._depth != 3:
            return None
        return _FIELDS[self.section].get(self._num_strings)

    @property
    def is_choosing_edge(self) -> bool:
        """Whether the type, source or target of a relationship is being written."""
        return self.section == "relationships" and self._depth == 3 and self._num_strings < _EDGE_STRINGS

    @property
    def open_string(self) -> bytes:
        """What stands in the open string so far, in its JSON spelling."""
        return self.written[self._string_at :]

    @property
    def open_item(self) -> dict[str, Any]:
        """The open item up to the value whose string is open."""
        item: dict[str, Any] = json.loads(self.written[self._item_at : self._string_at] + b'"}')
        return item

    def fork(self) -> Outline:
        """Return a copy to read guesses with."""
        return copy.copy(self)

    def _is_going_round(self) -> bool:
        if self.open_field is None or len(self.written) - self._string_at < _SHORTEST_ROUND_TRIP:
            return False
        string = self.open_string
        for length in range(1, _LONGEST_NGRAM + 1):
            tail = string[-max(_ROUNDS * length, _SHORTEST_ROUND_TRIP) :]
            if len(tail) >= _ROUNDS * length and tail[length:] == tail[:-length]:
                return tail not in self.source  # a text may well hold a line of dashes
        return False


def _count(items: tuple[dict[str, Any], ...], item: dict[str, Any], *keys: str) -> int:
    return sum(all(other[key] == item[key] for key in keys) for other in items)
