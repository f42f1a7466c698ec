from __future__ import annotations

from dataclasses import replace

import pytest

from kgtune.augmentation.invariants import verify, verify_empty
from kgtune.augmentation.replacement import NamePool
from kgtune.augmentation.tables import tables
from kgtune.graph import Entity, Graph
from tests.annotated import EN, ZH, make


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"text": EN.text.replace("Vexa", "Wexa")}, "name lost or gained"),
        ({"text": EN.text.replace("Latch.", "Latch. Latch too.")}, "name lost or gained"),
        ({"text": EN.text.replace("Recently,", "Lately,")}, "evidence lost"),
        ({"text": EN.text + " See evil.example for all of it."}, "indicator changed"),
        ({"text": EN.text + "\x07 and more of the same"}, "character not allowed"),
        ({"text": EN.text + " cafe\u0301 and more"}, "character not allowed"),
        ({"text": EN.text + " again and again" * 9}, "length out of bounds"),
        ({}, "hardly changed"),
        ({"text": EN.text + " End of it all.", "aug": "order"}, "text not rearranged"),
        ({"text": EN.text.replace("was safe", "is safe"), "aug": "affixes"}, "text not framed"),
        ({"graph": replace(EN.graph, relationships=())}, "graph changed"),
        ({"graph": replace(EN.graph, entities=EN.graph.entities[::-1])}, "graph changed"),
        (
            {"graph": replace(EN.graph, relationships=(replace(EN.graph.relationships[0], confidence=0.1),))},
            "graph changed",
        ),
        (
            {"graph": replace(EN.graph, relationships=(replace(EN.graph.relationships[0], evidence=""),))},
            "evidence lost",
        ),
    ],
)
def test_each_broken_invariant_is_named(change: dict[str, object], reason: str) -> None:
    assert verify(EN, replace(EN, **change), {}) == reason  # type: ignore[arg-type]


def test_an_unanchored_evidence_may_not_change() -> None:
    parent = make("Vexa used Latch here.", "Vexa", "Latch", evidence="Vexa 使用了 Latch")
    edge = replace(parent.graph.relationships[0], evidence="Vexa uses Latch")
    child = replace(parent, text=parent.text + " End.", graph=replace(parent.graph, relationships=(edge,)))
    assert verify(parent, child, {}) == "evidence lost"


def test_a_sound_variant_breaks_nothing() -> None:
    assert verify(EN, replace(EN, text=EN.text + " That is all for now."), {}) is None


def test_an_empty_text_is_checked() -> None:
    empty = replace(EN, graph=Graph(), text="All quiet.")
    assert verify_empty(empty, ["Vexa"]) is None
    assert verify_empty(replace(empty, text="See 10.0.0.1."), []) == "indicator in it"
    assert verify_empty(replace(empty, text="No vexa."), ["Vexa"]) == "annotated name in it"
    assert verify_empty(EN, []) == "graph not empty"


def test_each_operation_may_change_what_is_its_own_and_nothing_else() -> None:
    framed = replace(EN, text="This is a draft. " + EN.text, aug="affixes", id="d+affixes1")
    assert verify(EN, framed, {}) is None
    assert verify(EN, replace(framed, aug="order", id="d+order1"), {}) == "text not rearranged"
    assert verify(EN, replace(framed, aug="synonyms", id="d+synonyms1"), {}) == "text changed beyond synonyms"
    swapped = replace(EN, text=EN.text.replace("However,", "Nevertheless,"), aug="synonyms", id="d+synonyms1")
    assert verify(EN, swapped, {}) is None
    assert verify(EN, replace(swapped, aug="affixes", id="d+affixes1"), {}) == "text not framed"
    assert verify(EN, replace(swapped, aug="entities", id="d+entities1"), {}) == "text changed beyond names"


def test_a_word_that_was_taken_off_the_lists_is_no_synonym() -> None:
    swapped = replace(EN, text=EN.text.replace("However,", "Nevertheless,"), aug="synonyms", id="d+synonyms1")
    lists = {"en": replace(tables()["en"], openers=())}
    assert verify(EN, swapped, {}, lists=lists) == "text changed beyond synonyms"


def renamed(old: str, new: str, **changes: object) -> tuple:
    graph = Graph(
        tuple(replace(e, name=e.name.replace(old, new)) for e in EN.graph.entities),
        tuple(replace(r, evidence=r.evidence.replace(old, new)) for r in EN.graph.relationships),
    )
    child = replace(EN, text=EN.text.replace(old, new), graph=graph, aug="entities", id="d+entities1")
    return replace(child, **changes), {old: new}


def test_a_rename_is_sound_where_the_new_name_comes_from_train() -> None:
    child, renames = renamed("Vexa", "Umbra")
    assert verify(EN, child, renames) is None
    assert verify(EN, child, renames, pool=NamePool([make("Umbra", "Umbra")])) is None
    assert verify(EN, child, renames, pool=NamePool([make("Hooky", "Hooky")])) == "name not from train"


def test_an_old_name_left_behind_is_seen() -> None:
    child, renames = renamed("Vexa", "Umbra")
    left = replace(child, text=child.text.replace("Recently, Umbra", "Recently, Vexa"))
    assert verify(EN, left, renames) == "name lost or gained"
    edge = replace(child.graph.relationships[0], evidence=EN.graph.relationships[0].evidence)
    assert verify(EN, replace(child, graph=replace(child.graph, relationships=(edge,))), renames) == "evidence lost"


def test_a_new_name_may_not_hold_the_old_one() -> None:
    parent = make("Vexa came by at noon.", "Vexa")
    child = make("Vexa Prime came by at noon.", "Vexa Prime")
    child = replace(child, id=f"{parent.id}+entities1", aug="entities", doc_id=parent.doc_id)
    assert verify(parent, child, {"Vexa": "Vexa Prime"}) == "name lost or gained"


def test_a_description_may_only_change_where_it_tells_an_old_name() -> None:
    entities = tuple(replace(e, description="Vexa is old") for e in EN.graph.entities)
    parent = replace(EN, graph=replace(EN.graph, entities=entities))
    child, renames = renamed("Vexa", "Umbra")
    assert verify(parent, child, renames) is None
    kept = tuple(replace(e, description="Vexa is old") for e in child.graph.entities)
    assert verify(parent, replace(child, graph=replace(child.graph, entities=kept)), renames) == "description changed"
    emptied = replace(parent, text=parent.text + " All of it is over.", graph=EN.graph)
    assert verify(parent, emptied, {}) == "description changed"


def test_two_entities_may_not_become_one() -> None:
    text = "Vexa met Vexo today at noon."
    parent = make(text, "Vexa", "Vexo")
    entities = tuple(replace(e, name="Umbra") for e in parent.graph.entities)
    child = replace(parent, text="Umbra met Umbra today at noon.", graph=replace(parent.graph, entities=entities))
    assert verify(parent, child, {"Vexa": "Umbra", "Vexo": "Umbra"}) == "graph changed"


def test_loosely_spelled_evidence_must_stay_findable() -> None:
    parent = make(
        "Recently, Vexa’s Latch ran. More came later on.", "Vexa", "Latch", evidence="Recently, Vexa's Latch ran."
    )
    child = replace(parent, text=parent.text.replace("Recently,", "Lately,"))
    assert verify(parent, child, {}) == "evidence lost"


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "d+order1"},
        {"id": "x+affixes1"},
        {"id": "d+affixes"},
        {"doc_id": "x"},
        {"group_id": "x"},
        {"split": "test"},
        {"lang": "zh"},
    ],
)
def test_a_variant_is_known_by_its_parent(changes: dict[str, str]) -> None:
    child = replace(EN, text="This is a draft. " + EN.text, aug="affixes", id="d+affixes1")
    assert verify(EN, child, {}) is None
    if "lang" in changes:
        assert verify(EN, replace(child, **changes), {}) is not None
    else:
        assert verify(EN, replace(child, **changes), {}) == "id not its parent's"


def test_a_name_inside_an_indicator_is_no_anchor() -> None:
    parent = make("See hxxp://latch[.]example/x and Latch as well.", "Latch")
    child = replace(parent, text="See hxxp://latch[.]example/x and hxxp://x[.]example/Latch as well.")
    assert verify(parent, child, {}) == "name lost or gained"


def test_chinese_variants_are_held_to_the_same() -> None:
    assert verify(ZH, replace(ZH, text="以下为正文。" + ZH.text, aug="affixes", id="z+affixes1"), {}) is None
    assert verify(ZH, replace(ZH, text=ZH.text.replace("青灯木马", "青灯木")), {}) == "name lost or gained"
    assert verify(ZH, replace(ZH, graph=Graph((Entity("Tool", "e1", "雾隼"),))), {}) == "graph changed"
