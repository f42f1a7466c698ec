from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgtune.sources.findings import Findings, UnreadableError
from kgtune.sources.scanner import Scanner

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text("ab", max_size=2), VALUES, max_size=4)


def cut(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def scanned(text: str, size: int, findings: Findings | None = None) -> list[tuple[int, Any]]:
    scanner = Scanner(Path("raw.json"), cut(text, size), findings or Findings())
    return [(record.line, record.value) for record in scanner.records()]


@pytest.mark.property
@settings(deadline=None)
@given(st.lists(VALUES, max_size=5), st.sampled_from([None, 1, 2]), st.integers(1, 60))
def test_an_array_gives_its_elements_however_it_is_cut(values: list[Any], indent: int | None, size: int) -> None:
    text = json.dumps(values, indent=indent, ensure_ascii=False)
    assert [value for _, value in scanned(text, size)] == values


@pytest.mark.property
@settings(deadline=None)
@given(st.lists(OBJECTS, min_size=2, max_size=5), st.booleans(), st.integers(1, 60))
def test_json_lines_give_each_object_with_its_line(values: list[Any], ascii_only: bool, size: int) -> None:
    text = "\n\n".join(json.dumps(value, ensure_ascii=ascii_only) for value in values)
    assert scanned(text, size) == [(2 * index + 1, value) for index, value in enumerate(values)]


@pytest.mark.property
@settings(deadline=None)
@given(OBJECTS, st.integers(1, 60))
def test_a_lone_object_is_one_record(value: dict[str, Any], size: int) -> None:
    assert scanned("\n" + json.dumps(value, indent=1), size) == [(2, value)]


@pytest.mark.property
@settings(deadline=None)
@given(st.lists(OBJECTS, max_size=4), st.dictionaries(st.sampled_from("pqrs"), VALUES), st.integers(1, 60))
def test_a_wrapped_list_gives_its_elements_and_the_other_keys_are_counted(
    values: list[Any], others: dict[str, Any], size: int
) -> None:
    findings = Findings()
    text = json.dumps(dict(list(others.items())[:1]) | {"data": values} | others)
    assert [value for _, value in scanned(text, size, findings)] == values
    assert set(findings.counts) == {f"note: top-level key ignored: {key}" for key in others}


@pytest.mark.property
@settings(deadline=None)
@given(st.dictionaries(st.sampled_from("pqrs"), VALUES), st.integers(1, 60))
def test_members_are_the_values_of_an_object_and_the_elements_of_its_lists(value: dict[str, Any], size: int) -> None:
    scanner = Scanner(Path("raw.json"), cut(json.dumps(value), size), Findings())
    members = [(key, record.value) for key, record in scanner.members()]
    flat = [
        (key, one)
        for key, given_value in value.items()
        for one in (given_value if isinstance(given_value, list) else [given_value])
    ]
    assert members == flat


FAULTY = [
    "[1, 2",
    "[1, tr",
    '["ab',
    "[1,]",
    "[1 2]",
    '{"a": 1, "a": 2}',
    '{"a" 1}',
    '{"a": 1,}',
    "[1] x",
    "x",
    "[nope]",
    '[{"a": "\n"}]',
]


@pytest.mark.parametrize("text", FAULTY)
def test_a_fault_is_told_alike_however_the_text_is_cut(text: str) -> None:
    padded = "\n" * 3 + " " * 200 + text
    told = set()
    for size in (1, 2, 7, 64, 1000):
        findings = Findings()
        try:
            scanned(padded, size, findings)
        except UnreadableError as error:
            findings.problems.append(error.problem)
        told.add(tuple(map(str, findings.problems)))
    assert len(told) == 1
    assert all(problem.startswith("raw.json:4") for problem in next(iter(told)))
    assert next(iter(told))


def test_a_number_at_the_edge_is_read_to_its_end() -> None:
    assert [value for _, value in scanned("[12345, 67]", 3)] == [12345, 67]


def test_a_broken_line_is_skipped_and_counted_also_at_an_edge() -> None:
    text = '{"a": 1}\n{"a": "' + "x" * 500 + '"oops}\n{"a": 2}\n{"a":'
    for size in (5, 100, 10_000):
        findings = Findings()
        assert scanned(text, size, findings) == [(1, {"a": 1}), (3, {"a": 2})]
        assert [(p.code, p.where) for p in findings.problems] == [("E-JSON", "raw.json:2"), ("E-CUT-OFF", "raw.json:4")]
        assert findings.counts == {"read": 2, "dropped: E-JSON": 1, "dropped: E-CUT-OFF": 1}


def test_faults_within_a_value_are_reported_once_though_it_is_read_twice() -> None:
    findings = Findings()
    scanned('[{"id": "r", "a": NaN, "b": {"c": 1, "c": 2}, "d": "' + "x" * 100 + '"}]', 20, findings)
    assert sorted(p.code for p in findings.problems) == ["E-DUPLICATE-KEY", "E-JSON"]
    assert all("raw.json:1: item 1 (id=r)" in p.where for p in findings.problems)


def test_a_long_first_line_is_one_of_many() -> None:
    first, second = {"text": "x" * 300}, {"text": "y"}
    assert scanned(json.dumps(first) + "\n" + json.dumps(second), 50) == [(1, first), (2, second)]


def test_records_come_before_the_text_is_read_to_its_end() -> None:
    read = []

    def pieces():
        for number in range(1000):
            read.append(number)
            yield ("[" if number == 0 else ",") + json.dumps({"n": number})
        yield "]"

    records = Scanner(Path("raw.json"), pieces(), Findings()).records()
    assert [next(records).value["n"] for _ in range(3)] == [0, 1, 2]
    assert len(read) < 12


def test_the_window_never_holds_more_than_the_longest_record_asks_for() -> None:
    line = json.dumps({"text": "x" * 1000}) + "\n"
    scanner = Scanner(Path("raw.jsonl"), cut(line * 2000, 4096), Findings())
    longest = max(len(scanner.cursor.window.text) for _ in scanner.records())
    assert longest < 4 * 4096
