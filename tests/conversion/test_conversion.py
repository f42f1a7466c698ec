from __future__ import annotations

import json
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from kgtune import config, naming, ontology
from kgtune.conversion import conversion, preparation
from kgtune.conversion.conversion import Converted
from kgtune.demo import corpus
from kgtune.errors import DataError
from kgtune.examples import from_raw, respelt, row_text, to_row
from kgtune.sources import read_raw
from kgtune.splitting import split_lock


def items(number: int, seed: int = 1) -> list[dict[str, Any]]:
    """Make documents without splits; a few repeat another, some belong to one report."""
    made = []
    for index, document in enumerate(corpus.documents(seed, number, pool="train")):
        entities = [{"labels": label, "id": f"e{i}", "name": name} for i, (label, name) in enumerate(document.entities)]
        edges = [
            {"type": f.type, "source": f"e{f.source}", "target": f"e{f.target}", "evidence": f.evidence, "confidence": f.confidence}
            for f in document.facts
        ]  # fmt: skip
        made.append({"id": f"s{seed}-{index:04}", "text": document.text, "entities": entities, "relationships": edges})
    for index in range(0, number - 10, 10):
        made[index]["doc_id"] = made[index + 1]["doc_id"] = f"report-{seed}-{index}"
        made[index + 3]["text"] = made[index + 2]["text"]
        made[index + 3] |= {key: made[index + 2][key] for key in ("entities", "relationships")}
    return made


def write(path: Path, made: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(item, ensure_ascii=False) + "\n" for item in made), encoding="utf-8")
    return path


def converted(source: Path, output: Path, *overrides: str) -> Converted:
    return conversion.convert([source], config.load(None, None, overrides), output)


def rows(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("raw") / "raw.jsonl", items(120))


@pytest.fixture(scope="module")
def output(source: Path) -> Path:
    path = source.with_name("training_data.json")
    converted(source, path, "data.workers=1")
    return path


def test_rows_are_those_that_preparing_in_memory_gives(source: Path, output: Path) -> None:
    cfg = config.load(None, None, []).config
    documents = read_raw([source]).documents
    seen = naming.seen(document.graph for document in documents)
    chosen = ontology.choose(cfg.ontology, seen.labels, seen.types, seen.pairs)
    examples = [respelt(from_raw(document, drop_descriptions=False), chosen)[0] for document in documents]
    prepared = preparation.prepare(examples, cfg, chosen)
    expected = "[\n" + ",\n".join(row_text(to_row(example)) for example in prepared.examples) + "\n]\n"
    assert {example.aug for example in prepared.examples} == {"", "synonyms", "order", "affixes", "entities", "empties"}
    assert output.read_text(encoding="utf-8") == expected


@pytest.mark.slow
def test_the_number_of_processes_changes_nothing(source: Path, output: Path, tmp_path: Path) -> None:
    for number in (2, 3):
        one = converted(source, tmp_path / f"{number}.json", f"data.workers={number}", "data.splits_lock=false")
        assert (tmp_path / f"{number}.json").read_bytes() == output.read_bytes()
        assert one.report == converted(source, tmp_path / "1.json", "data.workers=1", "data.splits_lock=false").report


def test_the_order_of_the_input_changes_nothing(output: Path, tmp_path: Path) -> None:
    made = items(120)
    random.Random(8).shuffle(made)
    shuffled = write(tmp_path / "raw.jsonl", made)
    report = converted(shuffled, tmp_path / "out.json").report
    assert (tmp_path / "out.json").read_bytes() == output.read_bytes()
    written = json.loads(output.with_suffix(".report.json").read_text(encoding="utf-8"))
    assert {key: written[key] for key in report} == report


def test_documents_stand_by_their_ids_with_their_variants_behind_them_and_empties_last(output: Path) -> None:
    written = rows(output)
    kinds = ["empties" if row["aug"] == "empties" else "row" for row in written]
    assert kinds == sorted(kinds, key=["row", "empties"].index)
    assert kinds.count("empties") >= 5
    originals = [row["id"] for row in written if not row["aug"]]
    assert originals == sorted(originals)
    parent = ""
    for row in written[: kinds.count("row")]:
        parent = row["id"] if not row["aug"] else parent
        assert row["id"].startswith(parent)
    assert len({row["id"] for row in written}) == len(written)
    assert len({row["input"] for row in written}) == len(written)


def test_no_variant_brings_in_a_name_of_a_held_out_document_though_train_has_it_too(tmp_path: Path) -> None:
    made = items(60)
    for number, item in enumerate(made):
        name = f"Harbour{number % 10}Kit"
        item["entities"] = [*item["entities"], {"labels": "Tool", "id": "shared", "name": name}]
        item["text"] += f" {name} stood there."
    target = tmp_path / "training_data.json"
    converted(write(tmp_path / "raw.jsonl", made), target, "augmentation.entities.ratio=1.0", "data.workers=1")
    written = rows(target)
    parents = {row["doc_id"]: row["input"] for row in written if not row["aug"]}
    names = {split: {e["name"] for row in written if row["split"] in split and not row["aug"]
                     for e in json.loads(row["output"])["entities"]}
             for split in (("train",), ("validation", "test"))}  # fmt: skip
    held_out = names["validation", "test"]
    variants = [row for row in written if row["aug"] == "entities"]
    assert len(held_out & names["train",]) >= 3
    assert len(variants) > 10
    for row in variants:
        assert not [name for name in held_out if name in row["input"] and name not in parents[row["doc_id"]]]


def test_augmented_rows_never_leave_train_and_no_group_is_divided(output: Path) -> None:
    written = rows(output)
    assert {row["split"] for row in written} == {"train", "validation", "test"}
    assert {row["split"] for row in written if row["aug"]} == {"train"}
    places = defaultdict(set)
    for row in written:
        places[row["group_id"]].add(row["split"])
    assert all(len(found) == 1 for found in places.values())


def test_the_report_counts_what_was_read_used_dropped_and_written(output: Path) -> None:
    report = json.loads(output.with_suffix(".report.json").read_text(encoding="utf-8"))
    written = rows(output)
    documents = report["documents"]
    assert documents["read"] == documents["used"] + sum(documents["dropped"].values()) == 120
    assert documents["dropped"] == {"same text again": 11}
    assert report["rows"]["all"] == len(written)
    assert report["rows"]["by_split"]["test"] == sum(row["split"] == "test" for row in written)
    assert report["rows"]["by_augmentation"]["original"] == documents["used"]
    assert report["leaks"]["is_clean"]
    assert report["leaks"]["augmented_outside_train"] == 0


def test_old_documents_stay_in_their_split_when_data_is_added(tmp_path: Path) -> None:
    output = tmp_path / "training_data.json"
    converted(write(tmp_path / "raw.jsonl", items(60)), output, "augmentation.entities.enabled=false")
    before = {row["id"]: row["split"] for row in rows(output) if not row["aug"]}
    report = converted(write(tmp_path / "raw.jsonl", [*items(90, seed=2), *items(60)]), output).report
    after = {row["id"]: row["split"] for row in rows(output) if not row["aug"]}
    assert {identity: after[identity] for identity in before} == before
    assert report["splits"]["kept_by_the_lock"] == len(set(before)) - 5  # five reports of two documents
    assert set(after.values()) == {"train", "validation", "test"}
    assert len(after) > len(before)
    # without the lock, other documents would be held out
    converted(tmp_path / "raw.jsonl", tmp_path / "other.json", "data.splits_lock=false")
    assert {row["id"]: row["split"] for row in rows(tmp_path / "other.json") if row["id"] in before} != before


def test_the_lock_is_switched_off_by_its_key(tmp_path: Path) -> None:
    converted(write(tmp_path / "raw.jsonl", items(20)), tmp_path / "out.json", "data.splits_lock=false")
    assert not (tmp_path / split_lock.NAME).exists()


def test_splits_given_in_the_data_are_never_touched_and_need_no_lock(tmp_path: Path) -> None:
    made = [{**item, "split": ("train", "validation", "test")[n % 3]} for n, item in enumerate(items(30, seed=3)[20:])]
    converted(write(tmp_path / "raw.jsonl", made), tmp_path / "out.json")
    given = {item["id"]: item["split"] for item in made}
    assert {row["id"]: row["split"] for row in rows(tmp_path / "out.json") if not row["aug"]} == given
    assert not (tmp_path / split_lock.NAME).exists()


def test_a_leak_planted_by_hand_turns_the_report_red(tmp_path: Path) -> None:
    made = items(30, seed=4)[20:]
    long = max(made, key=lambda item: len(item["text"]))
    made = [{**item, "split": "train"} for item in made]
    made.append({**long, "id": "planted", "text": long["text"] + " More.", "split": "test"})
    found = converted(write(tmp_path / "raw.jsonl", made), tmp_path / "out.json")
    assert not found.report["leaks"]["is_clean"]
    assert found.report["leaks"]["groups_divided"] == 1
    assert found.report["leaks"]["highest_similarity_across_splits"] > 0.7
    assert "leaks: FOUND" in found.report_text


def test_what_cannot_be_read_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    made = items(20)
    made[7]["entities"] = "none"
    with pytest.raises(DataError, match="nothing written"):
        converted(write(tmp_path / "raw.jsonl", made), tmp_path / "out/training_data.json")
    assert not (tmp_path / "out").exists()


def test_labels_in_other_spellings_count_as_one_when_groups_are_spread(tmp_path: Path) -> None:
    made = [
        {"id": f"d{n}", "text": f"{word} used Latch{n} once. " + word * 20, "relationships": [],
         "entities": [{"labels": ("Tool", "tool", "TOOL")[n % 3], "id": "a", "name": f"Latch{n}"}]}
        for n, word in enumerate("amber birch cobble dune ember fjord".split())
    ]  # fmt: skip
    report = converted(write(tmp_path / "raw.jsonl", made), tmp_path / "out.json").report
    assert report["splits"]["rare_labels"] == []
    assert report["labels"] == {"Tool": 6}
