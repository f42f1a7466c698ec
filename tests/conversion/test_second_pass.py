from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

from kgtune import ontology
from kgtune.augmentation import augment
from kgtune.conversion import second_pass
from kgtune.conversion.cards import card_of
from kgtune.conversion.crew import Crew
from kgtune.conversion.lengths import Ruler, Survey, measured
from kgtune.conversion.second_pass import Batch, Maker, Row, Target
from kgtune.conversion.spill import Spill, pack
from kgtune.examples import of_row
from kgtune.graph import Entity, Graph
from kgtune.settings import AugmentationSettings, Operation
from kgtune.sources import RawDocument
from kgtune.splitting.grouping import Units
from kgtune.splitting.placement import Placed
from kgtune.splitting.split_lock import Lock

ONTOLOGY = ontology.load("threat_event")
NAMES = "Vexa Latch Moss Hook Umbra Quill".split()


def document(number: int) -> RawDocument:
    name = NAMES[number]
    text = f"However, {name} was seen. Recently, {name} ran on hosts of the plant number {number}."
    return RawDocument(f"r{number}", f"r{number}", text, Graph((Entity("tool", "x", name),)), "en")


def context(**ratios: float) -> augment.Context:
    off = {name: Operation(enabled=False, ratio=0.0) for name in augment.OPERATIONS}
    settings = AugmentationSettings(**{**off, **{name: Operation(ratio=ratio) for name, ratio in ratios.items()}})
    return augment.context_of(settings, 42, [("Tool", name) for name in NAMES])


def written(maker: Maker, tmp_path: Path, *splits: str) -> tuple[list[dict[str, str]], second_pass.Written]:
    documents = [document(number) for number in range(len(splits))]
    cards = tuple(card_of(one) for one in documents)
    groups = tuple(f"g{card.id}" for card in cards)
    placed = Placed(tuple(range(len(splits))), cards, groups, splits, Units(), Lock())  # type: ignore[arg-type]
    ruler = Ruler("by hand", exact=True, measure=lambda row: len(row.text))
    file, survey = io.StringIO(), Survey("refuse", 100, ruler)
    target = Target(
        file, io.StringIO(), survey, lambda row: measured(of_row(json.loads(row.text)), ruler, "refuse", 100)
    )
    with Spill(tmp_path) as spill, Crew(1, tmp_path) as crew:
        for one in documents:
            spill.put(pack(one))
        found = second_pass.write(maker, placed, spill, crew, target)
    rows = json.loads(file.getvalue())
    train = [row for row in rows if row["split"] == "train"]
    surveyed = survey.as_object()
    assert surveyed["rows"] == len(train)
    assert surveyed["over"] == sum(len(row["input"]) > 100 for row in train)
    assert list(second_pass.outlines(placed, found)) == [
        replace(of_row(row), text="", graph=Graph(tuple(Entity("tool", "", "") for _ in of_row(row).graph.entities)))
        for row in sorted(rows, key=lambda row: [r["id"] for r in rows].index(row["id"]))
    ] or any(row["aug"] == "empties" for row in rows)
    return rows, found


def test_a_document_becomes_a_row_in_the_ontologys_words_with_its_group_and_split(tmp_path: Path) -> None:
    (row,), found = written(Maker(ONTOLOGY, None, drop_descriptions=False), tmp_path, "test")
    assert (row["id"], row["group_id"], row["split"], row["aug"]) == ("r0", "gr0", "test", "")
    assert json.loads(row["output"])["entities"] == [{"labels": "Tool", "id": "e1", "name": "Vexa", "description": ""}]
    assert found.figures.renamed == {'label "tool" written as Tool': 1}
    assert (found.by_split, found.by_aug) == ({"test": 1}, {"": 1})


def test_only_train_rows_have_variants_and_empties_stand_last(tmp_path: Path) -> None:
    maker = Maker(ONTOLOGY, context(synonyms=1.0, empties=1.0), drop_descriptions=False)
    rows, found = written(maker, tmp_path, "train", "test", "train", "validation")
    assert [(row["id"], row["aug"], row["split"]) for row in rows[:6]] == [
        ("r0", "", "train"), ("r0+synonyms1", "synonyms", "train"), ("r1", "", "test"), ("r2", "", "train"),
        ("r2+synonyms1", "synonyms", "train"), ("r3", "", "validation"),
    ]  # fmt: skip
    assert [row["aug"] for row in rows[6:]] == ["empties", "empties"]
    assert found.augmented_outside_train == 0
    assert found.by_split == {"train": 6, "test": 1, "validation": 1}
    assert list(found.text_chars) == [len(row["input"]) for row in rows[:2]] + list(found.text_chars[2:])


def row(identity: str, text: str, aug: str = "synonyms") -> Row:
    written = json.dumps({"input": text, "id": identity, "aug": aug})
    return Row(identity, "train", aug, written, augment.text_key(text), len(text), 2)


def test_a_text_is_written_once_and_the_first_by_id_has_it() -> None:
    claims = second_pass._Claims({augment.text_key("taken")}, {"a", "b"}, Counter(), str)
    assert claims.claim(row("a+synonyms1", "taken")) is None
    assert claims.claim(row("a+synonyms1", "new")) == row("a+synonyms1", "new")
    assert claims.claim(row("b+synonyms1", "new")) is None
    assert claims.drops == {"synonyms: text exists already": 2}


def test_a_variant_whose_id_a_document_has_gets_another() -> None:
    claims = second_pass._Claims(set(), {"a", "a+synonyms1"}, Counter(), str)
    renamed = claims.claim(row("a+synonyms1", "new"))
    assert renamed is not None
    assert (renamed.id, json.loads(renamed.text)["id"]) == ("a+synonyms1-2", "a+synonyms1-2")


def test_a_variant_near_a_held_out_document_is_dropped_and_counted_and_its_text_decides() -> None:
    drops: Counter[str] = Counter()
    held_out = "Grey Petrel used LanternRAT against Norrgard Shipping in the spring."
    claims = second_pass._Claims(set(), set(), drops, [held_out].__getitem__)
    near = replace(row("a+entities1", held_out.replace("spring", "summer"), "entities"), near=(0,))
    far = replace(row("b+entities1", "Copper Magpie came to Fennmark and left.", "entities"), near=(0,))
    assert (claims.claim(near), claims.claim(far)) == (None, far)
    assert drops == {"entities: near duplicate of a held-out document": 1}


def test_an_augmented_row_outside_train_is_counted() -> None:
    found = second_pass.Written()
    found.add(row("a+synonyms1", "x"))
    leaked = Row("b+order1", "test", "order", "{}", b"", 1, 2)
    found.add(leaked)
    assert found.augmented_outside_train == 1


def test_a_batch_can_go_between_processes() -> None:
    import pickle

    maker = Maker(ONTOLOGY, context(synonyms=1.0), drop_descriptions=False)
    made = second_pass.make(pickle.loads(pickle.dumps(maker)), [(pack(document(0)), "g", "train")])
    assert isinstance(made, Batch)
    assert pickle.loads(pickle.dumps(made)) == made == second_pass.make(maker, [(pack(document(0)), "g", "train")])
