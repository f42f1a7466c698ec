import hashlib
import re
from collections import Counter
from functools import cache
from itertools import islice

import pytest

from kgtune.demo import background_en, background_zh, frames_en, frames_zh, names
from kgtune.demo.composition import KINDS
from kgtune.demo.corpus import (
    CORPUS_PATH,
    Document,
    Pool,
    demo_items,
    documents,
    held_out_frames,
    held_out_names,
    write_corpus,
)
from kgtune.demo.drafting import LABELS

POOLS: tuple[Pool, ...] = ("pretrain", "train", "heldout")
LEGAL = {
    ("ThreatOrganization", "LAUNCH", "AttackEvent"),
    ("AttackEvent", "ATTACK", "Target"),
    ("ThreatOrganization", "ATTACK", "Target"),
    ("ThreatOrganization", "USE", "Tool"),
    ("AttackEvent", "USE", "Tool"),
    ("ThreatOrganization", "HAS", "Asset"),
    ("Tool", "USE", "Asset"),
    ("Tool", "IMPLEMENT", "Technique"),
    ("Tactic", "HAS", "Technique"),
    ("Report", "BELONG", "AttackEvent"),
    ("Procedure", "USE", "Tool"),
}
HEDGE = r"(?:\w{1,12} )?"
HEDGE_ZH = "(?:疑似|可能|很可能|或许|大概率)?"


@cache
def made(pool: Pool, count: int = 2000) -> tuple[Document, ...]:
    return tuple(documents(3, count, pool=pool))


@cache
def corpus_texts(split: str) -> tuple[str, ...]:
    return tuple(str(item["text"]) for item in demo_items() if item["split"] == split)


def unseen_side() -> str:
    """The texts that no held-out name or frame may reach."""
    texts = [*(d.text for d in made("pretrain", 5000)), *corpus_texts("train")]
    assert len(texts) == 6200
    return "\n".join(texts)


def heldout_side() -> str:
    return "\n".join([*(d.text for d in made("heldout")), *corpus_texts("validation"), *corpus_texts("test")])


def frame_pattern(template: str) -> re.Pattern[str]:
    """The template as a pattern: a slot is anything short within one line, a hedge is optional."""
    hedge = HEDGE if template.isascii() else HEDGE_ZH
    parts = re.split(r"(\{\w+\})", template)
    slots = {"{h}": hedge}
    return re.compile(
        "".join(slots.get(part, r".{1,70}?") if part.startswith("{") else re.escape(part) for part in parts),
        re.IGNORECASE,
    )


def fact_sentences(docs: tuple[Document, ...]) -> list[str]:
    prose = {fact.evidence for d in docs if d.kind not in ("table", "bullets", "card") for fact in d.facts}
    return sorted(prose)


def occurs(template: str, lines: list[str]) -> bool:
    """Search only lines that hold every literal piece of the template: a pattern alone takes a minute."""
    pattern, pieces = frame_pattern(template), re.split(r"\{\w+\}", template)
    literals = [piece[1:] if number == 0 else piece for number, piece in enumerate(pieces)]  # first letter: either case
    return any(all(literal in line for literal in literals) and pattern.search(line) for line in lines)


def words_of(text: str) -> str:
    """Every distinct run without a blank, once: stems are searched here, a fifth of the text."""
    return "\n".join(sorted(set(text.casefold().split())))


@pytest.mark.parametrize("pool", POOLS)
def test_names_and_evidence_stand_verbatim_and_in_order(pool):
    docs = made(pool)
    assert len(docs) == 2000
    for d in docs:
        places = [d.text.index(name) for _, name in d.entities]
        assert places == sorted(places)
        assert d.text == d.text.strip()
        assert len({name for _, name in d.entities}) == len(d.entities)
        for fact in d.facts:
            assert fact.evidence in d.text
            assert fact.evidence == fact.evidence.strip()
            assert fact.confidence in (0.6, 0.8, 0.95)


@pytest.mark.parametrize("pool", POOLS)
def test_no_name_is_part_of_another_name_of_its_document(pool):
    for d in made(pool):
        found = [name.casefold() for _, name in d.entities]
        assert not [(a, b) for a in found for b in found if a != b and a in b]


@pytest.mark.parametrize("pool", POOLS)
def test_every_fact_is_a_legal_pair_and_stated_once(pool):
    seen = Counter()
    for d in made(pool):
        keys = [(f.type, f.source, f.target) for f in d.facts]
        assert len(keys) == len(set(keys))
        seen.update((d.entities[f.source][0], f.type, d.entities[f.target][0]) for f in d.facts)
    assert set(seen) == LEGAL


@pytest.mark.parametrize("pool", POOLS)
def test_prose_evidence_names_its_target_or_refers_back(pool):
    for d in made(pool):
        for fact in d.facts:
            ends = {d.entities[fact.source][1], d.entities[fact.target][1]}
            assert any(name in fact.evidence for name in ends), (fact, d.text)


@pytest.mark.parametrize("pool", POOLS)
def test_every_label_kind_and_language_occurs(pool):
    docs = made(pool)
    assert {label for d in docs for label, _ in d.entities} == set(LABELS.values())
    assert {d.kind for d in docs} == set(KINDS)
    languages = Counter(d.lang for d in docs)
    assert 900 < languages["en"] < 1100
    assert 900 < languages["zh"] < 1100


@pytest.mark.parametrize("pool", POOLS)
def test_about_an_eighth_of_the_documents_is_empty(pool):
    empty = [d for d in made(pool) if d.kind == "empty"]
    assert 0.09 < len(empty) / 2000 < 0.15
    assert not [d for d in empty if d.entities or d.facts]
    assert not [d for d in made(pool) if d.kind != "empty" and not d.entities]


def test_held_out_names_stay_out_of_training_texts():
    unseen, heldout = unseen_side(), heldout_side()
    phrases = [name for name in held_out_names() if " " in name]
    stems = [name for name in held_out_names() if " " not in name]
    assert len(stems) > 5000
    assert len(phrases) > 40
    unseen_words, heldout_words = words_of(unseen), words_of(heldout)
    assert [stem for stem in stems if stem.casefold() in unseen_words] == []
    assert [phrase for phrase in phrases if phrase.casefold() in unseen.casefold()] == []
    assert sum(stem.casefold() in heldout_words for stem in stems) > 2000  # the check can fail
    assert sum(phrase.casefold() in heldout.casefold() for phrase in phrases) > 30


def test_held_out_frames_stay_out_of_training_texts():
    unseen = fact_sentences(made("pretrain", 5000) + made("train"))
    shipped = [line for text in corpus_texts("train") for line in text.splitlines() if not line.startswith(("|", "-"))]
    assert len(shipped) > 1200
    unseen += [part for line in shipped for part in re.split(r"(?<=[.。]) ?", line)]
    heldout = fact_sentences(made("heldout"))
    checked = held_out_frames()
    assert len(checked) >= 2 * 11 * 5
    assert [t for t in checked if occurs(t, unseen)] == []
    assert [t for t in checked if not occurs(t, heldout)] == []  # the check can fail


def test_frame_tables_are_large_and_disjoint():
    for module in (frames_en, frames_zh):
        train, held_out = module.frames(held_out=False), module.frames(held_out=True)
        binary = list(train)[:11]
        assert [r for r in binary if len(train[r]) < 20 or len(held_out[r]) < 5] == []
        assert set(train) == set(held_out)
        assert [r for r in train if set(train[r]) & set(held_out[r])] == []
        assert [r for r in train if len(set(train[r])) != len(train[r])] == []


def test_background_text_holds_no_technique_or_tactic():
    phrases = [
        phrase.casefold()
        for lang in ("en", "zh")
        for held_out in (False, True)
        for phrase in (*names.techniques(lang, held_out=held_out), *names.tactics(lang, held_out=held_out))
    ]
    assert len(phrases) > 500
    pieces = [p for m in (background_en, background_zh) for group in m.background().values() for p in group]
    frames = [
        t for m in (frames_en, frames_zh) for h in (False, True) for g in m.frames(held_out=h).values() for t in g
    ]
    assert len(pieces) > 500
    assert [(a, b) for a in phrases for b in pieces + frames if a in b.casefold()] == []


def test_validation_and_test_share_no_stem():
    for stems in (names.en_stems, names.zh_stems):
        folds = [set(stems(fold)) for fold in ("pretrain", "train", "validation", "test")]
        assert min(map(len, folds)) > 500
        assert len(set.union(*folds)) == sum(map(len, folds))


def test_a_document_depends_on_seed_pool_and_index_alone():
    assert tuple(documents(3, 50, pool="train")) == made("train")[:50]
    assert list(islice(documents(3, 10_000, pool="train"), 40, 42)) == list(made("train")[40:42])
    assert next(documents(4, 1, pool="train")) != made("train")[0]


def test_corpus_file_is_what_the_generator_writes(tmp_path):
    rows = write_corpus(tmp_path / "corpus.jsonl")
    again = hashlib.sha256((tmp_path / "corpus.jsonl").read_bytes()).hexdigest()
    assert hashlib.sha256(CORPUS_PATH.read_bytes()).hexdigest() == again
    assert rows == 1320
    assert Counter(item["split"] for item in demo_items()) == {"train": 1200, "validation": 40, "test": 80}


def test_no_text_of_the_corpus_occurs_twice():
    texts = [text for split in ("train", "validation", "test") for text in corpus_texts(split)]
    assert len(texts) == len(set(texts)) == 1320
