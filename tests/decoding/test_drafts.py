"""Guesses: what is recalled, and what is copied out of the text."""

from __future__ import annotations

from kgtune.decoding.drafts import Drafter, Recall, Source
from kgtune.decoding.outline import Outline

TEXT = 'On Monday "GlassViper" met NightLoom.\nGlassViper used NightLoom against Northwind Bank. NightLoom is new. 北风银行被攻击。'
HEAD = (
    '{"entities":[{"labels":"Tool","id":"e1","name":"GlassViper","description":""},{"labels":"Tool","id":"e2","name":"'
)
BOTH = (
    HEAD
    + 'Northwind Bank","description":""}],"relationships":[{"type":"USE","source":"e1","target":"e2","confidence":0.9,"evidence":"'
)


def outline(written: str) -> Outline:
    one = Outline(Source(TEXT).spelled)
    one.feed(written.encode())
    return one


def continuation(written: str) -> str:
    return Source(TEXT).continuation(outline(written)).decode()


def test_what_followed_the_longest_known_ending_is_recalled_the_latest_first() -> None:
    recall = Recall([1, 2, 3, 4, 9, 2, 3, 5, 3])

    assert list(recall.after([1, 2, 3])) == [4, 9, 2, 3, 5, 3]
    assert list(recall.after([8, 2, 3])) == [5, 3]
    assert list(recall.after([7])) == []
    recall.extend([4, 6])
    assert list(recall.after([0, 3])) == [4, 6]


def test_a_text_is_spelled_as_json_spells_it() -> None:
    assert Source('a"\\\n\x07é').spelled.decode() == 'a\\"\\\\\\n\\u0007é'


def test_a_name_goes_on_as_the_text_does_behind_the_entity_before_it() -> None:
    assert continuation(HEAD + "Night").startswith("Loom.\\nGlassViper used")
    assert continuation(HEAD + "North").startswith("wind Bank.")
    assert continuation(HEAD + "On Mon").startswith('day \\"GlassViper')


def test_a_name_that_is_not_in_the_text_or_not_begun_is_not_guessed() -> None:
    assert continuation(HEAD) == ""
    assert continuation(HEAD + "Unknown") == ""


def test_evidence_is_guessed_to_be_the_first_sentence_with_both_ends_up_to_the_next_item() -> None:
    assert continuation(BOTH) == 'GlassViper used NightLoom against Northwind Bank."},{"type":"'
    assert continuation(BOTH + "GlassViper used N") == 'ightLoom against Northwind Bank."},{"type":"'
    assert continuation(BOTH + "北风") == '银行被攻击。"},{"type":"'
    assert continuation(BOTH + "nowhere") == ""


def test_a_guess_in_a_string_is_copied_and_one_outside_of_it_recalled() -> None:
    drafter = Drafter(Source(TEXT), list)
    written = HEAD.encode()
    drafter.read(list(written))

    assert bytes(drafter.guess(outline(HEAD + "North"), [])).startswith(b"wind Bank")
    assert bytes(drafter.guess(outline(HEAD + 'N","'), list(b'ol","'))).startswith(b"id")


def test_no_guess_begins_or_ends_within_a_character() -> None:
    drafter = Drafter(Source("暗影组织" * 60), lambda piece: list(piece.decode().encode()))
    head = HEAD.encode()
    whole = Outline(Source("暗影组织" * 60).spelled)
    whole.feed(head + "暗".encode())
    half = Outline(Source("暗影组织" * 60).spelled)
    half.feed(head + "暗".encode()[:2])

    assert bytes(drafter.guess(whole, [])).decode().startswith("影组织暗")
    assert drafter.guess(half, []) == ()
