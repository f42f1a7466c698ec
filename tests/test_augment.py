from __future__ import annotations

import random
import re
from dataclasses import dataclass, field, replace

import pytest

from kgtune import iocs
from kgtune.augment import augment, context_of, rng_for
from kgtune.augmentation_tables import tables
from kgtune.editing import Document
from kgtune.examples import Example, from_raw
from kgtune.graph import Entity, Graph, Relationship
from kgtune.invariants import verify, verify_empty
from kgtune.reordering import reorder
from kgtune.replacement import NamePool, rename
from kgtune.sources import RawDocument


@dataclass(frozen=True)
class Op:
    enabled: bool = True
    ratio: float = 0.0


@dataclass(frozen=True)
class Ops:
    synonyms: Op = field(default_factory=Op)
    order: Op = field(default_factory=Op)
    affixes: Op = field(default_factory=Op)
    empties: Op = field(default_factory=Op)
    entities: Op = field(default_factory=Op)


def only(name: str, ratio: float = 1.0) -> Ops:
    return replace(Ops(), **{name: Op(ratio=ratio)})


def make(text: str, *names: str, label: str = "Tool", lang: str = "en", evidence: str = "", name: str = "d") -> Example:
    entities = tuple(Entity(label, f"x{i}", n) for i, n in enumerate(names))
    edges = (Relationship("USE", "x0", "x1", 0.9, evidence),) if len(names) > 1 else ()
    raw = RawDocument(name, name, text, Graph(entities, edges), lang, "train", name)
    return from_raw(raw, drop_descriptions=False)


EN = make("Vexa is active. Recently, Vexa used Latch. However, Harbour Bank was safe.", "Vexa", "Latch", "Harbour Bank",
          evidence="Recently, Vexa used Latch.")  # fmt: skip
ZH = make(
    "雾隼近期活跃。此外，雾隼使用了青灯木马。",
    "雾隼",
    "青灯木马",
    lang="zh",
    evidence="此外，雾隼使用了青灯木马。",
    name="z",
)


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


@pytest.mark.parametrize(
    "text",
    [
        "One came. It left. They stayed.",
        "One came. Then two left. Bob stayed.",
        "第一句话。该组织离开。其成员留下。",
        "1. Vexa came.\n2. Latch ran.\n3. Moss ran.",
        "Vexa came in 2021. Latch ran in 2022. Moss ran in 2023.",
        "| a | b |\n\n| c | d |\n\n| e | f |",
        "Alpha came. Bravo left",
    ],
)
def test_what_may_be_told_in_order_stays_in_order(text: str) -> None:
    assert reorder(Document(text, Graph()), random.Random(1)) is None


def test_units_of_one_evidence_move_together() -> None:
    example = make("Alpha came. Vexa ran Latch. Latch fell. Bob slept. Carol woke.", "Vexa", "Latch",
                   evidence="Vexa ran Latch. Latch fell.")  # fmt: skip
    texts = {reorder(Document(example.text, example.graph), random.Random(seed)) for seed in range(30)}
    assert len(texts) > 1
    assert all(text is not None and "Vexa ran Latch. Latch fell." in text for text in texts)


def test_entities_are_renamed_alike_everywhere() -> None:
    other = make("Umbra ran Hook at North Mill.", "Umbra", "Hook", "North Mill", name="o")
    variants, _ = augment([EN, other], only("entities"), 1)
    child = next(v for v in variants if v.doc_id == "d")
    names = {e.name for e in child.graph.entities}
    assert names <= {"Umbra", "Hook", "North Mill"}
    assert not any(old in child.text for old in ("Vexa", "Latch", "Harbour"))
    assert child.graph.relationships[0].evidence in child.text


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


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_tables_keep_their_own_rules(language: str) -> None:
    table = tables()[language]
    sentences = [*table.prefixes, *table.suffixes, *(s for theme in table.empties.values() for s in theme)]
    assert len(table.prefixes) >= 20
    assert len(table.suffixes) >= 20
    assert len(sentences) == len(set(sentences)) >= 110
    for sentence in sentences:
        assert not iocs.iocs(sentence), sentence
        assert not re.search(r"\d", sentence), sentence
        assert sentence.endswith("。" if language == "zh" else ".")
    for word, others in table.synonyms.items():
        assert word not in others
        assert len(set(others)) == len(others) > 0
        assert all((word[-1] in ",，") == (other[-1] in ",，") for other in others)


LABEL_BEARING = "攻击 组织 漏洞 恶意 利用 软件 目标 木马 工具 attack exploit target malware vulnerability group tool deliver".split()


def test_no_synonym_bears_a_label() -> None:
    words = [w for t in tables().values() for key, others in t.synonyms.items() for w in (key, *others)]
    assert len(words) > 150
    assert [w for w in words if any(bad in w for bad in LABEL_BEARING)] == []


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
