from __future__ import annotations

import random
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgtune.conversion.cards import card_of
from kgtune.examples import Example, Split
from kgtune.graph import Entity, Graph
from kgtune.splitting.grouping import Units
from kgtune.splitting.placement import Placed, as_given, divided_groups, place
from kgtune.splitting.split_lock import Lock

WORDS = (
    "amber birch cobble dune ember fjord grove harbor island juniper kelp lagoon meadow nectar orchid pebble".split()
)


@dataclass(frozen=True)
class Shares:
    validation_ratio: float = 0.1
    test_ratio: float = 0.1
    seed: int = 42


def document(number: int, *, doc: str = "", text: str = "", labels: tuple[str, ...] = ("Tool",)) -> Example:
    written = text or " ".join(random.Random(number).choices(WORDS, k=30)) + f" {number}."
    graph = Graph(tuple(Entity(label, f"e{i}", f"N{number}-{i}") for i, label in enumerate(labels, start=1)))
    return Example(f"r{number:03}", doc or f"r{number:03}", "", None, "en", "", written, graph)


def placed(documents: list[Example], lock: Lock | None = None, shares: Shares | None = None) -> Placed:
    units = Units()
    for position, one in enumerate(documents):
        units.add(position, one.text)
    return place([card_of(one) for one in documents], units, documents.__getitem__, shares or Shares(), lock)


def splits(found: Placed) -> dict[str, Split]:
    return {card.id: split for card, split in zip(found.cards, found.splits, strict=True)}


def test_documents_come_back_in_the_order_of_their_ids_whatever_the_order_given() -> None:
    documents = [document(number) for number in range(40)]
    shuffled = list(documents)
    random.Random(5).shuffle(shuffled)
    one, other = placed(documents), placed(shuffled)
    assert [shuffled[position].id for position in other.positions] == [d.id for d in documents]
    assert (one.groups, one.splits, one.lock) == (other.groups, other.splits, other.lock)


def test_a_text_that_comes_again_is_dropped_and_told_from_one_annotated_differently() -> None:
    one = document(1)
    again = replace(one, id="r900", doc_id="r900")
    other = replace(one, id="r901", doc_id="r901", graph=Graph())
    found = placed([again, other, one, document(2)])
    assert [card.id for card in found.cards] == ["r001", "r002"]
    assert found.counts["dropped: same text again"] == 1
    assert found.counts["dropped: same text again, annotated differently"] == 1


def test_the_same_graph_with_other_ids_and_in_another_order_is_no_other_annotation() -> None:
    one = replace(document(1), graph=Graph((Entity("Tool", "a", "amber"), Entity("Tool", "b", "birch"))))
    other = replace(one, id="r9", graph=Graph((Entity("Tool", "x", "birch"), Entity("Tool", "y", "amber"))))
    assert placed([one, other]).counts == {
        "dropped: same text again": 1, "note: too few documents to hold any out": 1
    }  # fmt: skip


def test_every_group_is_locked_and_a_second_run_changes_nothing() -> None:
    documents = [document(number) for number in range(50)]
    first = placed(documents)
    assert first.lock.groups == {card.id: split for card, split in zip(first.cards, first.splits, strict=True)}
    again = placed(documents, first.lock, Shares(0.3, 0.3, 1))
    assert (again.splits, again.lock, again.num_locked) == (first.splits, first.lock, 50)


@pytest.mark.property
@given(st.integers(3, 40), st.integers(0, 60), st.integers(0, 5), st.data())
def test_old_documents_never_move_when_data_is_added(old: int, new: int, seed: int, data: st.DataObject) -> None:
    documents = [document(number) for number in range(old + new)]
    chosen = data.draw(st.sets(st.integers(0, old + new - 1), min_size=old, max_size=old))
    first = placed([documents[number] for number in sorted(chosen)], shares=Shares(seed=seed))
    grown = placed(documents, first.lock, Shares(seed=seed + 1))
    before, after = splits(first), splits(grown)
    assert {identity: after[identity] for identity in before} == before
    assert grown.moved == ()


def test_new_groups_fill_what_a_split_lacks_first() -> None:
    old = [document(number) for number in range(40)]
    lock = Lock(dict.fromkeys((one.id for one in old), "train"))
    grown = placed([*old, *(document(number) for number in range(40, 60))], lock)
    counted = {split: list(grown.splits).count(split) for split in ("train", "validation", "test")}
    assert counted == {"train": 48, "validation": 6, "test": 6}


def test_a_document_keeps_its_split_when_its_group_gets_another_name() -> None:
    base = " ".join(random.Random(7).choices(WORDS, k=80))
    old = [document(5, text=base), *(document(number) for number in range(10, 20))]
    first = placed(old)
    near = document(1, text=base.replace("amber", "umber", 2))  # sorts before r005, so that the group takes its name
    grown = placed([near, *old], first.lock)
    assert grown.groups[0] == grown.groups[1] == "r001"
    assert splits(grown)["r001"] == splits(grown)["r005"] == splits(first)["r005"]
    # and it is still known when the document that named the group is gone
    assert splits(placed(old, grown.lock))["r005"] == splits(first)["r005"]


def test_a_group_that_joins_two_locked_ones_goes_to_the_safer_side_and_is_named() -> None:
    base = " ".join(random.Random(7).choices(WORDS, k=80))
    documents = [document(1, text=base), document(2, text=base.replace("amber", "umber", 2)), document(3), document(4)]
    lock = Lock({"r001": "test", "r002": "train", "r003": "test", "r004": "validation"})
    found = placed(documents, lock)
    assert splits(found) == {"r001": "train", "r002": "train", "r003": "test", "r004": "validation"}
    assert found.moved == ("r001",)
    assert found.counts["note: group moved, since its documents were locked in different splits"] == 1
    assert found.lock == Lock({"r001": "train", "r003": "test", "r004": "validation"}, {"r002": "r001"})


def test_a_split_given_in_the_data_wins_over_the_lock_and_is_not_locked() -> None:
    given_split = replace(document(1), split="test")
    found = placed([given_split, *(document(number) for number in range(2, 9))], Lock({"r001": "train"}))
    assert splits(found)["r001"] == "test"
    assert "r002" in found.lock.groups
    assert found.lock.groups["r001"] == "train"


def test_groups_divided_by_hand_are_named_and_counted() -> None:
    documents = [replace(document(1, doc="d"), split="test"), replace(document(2, doc="d"), split="train")]
    found = placed(documents)
    assert divided_groups(found.groups, found.splits) == ["d"]
    assert found.counts["note: group divided by the splits given in the data"] == 1


def test_documents_that_bring_group_and_split_stay_as_and_where_they_are() -> None:
    documents = [replace(document(number), group_id=f"g{number % 3}", split="train") for number in (3, 1, 2)]
    units = Units()
    for position, one in enumerate(documents):
        units.add(position, one.text)
    found = as_given([card_of(one) for one in documents], units)
    assert [card.id for card in found.cards] == ["r003", "r001", "r002"]
    assert found.groups == ("g0", "g1", "g2")
    assert found.is_as_given
    assert found.lock == Lock()


def test_what_carries_no_split_follows_the_safest_split_of_its_group() -> None:
    documents = [
        replace(document(1, doc="d"), split="test"),
        replace(document(2, doc="d"), split="train"),
        document(3, doc="d"),
    ]
    assert splits(placed(documents)) == {"r001": "test", "r002": "train", "r003": "train"}


def test_a_text_that_carries_a_split_is_kept_wherever_else_it_stands() -> None:
    bare = document(1)
    given = [replace(bare, id=f"r90{n}", doc_id=f"r90{n}", split=split) for n, split in enumerate(("test", "train"))]
    found = placed([bare, *given])
    assert splits(found) == {"r900": "test", "r901": "train"}
    assert found.counts["dropped: same text again"] == 1
    assert found.counts["note: group divided by the splits given in the data"] == 1


def test_a_group_that_is_given_keeps_its_name_when_a_new_document_joins_it() -> None:
    base = " ".join(random.Random(7).choices(WORDS, k=80))
    near = document(1, text=base.replace("amber", "umber", 2))
    found = placed([near, replace(document(5, text=base), group_id="vendor", split="test"), document(6)])
    assert found.groups == ("vendor", "vendor", "r006")
    assert splits(found)["r001"] == "test"


def test_the_shares_are_of_the_documents_that_bring_no_split() -> None:
    given = [replace(document(number), split="train", group_id=f"g{number}") for number in range(60)]
    found = splits(placed([*given, *(document(number) for number in range(60, 80))]))
    held_out = {name: sum(split == name for split in found.values()) for name in ("validation", "test")}
    assert held_out == {"validation": 2, "test": 2}
