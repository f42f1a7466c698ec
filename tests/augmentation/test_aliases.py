from __future__ import annotations

import pytest

from kgtune.augmentation.aliases import aliases_of, is_name_like
from kgtune.augmentation.editing import Document
from kgtune.graph import Entity, Graph


def told(text: str, description: str = "", *others: str) -> list[str] | None:
    entities = (Entity("Tool", "e", "Vexa", description), *(Entity("Tool", f"o{i}", n) for i, n in enumerate(others)))
    return aliases_of(Document(text, Graph(entities)), entities[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Vexa ran.", []),
        ("Vexa (also known as Tidal Fox, Nox and Dusk) ran.", ["Tidal Fox", "Nox", "Dusk"]),
        ("Vexa, aka Tidal Fox, ran.", ["Tidal Fox"]),
        ("Vexa（又名“潮狐”、夜狐）来过。", ["潮狐", "夜狐"]),
        ("Vexa，又称潮狐，来过。", ["潮狐"]),
        ("Vexa (see below) ran.", []),
        ("Vexa (2031) ran.", []),
        ("Vexa (Tidal Fox) ran.", None),
        ("Tidal Fox (Vexa) ran.", None),
        ("Vexa (also known as the one that nobody ever wanted to meet at night) ran.", None),
        ("Vexa, also known as something else, ran.", None),
    ],
)
def test_other_names_are_read_behind_a_mention(text: str, expected: list[str] | None) -> None:
    assert told(text) == expected


def test_other_names_in_a_description_count_where_the_text_has_them() -> None:
    assert told("Vexa met Nox.", "Also known as Nox, Dusk.") == ["Nox"]
    assert told("Vexa met nobody.", "Also known as Nox, Dusk.") == []


def test_an_annotated_name_is_no_alias() -> None:
    assert told("Vexa (also known as Nox) ran.", "", "Nox") == []
    assert told("Vexa (Nox) ran.", "", "Nox") == []
    assert told("Nox (Vexa) ran.", "", "Nox") == []


@pytest.mark.parametrize("name", ["Vexa", "APT-Q-77", "雾隼组织", "Tidal Fox", "霜鹿（Vexa）", "360ab"])
def test_names_look_like_names(name: str) -> None:
    assert is_name_like(name)


@pytest.mark.parametrize(
    "name",
    [
        "tool",
        "a long phrase with Many Words in it",
        "(Vexa",
        "Vexa.",
        "Russia",
        "政府",
        "雾" * 13,
        "X" * 41,
        "United States",
        "",
    ],
)
def test_phrases_and_common_words_do_not(name: str) -> None:
    assert not is_name_like(name)
