from __future__ import annotations

import json

import pytest

from kgtune.parsing import DuplicateKeyError
from kgtune.sources import syntax


def fault_of(text: str) -> syntax.Fault:
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        return syntax.explain(error, text, 1)
    raise AssertionError(text)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ('{"a": "b', "E-CUT-OFF", "the file ends in the middle of a value"),
        ("[1, 2", "E-CUT-OFF", "the file ends"),
        ("[1, tru", "E-CUT-OFF", "the file ends"),
        ('{"a": oops, "b": 1}', "E-JSON", 'is not JSON: Expecting value, near `{"a": oops, "b": 1}`.'),
        ("[1] [2]", "E-JSON", "is not JSON: Extra data, near `[1] [2]`."),
        ("[" * 100_000, "E-JSON", "is nested too deeply"),
        ("[" + "1" * 5000 + "]", "E-JSON", "can't be read as JSON: Exceeds the limit"),
    ],
)
def test_a_fault_is_put_into_words(text: str, code: str, words: str) -> None:
    fault = fault_of(text)
    assert (fault.code, words in fault.what) == (code, True)


def test_a_key_that_stands_twice_is_a_fault_of_its_own() -> None:
    assert syntax.explain(DuplicateKeyError('key "a" stands twice'), "", 7) == syntax.Fault(
        7, "E-DUPLICATE-KEY", 'key "a" stands twice.', "Keep one of the two."
    )


def test_a_line_is_told_to_be_an_object() -> None:
    assert [syntax.is_object(line) for line in ('{"a": 1}', "[1]", "{", "[" * 100_000)] == [True, False, False, False]
