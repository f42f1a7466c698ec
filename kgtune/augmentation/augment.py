"""Variants of train examples that keep their labels: synonyms, order, affixes, entities; and empty examples.

Knows nothing about files or splits beyond this: it is given train examples only. An operation proposes, `verify`
decides, and what is dropped is counted by operation and reason. What an example's variants are depends on the
example and a `Context`, on nothing else: neither the order of the examples nor the process counts.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from kgtune import graph as graphs
from kgtune.augmentation import framing, negatives, reordering, replacement, synonyms, vetting
from kgtune.augmentation.editing import Document, EditRefused, Proposal
from kgtune.augmentation.invariants import verify, verify_empty
from kgtune.augmentation.replacement import NamePool
from kgtune.augmentation.tables import Tables, tables
from kgtune.examples import Example
from kgtune.grounding import match_key

OPERATIONS = ("synonyms", "order", "affixes", "entities", negatives.OPERATION)
_ALL = 1 << 64  # numbers are drawn below it
# An operation is tried on examples until so many have a variant; beyond, the share that had one is enough to know:
# 7 points of a hundred of error, half a second.
_NUM_MADE = 200
_MOST_TRIES = 2_000
_NUM_SURE = 40  # that fit without one that does not: it fits nearly all


class OperationSettings(Protocol):
    """What is asked of one operation."""

    @property
    def enabled(self) -> bool: ...

    @property
    def ratio(self) -> float: ...


class Settings(Protocol):
    """The augmentation section of the configuration."""

    @property
    def synonyms(self) -> OperationSettings: ...

    @property
    def order(self) -> OperationSettings: ...

    @property
    def affixes(self) -> OperationSettings: ...

    @property
    def empties(self) -> OperationSettings: ...

    @property
    def entities(self) -> OperationSettings: ...


@dataclass(frozen=True)
class Context:
    """What the variants of every example depend on beside the example; small, and it can be pickled.

    `limits`: an example is drawn for an operation when its number there is below the limit.
    """

    seed: int
    limits: Mapping[str, int]
    lists: vetting.Vetted
    pool: NamePool
    replaceable: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """An example's variants, and the drops counted as "operation: reason"."""

    variants: tuple[Example, ...]
    drops: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Rules:
    """What a corpus asks of its variants.

    `replaceable`: labels whose names may be replaced (None: all); `donated`: labels and names of train originals that
    get no variants, but whose names may stand in those of others; `held_out`: names of the other splits, none of
    which is ever given to an entity; `label_words`: the ontology's words; `word_lists`: the tables, the user's words
    among them.
    """

    replaceable: frozenset[str] | None = None
    donated: Collection[tuple[str, str]] = ()
    held_out: Collection[str] = ()
    label_words: Collection[str] = ()
    word_lists: Mapping[str, Tables] = field(default_factory=tables)


def augment(
    train: Sequence[Example],
    settings: Settings,
    seed: int,
    *,
    all_names: Iterable[str] = (),
    taken_texts: Iterable[str] = (),
    rules: Rules | None = None,
) -> tuple[list[Example], Counter[str]]:
    """Return the variants of a list of examples, and the drops counted as "operation: reason".

    `all_names` are the annotated names of every split (none may turn up by accident), `taken_texts` the texts of
    every split.
    """
    originals = {example.id: example for example in train if not example.aug}
    assert len(originals) == sum(not example.aug for example in train), "an id stands twice"
    train_names = [(e.labels, e.name) for example in originals.values() for e in example.graph.entities]
    context = context_of(settings, seed, train_names, all_names, rules)
    context = with_quotas(context, list(originals), originals.__getitem__)
    taken = {text_key(text) for text in (*taken_texts, *(example.text for example in train))}
    variants: list[Example] = []
    drops: Counter[str] = Counter()
    for identity in sorted(originals):
        made = variants_of(originals[identity], context)
        kept, repeated = claimed(made.variants, taken)
        variants += kept
        drops += made.drops + repeated
    return variants, drops


def context_of(
    settings: Settings,
    seed: int,
    train_names: Iterable[tuple[str, str]],
    all_names: Iterable[str] = (),
    rules: Rules | None = None,
) -> Context:
    """Gather what variants depend on from the names alone: (label, name) of train originals, names of every split."""
    rules = rules or Rules()
    train_names = sorted({*train_names, *rules.donated})
    keys = {name: match_key(name) for name in {*all_names, *rules.held_out, *(name for _, name in train_names)}}
    lists = vetting.vet(rules.word_lists, keys, rules.label_words)
    pool = NamePool.of_names(train_names, rules.held_out, key=keys.__getitem__)
    return Context(seed, asked_limits(settings), lists, pool, rules.replaceable)


def asked_limits(settings: Settings) -> dict[str, int]:
    """Return the limits by which the asked share of all examples is drawn; an operation that is off has none."""
    asked = {name: getattr(settings, name) for name in OPERATIONS}
    return {name: round(one.ratio * _ALL) for name, one in asked.items() if one.enabled and one.ratio > 0}


def with_quotas(context: Context, ids: Sequence[str], fetch: Callable[[str], Example]) -> Context:
    """Raise the limits so that the asked share of the examples gets a variant, though not every one can have one.

    Each operation is tried on the examples with the smallest numbers. Where these fill the quota, the limit is
    exact; in a larger corpus it follows from the share of them that the operation fits.
    """
    limits = {name: _limit(name, limit / _ALL, context, ids, fetch) for name, limit in context.limits.items()}
    return replace(context, limits=limits)


def _limit(name: str, ratio: float, context: Context, ids: Sequence[str], fetch: Callable[[str], Example]) -> int:
    wanted = round(ratio * len(ids))
    if wanted in (0, len(ids)):
        return _ALL if wanted else 0
    ranked = sorted((_number(context.seed, identity, name), identity) for identity in ids)
    tried = made = 0
    for _, identity in ranked[:_MOST_TRIES]:
        example = fetch(identity)
        tried += 1
        made += attempt(name, example, Document(example.text, example.graph), context)[0] is not None
        if made in (wanted, _NUM_MADE) or made == tried == _NUM_SURE:
            break
    needed = round(wanted * tried / made) if made else len(ids)
    return ranked[needed - 1][0] + 1 if needed < len(ids) else _ALL


def variants_of(example: Example, context: Context) -> Made:
    """Make the verified variants of one train original, and the empty text that stands beside it if it is drawn."""
    document = Document(example.text, example.graph)
    variants: list[Example] = []
    drops: Counter[str] = Counter()
    for name, limit in context.limits.items() if not example.aug else ():
        if _number(context.seed, example.id, name) < limit:
            child, reason = attempt(name, example, document, context)
            if child is None:
                drops[f"{name}: {reason}"] += 1
            else:
                variants.append(child)
    return Made(tuple(variants), drops)


def attempt(name: str, example: Example, document: Document, context: Context) -> tuple[Example | None, str]:
    """Make one verified example of the operation, canonical again; or None and the reason."""
    rng = rng_for(context.seed, example.id, name)
    if name == negatives.OPERATION:
        return _empty(example, rng, context)
    try:
        proposal = _proposed(name, example, document, rng, context)
    except EditRefused as error:
        return None, str(error).partition(" at ")[0]
    if proposal is None:
        return None, "not applicable"
    child = replace(example, id=f"{example.id}+{name}1", aug=name, text=proposal.text, graph=proposal.graph)
    broken = verify(example, child, proposal.renames, document=document, lists=context.lists.tables, pool=context.pool)
    if broken is not None:
        return None, broken
    return replace(child, graph=graphs.canonical(child.graph, child.text)), ""


def _proposed(name: str, example: Example, document: Document, rng: random.Random, context: Context) -> Proposal | None:
    if name == "synonyms":
        return synonyms.swap(document, example.lang, rng, context.lists.tables)
    if name == "affixes":
        return framing.frame(document, example.lang, rng, context.lists.tables)
    if name == "entities":
        return replacement.rename(document, rng, context.pool, context.replaceable)
    text = reordering.reorder(document, rng)
    return None if text is None else Proposal(text, example.graph)


def _empty(example: Example, rng: random.Random, context: Context) -> tuple[Example | None, str]:
    child = negatives.compose(example.lang, rng, context.lists.tables)
    if child is None:
        return None, "no sentence left"
    broken = verify_empty(child, context.lists.spanning)
    return (None, broken) if broken else (child, "")


def claimed(variants: Iterable[Example], taken: set[bytes]) -> tuple[list[Example], Counter[str]]:
    """Keep the variants whose text is not taken, and take it; to be called in one order, that of the examples' ids."""
    kept = []
    drops: Counter[str] = Counter()
    for variant in variants:
        key = text_key(variant.text)
        if key in taken:
            drops[f"{variant.aug}: text exists already"] += 1
        else:
            taken.add(key)
            kept.append(variant)
    return kept, drops


def text_key(text: str) -> bytes:
    """Return what a text is known by among those taken; 16 bytes, so that the texts need not be kept."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


def rng_for(seed: int, example_id: str, operation: str) -> random.Random:
    """Return the random numbers of one proposal."""
    return random.Random(_number(seed, example_id, operation))


def _number(seed: int, example_id: str, operation: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}\0{example_id}\0{operation}".encode()).digest()[:8], "big")
