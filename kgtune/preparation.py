"""From unsplit examples to training data: duplicates out, groups, split, then variants of train only.

Knows nothing about files. convert_data.py and fine_tune.py (for bare rows) both come through `prepare`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from kgtune import ontology as ontologies
from kgtune.augment import Rules, augment
from kgtune.examples import Example, of_split
from kgtune.ontology import Ontology
from kgtune.settings import Config
from kgtune.splitting import divided_groups, split_by_group, with_groups


@dataclass(frozen=True, slots=True)
class Prepared:
    """All rows in their order; `counts` holds what was dropped ("dropped: ...") and what to tell ("note: ...")."""

    examples: tuple[Example, ...]
    counts: Counter[str]


def prepare(examples: Sequence[Example], config: Config, ontology: Ontology | None = None) -> Prepared:
    """Split and augment. Examples that carry a split are never moved; if all do and none is new, nothing changes.

    The result depends on the examples' contents and ids, never on their order.
    """
    if examples and all(example.split and example.group_id for example in examples):
        return Prepared(tuple(examples), Counter())
    counts: Counter[str] = Counter()
    kept = _without_repeats(sorted(examples, key=lambda example: example.id), counts)
    data = config.data
    originals = split_by_group(with_groups(kept), data.validation_ratio, data.test_ratio, data.seed)
    if data.validation_ratio + data.test_ratio > 0 and all(example.split == "train" for example in originals):
        counts["note: too few documents to hold any out"] += 1
    if divided := divided_groups(originals):
        counts["note: group divided by the splits given in the data"] += len(divided)
    variants, drops = augment(
        of_split(originals, "train"),
        config.augmentation,
        data.seed,
        all_names=[entity.name for example in originals for entity in example.graph.entities],
        taken_texts=[example.text for example in originals],
        rules=_rules(originals, ontology),
    )
    counts.update({f"dropped: {reason}": number for reason, number in drops.items()})
    return Prepared(_in_order(originals, variants), counts)


def chosen_ontology(examples: Sequence[Example], setting: str) -> Ontology:
    """Follow the `ontology` setting for what the examples hold."""
    labels: Counter[str] = Counter()
    types: Counter[str] = Counter()
    pairs: set[tuple[str, str, str]] = set()
    for example in examples:
        names = example.graph.names()
        labels.update(entity.labels for entity in example.graph.entities)
        types.update(relationship.type for relationship in example.graph.relationships)
        pairs.update((names[r.source].labels, r.type, names[r.target].labels) for r in example.graph.relationships)
    return ontologies.choose(setting, labels, types, pairs)


def _without_repeats(examples: Sequence[Example], counts: Counter[str]) -> list[Example]:
    """Keep one of examples with the same text; a held-out copy of a train text would measure memory."""
    by_text: dict[str, Example] = {}
    for example in examples:
        first = by_text.setdefault(example.text, example)
        if first is not example:
            same = first.graph == example.graph
            counts["dropped: same text again" if same else "dropped: same text again, annotated differently"] += 1
    return list(by_text.values())


def _rules(originals: Sequence[Example], ontology: Ontology | None) -> Rules:
    return Rules(
        replaceable=_replaceable(ontology),
        held_out=[e.name for example in originals if example.split != "train" for e in example.graph.entities],
        label_words=() if ontology is None else _words(ontology),
    )


def _words(ontology: Ontology) -> list[str]:
    items = (*ontology.labels, *ontology.types)
    return [word for item in items for word in (item.name, item.zh, item.en) if word]


def _replaceable(ontology: Ontology | None) -> frozenset[str] | None:
    """Names of labels that must stand in the text are names; those of the others are often phrases."""
    if ontology is None:
        return None
    return frozenset(label.name for label in ontology.labels if label.anchored == "require") or None


def _in_order(originals: Sequence[Example], variants: Sequence[Example]) -> tuple[Example, ...]:
    """Put each variant behind its parent, and the empty ones last."""
    behind: dict[str, list[Example]] = {}
    for variant in variants:
        behind.setdefault(variant.id.rpartition("+")[0], []).append(variant)
    rows = [row for example in originals for row in (example, *behind.pop(example.id, []))]
    rest = [variant for group in behind.values() for variant in group]
    taken = {row.id for row in rows}
    return (*rows, *(row if row.id not in taken else replace(row, id=f"{row.id}-2") for row in rest))
