"""The finding: a stable code, the place, the value, the nearest candidate; and the places that readers write.

Knows nothing about languages or how a finding is shown: its words stand in the catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

Level = Literal["error", "warning", "note"]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")

_PLACE = re.compile(r"(?P<file>.+?):(?P<line>\d+)(?:: (?P<rest>.*))?", re.DOTALL)
_ITEM = re.compile(r"item (?P<record>\d+)(?: \(id=(?P<id>.*?)\))?(?:: (?P<path>[A-Za-z_][\w.\[\]]*))?", re.DOTALL)
_PATH_AND_ID = re.compile(r"(?P<path>\S+) \(id=(?P<id>.*)\)", re.DOTALL)

OF_LABELS = frozenset(
    {"E-UNKNOWN-LABEL", "W-LABEL-SPELLING", "E-UNKNOWN-TYPE", "W-TYPE-SPELLING"}
    | {"W-PAIR", "W-PAIR-REVERSED", "W-SELF-LOOP"}
)
"""What is told of labels and types alone, without the text."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the user's files: line and item count from 1, 0 is unknown; `path` is the JSON path in the item."""

    file: str = ""
    line: int = 0
    record: int = 0
    id: str = ""
    path: str = ""

    def __str__(self) -> str:
        known = f" (id={self.id})" if self.id else ""
        item = f"item {self.record}{known}" if self.record else known.strip()
        head = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (head, item, self.path) if part)

    def at(self, path: str) -> Place:
        """Return the same item's place of another value."""
        return Place(self.file, self.line, self.record, self.id, path)


def read_place(where: str) -> Place:
    """Read a place as readers write it: ``file:12: item 3 (id=r7): entities[0]``; what is not there stays empty."""
    match = _PLACE.fullmatch(where)
    if match is None:
        return Place(where)
    file, line, rest = match["file"], int(match["line"]), match["rest"] or ""
    if item := _ITEM.fullmatch(rest):
        return Place(file, line, int(item["record"]), item["id"] or "", item["path"] or "")
    if named := _PATH_AND_ID.fullmatch(rest):
        return Place(file, line, 0, named["id"], named["path"])
    return Place(file, line, path=rest)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. The code's first letter says how bad: E-... errors, W-... warnings, others notes.

    `facts` fill the catalogue's texts beside `value` and `nearest`. `is_fixable`: --fix mends it in this file.
    """

    code: str
    place: Place
    value: str = ""
    nearest: str = ""
    facts: Mapping[str, object] = field(default_factory=dict, hash=False)
    is_fixable: bool = False

    @property
    def level(self) -> Level:
        return "error" if self.code.startswith("E-") else "warning" if self.code.startswith("W-") else "note"


def key_of(finding: Finding) -> tuple[str, str, int, str]:
    """Return what tells a finding from others: its code and its place."""
    return finding.code, finding.place.file, finding.place.line, finding.place.path


class Once:
    """Tells a label or type of a graph indexed by chunk once, though each of its chunks is a document of its own."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str, int, str]] = set()

    def each(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Yield those that were not told yet."""
        for finding in findings:
            if finding.place.record or finding.code not in OF_LABELS:
                yield finding
            elif (key := key_of(finding)) not in self._told:
                self._told.add(key)
                yield finding


def short(text: str, limit: int = 80) -> str:
    """Return the text on one line, its middle left out where it is long."""
    line = text.replace("\n", " ").replace("\t", " ")
    if len(line) <= limit:
        return line
    tail = limit // 4
    return f"{line[: limit - tail - 5]} ... {line[-tail:]}"
