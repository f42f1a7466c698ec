"""The model's answer while it is still being written: each entity and relationship as soon as it is whole.

Knows nothing about models, tokens or HTTP. What it gives out is what `parsing.parse_answer` will have found in the
whole answer, in the same order; tests hold the two together on every prefix.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Literal

from kgtune import graph as graphs
from kgtune.graph import Entity, Relationship
from kgtune.parsing import loads_strict

Item = Entity | Relationship
Expected = Literal[
    "start", "first_key", "key", "colon", "list", "first_item", "item", "after_item", "after_list", "end"
]

JSON_SPACE = " \t\n\r"
KEYS = ("entities", "relationships")


@dataclass
class AnswerReader:
    """Feed it pieces of an answer of any size; it returns the items that they complete.

    `is_complete` once the answer is a whole graph; `is_broken` once it can't become one any more, from where on
    nothing is given out.
    """

    is_broken: bool = False
    _expected: Expected = "start"
    _part: list[str] = field(default_factory=list)  # of a key or an item that is not whole yet
    _in_string: bool = False
    _is_escaped: bool = False
    _key: str = ""
    _seen: set[str] = field(default_factory=set)

    @property
    def is_complete(self) -> bool:
        return self._expected == "end" and not self.is_broken

    def feed(self, piece: str) -> list[Item]:
        """Read on, and return the items that are whole now."""
        items: list[Item] = []
        for character in piece:
            if self.is_broken:
                break
            if self._part:
                item = self._read_part(character)
            else:
                item = None
                self._read_frame(character)
            if item is not None:
                items.append(item)
        return items

    def _read_frame(self, character: str) -> None:
        """Take one character outside of keys and items."""
        expected = self._expected
        # Around the whole answer any white space may stand, since parse_answer strips it; inside, JSON's own.
        if character in JSON_SPACE or (expected in ("start", "end") and character.isspace()):
            return
        if character == '"' and expected in ("first_key", "key"):
            self._begin(character, in_string=True)
        elif character == "{" and expected in ("first_item", "item"):
            self._begin(character, in_string=False)
        elif following := _NEXT.get((expected, character)):
            self._expected = following
            self.is_broken = following == "end" and self._seen != set(KEYS)
        else:
            self.is_broken = True

    def _begin(self, character: str, *, in_string: bool) -> None:
        self._part, self._in_string, self._is_escaped = [character], in_string, False

    def _read_part(self, character: str) -> Item | None:
        """Take one character of a key or an item; return the item that it completes."""
        self._part.append(character)
        if self._is_escaped:
            self._is_escaped = False
        elif self._in_string and character == "\\":
            self._is_escaped = True
        elif character == '"':
            self._in_string = not self._in_string
            if self._expected in ("first_key", "key"):
                self._end_key()
        elif character == "}" and not self._in_string:
            return self._end_item()
        return None

    def _end_key(self) -> None:
        key, self._part = _loads("".join(self._part)), []
        self.is_broken = key not in KEYS or key in self._seen
        self._key, self._expected = str(key), "colon"
        self._seen.add(self._key)

    def _end_item(self) -> Item | None:
        value, self._part = _loads("".join(self._part)), []
        self._expected = "after_item"
        graph, _ = graphs.from_object({"entities": [], "relationships": [], self._key: [value]})
        self.is_broken = graph is None
        if graph is None:
            return None
        return graph.entities[0] if graph.entities else graph.relationships[0]


_NEXT: dict[tuple[Expected, str], Expected] = {
    ("start", "{"): "first_key",
    ("colon", ":"): "list",
    ("list", "["): "first_item",
    ("first_item", "]"): "after_list",
    ("after_item", ","): "item",
    ("after_item", "]"): "after_list",
    ("after_list", ","): "key",
    ("after_list", "}"): "end",
}


def _loads(text: str) -> object:
    """Read a key or an item; what is no JSON becomes None, which is neither."""
    try:
        return loads_strict(text)
    except (json.JSONDecodeError, ValueError, RecursionError):
        return None
