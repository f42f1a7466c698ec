"""A check that can't fail proves nothing: each invariant is broken here by a named sabotage, and its check sees it.

Where `verify` stands in the way, it is disarmed too: the question is whether the invariant's own check would see it.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from kgtune import graph, grounding
from kgtune.augmentation import augment, framing, invariants, negatives, reordering, replacement, synonyms
from kgtune.augmentation.editing import Document, Proposal
from kgtune.augmentation.tables import tables
from kgtune.conversion import preparation, sample_pairs
from kgtune.examples import Example, Split
from kgtune.graph import Graph
from kgtune.splitting.placement import Placed
from tests.annotated import TRAIN
from tests.invariant_checks import CHECKS, Run
from tests.nasty import Corpus

Patch = Callable[[pytest.MonkeyPatch], None]


CORPORA = [Corpus(TRAIN, seed, ("Quill Fox", "潮狐团伙", "OrchidRAT", "Harbour Mill")) for seed in range(6)]


def disarmed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(augment, "verify", lambda *_, **__: None)
    patch.setattr(augment, "verify_empty", lambda *_: None)


def proposing(change: Callable[[Example, Proposal], Proposal]) -> Patch:
    """Change what an operation proposes, and let everything pass."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        disarmed(patch)
        honest = augment._proposed

        def changed(name: str, example: Example, *rest: object) -> Proposal | None:
            proposal = honest(name, example, *rest)
            return None if proposal is None else change(example, proposal)

        patch.setattr(augment, "_proposed", changed)

    return apply


def naive_synonyms(patch: pytest.MonkeyPatch) -> None:
    """Replace every table word by str.replace, as the best-known pipeline does."""
    disarmed(patch)

    def swap(document: Document, lang: str, rng: random.Random, lists: object) -> Proposal:
        text = document.text
        for one, other, *_ in (*tables()[lang].openers, *tables()[lang].groups):
            text = text.replace(one, other).replace(one.capitalize(), other.capitalize())
        return Proposal(text, document.graph)

    patch.setattr(synonyms, "swap", swap)


def parts_of_words(patch: pytest.MonkeyPatch) -> None:
    disarmed(patch)
    patch.setattr(synonyms, "_stands_free", lambda *_: True)


def evidence_left_as_it_was(patch: pytest.MonkeyPatch) -> None:
    disarmed(patch)
    honest = Document.edited

    def edited(self: Document, *args: object, **more: object) -> tuple[str, Graph]:
        return honest(self, *args, **more)[0], self.graph

    patch.setattr(Document, "edited", edited)


def old_name_left_in_evidence(patch: pytest.MonkeyPatch) -> None:
    """Rename in the text and in the graph's names only: of one sentence that stands twice, the other is forgotten."""
    disarmed(patch)
    honest = replacement._renamed

    def renamed(graph: Graph, renames: dict[str, str]) -> Graph:
        graph = honest(graph, renames)
        back = {new: old for old, new in renames.items()}
        edges = [replace(r, evidence=_swapped(r.evidence, back)) for r in graph.relationships]
        return replace(graph, relationships=tuple(edges))

    patch.setattr(replacement, "_renamed", renamed)


def _swapped(text: str, names: dict[str, str]) -> str:
    for old, new in names.items():
        text = text.replace(old, new)
    return text


def improved_paraphrase(example: Example, proposal: Proposal) -> Proposal:
    """Put the nearest sentence in place of evidence that is a paraphrase."""
    edges = [
        r if not r.evidence or r.evidence in proposal.text else replace(r, evidence=proposal.text[:20])
        for r in proposal.graph.relationships
    ]
    return replace(proposal, graph=replace(proposal.graph, relationships=tuple(edges)))


def other_confidence(example: Example, proposal: Proposal) -> Proposal:
    edges = tuple(replace(r, confidence=0.5) for r in proposal.graph.relationships)
    return replace(proposal, graph=replace(proposal.graph, relationships=edges))


def description_kept(patch: pytest.MonkeyPatch) -> None:
    disarmed(patch)
    honest = replacement._renamed

    def renamed(graph: Graph, renames: dict[str, str]) -> Graph:
        new = honest(graph, renames)
        entities = [replace(e, description=o.description) for e, o in zip(new.entities, graph.entities, strict=True)]
        return replace(new, entities=tuple(entities))

    patch.setattr(replacement, "_renamed", renamed)


def one_edge_onto_itself(example: Example, proposal: Proposal) -> Proposal:
    first, *rest = proposal.graph.relationships
    edges = (replace(first, target=first.source), *rest)
    return replace(proposal, graph=replace(proposal.graph, relationships=edges))


def two_names_become_one(example: Example, proposal: Proposal) -> Proposal:
    entities = tuple(replace(e, name="Same", labels="Tool") for e in proposal.graph.entities)
    return replace(proposal, graph=replace(proposal.graph, entities=entities))


def frames_with(sentence: str) -> Patch:
    def apply(patch: pytest.MonkeyPatch) -> None:
        disarmed(patch)

        def frame(document: Document, lang: str, *_: object) -> Proposal:
            return Proposal(sentence + ("" if lang == "zh" else " ") + document.text, document.graph)

        patch.setattr(framing, "frame", frame)

    return apply


def an_address_that_belongs_to_somebody(patch: pytest.MonkeyPatch) -> None:
    disarmed(patch)
    patch.setattr(replacement.made_up, "make", lambda kind, old, rng: old.replace("0", "8").replace("1", "9"))
    patch.setattr(replacement.NamePool, "may_bring_in", lambda *_: True)


def escaped_answers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(graph, "dumps", lambda value: json.dumps(graph.to_object(value)))
    patch.setattr(invariants, "_is_answer", lambda _: True)


def sentences_by_dots(patch: pytest.MonkeyPatch) -> None:
    """Split at every mark and drop it, as the best-known pipeline does."""

    def sentences(text: str) -> list[grounding.Span]:
        ends = [match.start() for match in re.finditer(r"[.。!?！？;；]", text)]
        starts = [0, *(end + 1 for end in ends)]
        return [grounding.Span(a, b) for a, b in zip(starts, ends, strict=False) if b > a]

    patch.setattr(grounding, "sentences", sentences)


def shuffled_by_dots(patch: pytest.MonkeyPatch) -> None:
    disarmed(patch)

    def reorder(document: Document, rng: random.Random) -> str:
        parts = re.split(r"(?<=[.。!?！？])", document.text)
        rng.shuffle(parts)
        return "".join(parts)

    patch.setattr(reordering, "reorder", reorder)


def anaphora_moved(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reordering, "_leans_back", lambda _: False)


def frames_of_the_other_language(patch: pytest.MonkeyPatch) -> None:
    disarmed(patch)
    lists = {"zh": tables()["en"], "en": tables()["zh"]}
    honest = framing.frame
    patch.setattr(framing, "frame", lambda document, lang, rng, _: honest(document, lang, rng, lists))


def empties_with(text: str) -> Patch:
    def apply(patch: pytest.MonkeyPatch) -> None:
        disarmed(patch)
        honest = negatives.compose

        def compose(lang: str, rng: random.Random, lists: object) -> Example:
            made = honest(lang, rng, lists)
            assert made is not None
            return replace(made, text=made.text + text)

        patch.setattr(negatives, "compose", compose)

    return apply


def copies(patch: pytest.MonkeyPatch) -> None:
    disarmed(patch)
    patch.setattr(augment, "_proposed", lambda name, example, *_: Proposal(example.text, example.graph))
    patch.setattr(augment, "claimed", lambda variants, taken: (list(variants), Counter()))


def ratios_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(augment, "asked_limits", lambda settings: dict.fromkeys(augment.OPERATIONS, 1 << 64))


def unseeded(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(augment, "rng_for", lambda *_: random.Random())


def one_generator_for_all(patch: pytest.MonkeyPatch) -> None:
    shared = random.Random(1)
    patch.setattr(augment, "rng_for", lambda *_: shared)


def variants_in_test(patch: pytest.MonkeyPatch) -> None:
    honest = preparation.augment

    def leaking(*args: object, **more: object) -> tuple[list[Example], Counter[str]]:
        variants, drops = honest(*args, **more)
        return [replace(variant, split="test") for variant in variants], drops

    patch.setattr(preparation, "augment", leaking)


def split_by_row(patch: pytest.MonkeyPatch) -> None:
    honest = preparation.place_examples

    def place(*args: object) -> Placed:
        placed = honest(*args)
        splits: list[Split] = ["test" if n % 2 else "train" for n in range(len(placed.splits))]
        return replace(placed, groups=("g",) * len(splits), splits=tuple(splits))

    patch.setattr(preparation, "place_examples", place)


def pool_of_all_splits(patch: pytest.MonkeyPatch) -> None:
    disarmed(patch)
    more = [
        ("ThreatOrganization", "Quill Fox"),
        ("ThreatOrganization", "潮狐团伙"),
        ("Tool", "OrchidRAT"),
        ("Target", "Harbour Mill"),
    ]
    pool = replacement.NamePool.of_names(more)
    patch.setattr(augment, "NamePool", type("Pool", (), {"of_names": staticmethod(lambda *_, **__: pool)}))


def id_of_the_parent(patch: pytest.MonkeyPatch) -> None:
    honest = augment.attempt

    def attempt(name: str, example: Example, *rest: object) -> tuple[Example | None, str]:
        child, reason = honest(name, example, *rest)
        return (None if child is None else replace(child, id=example.id)), reason

    patch.setattr(augment, "attempt", attempt)


def variants_of_variants(patch: pytest.MonkeyPatch) -> None:
    """Take rows that are variants for originals, so that each run grows the data."""
    honest = augment.augment
    patch.setattr(
        augment, "augment", lambda train, *rest, **more: honest([replace(e, aug="") for e in train], *rest, **more)
    )


def silent(patch: pytest.MonkeyPatch) -> None:
    honest = augment.variants_of
    patch.setattr(augment, "variants_of", lambda *args: augment.Made(honest(*args).variants))


def only_the_variants(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sample_pairs, "_pair", lambda place, parent, variant: f"{place}. {variant.text}")


@dataclass(frozen=True)
class Sabotage:
    invariant: str
    name: str
    patch: Patch


SABOTAGES = [
    Sabotage("I1", "verify passes all, and synonyms are put in by str.replace", naive_synonyms),
    Sabotage("I2", "evidence is not sliced again after an edit", evidence_left_as_it_was),
    Sabotage("I2", "a renamed entity keeps its old name in the evidence", old_name_left_in_evidence),
    Sabotage("I3", "a paraphrase is improved to the nearest sentence", proposing(improved_paraphrase)),
    Sabotage("I4", "an operation sets the confidence", proposing(other_confidence)),
    Sabotage("I4", "a renamed entity keeps the description of the old one", description_kept),
    Sabotage("I5", "an edge is bent onto its own source", proposing(one_edge_onto_itself)),
    Sabotage("I5", "two entities get the same name", proposing(two_names_become_one)),
    Sabotage("I6", "a frame sentence holds an indicator", frames_with("See cdn.lantern.example for more.")),
    Sabotage("I6", "addresses are made up outside the documentation ranges", an_address_that_belongs_to_somebody),
    Sabotage("I7", "answers are written with ASCII escapes and spaces", escaped_answers),
    Sabotage("I8", "sentences are split at every dot", sentences_by_dots),
    Sabotage("I9", "parts between dots are shuffled", shuffled_by_dots),
    Sabotage("I9", "sentences that open with a pronoun move too", anaphora_moved),
    Sabotage("I10", "verify passes all, and synonyms are put in by str.replace", naive_synonyms),
    Sabotage("I10", "words are found inside longer words", parts_of_words),
    Sabotage("I11", "frames come in the other language", frames_of_the_other_language),
    Sabotage("I11", "a frame names an actor of the test split", frames_with("Quill Fox is in the news 2 times.")),
    Sabotage("I12", "an empty text holds an indicator", empties_with(" See 203.0.113.9.")),
    Sabotage("I12", "an empty text names an actor of the test split", empties_with(" Quill Fox was quiet.")),
    Sabotage("I13", "variants that are copies are kept", copies),
    Sabotage("I13", "ratios and switches are ignored", ratios_forgotten),
    Sabotage("I14", "random numbers are not seeded", unseeded),
    Sabotage("I14", "one generator serves all documents", one_generator_for_all),
    Sabotage("I15", "variants are moved to the test split", variants_in_test),
    Sabotage("I15", "rows are split, not groups", split_by_row),
    Sabotage("I16", "the pool holds names of all splits", pool_of_all_splits),
    Sabotage("I17", "a variant has its parent's id", id_of_the_parent),
    Sabotage("I17", "variants are augmented again", variants_of_variants),
    Sabotage("I18", "a frame brings in a decomposed letter and a bell", frames_with("Cafe\u0301 \x07.")),
    Sabotage("I18", "a frame is longer than the text", frames_with("This is an excerpt from a longer text. " * 20)),
    Sabotage("I19", "drops are not counted", silent),
    Sabotage("I20", "the sample shows variants without their originals", only_the_variants),
]


@pytest.mark.property
@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda s: f"{s.invariant}: {s.name}")
def test_the_check_of_an_invariant_sees_its_sabotage(sabotage: Sabotage, monkeypatch: pytest.MonkeyPatch) -> None:
    check = CHECKS[sabotage.invariant]
    assert [check(Run(corpus)) for corpus in CORPORA] == [[]] * len(CORPORA)
    sabotage.patch(monkeypatch)
    assert any(check(Run(corpus)) for corpus in CORPORA)


def test_every_invariant_is_sabotaged() -> None:
    assert {sabotage.invariant for sabotage in SABOTAGES} == set(CHECKS)
    assert len(SABOTAGES) >= 20
