from __future__ import annotations

import os
import pickle
import random
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pytest

from kgtune import config, iocs
from kgtune.augmentation.augment import (
    OPERATIONS,
    Rules,
    asked_limits,
    augment,
    claimed,
    context_of,
    rng_for,
    text_key,
    variants_of,
    with_quotas,
)
from kgtune.augmentation.tables import tables
from kgtune.conversion.preparation import prepare
from kgtune.examples import from_raw, to_row
from kgtune.graph import Entity, Graph
from kgtune.sources import RawDocument
from tests.annotated import EN, TRAIN, ZH, Op, Ops, every, make, only


def test_synonyms_change_context_words_and_carry_the_evidence_along() -> None:
    (child,), drops = augment([EN], only("synonyms"), 3)
    assert child.text != EN.text
    assert re.sub(r"(Lately,|Recently,)", "R", child.text).startswith("Vexa is active. R Vexa used Latch.")
    assert child.graph.relationships[0].evidence in child.text
    assert (child.id, child.doc_id, child.split, child.aug) == ("d+synonyms1", "d", "train", "synonyms")
    assert sum(drops.values()) == 0


def test_a_synonym_never_touches_a_name() -> None:
    text = "近期组织 and 近期活跃的近期组织。"
    variants, drops = augment([make(text, "近期组织", lang="zh")], only("synonyms"), 1)
    assert variants == []
    assert drops == {"synonyms: not applicable": 1}


def test_a_synonym_in_code_is_passed_over_for_one_outside() -> None:
    text = "However, Latch ran. It printed `recently, x` on the screen of the host."
    (child,), _ = augment([make(text, "Latch")], only("synonyms"), 1)
    assert "`recently, x`" in child.text
    assert child.text.startswith(("Nevertheless,", "Nonetheless,"))


def test_a_synonym_that_is_part_of_a_name_anywhere_is_not_written() -> None:
    variants, _ = augment([EN], only("synonyms"), 3, all_names=["Lately Group", "nevertheless", "nonetheless"])
    assert variants == []


def test_a_chinese_word_inside_a_longer_one_is_left_alone() -> None:
    example = make("当前用户登录到当前目录。之所以如此，不明。", lang="zh")
    assert augment([example], only("synonyms"), 1)[0] == []


def test_affixes_frame_the_text_in_its_language() -> None:
    for example, spacing in ((EN, " "), (ZH, "")):
        (child,), _ = augment([example], only("affixes"), 5)
        table = tables()[example.lang]
        framed = {p + spacing + example.text for p in table.prefixes} | {
            example.text + spacing + s for s in table.suffixes
        }
        assert child.text in framed


def test_an_affix_gets_its_own_line_in_a_text_of_lines() -> None:
    (child,), _ = augment(
        [make("These are all of the tools that were seen so far:\n- Latch", "Latch")], only("affixes"), 5
    )
    assert "so far:\n- Latch" in child.text
    assert len(child.text.split("\n")) == 3


def test_order_moves_list_items_and_nothing_else() -> None:
    text = "Tools:\n- Latch, a tool\n- Moss, a tunnel\n- Hook, a logger\nEnd."
    (child,), _ = augment([make(text, "Latch", "Moss", "Hook")], only("order"), 1)
    assert child.text.startswith("Tools:\n- ")
    assert child.text.endswith("\nEnd.")
    assert sorted(child.text.split("\n")) == sorted(text.split("\n"))
    assert [e.name for e in child.graph.entities] == sorted(["Latch", "Moss", "Hook"], key=child.text.find)


def test_entities_are_renamed_alike_everywhere() -> None:
    other = make("Umbra ran Hook at North Mill.", "Umbra", "Hook", "North Mill", name="o")
    variants, _ = augment([EN, other], only("entities"), 1)
    child = next(v for v in variants if v.doc_id == "d")
    names = {e.name for e in child.graph.entities}
    assert names <= {"Umbra", "Hook", "North Mill"}
    assert not any(old in child.text for old in ("Vexa", "Latch", "Harbour"))
    assert child.graph.relationships[0].evidence in child.text


def test_donated_names_are_given_to_entities_unless_they_are_held_out() -> None:
    names = [(label, name) for label in ("Tool", "ThreatOrganization", "Target") for name in ("Umbra", "Hook Mill")]
    (child,), _ = augment([EN], only("entities"), 1, rules=Rules(donated=names))
    assert {e.name for e in child.graph.entities} - {e.name for e in EN.graph.entities} <= {"Umbra", "Hook Mill"}
    held_out = [name for _, name in names]
    assert augment([EN], only("entities"), 1, rules=Rules(donated=names, held_out=held_out))[0] == []


@pytest.mark.parametrize(
    ("old", "pattern"),
    [
        ("203.0.113.9", r"(192\.0\.2|198\.51\.100|203\.0\.113)\.\d+"),
        ("8[.]8[.]8[.]8:53", r"(192\[\.\]0\[\.\]2|198\[\.\]51\[\.\]100|203\[\.\]0\[\.\]113)\[\.\]\d+:53"),
        ("bad.corp[.]com", r"[a-z]+-[a-z]+(\.example)?\[\.\](example|com|net|org|test|invalid)"),
        ("hxxps://a[.]b.cc/gate.php", r"hxxps://[a-z.\[\]-]+/[a-z]+\.php"),
        ("me[at]corp.com", r"[a-z]+\d\d\[at\][a-z.-]+"),
        ("D41D8CD98F00B204E9800998ECF8427E", r"[0-9A-F]{32}"),
        ("run_me.dll", r"[a-z]+\d\d\.dll"),
        ("2a00:1450::8a", r"2001:db8::[0-9a-f]+"),
    ],
)
def test_indicators_are_made_up_in_documentation_ranges_and_keep_their_style(old: str, pattern: str) -> None:
    text = f"见{old}，完。"
    example = make(text, old, label="Asset", lang="zh")
    (child,), drops = augment([example], only("entities"), 1)
    new = child.graph.entities[0].name
    assert re.fullmatch(pattern, new), new
    assert child.text == f"见{new}，完。"
    assert [i.kind for i in iocs.iocs(new)] == [i.kind for i in iocs.iocs(old)]
    assert sum(drops.values()) == 0


def test_descriptions_that_know_the_old_name_go() -> None:
    raw = RawDocument("d", "d", "Vexa here.", Graph((Entity("Tool", "a", "Vexa", "Vexa is old."),)), "en", "train", "d")
    example = from_raw(raw, drop_descriptions=False)
    (child,), _ = augment([example, make("Umbra", "Umbra", name="u")], only("entities", 0.5), 0)
    variant = (
        child
        if child.doc_id == "d"
        else augment([example, make("Umbra", "Umbra", name="u")], only("entities"), 0)[0][0]
    )
    assert all(e.description == "" for e in variant.graph.entities)


def test_empty_samples_hold_nothing_and_are_all_different() -> None:
    train = [replace(EN, id=f"d{i}", doc_id=f"d{i}") for i in range(20)] + [replace(ZH, id=f"z{i}") for i in range(20)]
    made, _ = augment(train, only("empties", 0.5), 1)
    assert len(made) == 20
    assert len({e.text for e in made}) == 20
    assert {e.lang for e in made} == {"en", "zh"}
    assert all(e.graph.is_empty and e.split == "train" and e.aug == "empties" for e in made)


def test_an_empty_sample_never_names_what_is_annotated_anywhere() -> None:
    train = [replace(EN, id=f"d{number}") for number in range(60)]
    words = ["backup", "password", "platform", "dough"]
    made, _ = augment(train, only("empties", 1.0), 1, all_names=words)
    assert len(made) > 50
    assert not any(re.search("(?i)backup|password|platform|dough", e.text) for e in made)
    assert context_of(only("empties"), 1, [], words).lists.left_out["empties"] > 5


def test_a_ratio_of_nothing_or_a_switch_makes_nothing() -> None:
    assert augment([EN, ZH], Ops(), 1) == ([], {})
    off = replace(Ops(), synonyms=Op(enabled=False, ratio=1.0), empties=Op(enabled=False, ratio=1.0))
    assert augment([EN, ZH], off, 1) == ([], {})


def test_neither_order_nor_company_changes_a_variant() -> None:
    both, _ = augment([EN, ZH], only("synonyms"), 1)
    swapped, _ = augment([ZH, EN], only("synonyms"), 1)
    alone, _ = augment([EN], only("synonyms"), 1)
    assert {e.id: e for e in both} == {e.id: e for e in swapped}
    assert alone == [e for e in both if e.doc_id == "d"]


def test_random_numbers_depend_on_seed_id_and_operation_alone() -> None:
    assert rng_for(1, "a", "order").random() == rng_for(1, "a", "order").random()
    assert len({rng_for(*key).random() for key in [(1, "a", "x"), (2, "a", "x"), (1, "b", "x"), (1, "a", "y")]}) == 4


def test_a_variant_that_exists_already_is_dropped_and_counted() -> None:
    (child,), _ = augment([EN], only("synonyms"), 3)
    again, drops = augment([EN], only("synonyms"), 3, taken_texts=[child.text])
    assert (again, dict(drops)) == ([], {"synonyms: text exists already": 1})


CORPUS = [replace(e, id=f"{e.id}-{n}", doc_id=f"{e.doc_id}-{n}") for n in range(30) for e in TRAIN]
NAMES = [(e.labels, e.name) for example in CORPUS for e in example.graph.entities]


def test_a_context_is_small_and_can_be_pickled() -> None:
    context = context_of(every(0.5), 3, NAMES)
    again = pickle.loads(pickle.dumps(context))
    assert len(pickle.dumps(context)) < 200_000
    for example in CORPUS[:8]:
        assert variants_of(example, again) == variants_of(example, context)


def test_an_example_needs_nothing_but_the_context() -> None:
    settings = every(0.4)
    variants, drops = augment(CORPUS, settings, 3)
    context = with_quotas(context_of(settings, 3, NAMES), [e.id for e in CORPUS], {e.id: e for e in CORPUS}.__getitem__)
    made = [variants_of(example, context) for example in sorted(CORPUS, key=lambda e: e.id)]
    taken = {text_key(example.text) for example in CORPUS}
    alone, repeated = claimed([variant for one in made for variant in one.variants], taken)
    assert alone == variants
    assert sum((one.drops for one in made), repeated) == drops


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_asked_share_of_the_examples_gets_a_variant(operation: str) -> None:
    text = "Recently, {0} ran. Owls saw {1} hills. {0} slept. Bats flew off. Nobody came."
    lines = [make(text.format(f"Vexa{n}q", "ab" * n), f"Vexa{n}q", name=f"d{n}") for n in range(300)]
    variants, _ = augment(lines, only(operation, 0.2), 5)
    assert 45 <= len(variants) <= 75
    small, _ = augment(lines[:50], only(operation, 0.2), 5)
    assert len(small) == 10


def test_an_operation_that_fits_a_few_is_asked_of_more() -> None:
    lines = [
        make(f"Vexa{n}q {'often' if n % 4 == 0 else 'rarely'} ran.", f"Vexa{n}q", name=f"d{n}") for n in range(100)
    ]
    variants, _ = augment(lines, only("synonyms", 0.2), 5)
    assert len(variants) == 20
    variants, drops = augment(lines, only("synonyms", 0.5), 5)
    assert (len(variants), drops) == (25, {"synonyms: not applicable": 75})


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_left_out_changes_no_other(operation: str) -> None:
    """The switch of the command line, and what `prepare` makes of it."""
    words = "amber birch cobble dune ember fjord grove harbor island juniper kelp lagoon meadow nectar orchid".split()
    bare = []
    for number in range(40):
        name, filler = f"Vexa{number}q", " ".join(random.Random(number).choices(words, k=20))
        text = f"Recently, {name} ran. Owls saw {filler}. {name} slept. Bats flew off. Nobody came."
        bare.append(replace(make(text, name, name=f"d{number}"), split=None, group_id=""))
    override = f"augmentation.{operation}.enabled=false"
    whole, without = (prepare(bare, config.load(None, None, o).config).examples for o in ([], [override]))
    assert {row.aug for row in whole} == {"", *OPERATIONS}
    assert [to_row(row) for row in without] == [to_row(row) for row in whole if row.aug != operation]


@pytest.mark.parametrize("hash_seed", ["0", "4242"])
def test_the_same_variants_come_from_any_hash_seed(hash_seed: str) -> None:
    code = "from tests.annotated import TRAIN, every; from kgtune.augmentation.augment import augment; print(repr(augment(TRAIN, every(0.7), 9)))"
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout.strip() == repr(augment(TRAIN, every(0.7), 9))


def test_what_is_not_made_is_counted_by_operation_and_reason() -> None:
    examples = [
        make("x", name="short"),
        make("Vexa ran.", "Vexa", name="plain"),
        make("近期 Vexa ran", "Vexa", lang="mixed", name="mixed"),
    ]
    variants, drops = augment(examples, every(), 1)
    assert len(variants) + sum(drops.values()) == len(OPERATIONS) * len(examples)
    assert drops["affixes: not applicable"] == 1  # no frame for two languages
    assert drops["affixes: length out of bounds"] == 2
    assert drops["order: not applicable"] == 3


def test_variants_and_held_out_names() -> None:
    rules = Rules(held_out=["Umbra", "Hooky"])
    train = [EN, make("Umbra ran Hooky at North Mill.", "Umbra", "Hooky", "North Mill", name="o")]
    variants, _ = augment(train, only("entities"), 1, rules=rules)
    new = {e.name for v in variants for e in v.graph.entities} - {e.name for e in EN.graph.entities}
    assert new <= {"North Mill", "Umbra", "Hooky"}
    child = next(v for v in variants if v.doc_id == "d")
    assert not {"Umbra", "Hooky"} & {e.name for e in child.graph.entities}


def test_a_switch_or_a_ratio_of_nothing_sets_no_limit() -> None:
    assert asked_limits(Ops()) == {}
    assert asked_limits(replace(every(), order=Op(enabled=False, ratio=1.0))) == dict.fromkeys(
        [name for name in OPERATIONS if name != "order"], 1 << 64
    )


def test_claims_go_to_the_first() -> None:
    taken = {text_key(EN.text)}
    kept, drops = claimed([replace(EN, aug="order"), replace(ZH, aug="order"), replace(ZH, aug="affixes")], taken)
    assert [row.aug for row in kept] == ["order"]
    assert drops == Counter({"order: text exists already": 1, "affixes: text exists already": 1})
