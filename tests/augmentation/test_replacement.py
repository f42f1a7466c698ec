from __future__ import annotations

import random

import pytest

from kgtune.augmentation.editing import Document, Proposal
from kgtune.augmentation.replacement import NamePool, rename
from kgtune.examples import Example
from kgtune.graph import Entity, Graph, Relationship
from tests.annotated import make


def test_names_come_from_the_same_label_and_script_only() -> None:
    pool = NamePool([make("Umbra", "Umbra", label="Target"), make("青灯", "青灯"), make("a b", "credential dumping")])
    assert pool.like(Entity("Tool", "e", "Latch")) == ()
    assert pool.like(Entity("Tool", "e", "雾隼")) == ["青灯"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Lazar Group and Lazar met.", ["Lazar Group"]),  # a part of the name stands alone
        ("Evil has evil.example", ["Evil"]),  # inside an indicator
        ("the Latch was used", ["Latch"]),  # few names take the article
        ("Latch and Latch Pro", ["Latch", "Latch Pro"]),  # one name inside another
        ("run `Latch` now", ["Latch"]),  # code
    ],
)
def test_a_name_that_would_leave_a_trace_stays(text: str, names: list[str]) -> None:
    pool = NamePool([make("Umbra Mossy Hooky", "Umbra", "Mossy", "Hooky")])
    example = make(text, *names)
    assert rename(Document(text, example.graph), random.Random(1), pool, None) is None


def test_a_name_that_stands_in_the_text_already_is_not_given_to_another() -> None:
    pool = NamePool([make("Umbra Hooky", "Umbra", "Hooky")])
    example = make("Vexa came by. Umbra did not.", "Vexa")
    found = [rename(Document(example.text, example.graph), random.Random(seed), pool, None) for seed in range(12)]
    assert [proposal and dict(proposal.renames) for proposal in found] == [{"Vexa": "Hooky"}] * 12


POOL = NamePool([make("Umbra Hooky 潮狐 石榴", "Umbra", "Hooky", "潮狐", "石榴"), make("Mossy", "Mossy Pike")])


def renamed(example: Example, pool: NamePool = POOL, seed: int = 1) -> Proposal | None:
    return rename(Document(example.text, example.graph), random.Random(seed), pool, None)


@pytest.mark.parametrize(
    ("text", "description"),
    [
        ("Vexa (also known as Tidal Fox) ran. Tidal Fox slept.", ""),
        ("Vexa, also known as Tidal Fox, ran. Tidal Fox slept.", ""),
        ("Vexa (aka Tidal Fox) ran. Tidal Fox slept.", ""),
        ("Vexa ran. Tidal Fox slept.", "Vexa, also tracked as Tidal Fox or Nox, is old."),
        ("Vexa ran. Tidal Fox slept.", "A group. Aliases: Nox, Tidal Fox."),
    ],
)
def test_another_name_of_an_entity_is_replaced_with_it(text: str, description: str) -> None:
    example = make(text, "Vexa")
    entity = Entity("Tool", "e1", "Vexa", description)
    proposal = rename(Document(text, Graph((entity,))), random.Random(1), POOL, None)
    assert example.graph.entities[0].id == "e1"
    assert proposal is not None
    assert set(proposal.renames) == {"Vexa", "Tidal Fox"}
    assert len(set(proposal.renames.values())) == 2
    assert "Vexa" not in proposal.text
    assert "Tidal Fox" not in proposal.text
    assert proposal.text.count(proposal.renames["Tidal Fox"]) == text.count("Tidal Fox")
    assert proposal.graph.entities[0].description == ""


def test_chinese_aliases_go_too() -> None:
    proposal = renamed(make("雾隼（又称夜隼）来过。夜隼又走了。", "雾隼", lang="zh"))
    assert proposal is not None
    assert set(proposal.renames) == {"雾隼", "夜隼"}
    assert "隼" not in proposal.text


@pytest.mark.parametrize(
    ("text", "names", "evidence"),
    [
        ("Vexa (Tidal Fox) ran.", ["Vexa"], ""),  # a second name that nobody annotated
        ("Tidal Fox (Vexa) ran.", ["Vexa"], ""),
        ("雾隼（夜隼）来过。", ["雾隼"], ""),
        ("Vexa ran Latch.", ["Vexa", "Latch"], "VEXA ran Latch."),  # evidence in another spelling can't be sliced
        ("Vexa ran Latch.", ["Vexa", "Latch"], "the vexa used Latch"),  # a paraphrase tells the old name
        ("Vexa ran Latch.", ["Vexa", "Latch"], "xa ran Lat"),  # evidence that ends inside the names
        ("Attacks in Russia.", ["Russia"], ""),
        ("影响俄罗斯政府。", ["俄罗斯", "政府"], ""),
        ("PowerCell Empire ran.", ["PowerCell"], ""),  # part of a longer name
        ("the group Operation Vexa ran.", ["Vexa"], ""),
        ("They used tools such as a hammer.", ["Tool"], ""),  # a common noun
        ("Two Latches fell; the Latchs too.", ["Latch"], ""),
        ("Vexa came and Vexa left.", ["Vexa", "Vexa"], ""),  # one surface, two entities
        ("(Vexa ran.", ["(Vexa"], ""),  # half a bracket
        ("see evil.example server One now", ["evil.example server One"], ""),  # an indicator in part
    ],
)
def test_a_name_that_can_not_go_without_doubt_stays(text: str, names: list[str], evidence: str) -> None:
    assert renamed(make(text, *names, evidence=evidence)) is None


def test_a_second_name_in_brackets_goes_with_the_first_if_both_are_annotated() -> None:
    proposal = renamed(make("雾隼（Vexa）来过。", "雾隼", "Vexa", lang="zh"))
    assert proposal is not None
    assert set(proposal.renames) == {"雾隼", "Vexa"}


def test_a_mention_in_capitals_stays_in_capitals() -> None:
    proposal = renamed(make("Vexa ran. VEXA slept.", "Vexa"))
    assert proposal is not None
    new = proposal.renames["Vexa"]
    assert proposal.text == f"{new} ran. {new.upper()} slept."


def test_another_entitys_description_that_tells_the_old_name_is_emptied() -> None:
    entities = (
        Entity("Tool", "a", "Vexa", "old"),
        Entity("Other", "b", "Nix", "made by vexa"),
        Entity("Other", "c", "Nox", "x"),
    )
    proposal = rename(Document("Vexa, Nix, Nox.", Graph(entities)), random.Random(1), POOL, frozenset({"Tool"}))
    assert proposal is not None
    assert [e.description for e in proposal.graph.entities] == ["", "", "x"]


def test_labels_that_may_not_be_replaced_stay() -> None:
    example = make("Vexa ran.", "Vexa")
    assert rename(Document(example.text, example.graph), random.Random(1), POOL, frozenset({"Target"})) is None


def test_a_name_of_another_split_is_never_drawn() -> None:
    pool = NamePool([make("Umbra Hooky", "Umbra", "Hooky")], ["umbra"])
    assert pool.like(Entity("Tool", "e", "Latch")) == ["Hooky"]
    assert not pool.may_bring_in("Umbra")
    assert pool.may_bring_in("Hooky")
    assert not pool.may_bring_in("Quill")


def test_an_indicator_of_any_split_is_never_made_up() -> None:
    pool = NamePool([make("203.0.113.9", "203.0.113.9")], ["amber-birch.example"])
    assert not pool.may_bring_in("203[.]0[.]113[.]9".replace("[.]", "."))
    assert not pool.may_bring_in("amber-birch.example")
    assert pool.may_bring_in("203.0.113.10")
    assert not pool.may_bring_in("8.8.8.8")


def test_a_pool_is_bounded_and_the_same_in_any_order() -> None:
    pairs = [("Tool", f"Name{number}x") for number in range(6_000)]
    pool, turned = NamePool.of_names(pairs), NamePool.of_names(pairs[::-1])
    entity = Entity("Tool", "e", "Latch")
    assert len(pool.like(entity)) == 5_000
    assert pool.like(entity) == turned.like(entity)


def test_of_a_large_pool_a_few_draws_find_a_name() -> None:
    pool = NamePool.of_names([("Tool", f"Name{number}x") for number in range(3_000)])
    proposals = [renamed(make("Latch ran.", "Latch"), pool, seed) for seed in range(20)]
    assert len({p.renames["Latch"] for p in proposals if p}) > 15


def test_evidence_is_sliced_again_and_a_paraphrase_stays() -> None:
    edges = (Relationship("USE", "a", "b", 0.9, "Vexa ran Nixie."), Relationship("USE", "b", "a", 0.9, "it was used"))
    graph = Graph((Entity("Tool", "a", "Vexa"), Entity("Tool", "b", "Nixie")), edges)
    proposal = rename(Document("Vexa ran Nixie. Vexa left.", graph), random.Random(1), POOL, None)
    assert proposal is not None
    evidence = [r.evidence for r in proposal.graph.relationships]
    assert evidence == [proposal.text.partition(" ")[0] + " ran " + proposal.renames["Nixie"] + ".", "it was used"]
