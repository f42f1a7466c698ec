"""JSON with the place of every value, and the records of a file."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgtune.lint import json_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 10**20) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.property
@given(VALUES, st.sampled_from([None, 0, 2]), st.booleans())
def test_every_value_stands_where_its_node_says(value, indent, ascii_only):
    text = "  " + json.dumps(value, indent=indent, ensure_ascii=ascii_only) + " \n"
    node = json_text.parse(text)
    assert node.value == value
    assert json.loads(text[node.start : node.end]) == value
    for path, below in node.walk():
        assert json.loads(text[below.start : below.end]) == below.value, path


def test_paths_are_written_as_people_write_them():
    node = json_text.parse('{"a": [{"b": 1}, 2], "c": {}}')
    assert [path for path, _ in node.walk()] == ["a", "a[0]", "a[0].b", "a[1]", "c"]


@pytest.mark.parametrize("text", ['{"a" 1}', "[1 2]", '{"a": }', "[1", "", '{"a": 1'])
def test_what_is_no_json_is_a_value_error(text):
    with pytest.raises(ValueError):  # noqa: PT011  the reader words it
        json_text.parse(text)


GRAPH = '{"entities": [{"id": "a"}, {"id": "b"}], "relationships": [{"type": "r"}], "statistics": {}}'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[{"a": 1}, {"a": 2}]', [(0, "", {"a": 1}), (1, "", {"a": 2})]),
        ('[{"a": 1}, {"a": 2}, ]', [(0, "", {"a": 1}), (1, "", {"a": 2})]),
        ('{"a": 1}\n\n{"a": 2},\n{"a": 3}', [(0, "", {"a": 1}), (1, "", {"a": 2}), (2, "", {"a": 3})]),
        ('{"a": 1}\n{"a": 2\n{"a": 3}', [(0, "", {"a": 1}), (2, "", {"a": 3})]),
        ('{"data": [{"a": 1}]}', [(0, "", {"a": 1})]),
        ('{"text": "t", "data": [1]}', [(0, "", {"text": "t", "data": [1]})]),
        (
            '{"text": "t", "entities": [], "relationships": []}',
            [(0, "", {"text": "t", "entities": [], "relationships": []})],
        ),
        (
            GRAPH,
            [(0, "entities[0]", {"id": "a"}), (1, "entities[1]", {"id": "b"}), (0, "relationships[0]", {"type": "r"})],
        ),
        ("[]", []),
        ("plain", []),
    ],
)
def test_the_records_of_a_file_are_counted_as_readers_count_them(text, expected):
    found = list(json_text.items(text))
    assert [(item.index, item.path, item.value) for item in found] == expected
    for item in found:
        assert json.loads(text[item.start : item.end]) == item.value


def test_records_before_a_fault_are_found():
    found = json_text.items('[{"a": 1}, {"a" 2}]')
    assert next(found).value == {"a": 1}
    with pytest.raises(ValueError):  # noqa: PT011
        next(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[{"a": 1,}, {"b": [1, 2, ] } ,\n]', [8, 23, 29]),
        ('["a,]", "b\\",}", 1]', []),
        ("[1, 2]", []),
        ('{"a": "x,\\\\",}', [12]),
    ],
)
def test_trailing_commas_are_found_outside_strings_only(text, expected):
    assert json_text.trailing_commas(text) == expected


def test_a_value_is_escaped_as_the_old_one_was():
    assert json_text.written_as("雾", '{"a": "\\u96fe", "b": "fog"}') == '"\\u96fe"'
    assert json_text.written_as("雾", '{"b": "fog"}') == '"雾"'
    assert json_text.written_as(0.95, '{"b": "95%"}') == "0.95"
