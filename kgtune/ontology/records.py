"""What an ontology is: labels, relationship types, which label may stand at which end, and how each is spelt.

Knows nothing about files, graphs or data.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Literal

from kgtune.spelling import spelling_key

ANY = "any"
ANCHORED = ("require", "warn", "allow")

Anchored = Literal["require", "warn", "allow"]
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Label:
    """A kind of entity. `anchored`: whether its names must stand in the text; "allow" asks nothing.

    `aliases` are other spellings that people write. `stix` lists STIX 2.1 object types, the default
    first; a kind without an object of its own goes into `stix_property` of the object at the other end.
    """

    name: str
    zh: str = ""
    en: str = ""
    guideline_zh: str = ""
    guideline_en: str = ""
    anchored: Anchored = "require"
    aliases: tuple[str, ...] = ()
    stix: tuple[str, ...] = ()
    stix_property: str = ""


@dataclass(frozen=True, slots=True)
class StixVerb:
    """One way to say a type in STIX: a relationship type, or a property that holds the other end.

    `reversed`: the target of our relationship is the source of theirs, or the owner of the property.
    """

    type: str = ""
    reversed: bool = False
    property: str = ""


@dataclass(frozen=True, slots=True)
class RelationType:
    """A kind of relationship, and the (source label, target label) pairs that it may join.

    `stix` is tried in order, until STIX allows one between the two objects.
    """

    name: str
    zh: str = ""
    en: str = ""
    guideline_zh: str = ""
    guideline_en: str = ""
    pairs: tuple[Pair, ...] = ()
    aliases: tuple[str, ...] = ()
    stix: tuple[StixVerb, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """How often the data holds each label, type and (source label, type, target label)."""

    labels: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    pairs: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def update(self, other: Seen) -> None:
        """Add what other data holds."""
        self.labels.update(other.labels)
        self.types.update(other.types)
        self.pairs.update(other.pairs)


@dataclass(frozen=True)
class Ontology:
    """Labels and types in the order of the file; both names are unique."""

    name: str
    version: int
    labels: tuple[Label, ...]
    types: tuple[RelationType, ...]

    @property
    def label_names(self) -> tuple[str, ...]:
        return tuple(label.name for label in self.labels)

    @property
    def type_names(self) -> tuple[str, ...]:
        return tuple(kind.name for kind in self.types)

    @cached_property
    def unanchored(self) -> frozenset[str]:
        """Labels whose names need not stand in the text."""
        return frozenset(label.name for label in self.labels if label.anchored == "allow")

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the content; a comment or the layout of the file does not change it.

        A key that came later and is empty does not count, so that a model trained before it still knows its ontology.
        """
        content = asdict(self)
        for item in (*content["labels"], *content["types"]):
            for key in ("aliases", "stix", "stix_property"):
                if not item.get(key, True):
                    del item[key]
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8")).hexdigest()

    @cached_property
    def _by_label(self) -> dict[str, Label]:
        return {label.name: label for label in self.labels}

    @cached_property
    def _by_type(self) -> dict[str, RelationType]:
        return {kind.name: kind for kind in self.types}

    @cached_property
    def _legal(self) -> frozenset[tuple[str, str, str]]:
        return frozenset((source, kind.name, target) for kind in self.types for source, target in kind.pairs)

    @cached_property
    def label_spellings(self) -> dict[str, str]:
        """Every spelling key that stands for a label, and that label."""
        return _spellings(self.labels)

    @cached_property
    def type_spellings(self) -> dict[str, str]:
        """Every spelling key that stands for a type, and that type."""
        return _spellings(self.types)

    def label(self, name: str) -> Label | None:
        """Return the label of that name, None when there is none."""
        return self._by_label.get(name)

    def canonical_label(self, name: str) -> str | None:
        """Return the label that `name` spells: itself, another spelling, an alias or a gloss; None when none."""
        return name if name in self._by_label else self.label_spellings.get(spelling_key(name))

    def canonical_type(self, name: str) -> str | None:
        """Return the type that `name` spells, None when it spells none."""
        return name if name in self._by_type else self.type_spellings.get(spelling_key(name))

    def is_legal(self, source_label: str, relation_type: str, target_label: str) -> bool:
        """Say whether the type may lead from the one label to the other; an unknown name is not legal."""
        return (source_label, relation_type, target_label) in self._legal

    def types_between(self, source_label: str, target_label: str) -> tuple[str, ...]:
        """List the types that may lead from the one label to the other."""
        return tuple(kind.name for kind in self.types if (source_label, target_label) in kind.pairs)

    def covers(self, labels: Iterable[str], types: Iterable[str]) -> bool:
        """Say whether every one of these names is known; another spelling of a known one is."""
        return all(map(self.canonical_label, labels)) and all(map(self.canonical_type, types))

    def num_exact(self, labels: Mapping[str, int], types: Mapping[str, int]) -> int:
        """Count how often the data spells a name as the ontology does."""
        known = [number for name, number in labels.items() if name in self._by_label]
        return sum(known) + sum(number for name, number in types.items() if name in self._by_type)


def _spellings(items: Sequence[Label | RelationType]) -> dict[str, str]:
    """Map every spelling to its name. A nearer kind of spelling wins; one that two items share says nothing."""
    found: dict[str, str] = {}
    names = [(spelling_key(item.name), item.name) for item in items]
    aliases = [(spelling_key(alias), item.name) for item in items for alias in item.aliases]
    glosses = [(spelling_key(gloss), item.name) for item in items for gloss in (item.zh, item.en) if gloss]
    for level in (names, aliases, glosses):
        owners: dict[str, set[str]] = {}
        for key, name in level:
            owners.setdefault(key, set()).add(name)
        for key, known in owners.items():
            if len(known) == 1:
                found.setdefault(key, *known)
    return found
