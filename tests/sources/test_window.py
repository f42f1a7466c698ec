from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgtune.sources.window import Window


def cut(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


@given(st.text("ab\n ", max_size=400), st.integers(1, 9), st.data())
def test_lines_are_counted_on_however_the_window_moves(text: str, size: int, data: st.DataObject) -> None:
    window = Window(cut(text, size))
    at = gone = 0
    while not window.is_last:
        moved = window.more(at)
        gone += at - moved
        assert text.startswith(window.text, gone)
        at = data.draw(st.integers(moved, len(window.text)))
        assert window.line_of(at) == text.count("\n", 0, gone + at) + 1


@given(st.text("ab\n ", max_size=200), st.integers(1, 9))
def test_the_next_character_is_found_across_pieces(text: str, size: int) -> None:
    window, at, found = Window(cut(text, size)), 0, []
    while True:
        at, character = window.next_from(at)
        if not character:
            break
        found.append(character)
        at += 1
    assert "".join(found) == "".join(text.split())


def test_what_lies_behind_is_let_go_of_but_for_what_a_message_quotes() -> None:
    window = Window(cut("x" * 10_000, 100))
    at, longest = window.more(0), 0
    while not window.is_last:
        at = window.more(len(window.text))
        longest = max(longest, len(window.text))
    assert longest <= 300


def test_what_is_held_doubles_so_that_one_long_record_stays_linear() -> None:
    window, lengths = Window(cut("x" * 64_000, 1000)), []
    while not window.is_last:
        window.more(0)
        lengths.append(len(window.text))
    assert lengths == [1000, 2000, 4000, 8000, 16_000, 32_000, 64_000]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_the_end_of_a_line_is_found_across_pieces(size: int) -> None:
    window = Window(cut("abc\ndefghij\nk", size))
    at = window.behind_line(0)
    at, character = window.next_from(at)
    assert (character, window.line_of(at)) == ("d", 2)
    at = window.behind_line(window.behind_line(at))
    assert window.next_from(at) == (at, "")


def test_empty_pieces_are_no_end() -> None:
    window = Window(["", "a", "", "", "b", ""])
    window.more(0)
    assert (window.text, window.is_last) == ("a", False)
    window.more(0)
    assert (window.text, window.is_last) == ("ab", True)
