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


def test_held_out_names_are_never_used_for_replacement() -> None:
    rows = prepare([make(n) for n in range(40)], Config()).examples
    held_out = {e.name for row in rows if row.split != "train" for e in row.graph.entities}
    train = {e.name for row in of_split(rows, "train") for e in row.graph.entities}
    assert held_out
    assert not held_out & train


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
