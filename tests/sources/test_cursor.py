from __future__ import annotations

import json

import pytest

from kgtune.sources.cursor import Cursor


def cut(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("value", [1.5e-7, -12345, 'é 😀 " \\ 海', {"a": [1, {"b": None}]}, [True, "x" * 300]])
def test_a_value_is_read_whole_however_its_text_is_cut(value: object, size: int) -> None:
    cursor = Cursor(cut(f"  {json.dumps(value)} ,7", size))
    assert cursor.peek()
    assert cursor.value() == value
    assert cursor.peek() == ","


def test_a_fault_in_a_value_is_noted_with_its_owner_and_the_value_is_read() -> None:
    cursor = Cursor(['{"a": {"b": 1, "b": 2}, "c": NaN}'])
    assert cursor.value() == {"a": {"b": 2}, "c": 0.0}
    assert [(fault.code, fault.key, fault.owner) for fault in cursor.faults] == [
        ("E-DUPLICATE-KEY", "b", {"b": 2}), ("E-JSON", "", None)
    ]  # fmt: skip


def test_a_value_that_is_tried_is_not_passed() -> None:
    for text, is_last in (('{"a": 1}\n ', True), ('{"a": 1}\n{"a": 2}', False)):
        cursor = Cursor([text])
        cursor.peek()
        assert (cursor.is_last_value(), cursor.at) == (is_last, 0)


def test_lines_are_counted_and_passed_over() -> None:
    cursor = Cursor(cut("broken\n\n  {}\n", 2))
    cursor.peek()
    assert cursor.line() == 1
    cursor.skip_line()
    assert (cursor.peek(), cursor.line()) == ("{", 3)


def test_what_follows_the_end_is_a_fault() -> None:
    cursor = Cursor(["1 2"])
    assert cursor.value() == 1
    with pytest.raises(json.JSONDecodeError, match="Extra data"):
        cursor.expect_end()
