from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

from kgtune.conversion.preparation import chosen_ontology, prepare
from kgtune.examples import Example, from_raw, of_split
from kgtune.graph import Entity, Graph
from kgtune.ontology import Label, Ontology
from kgtune.settings import Config
from kgtune.sources import RawDocument

WORDS = (
    "amber birch cobble dune ember fjord grove harbor island juniper kelp lagoon meadow nectar orchid pebble".split()
)


def make(number: int, **changes: object) -> Example:
    name = f"Tool{chr(65 + number % 26)}{chr(97 + number // 26)}x"
    filler = " ".join(random.Random(number).choices(WORDS, k=25))
    text = f"However, {name} was observed. {filler}."
    raw = RawDocument(f"r{number}", f"r{number}", text, Graph((Entity("Tool", "t", name),)), "en")
    return replace(from_raw(raw, drop_descriptions=False), **changes)  # type: ignore[arg-type]


def test_only_train_rows_have_variants_and_each_stands_behind_its_parent() -> None:
    rows = prepare([make(n) for n in range(40)], Config()).examples
    variants = [row for row in rows if row.aug]
    assert {row.aug for row in variants} == {"synonyms", "affixes", "empties", "entities"}
    assert {row.split for row in variants} == {"train"}
    for before, row in pairwise(rows):
        if row.aug and row.aug != "empties":
            assert before.doc_id == row.doc_id
    assert len({row.id for row in rows}) == len(rows)
    assert len({row.text for row in rows}) == len(rows)


def test_the_order_of_the_input_changes_nothing() -> None:
    examples = [make(n) for n in range(40)]
    shuffled = list(examples)
    random.Random(3).shuffle(shuffled)
    assert prepare(examples, Config()) == prepare(shuffled, Config())


def test_rows_that_carry_a_split_and_a_group_are_never_touched() -> None:
    rows = prepare([make(n) for n in range(12)], Config()).examples
    assert prepare(rows, Config()).examples == rows


def bare(number: int) -> Example:
    return make(number, split=None, group_id="")


def test_one_bare_row_beside_prepared_ones_leaves_them_as_they_are_and_none_is_augmented_again() -> None:
    old = prepare([make(n) for n in range(40)], Config()).examples
    assert {row.aug for row in old} >= {"", "synonyms", "affixes", "entities", "empties"}
    found = prepare([*old, bare(50)], Config())
    assert {row.id: row for row in found.examples if row.id != "r50"} == {row.id: row for row in old}
    assert [row.split is not None for row in found.examples if row.id == "r50"] == [True]
    assert not [reason for reason in found.counts if reason.startswith("dropped")]


def test_rows_with_a_split_and_no_group_get_a_group_and_no_variants() -> None:
    old = prepare([make(n) for n in range(40)], Config()).examples
    bald = [replace(row, group_id="") for row in old]
    found = prepare(bald, Config())
    assert {replace(row, group_id="") for row in found.examples} == set(bald)
    assert all(row.group_id for row in found.examples)
    by_hand = [make(n, split="train" if n else "test") for n in range(40)]
    assert [row.aug for row in prepare(by_hand, Config()).examples] == [""] * 40


def test_new_rows_are_augmented_with_names_of_old_train_rows_and_of_no_held_out_one() -> None:
    old = prepare([make(n) for n in range(40)], Config()).examples
    cfg = Config.model_validate({"data": {"validation_ratio": 0.0, "test_ratio": 0.0}, "augmentation": ALL_RENAMED})
    rows = prepare([*old, *(bare(n) for n in range(50, 60))], cfg).examples
    made = [row for row in rows if row.id.startswith("r5") and row.aug == "entities" and row not in old]
    new_names = {bare(n).graph.entities[0].name for n in range(50, 60)}
    names = {e.name for row in made for e in row.graph.entities}
    donors = {e.name for row in old if row.split == "train" and not row.aug for e in row.graph.entities}
    assert len(made) >= 8
    assert names <= donors | new_names
    assert names & donors


def test_the_names_that_an_earlier_variant_made_up_are_not_handed_on() -> None:
    old = [make(27 * n, split="train", group_id=f"g{n}", aug="entities") for n in range(9)]
    rows = prepare([*old, bare(500)], Config.model_validate({"augmentation": ALL_RENAMED})).examples
    assert [row.id for row in rows if row.id.startswith("r500")] == ["r500"]


ALL_RENAMED = {
    "synonyms": {"enabled": False, "ratio": 0.0}, "order": {"enabled": False, "ratio": 0.0},
    "affixes": {"enabled": False, "ratio": 0.0}, "empties": {"enabled": False, "ratio": 0.0},
    "entities": {"enabled": True, "ratio": 1.0},
}  # fmt: skip


def test_a_row_that_carries_a_split_never_gives_way_to_a_bare_one_with_its_text() -> None:
    held_out = make(9, id="z9", doc_id="z9", split="test", group_id="z9")
    again = make(9, id="z9b", doc_id="z9b", split="test", group_id="z9")
    found = prepare([*(bare(n) for n in range(12)), held_out, again], Config())
    assert [row.id for row in found.examples if row.text == held_out.text] == ["z9", "z9b"]
    assert {row for row in found.examples if row.id.startswith("z")} == {held_out, again}
    assert found.counts["dropped: same text again"] == 1


def test_a_variant_takes_no_id_of_a_row_that_stands_already() -> None:
    cfg = Config.model_validate({"data": {"validation_ratio": 0.0, "test_ratio": 0.0}, "augmentation": ALL_RENAMED})
    new = [bare(27 * n) for n in range(12)]
    taken = next(row.id for row in prepare(new, cfg).examples if row.aug)
    old = make(70, id=taken, doc_id="old", split="train", group_id="old", aug="entities")
    rows = prepare([old, *new], cfg).examples
    assert old in rows
    assert f"{taken}-2" in {row.id for row in rows}
    assert len({row.id for row in rows}) == len(rows)


def test_held_out_names_are_never_used_for_replacement() -> None:
    rows = prepare([make(n) for n in range(40)], Config()).examples
    held_out = {e.name for row in rows if row.split != "train" for e in row.graph.entities}
    train = {e.name for row in of_split(rows, "train") for e in row.graph.entities}
    assert held_out
    assert not held_out & train


def shared_names(number: int) -> Example:
    """Make a document with a name of its own, and one that stands in every tenth document."""
    own = make(27 * number)
    text = f"Harbour{number % 10}Kit and {own.text}"
    raw = (Entity("Tool", "a", f"Harbour{number % 10}Kit"), *own.graph.entities)
    return replace(own, text=text, graph=Graph(raw))


def test_a_name_of_a_held_out_document_is_brought_into_no_variant_though_train_has_it_too() -> None:
    cfg = Config.model_validate({"augmentation": ALL_RENAMED})
    rows = prepare([shared_names(n) for n in range(60)], cfg).examples
    names = {s: {e.name for row in of_split(rows, s) for e in row.graph.entities} for s in ("validation", "test")}
    held_out = names["validation"] | names["test"]
    parents = {row.doc_id: row for row in rows if not row.aug}
    train = {e.name for row in of_split(rows, "train") if not row.aug for e in row.graph.entities}
    variants = [row for row in rows if row.aug == "entities"]
    assert names["validation"] & train - names["test"]
    assert names["test"] & train - names["validation"]
    assert len(variants) > 10
    for row in variants:
        brought_in = {e.name for e in row.graph.entities} - {e.name for e in parents[row.doc_id].graph.entities}
        assert brought_in.isdisjoint(held_out)
        assert not any(name in row.text and name not in parents[row.doc_id].text for name in held_out)


def named(identity: str, name: str, **changes: object) -> Example:
    text = f"Researchers saw {name} again, and {name} was then sold on."
    raw = RawDocument(identity, identity, text, Graph((Entity("Tool", "t", name),)), "en")
    return replace(from_raw(raw, drop_descriptions=False), **changes)  # type: ignore[arg-type]


def test_no_exchange_of_names_brings_a_variant_near_to_a_held_out_document() -> None:
    held_out = named("h", "Quicksilver Marionette Backdoor", split="test", group_id="h")
    donor = named("d", "Quicksilver Marionette Backdoors", split="train", group_id="d")
    donor = replace(donor, text="Quicksilver Marionette Backdoors: a list of what they do, one by one, day by day.")
    bare_row = named("b", "Thunderous Juniper Implant Suite", group_id="")
    config = Config.model_validate(
        {"data": {"validation_ratio": 0, "test_ratio": 0}, "augmentation": {"entities": {"ratio": 1}}}
    )
    prepared = prepare([held_out, donor, bare_row], config)
    assert prepared.counts["dropped: entities: near duplicate of a held-out document"] == 1
    assert [row.id for row in prepared.examples if row.aug == "entities"] == []
    without = prepare([donor, bare_row], config)
    assert ["Quicksilver" in row.text for row in without.examples if row.aug == "entities"] == [True]


def test_a_text_that_stands_twice_is_kept_once_and_counted() -> None:
    twice = replace(make(1), id="r1b", doc_id="r1b")
    differently = replace(make(2), id="r2b", doc_id="r2b", graph=Graph())
    counts = prepare([make(1), twice, make(2), differently], Config()).counts
    assert counts["dropped: same text again"] == 1
    assert counts["dropped: same text again, annotated differently"] == 1


def test_too_few_documents_to_hold_any_out_is_noted() -> None:
    assert prepare([make(1)], Config()).counts["note: too few documents to hold any out"] == 1


def test_names_of_labels_that_need_not_stand_in_the_text_are_not_replaced() -> None:
    ontology = Ontology("o", 1, (Label("Tool", anchored="warn"), Label("Other", anchored="require")), ())
    rows = prepare([make(n) for n in range(40)], Config(), ontology).examples
    assert "entities" not in {row.aug for row in rows}


def test_the_ontology_is_chosen_by_what_the_examples_hold() -> None:
    assert chosen_ontology([make(1)], "auto").name == "threat_event"
    odd = replace(make(1), graph=Graph((Entity("Oddity", "e1", "x"),)))
    assert chosen_ontology([odd], "auto").label_names == ("Oddity",)
