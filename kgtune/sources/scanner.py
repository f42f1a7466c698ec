"""JSON text -> records: syntax, duplicate keys, constants that are no JSON, and the line each record starts on.

Knows nothing about graphs or encodings. A fault is a problem with its line; JSON Lines go on behind a bad line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kgtune.parsing import DuplicateKeyError
from kgtune.sources.findings import Findings

_SPACE = re.compile(r"[ \t\n\r]*")
_WRAPPERS = ("data", "texts", "documents")


@dataclass(frozen=True, slots=True)
class Record:
    """One JSON value of a file and the line it starts on (1-based). `index` counts from 0."""

    value: Any
    line: int
    index: int


@dataclass(frozen=True, slots=True)
class Contents:
    """A file's records; `members` holds the lists of a lone top-level object, record by record."""

    records: tuple[Record, ...]
    members: dict[str, tuple[Record, ...]] | None = None


class Scanner:
    """Walks one text value by value, so that each record keeps its line and its own problems."""

    def __init__(self, path: Path, text: str, findings: Findings) -> None:
        self.path, self.text, self.findings = path, text, findings
        self.faults: list[tuple[str, str, str]] = []
        self.decoder = json.JSONDecoder(object_pairs_hook=self._pairs, parse_constant=self._constant)
        self.line, self.line_at = 1, 0
        self._after = 0

    def contents(self) -> Contents | None:
        at = self._skip(0)
        if self.text[at] == "[":
            return self._guarded(lambda: Contents(tuple(self._elements(at))))
        if self.text[at] != "{":
            self._problem(at, "E-JSON", f"starts with {self.text[at]!r}, which is no JSON array or object.",
                          "Give a JSON array, JSON Lines, or an object with entities and relationships.")  # fmt: skip
            return None
        end = self._end_of_first_value(at)
        if end is not None and self._skip(end) == len(self.text):
            return self._guarded(lambda: self._lone_object(at))
        if end is None and not self._is_lines(at):
            return self._guarded(lambda: self._lone_object(at))  # reports the fault with its line
        return Contents(tuple(self._lines(at)))

    def _lone_object(self, at: int) -> Contents:
        members, plain = self._members(at)
        for wrapper in _WRAPPERS:
            if wrapper in members and "text" not in plain and not ({"entities", "relationships"} & members.keys()):
                return Contents(members[wrapper])
        value = {**plain, **{key: [record.value for record in records] for key, records in members.items()}}
        faults = [record.value[FAULT] for records in members.values() for record in records if _is_faulty(record)]
        if faults:
            value[FAULT] = faults[0]
        return Contents((Record(value, self._line_of(at), 0),), members)

    def _members(self, at: int) -> tuple[dict[str, tuple[Record, ...]], dict[str, Any]]:
        """Read a top-level object; its lists become records, everything else plain values."""
        lists: dict[str, tuple[Record, ...]] = {}
        plain: dict[str, Any] = {}
        start, at = at, self._skip(at + 1)
        while self.text[at : at + 1] != "}":
            key, at = self._string(at)
            at = self._expect(at, ":")
            if key in lists or key in plain:
                raise DuplicateKeyError(f'key "{key}" stands twice in the top-level object')
            if self.text[at : at + 1] == "[":
                lists[key] = tuple(self._elements(at))
                at = self._after
            else:
                plain[key], at = self.decoder.raw_decode(self.text, at)
                self._report_faults(Record(plain, self._line_of(start), 0))
            at = self._skip(at)
            if self.text[at : at + 1] == ",":
                at = self._skip(at + 1)
            elif self.text[at : at + 1] != "}":
                raise json.JSONDecodeError("Expecting ',' delimiter", self.text, at)
        self._after = at + 1
        return lists, plain

    def _elements(self, at: int) -> Iterator[Record]:
        index, at = 0, self._skip(at + 1)
        while self.text[at : at + 1] != "]":
            line = self._line_of(at)
            value, at = self.decoder.raw_decode(self.text, at)
            record = Record(value, line, index)
            self._report_faults(record)
            yield record
            index, at = index + 1, self._skip(at)
            if self.text[at : at + 1] == ",":
                at = self._skip(at + 1)
                if self.text[at : at + 1] == "]":
                    raise json.JSONDecodeError("Illegal trailing comma before end of array", self.text, at)
            elif self.text[at : at + 1] != "]":
                raise json.JSONDecodeError("Expecting ',' delimiter", self.text, at)
        self._after = at + 1

    def _lines(self, at: int) -> Iterator[Record]:
        """Read JSON Lines or objects one behind the other; a broken one is reported and its line skipped."""
        index = 0
        while at < len(self.text):
            line = self._line_of(at)
            try:
                value, at = self.decoder.raw_decode(self.text, at)
            except (ValueError, RecursionError) as error:
                self.faults.clear()
                self._syntax(error, at)
                self.findings.counts["read"] += 1
                self.findings.dropped("E-JSON")
                at = (self.text.find("\n", at) + 1) or len(self.text)
            else:
                record = Record(value, line, index)
                self._report_faults(record)
                yield record
            index, at = index + 1, self._skip(at)
            if self.text[at : at + 1] == ",":  # a comma behind a line is harmless
                at = self._skip(at + 1)

    def _guarded(self, read: Callable[[], Contents]) -> Contents | None:
        try:
            contents = read()
            at = self._skip(self._after)
            if at < len(self.text):
                raise json.JSONDecodeError("Extra data", self.text, at)
        except (ValueError, RecursionError) as error:
            self._syntax(error, 0)
            return None
        return contents

    def _end_of_first_value(self, at: int) -> int | None:
        try:
            return json.JSONDecoder().raw_decode(self.text, at)[1]
        except (ValueError, RecursionError):
            return None

    def _is_lines(self, at: int) -> bool:
        """Tell a broken first line of many from one broken object: a later line is, unindented, an object by itself."""
        return any(line.startswith("{") and _is_object(line) for line in self.text[at:].split("\n")[1:])

    def _string(self, at: int) -> tuple[str, int]:
        if self.text[at : at + 1] != '"':
            raise json.JSONDecodeError("Expecting property name enclosed in double quotes", self.text, at)
        value, end = self.decoder.raw_decode(self.text, at)
        return str(value), end

    def _expect(self, at: int, character: str) -> int:
        at = self._skip(at)
        if self.text[at : at + 1] != character:
            raise json.JSONDecodeError(f"Expecting {character!r} delimiter", self.text, at)
        return self._skip(at + 1)

    def _skip(self, at: int) -> int:
        match = _SPACE.match(self.text, at)
        return match.end() if match else at

    def _line_of(self, at: int) -> int:
        if at < self.line_at:
            return self.text.count("\n", 0, at) + 1
        self.line += self.text.count("\n", self.line_at, at)  # counted on from the last place: linear in all
        self.line_at = at
        return self.line

    def _pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) < len(pairs):
            keys = [key for key, _ in pairs]
            for key in sorted({key for key in keys if keys.count(key) > 1}):
                self.faults.append(
                    ("E-DUPLICATE-KEY", f'key "{key}" stands twice in one object.', "Keep one of the two.")
                )
        return result

    def _constant(self, name: str) -> float:
        self.faults.append(("E-JSON", f"{name} is not JSON.", "Write a number, or null."))
        return 0.0

    def _report_faults(self, record: Record) -> None:
        for code, what, fix in self.faults:
            identity = record.value.get("id") if isinstance(record.value, dict) else None
            self.findings.problem(code, place(self.path, record, identity), what, fix)
            if isinstance(record.value, dict):
                record.value[FAULT] = code
        self.faults.clear()

    def _syntax(self, error: Exception, at: int) -> None:
        if isinstance(error, RecursionError):
            self._problem(at, "E-JSON", "is nested too deeply to be read.", "Flatten it.")
        elif isinstance(error, DuplicateKeyError):
            self._problem(at, "E-DUPLICATE-KEY", f"{error}.", "Keep one of the two.")
        elif not isinstance(error, json.JSONDecodeError):
            self._problem(at, "E-JSON", f"can't be read as JSON: {error}.", "Correct the value.")
        elif self._is_cut_off(error):
            self._problem(error.pos, "E-CUT-OFF", "the file ends in the middle of a value: it seems to be cut off.",
                          "Export or copy the file again.")  # fmt: skip
        else:
            around = self.text[max(0, error.pos - 25) : error.pos + 15].replace("\n", " ")
            self._problem(error.pos, "E-JSON", f"is not JSON: {error.msg}, near `{around}`.", "Correct the syntax.")

    def _is_cut_off(self, error: json.JSONDecodeError) -> bool:
        """Tell an end that comes too early, inside a string, a word or between two values, from bad syntax."""
        if error.msg.startswith(("Extra data", "Illegal trailing comma")):
            return False
        rest = self.text[error.pos : error.pos + 40].strip()
        return error.msg.startswith("Unterminated string") or re.fullmatch(r"[\w.+-]*", rest) is not None

    def _problem(self, at: int, code: str, what: str, fix: str) -> None:
        self.findings.problem(code, f"{self.path}:{self.text.count(chr(10), 0, at) + 1}", what, fix)


FAULT = "\0fault"
"""Key under which a record carries the code of a fault found while it was parsed; no JSON file of ours has it."""


def place(path: Path, record: Record, identity: object = None) -> str:
    """Name a record as every message does: ``file:line: item 3 (id=r7)``."""
    known = f" (id={identity})" if isinstance(identity, str | int) and identity != "" else ""
    return f"{path}:{record.line}: item {record.index + 1}{known}"


def _is_faulty(record: Record) -> bool:
    return isinstance(record.value, dict) and FAULT in record.value


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
