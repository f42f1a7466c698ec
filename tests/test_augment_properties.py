"""The twenty invariants of augmentation, over documents that hypothesis writes. Each test names those it holds."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kgtune.augment import augment
from kgtune.examples import Example, from_raw, to_row
from kgtune.graph import Entity, Graph, Relationship, from_object, reference_problems
from kgtune.grounding import Haystack
from kgtune.invariants import verify
from kgtune.iocs import iocs, refang
from kgtune.sources import RawDocument

pytestmark = pytest.mark.property
SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

NAMES = {
    ("ThreatOrganization", "zh"): ["雾隼", "砂狐团伙", "霜鹿组织", "Vexa", "APT-Q-77"],
    ("Tool", "zh"): ["青灯木马", "石榴后门", "LanternRAT", "Latch", "CVE-2031-10452"],
    ("Asset", "zh"): ["evil[.]example", "192.0.2.7", "hxxps://a.example/x.php", "a.exe"],
    ("Technique", "zh"): ["钓鱼邮件", "spearphishing", "Lateral Movement"],
}
FRAMES = {
    "zh": ["近期，{}使用了{}。", "此外，{}连接{}。", "据悉，{}与{}有关。", "但是{}没有使用{}。", "目前{}尚未发现{}。", "- {}和{}"],
    "en": ["Recently, {} used {}.", "However, {} avoids {}.", "{} was observed with {}.", "Several hosts of {} ran {}.",
           "It met {} and {}.", "- {} and {}"],
}  # fmt: skip


@dataclass(frozen=True)
class Op:
    enabled: bool = True
    ratio: float = 1.0


@dataclass(frozen=True)
class Ops:
    synonyms: Op = field(default_factory=Op)
    order: Op = field(default_factory=Op)
    affixes: Op = field(default_factory=Op)
    empties: Op = field(default_factory=Op)
    entities: Op = field(default_factory=Op)


@st.composite
def documents(draw: st.DrawFn, number: int = 0) -> Example:
    lang = draw(st.sampled_from(["zh", "en"]))
    pool = [(label, name) for (label, _), names in NAMES.items() for name in names]
    chosen = draw(st.lists(st.sampled_from(pool), min_size=2, max_size=6, unique_by=lambda pair: pair[1]))
    entities = tuple(Entity(label, f"x{i}", name, f"about {name}") for i, (label, name) in enumerate(chosen))
    sentences = []
    relationships = []
    for frame in draw(st.lists(st.sampled_from(FRAMES[lang]), min_size=1, max_size=6)):
        one, two = draw(st.permutations(range(len(chosen))))[:2]
        sentence = frame.format(chosen[one][1], chosen[two][1])
        sentences.append(sentence)
        evidence = draw(st.sampled_from([sentence, "", "a paraphrase", sentence[: len(sentence) // 2].strip()]))
        relationships.append(Relationship(draw(st.sampled_from(["USE", "HAS"])), f"x{one}", f"x{two}", 0.9, evidence))
    text = draw(st.sampled_from(["", " ", "\n", "\n\n"])).join(sentences)
    raw = RawDocument(
        f"d{number}", f"d{number}", text, Graph(entities, tuple(relationships)), lang, "train", f"g{number}"
    )
    return from_raw(raw, drop_descriptions=False)


@st.composite
def corpora(draw: st.DrawFn) -> list[Example]:
    return [draw(documents(number)) for number in range(draw(st.integers(1, 4)))]


def pairs(train: list[Example], seed: int) -> list[tuple[Example, Example]]:
    by_id = {example.id: example for example in train}
    variants, _ = augment(train, Ops(empties=Op(ratio=0.0)), seed)
    return [(by_id[child.id.rpartition("+")[0]], child) for child in variants]


def anchored(example: Example) -> Counter[tuple[str, str]]:
    haystack = Haystack(example.text)
    return Counter((e.labels, e.name) for e in example.graph.entities if haystack.first(e.name))


@SETTINGS
@given(corpora(), st.integers(0, 99))
def test_names_evidence_and_graph_survive(train: list[Example], seed: int) -> None:
    """I1 I2 I3 I4 I5: what was anchored is anchored, and the graph is the same but for declared renames."""
    for parent, child in pairs(train, seed):
        assert sum(anchored(parent).values()) == sum(anchored(child).values())
        assert reference_problems(child.graph) == []
        if child.aug != "entities":
            assert Counter((e.labels, e.name) for e in parent.graph.entities) == Counter(
                (e.labels, e.name) for e in child.graph.entities
            )
        assert Counter(e.labels for e in parent.graph.entities) == Counter(e.labels for e in child.graph.entities)
        assert Counter((r.type, r.confidence) for r in parent.graph.relationships) == Counter(
            (r.type, r.confidence) for r in child.graph.relationships
        )
        kept = sum(bool(r.evidence) and r.evidence in parent.text for r in parent.graph.relationships)
        assert kept == sum(bool(r.evidence) and r.evidence in child.text for r in child.graph.relationships)
        loose = Counter(r.evidence for r in parent.graph.relationships if r.evidence not in parent.text)
        assert loose == Counter(r.evidence for r in child.graph.relationships if r.evidence not in child.text)


@SETTINGS
@given(corpora(), st.integers(0, 99))
def test_indicators_survive_or_are_renamed_in_kind(train: list[Example], seed: int) -> None:
    """I6: indicators are the same after refanging; entity replacement keeps their number by kind."""
    for parent, child in pairs(train, seed):
        before = Counter((i.kind, refang(parent.text[i.start : i.end])) for i in iocs(parent.text))
        after = Counter((i.kind, refang(child.text[i.start : i.end])) for i in iocs(child.text))
        if child.aug == "entities":
            assert Counter(kind for kind, _ in before.elements()) == Counter(kind for kind, _ in after.elements())
        else:
            assert before == after


@SETTINGS
@given(corpora(), st.integers(0, 99))
def test_the_answer_is_the_graph_as_strict_json(train: list[Example], seed: int) -> None:
    """I7: one string, parsed back to the graph, keys in order, no NaN, no lone surrogate."""
    for _, child in pairs(train, seed):
        row = to_row(child)
        assert from_object(json.loads(row["output"])) == (child.graph, [])
        assert list(json.loads(row["output"])) == ["entities", "relationships"]
        row["output"].encode("utf-8")


@SETTINGS
@given(corpora(), st.integers(0, 99))
def test_an_order_is_a_permutation_that_leaves_the_first_unit(train: list[Example], seed: int) -> None:
    """I9: the same characters, the same separators, the same first word."""
    for parent, child in pairs(train, seed):
        if child.aug == "order":
            assert Counter(child.text) == Counter(parent.text)
            assert child.text[:2] == parent.text[:2]
            assert re.findall(r"\n+", child.text) == re.findall(r"\n+", parent.text)


@SETTINGS
@given(corpora(), st.integers(0, 99))
def test_variants_differ_stay_in_bounds_and_are_plain_text(train: list[Example], seed: int) -> None:
    """I13 I17 I18: no two equal texts, unique ids, NFC, no new control character, half to twice as long."""
    found = pairs(train, seed)
    texts = [child.text for _, child in found]
    assert len({*texts}) == len(texts)
    assert not {*texts} & {example.text for example in train}
    assert len({child.id for _, child in found}) == len(found)
    for parent, child in found:
        assert unicodedata.is_normalized("NFC", child.text)
        assert 0.5 <= len(child.text) / len(parent.text) <= 2
        assert (child.split, child.group_id, child.lang) == ("train", parent.group_id, parent.lang)


@SETTINGS
@given(corpora(), st.integers(0, 99), st.randoms(use_true_random=False))
def test_the_order_of_documents_changes_nothing(train: list[Example], seed: int, rng: object) -> None:
    """I14: the same variants from a shuffled corpus, and from a second run."""
    shuffled = list(train)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    first, drops = augment(train, Ops(), seed)
    second, drops_again = augment(shuffled, Ops(), seed)
    assert (sorted(first, key=lambda e: e.id), drops) == (sorted(second, key=lambda e: e.id), drops_again)


@SETTINGS
@given(corpora(), st.integers(0, 99))
def test_new_names_come_from_train_or_are_made_up_indicators(train: list[Example], seed: int) -> None:
    """I16: a name that is in no train document is an indicator."""
    known = {e.name for example in train for e in example.graph.entities}
    for _, child in pairs(train, seed):
        for entity in child.graph.entities:
            assert entity.name in known or len(iocs(entity.name)) == 1


@SETTINGS
@given(corpora(), st.integers(0, 99))
def test_empty_samples_are_empty_for_certain(train: list[Example], seed: int) -> None:
    """I12: no graph, no indicator, no annotated name."""
    names = {e.name for example in train for e in example.graph.entities}
    made, _ = augment(train, Ops(*[Op(ratio=0.0)] * 3, Op(ratio=1.0), Op(ratio=0.0)), seed)
    for example in made:
        haystack = Haystack(example.text)
        assert example.graph.is_empty
        assert iocs(example.text) == []
        assert not any(haystack.first(name) for name in names)


@SETTINGS
@given(documents(), st.data())
def test_verify_sees_a_character_lost_inside_a_name(parent: Example, data: st.DataObject) -> None:
    """I1 I19: damage to any mention is found, whatever else happened."""
    haystack = Haystack(parent.text)
    spans = [span for e in parent.graph.entities for span in haystack.all(e.name)]
    if spans:
        span = data.draw(st.sampled_from(spans))
        at = data.draw(st.integers(span.start, span.end - 1))
        child = replace(parent, text=parent.text[:at] + "⌁" + parent.text[at + 1 :])
        assert verify(parent, child, {}) is not None
