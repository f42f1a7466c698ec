"""JSON text -> records, one by one: an array's, JSON Lines', or a lone object's, each with its line and its faults.

Knows nothing about graphs or encodings, and never holds more of a file than its longest record. A fault is a
problem with its line; JSON Lines go on behind a bad line, anything else ends there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kgtune.errors import Problem
from kgtune.parsing import DuplicateKeyError
from kgtune.sources import syntax
from kgtune.sources.cursor import Cursor
from kgtune.sources.findings import Findings, UnreadableError

WRAPPERS = ("data", "texts", "documents")
"""Keys of a lone object under which people put their list of items."""
FAULT = "\0fault"
"""Key under which a record carries the code of a fault found while it was parsed; no JSON file of ours has it."""

_GRAPH_KEYS = {"text", "entities", "relationships"}


@dataclass(frozen=True, slots=True)
class Record:
    """One JSON value of a file and the line it starts on (1-based). `index` counts from 0."""

    value: Any
    line: int
    index: int


Member = tuple[str, Record]


class Scanner:
    """Walks a text value by value, so that each record keeps its line and its own problems."""

    def __init__(self, path: Path, pieces: Iterable[str], findings: Findings) -> None:
        self.path, self.findings, self.cursor = path, findings, Cursor(pieces)

    def records(self) -> Iterator[Record]:
        """Yield an array's elements, JSON Lines, the list that a lone object wraps, or else that object."""
        return (record for _, record in self._guarded(self._lone_or_wrapped))

    def members(self) -> Iterator[Member]:
        """Yield a lone object's values with their keys, of a list each element; other records have the key ""."""
        return self._guarded(self._members)

    def _guarded(self, lone: Callable[[], Iterator[Member]]) -> Iterator[Member]:
        try:
            yield from self._top(lone)
        except (ValueError, RecursionError) as error:
            raise UnreadableError(self._syntax_problem(error)) from None

    def _top(self, lone: Callable[[], Iterator[Member]]) -> Iterator[Member]:
        first = self.cursor.peek()
        if first == "[":
            yield from (("", record) for record in self._elements())
            self.cursor.expect_end()
        elif first == "{":
            yield from self._object_or_lines(lone)
        elif first:
            what = f"starts with {first!r}, which is no JSON array or object."
            fix = "Give a JSON array, JSON Lines, or an object with entities and relationships."
            raise UnreadableError(self._problem(self.cursor.at, "E-JSON", what, fix))
        else:
            fix = "Write the annotated graphs into it, or give another."
            raise UnreadableError(Problem("E-EMPTY-FILE", str(self.path), "is empty.", fix))

    def _object_or_lines(self, lone: Callable[[], Iterator[Member]]) -> Iterator[Member]:
        """Tell a lone object from the first of many: by what follows it, if it ends within the first window."""
        try:
            is_lone = self.cursor.is_last_value()
        except (ValueError, RecursionError) as error:
            if self.cursor.may_be_cut(error):
                yield from lone()
                yield from (("", record) for record in self._lines(1))
                return
            if not self.cursor.has_objects_further_on():
                raise
            is_lone = False
        self.cursor.faults.clear()
        if is_lone:
            yield from lone()
        else:
            yield from (("", record) for record in self._lines(0))

    def _lone_or_wrapped(self) -> Iterator[Member]:
        line, plain, is_wrapped = self.cursor.line(), dict[str, Any](), False
        for key in self._keys():
            if key in WRAPPERS and self.cursor.peek() == "[" and not _GRAPH_KEYS & plain.keys():
                is_wrapped = True
                yield from ((key, record) for record in self._elements())
            else:
                plain[key] = self.cursor.value()
        if is_wrapped:
            self._report_faults(Record(plain, line, 0))
            for key in plain.keys() - {FAULT}:
                self.findings.note(f"top-level key ignored: {key}")
        else:
            yield "", self._record(plain, line, 0)

    def _members(self) -> Iterator[Member]:
        for key in self._keys():
            if self.cursor.peek() == "[":
                yield from ((key, record) for record in self._elements())
            else:
                line = self.cursor.line()
                yield key, self._record(self.cursor.value(), line, 0)

    def _keys(self) -> Iterator[str]:
        """Yield the keys of the object at hand; the caller reads the value behind each before it asks for the next."""
        seen: set[str] = set()
        self.cursor.at += 1
        if self.cursor.peek() == "}":
            self.cursor.at += 1
            return
        while True:
            if self.cursor.peek() != '"':
                self.cursor.fail("Expecting property name enclosed in double quotes")
            key = str(self.cursor.value())
            if key in seen:
                raise DuplicateKeyError(f'key "{key}" stands twice in the top-level object')
            seen.add(key)
            if self.cursor.peek() != ":":
                self.cursor.fail("Expecting ':' delimiter")
            self.cursor.at += 1
            self.cursor.peek()
            yield key
            mark = self.cursor.peek()
            if mark not in (",", "}"):
                self.cursor.fail("Expecting ',' delimiter")
            self.cursor.at += 1
            if mark == "}":
                return

    def _elements(self) -> Iterator[Record]:
        index = 0
        self.cursor.at += 1
        if self.cursor.peek() == "]":
            self.cursor.at += 1
            return
        while True:
            line = self.cursor.line()
            yield self._record(self.cursor.value(), line, index)
            index += 1
            mark = self.cursor.peek()
            if mark not in (",", "]"):
                self.cursor.fail("Expecting ',' delimiter")
            self.cursor.at += 1
            if mark == "]":
                return
            if self.cursor.peek() == "]":
                self.cursor.fail("Illegal trailing comma before end of array")

    def _lines(self, index: int) -> Iterator[Record]:
        """Read JSON Lines or objects one behind the other; a broken one is reported and its line skipped."""
        while self.cursor.peek():
            line = self.cursor.line()
            try:
                value = self.cursor.value()
            except (ValueError, RecursionError) as error:
                self.cursor.faults.clear()
                problem = self._syntax_problem(error)
                self.findings.problems.append(problem)
                self.findings.counts["read"] += 1
                self.findings.dropped(problem.code)
                self.cursor.skip_line()
            else:
                yield self._record(value, line, index)
            index += 1
            if self.cursor.peek() == ",":  # a comma behind a line is harmless
                self.cursor.at += 1

    def _record(self, value: Any, line: int, index: int) -> Record:
        record = Record(value, line, index)
        if self.cursor.faults:
            self._report_faults(record)
        return record

    def _report_faults(self, record: Record) -> None:
        identity = record.value.get("id") if isinstance(record.value, dict) else None
        where = place(self.path, record, identity)
        for fault in self.cursor.faults:
            path = syntax.path_to(fault.owner, record.value) if fault.owner is not None else None
            at = where if path is None else f"{where}: {f'{path}.{fault.key}' if path else fault.key}"
            self.findings.problem(fault.code, at, fault.what, fault.fix)
        if self.cursor.faults and isinstance(record.value, dict):
            record.value[FAULT] = self.cursor.faults[-1].code
        self.cursor.faults.clear()

    def _syntax_problem(self, error: Exception) -> Problem:
        fault = syntax.explain(error, self.cursor.window.text, self.cursor.at)
        return self._problem(fault.at, fault.code, fault.what, fault.fix)

    def _problem(self, at: int, code: str, what: str, fix: str) -> Problem:
        return Problem(code, f"{self.path}:{self.cursor.window.line_of(at)}", what, fix)


def place(path: Path, record: Record, identity: object = None) -> str:
    """Name a record as every message does: ``file:line: item 3 (id=r7)``."""
    known = f" (id={identity})" if isinstance(identity, str | int) and identity != "" else ""
    return f"{path}:{record.line}: item {record.index + 1}{known}"
