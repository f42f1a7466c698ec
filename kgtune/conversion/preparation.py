"""From unsplit examples to training data: duplicates out, groups, split, then variants of train only.

Knows nothing about files. convert_data.py and fine_tune.py (for bare rows) both come through `prepare`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from kgtune import naming
from kgtune import ontology as ontologies
from kgtune.augmentation.augment import Rules, augment
from kgtune.augmentation.tables.user_words import with_user_words
from kgtune.conversion.cards import card_of
from kgtune.conversion.second_pass import EXCHANGING, NEAR_HELD_OUT
from kgtune.examples import Example, of_split
from kgtune.graph import free_id
from kgtune.ontology import Ontology
from kgtune.settings import Config
from kgtune.splitting.grouping import Units
from kgtune.splitting.near_duplicates import is_near
from kgtune.splitting.placement import Placed, place
from kgtune.splitting.split_lock import Lock


@dataclass(frozen=True, slots=True)
class Prepared:
    """All rows in their order; `counts` holds what was dropped ("dropped: ...") and what to tell ("note: ...")."""

    examples: tuple[Example, ...]
    counts: Counter[str]


def prepare(
    examples: Sequence[Example], config: Config, ontology: Ontology | None = None, lock: Lock | None = None
) -> Prepared:
    """Split and augment what is new: the examples that come without a split.

    One that carries a split, written by a conversion or by hand, keeps it, is never dropped and gets no variants: a
    variant's parent can't be told from a row that nobody has augmented yet. Its names serve in the variants of new
    rows where it is a train row, and are kept out of them where it is held out. If every example carries split and
    group, nothing changes. The result depends on the examples' contents and ids, and on the lock, never on their
    order.
    """
    if examples and all(example.split and example.group_id for example in examples):
        return Prepared(tuple(examples), Counter())
    placed = place_examples(examples, config, lock)
    originals = [
        replace(examples[position], group_id=group, split=split)
        for position, group, split in zip(placed.positions, placed.groups, placed.splits, strict=True)
    ]
    is_new = {examples[position].id: examples[position].split is None for position in placed.positions}
    held_out = [e.name for example in originals if example.split != "train" for e in example.graph.entities]
    train = of_split(originals, "train")
    old = [example for example in train if not is_new[example.id] and not example.aug]
    donated = [(entity.labels, entity.name) for example in old for entity in example.graph.entities]
    variants, drops = augment(
        [example for example in train if is_new[example.id]],
        config.augmentation,
        config.data.seed,
        all_names=[entity.name for example in originals for entity in example.graph.entities],
        taken_texts=[example.text for example in originals],
        rules=replace(rules(held_out, ontology, config.augmentation.synonyms_file), donated=donated),
    )
    variants, near = _far_from_held_out(variants, placed, lambda index: examples[placed.positions[index]].text)
    drops += near
    counts = placed.counts + Counter({f"dropped: {reason}": number for reason, number in drops.items()})
    return Prepared(_in_order(originals, _with_free_ids(variants, {example.id for example in originals})), counts)


def _far_from_held_out(
    variants: Sequence[Example], placed: Placed, text_of: Callable[[int], str]
) -> tuple[list[Example], Counter[str]]:
    """Leave out variants that an exchange of names has made near duplicates of held-out documents, and count them."""
    held_out = placed.units.held_out(placed.splits)
    kept: list[Example] = []
    drops: Counter[str] = Counter()
    for variant in variants:
        near = held_out.candidates(variant.text) if variant.aug in EXCHANGING else ()
        if near and is_near(variant.text, map(text_of, near)):
            drops[f"{variant.aug}: {NEAR_HELD_OUT}"] += 1
        else:
            kept.append(variant)
    return kept, drops


def chosen_ontology(examples: Sequence[Example], setting: str) -> Ontology:
    """Follow the `ontology` setting for what the examples hold."""
    seen = naming.seen(example.graph for example in examples)
    return ontologies.choose(setting, seen.labels, seen.types, seen.pairs)


def place_examples(examples: Sequence[Example], config: Config, lock: Lock | None = None) -> Placed:
    """Place examples that are in memory."""
    units = Units()
    for position, example in enumerate(examples):
        units.add(position, example.text)
    cards = [card_of(example) for example in examples]
    return place(cards, units, examples.__getitem__, config.data, lock)


def rules(held_out_names: Collection[str], ontology: Ontology | None, synonyms_file: str | None) -> Rules:
    """Return what the corpus and its user ask of the variants."""
    return Rules(
        word_lists=with_user_words(synonyms_file),
        replaceable=_replaceable(ontology),
        held_out=held_out_names,
        label_words=() if ontology is None else _words(ontology),
    )


def _words(ontology: Ontology) -> list[str]:
    words = [(label.name, label.zh, label.en) for label in ontology.labels]
    words += [(kind.name, kind.zh, kind.en) for kind in ontology.types]
    return [word for three in words for word in three if word]


def _replaceable(ontology: Ontology | None) -> frozenset[str] | None:
    """Names of labels that must stand in the text are names; those of the others are often phrases."""
    if ontology is None:
        return None
    return frozenset(label.name for label in ontology.labels if label.anchored == "require") or None


def _with_free_ids(variants: Sequence[Example], taken: set[str]) -> list[Example]:
    """Give another id to a variant whose own is taken: by a row that an earlier run made of a document now new."""
    named = []
    for variant in variants:
        named.append(replace(variant, id=free_id(variant.id, taken)))
        taken.add(named[-1].id)
    return named


def _in_order(originals: Sequence[Example], variants: Sequence[Example]) -> tuple[Example, ...]:
    """Put each variant behind its parent, and the empty ones last."""
    behind: dict[str, list[Example]] = {}
    for variant in variants:
        behind.setdefault(variant.id.rpartition("+")[0], []).append(variant)
    rows = [row for example in originals for row in (example, *behind.pop(example.id, []))]
    rest = [variant for group in behind.values() for variant in group]
    return (*rows, *rest)
