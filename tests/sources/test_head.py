from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kgtune.sources.head import NUM_BYTES, look

LONG = "x" * (2 * NUM_BYTES)


def head_of(tmp_path: Path, content: str, name: str = "raw.json") -> Any:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return look(path)


@pytest.mark.parametrize(
    ("content", "items", "is_lone"),
    [
        ('[{"a": 1}, {"b": 2}]', [{"a": 1}, {"b": 2}], False),
        ('{"a": 1}\n{"b": 2}', [{"a": 1}, {"b": 2}], False),
        ('{"a": 1},\n\n{"b": 2}', [{"a": 1}, {"b": 2}], False),
        ('{"a": oops}\n{"b": 2}', [{"b": 2}], False),
        ('\n {"a": [1, {"b": "}"}]} \n', [{"a": [1, {"b": "}"}]}], True),
        ('{"data": [{"a": 1}], "v": 1}', [{"a": 1}], True),
        ('[{"a": 1}, {"b": "' + LONG, [{"a": 1}, {}], False),
        ('{"entities": [{"a": 1}, {"b": "' + LONG, [{"entities": [{"a": 1}, {}]}], True),
        ('{"data": [{"a": 1}, {"a": 2, "t": "' + LONG, [{"a": 1}, {"a": 2}], True),
        ('{"a": 1}\n{"b": "' + LONG, [{"a": 1}], False),
        ("[1, 2]", [], False),
        ("[" * 100_000, [], False),
        ("hello", [], False),
        ("", [], False),
        ("[}", [], False),
    ],
)
def test_the_first_objects_of_a_file_are_seen(
    tmp_path: Path, content: str, items: list[dict[str, Any]], is_lone: bool
) -> None:
    head = head_of(tmp_path, content)
    assert ([*map(dict, head.items)], head.whole is not None) == (items, is_lone)


def test_a_cut_within_a_character_or_an_escape_does_no_harm(tmp_path: Path) -> None:
    for shift in range(12):
        text = json.dumps([{"a": 1, "b": " " * shift + '组"\\' * NUM_BYTES}], ensure_ascii=False)
        assert dict(head_of(tmp_path, text).items[0]) == {"a": 1}


def test_what_looks_like_json_is_told_by_its_first_character(tmp_path: Path) -> None:
    assert head_of(tmp_path, " \n[").looks_like_json
    assert not head_of(tmp_path, "x[").looks_like_json
