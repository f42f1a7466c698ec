from __future__ import annotations

import random

import pytest

from kgtune.augmentation.editing import Document
from kgtune.augmentation.synonyms import differ_by_synonyms_only, fits, swap
from kgtune.augmentation.tables import tables
from kgtune.graph import Entity, Graph, Relationship

T = tables()


def found(text: str, lang: str = "en") -> list[str]:
    return [text[fit.start : fit.end] for fit in fits(text, lang, T)]


@pytest.mark.parametrize(
    ("text", "lang", "expected"),
    [
        ("However, it ran. It often ran", "en", ["However,", "often"]),
        (
            "It should be noted that it ran, for example, often",
            "en",
            ["It should be noted that", "for example,", "often"],
        ),
        ("enduring, during-x, DURING the week", "en", ["DURING"]),
        ("several of them, several hosts", "en", ["several"]),
        ("it is however, fine", "en", []),  # no clause opens here
        ("ran; however, it", "en", ["however,"]),
        ("近期，雾隼", "zh", ["近期"]),
        ("位于附近日本料理店", "zh", []),
        ("立即使用，随即使用", "zh", ["立即"]),
        ("并非常见，非常多", "zh", ["非常"]),
        ("攻击之后，停止。之后，开始", "zh", ["之后，"]),
        ("到目前为止，没有", "zh", ["到目前为止，"]),
        ("İ however, İ. However, x", "en", ["However,"]),
        ("近期 however, 雾隼。However, x", "mixed", ["近期", "However,"]),
        ("近期", "en", []),
    ],
)
def test_words_are_found_where_they_stand_free(text: str, lang: str, expected: list[str]) -> None:
    assert found(text, lang) == expected


def test_a_word_keeps_its_case() -> None:
    (fit,) = fits("OFTEN", "en", T)
    assert fit.choices == ("FREQUENTLY",)
    (fit,) = fits("Recently, x", "en", T)
    assert fit.choices == ("Lately,",)


PARENT = "Vexa ran. However, Often Ltd often slept, mostly. See `often x`."
DOCUMENT = Document(PARENT, Graph((Entity("Target", "e", "Often Ltd"),)))


@pytest.mark.parametrize("seed", range(12))
def test_what_swap_makes_differs_by_synonyms_only(seed: int) -> None:
    proposal = swap(DOCUMENT, "en", random.Random(seed), T)
    assert proposal is not None
    assert proposal.text != PARENT
    assert "Often Ltd" in proposal.text
    assert "`often x`" in proposal.text
    assert differ_by_synonyms_only(DOCUMENT, proposal.text, "en", T)


@pytest.mark.parametrize(
    "child",
    [
        PARENT.replace("Often Ltd", "Frequently Ltd"),  # a name
        PARENT.replace("`often", "`frequently"),  # code
        PARENT.replace("often slept", "mostly slept"),  # a word of another group
        PARENT.replace("often slept", "Frequently slept"),  # another case
        PARENT.replace("slept", "sleeps"),
        PARENT + " ",
        PARENT[:-1],
    ],
)
def test_any_other_change_is_seen(child: str) -> None:
    assert differ_by_synonyms_only(DOCUMENT, PARENT.replace("often slept", "frequently slept"), "en", T)
    assert not differ_by_synonyms_only(DOCUMENT, child, "en", T)


def test_evidence_follows_and_its_edges_hold() -> None:
    edges = (
        Relationship("USE", "a", "b", 0.9, "Recently, Vexa ran Latch"),
        Relationship("USE", "b", "a", 0.9, "ecently, Vexa"),
    )
    graph = Graph((Entity("Tool", "a", "Vexa"), Entity("Tool", "b", "Latch")), edges)
    assert swap(Document("Recently, Vexa ran Latch.", graph), "en", random.Random(1), T) is None
    free = Graph(graph.entities, edges[:1])
    proposal = swap(Document("Recently, Vexa ran Latch.", free), "en", random.Random(1), T)
    assert proposal is not None
    assert proposal.graph.relationships[0].evidence == "Lately, Vexa ran Latch"


def test_a_long_text_has_all_its_words_replaced_so_that_it_changes_enough() -> None:
    text = "However, it ran. " + "Nothing else was said about it on that day. " * 40 + "It often ran. It ran quickly."
    proposal = swap(Document(text, Graph()), "en", random.Random(3), T)
    assert proposal is not None
    assert not any(word in proposal.text for word in ("However,", "often", "quickly"))
