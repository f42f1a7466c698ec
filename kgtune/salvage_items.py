"""One entity or relationship of a tolerant reading: what is missing is filled in or the item dropped, and counted.

Knows nothing about syntax or about where the item stood. A value is never invented: no name, label or type comes
from here, only the empty description and evidence, the given default confidence, and an id that is the name.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kgtune.graph import ENTITY_KEYS, HALF_CHARACTER, RELATIONSHIP_KEYS
from kgtune.grounding import match_key

_LABEL_KEYS = ("labels", "label", "type")
_TYPE_KEYS = ("type", "relation", "label")
_NEVER_BLANK = frozenset({"labels", "id", "name", "type", "source", "target"})


def sorted_out(items: Sequence[Any]) -> dict[str, list[Any]] | None:
    """Sort an array's objects into the two lists; None when it holds something and nothing of it is an item."""
    edges = [item for item in items if isinstance(item, dict) and {"source", "target"} <= item.keys()]
    things = [item for item in items if isinstance(item, dict) and "name" in item and item not in edges]
    return {"entities": things, "relationships": edges} if edges or things or not items else None


class Ends:
    """The ids that a relationship may point to; a name that only one entity has is a second way to say it."""

    def __init__(self, entities: Iterable[Mapping[str, Any]]) -> None:
        self._ids: set[str] = set()
        self._by_name: dict[str, set[str]] = {}
        for entity in entities:
            self._ids.add(entity["id"])
            self._by_name.setdefault(match_key(entity["name"]), set()).add(entity["id"])

    def resolve(self, end: str) -> str:
        """Return the id that is meant; an end that nothing has stays as it is, and dangles."""
        if end in self._ids:
            return end
        ids = self._by_name.get(match_key(end), set())
        return next(iter(ids)) if len(ids) == 1 else end


@dataclass(frozen=True, slots=True)
class Mending:
    """Reads items and counts what it had to mend."""

    faults: Counter[str]
    default_confidence: float

    def entity(self, item: object) -> dict[str, Any] | None:
        """Read an entity; None when it is no object or has no label or name."""
        if not isinstance(item, dict):
            self.faults["wrong_type"] += 1
            return None
        label, name = self._first(item, _LABEL_KEYS), self._text(item.get("name"))
        if label is None or name is None:
            self.faults["missing_key"] += 1
            return None
        identity = self._text(item.get("id"))
        self._count_keys(item, ENTITY_KEYS, _LABEL_KEYS)
        return {
            "labels": label, "id": identity or name, "name": name,
            "description": self._text(item.get("description")) or "",
        }  # fmt: skip

    def relationship(self, item: object, ends: Ends) -> dict[str, Any] | None:
        """Read a relationship; None when it is no object or lacks its type or an end."""
        if not isinstance(item, dict):
            self.faults["wrong_type"] += 1
            return None
        kind = self._first(item, _TYPE_KEYS)
        source, target = self._text(item.get("source")), self._text(item.get("target"))
        if kind is None or source is None or target is None:
            self.faults["missing_key"] += 1
            return None
        self._count_keys(item, RELATIONSHIP_KEYS, _TYPE_KEYS)
        return {
            "type": kind, "source": ends.resolve(source), "target": ends.resolve(target),
            "confidence": self._confidence(item.get("confidence")),
            "evidence": self._text(item.get("evidence")) or "",
        }  # fmt: skip

    def _count_keys(self, item: Mapping[str, Any], keys: Sequence[str], spellings: Sequence[str]) -> None:
        blank = [
            key for key in keys if key in _NEVER_BLANK and isinstance(item.get(key), str) and not item[key].strip()
        ]
        self.faults["missing_key"] += len(blank) + sum(key not in item for key in keys)
        self.faults["extra_key"] += sum(key not in keys and key not in spellings for key in item)

    def _first(self, item: Mapping[str, Any], keys: Sequence[str]) -> str | None:
        value = next((item[key] for key in keys if item.get(key)), None)
        if isinstance(value, list) and value:
            self.faults["wrong_type"] += 1
            value = value[0]
        return self._text(value)

    def _text(self, value: object) -> str | None:
        """Return a value as text that is not blank; a number is written out, anything else is no text."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            self.faults["wrong_type"] += 1
            value = str(value)
        if not isinstance(value, str):
            self.faults["wrong_type"] += value is not None
            return None
        if HALF_CHARACTER.search(value):
            self.faults["bad_escape"] += 1
            value = HALF_CHARACTER.sub("", value)
        return value if value.strip() else None

    def _confidence(self, value: object) -> float:
        """Read 0.9, "0.9", 90 and "90%" alike; anything else is the default."""
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
            return float(value)
        if value is not None:
            self.faults["wrong_type"] += 1
        try:
            number = float(str(value).rstrip("% "))
        except ValueError:
            return self.default_confidence
        # Between 1 and 2 nobody can tell a percentage from a slip.
        number = number / 100 if 2 <= number <= 100 or str(value).rstrip().endswith("%") else number
        return number if math.isfinite(number) and 0 <= number <= 1 else self.default_confidence
