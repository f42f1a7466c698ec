"""JSON text -> records, one by one: syntax, duplicate keys, constants that are no JSON, each record's line.

Knows nothing about graphs or encodings, and never holds more of a file than its longest record. A fault is a
problem with its line; JSON Lines go on behind a bad line, anything else ends there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from kgtune.errors import Problem
from kgtune.parsing import DuplicateKeyError
from kgtune.sources import syntax
from kgtune.sources.findings import Findings, UnreadableError
from kgtune.sources.window import Window

WRAPPERS = ("data", "texts", "documents")
"""Keys of a lone object under which people put their list of items."""
FAULT = "\0fault"
"""Key under which a record carries the code of a fault found while it was parsed; no JSON file of ours has it."""

_GRAPH_KEYS = {"text", "entities", "relationships"}
# What may still be missing of a token at a window's edge: "-Infinity" has 9 characters, "\ud83d\ude00" 12.
_EDGE = 64


@dataclass(frozen=True, slots=True)
class Record:
    """One JSON value of a file and the line it starts on (1-based). `index` counts from 0."""

    value: Any
    line: int
    index: int


Member = tuple[str, Record]


@dataclass(frozen=True, slots=True)
class _Fault:
    """A fault in a value that was parsed all the same; `owner` is the very object that has it, `key` where in it."""

    code: str
    what: str
    fix: str
    owner: dict[str, Any] | None = None
    key: str = ""


class Scanner:
    """Walks a text value by value, so that each record keeps its line and its own problems."""

    def __init__(self, path: Path, pieces: Iterable[str], findings: Findings) -> None:
        self.path, self.findings = path, findings
        self.window, self.at = Window(pieces), 0
        self.faults: list[_Fault] = []
        self._decode = json.JSONDecoder(object_pairs_hook=self._pairs, parse_constant=self._constant).raw_decode

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
        first = self._peek()
        if first == "[":
            yield from (("", record) for record in self._elements())
            self._expect_end()
        elif first == "{":
            yield from self._object_or_lines(lone)
        elif first:
            what = f"starts with {first!r}, which is no JSON array or object."
            fix = "Give a JSON array, JSON Lines, or an object with entities and relationships."
            raise UnreadableError(self._problem(self.at, "E-JSON", what, fix))
        else:
            fix = "Write the annotated graphs into it, or give another."
            raise UnreadableError(Problem("E-EMPTY-FILE", str(self.path), "is empty.", fix))

    def _object_or_lines(self, lone: Callable[[], Iterator[Member]]) -> Iterator[Member]:
        """Tell a lone object from the first of many: by what follows it, if it ends within the first window."""
        try:
            _, end = self._decode(self.window.text, self.at)
        except (ValueError, RecursionError) as error:
            if self._may_be_cut(error):
                yield from lone()
                yield from (("", record) for record in self._lines(1))
                return
            if not self._has_objects_further_on():
                raise
            is_lone = False
        else:
            is_lone = self.window.is_last and not self.window.text[end:].strip()
        self.faults.clear()
        if is_lone:
            yield from lone()
        else:
            yield from (("", record) for record in self._lines(0))

    def _lone_or_wrapped(self) -> Iterator[Member]:
        line, plain, is_wrapped = self._line(), dict[str, Any](), False
        for key in self._keys():
            if key in WRAPPERS and self._peek() == "[" and not _GRAPH_KEYS & plain.keys():
                is_wrapped = True
                yield from ((key, record) for record in self._elements())
            else:
                plain[key] = self._value()
        if is_wrapped:
            self._report_faults(Record(plain, line, 0))
            for key in plain.keys() - {FAULT}:
                self.findings.note(f"top-level key ignored: {key}")
        else:
            yield "", self._record(plain, line, 0)

    def _members(self) -> Iterator[Member]:
        for key in self._keys():
            if self._peek() == "[":
                yield from ((key, record) for record in self._elements())
            else:
                line = self._line()
                yield key, self._record(self._value(), line, 0)

    def _keys(self) -> Iterator[str]:
        """Yield the keys of the object at hand; the caller reads the value behind each before it asks for the next."""
        seen: set[str] = set()
        self.at += 1
        if self._peek() == "}":
            self.at += 1
            return
        while True:
            if self._peek() != '"':
                self._fail("Expecting property name enclosed in double quotes")
            key = str(self._value())
            if key in seen:
                raise DuplicateKeyError(f'key "{key}" stands twice in the top-level object')
            seen.add(key)
            if self._peek() != ":":
                self._fail("Expecting ':' delimiter")
            self.at += 1
            self._peek()
            yield key
            mark = self._peek()
            if mark not in (",", "}"):
                self._fail("Expecting ',' delimiter")
            self.at += 1
            if mark == "}":
                return

    def _elements(self) -> Iterator[Record]:
        index = 0
        self.at += 1
        if self._peek() == "]":
            self.at += 1
            return
        while True:
            line = self._line()
            yield self._record(self._value(), line, index)
            index += 1
            mark = self._peek()
            if mark not in (",", "]"):
                self._fail("Expecting ',' delimiter")
            self.at += 1
            if mark == "]":
                return
            if self._peek() == "]":
                self._fail("Illegal trailing comma before end of array")

    def _lines(self, index: int) -> Iterator[Record]:
        """Read JSON Lines or objects one behind the other; a broken one is reported and its line skipped."""
        while self._peek():
            line = self._line()
            try:
                value = self._value()
            except (ValueError, RecursionError) as error:
                self.faults.clear()
                problem = self._syntax_problem(error)
                self.findings.problems.append(problem)
                self.findings.counts["read"] += 1
                self.findings.dropped(problem.code)
                self._skip_line()
            else:
                yield self._record(value, line, index)
            index += 1
            if self._peek() == ",":  # a comma behind a line is harmless
                self.at += 1

    def _value(self) -> Any:
        while True:
            try:
                value, end = self._decode(self.window.text, self.at)
            except (ValueError, RecursionError) as error:
                if not self._may_be_cut(error):
                    raise
                self.faults.clear()
            else:
                # A number near the window's edge may go on behind it: of "1.5e-7" the decoder takes "1", "1.5" or all.
                if type(value) not in (int, float) or end < len(self.window.text) - _EDGE or self.window.is_last:
                    self.at = end
                    return value
            self.at = self.window.more(self.at)

    def _may_be_cut(self, error: Exception) -> bool:
        if self.window.is_last or not isinstance(error, json.JSONDecodeError):
            return False
        return error.msg.startswith("Unterminated string") or error.pos >= len(self.window.text) - _EDGE

    def _peek(self) -> str:
        """Go to the next character that is no white space and return it, "" at the end."""
        self.at, character = self.window.next_from(self.at)
        return character

    def _line(self) -> int:
        return self.window.line_of(self.at)

    def _skip_line(self) -> None:
        self.at = self.window.behind_line(self.at)

    def _expect_end(self) -> None:
        if self._peek():
            self._fail("Extra data")

    def _fail(self, what: str) -> NoReturn:
        raise json.JSONDecodeError(what, self.window.text, self.at)

    def _has_objects_further_on(self) -> bool:
        """Tell a broken first line of many from one broken object: a later line is, unindented, an object by itself."""
        return any(
            line.startswith("{") and syntax.is_object(line) for line in self.window.text[self.at :].split("\n")[1:]
        )

    def _pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) < len(pairs):
            keys = [key for key, _ in pairs]
            for key in sorted({key for key in keys if keys.count(key) > 1}):
                what = f'key "{key}" stands twice in one object.'
                self.faults.append(_Fault("E-DUPLICATE-KEY", what, "Keep one of the two.", result, key))
        return result

    def _constant(self, name: str) -> float:
        self.faults.append(_Fault("E-JSON", f"{name} is not JSON.", "Write a number, or null."))
        return 0.0

    def _record(self, value: Any, line: int, index: int) -> Record:
        record = Record(value, line, index)
        if self.faults:
            self._report_faults(record)
        return record

    def _report_faults(self, record: Record) -> None:
        identity = record.value.get("id") if isinstance(record.value, dict) else None
        where = place(self.path, record, identity)
        for fault in self.faults:
            path = syntax.path_to(fault.owner, record.value) if fault.owner is not None else None
            at = where if path is None else f"{where}: {f'{path}.{fault.key}' if path else fault.key}"
            self.findings.problem(fault.code, at, fault.what, fault.fix)
        if self.faults and isinstance(record.value, dict):
            record.value[FAULT] = self.faults[-1].code
        self.faults.clear()

    def _syntax_problem(self, error: Exception) -> Problem:
        fault = syntax.explain(error, self.window.text, self.at)
        return self._problem(fault.at, fault.code, fault.what, fault.fix)

    def _problem(self, at: int, code: str, what: str, fix: str) -> Problem:
        return Problem(code, f"{self.path}:{self.window.line_of(at)}", what, fix)


def place(path: Path, record: Record, identity: object = None) -> str:
    """Name a record as every message does: ``file:line: item 3 (id=r7)``."""
    known = f" (id={identity})" if isinstance(identity, str | int) and identity != "" else ""
    return f"{path}:{record.line}: item {record.index + 1}{known}"
