"""How well a shipped ontology fits what the data says, and why a run uses the ontology that it uses.

Knows nothing about files. A near miss is a name a slip of the pen away from one of the ontology's: it is told and
never renamed, for only its writer knows what was meant. A name that is near to none is one of the data's own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from kgtune.ontology.records import Ontology
from kgtune.spelling import spelling_key

_HAN = re.compile("[\u3400-\u9fff]")
_SHORTEST, _LONG = 4, 9  # letters; "had" is no slip of "has"
_SHORTEST_HAN = 5  # of four characters one makes another word: 攻击组件 is no 攻击事件
_MOST_NEAR = 0.5  # share of all names that may be slips; where more are, the data has a vocabulary of its own
_MOST_TOLD = 8


@dataclass(frozen=True, slots=True)
class Miss:
    """A label or type that an ontology does not have: how often it is used, and the name that it is a slip of."""

    kind: str
    name: str
    number: int
    nearest: str = ""


@dataclass(frozen=True, slots=True)
class Fit:
    """What of the data an ontology does not have; `num_names` counts all uses of labels and types."""

    ontology: Ontology
    misses: tuple[Miss, ...]
    num_names: int

    @property
    def num_near(self) -> int:
        return sum(miss.number for miss in self.misses if miss.nearest)

    @property
    def num_strange(self) -> int:
        return sum(miss.number for miss in self.misses if not miss.nearest)

    @property
    def is_meant(self) -> bool:
        """Whether it has every name but for near misses, which are the smaller part."""
        return not self.num_strange and self.num_near <= _MOST_NEAR * self.num_names


@dataclass(frozen=True, slots=True)
class Choice:
    """The ontology of a run. `fit`: how the shipped one that came nearest fits the data, None where it was set."""

    ontology: Ontology
    fit: Fit | None = None

    @property
    def is_derived(self) -> bool:
        return self.fit is not None and self.fit.ontology is not self.ontology

    def told(self, *, near: bool) -> str:
        """List the near misses, each with what it is near to, or else the data's own names, with their numbers."""
        misses = [miss for miss in self.fit.misses if bool(miss.nearest) is near] if self.fit else []
        listed = [f'"{miss.name}"{f" -> {miss.nearest}" if near else ""} ({miss.number})' for miss in misses]
        more = f" and {len(listed) - _MOST_TOLD} more" if len(listed) > _MOST_TOLD else ""
        return ", ".join(listed[:_MOST_TOLD]) + more


def fit(ontology: Ontology, labels: Mapping[str, int], types: Mapping[str, int]) -> Fit:
    """Say what of the data's names an ontology has, in whatever spelling; the most used misses come first."""
    misses = [
        *_misses("label", Counter(labels), ontology.label_spellings, {*ontology.label_names}),
        *_misses("type", Counter(types), ontology.type_spellings, {*ontology.type_names}),
    ]
    ordered = sorted(misses, key=lambda miss: (-miss.number, miss.kind, miss.name))
    return Fit(ontology, tuple(ordered), sum(labels.values()) + sum(types.values()))


def _misses(kind: str, counts: Counter[str], spellings: Mapping[str, str], names: set[str]) -> list[Miss]:
    unknown = [name for name in counts if name not in names and spelling_key(name) not in spellings]
    return [Miss(kind, name, counts[name], slip_of(name, spellings)) for name in unknown]


def slip_of(name: str, spellings: Mapping[str, str]) -> str:
    """Return the name that another is a slip of, "" for none; `spellings` maps keys of `spelling_key` to names."""
    from rapidfuzz.distance import OSA  # late: only data with a strange name needs it

    key = spelling_key(name)
    found = []
    for spelling, meant in spellings.items():
        most = _most_edits(max(key, spelling, key=len))
        distance = OSA.distance(key, spelling, score_cutoff=most)
        if 0 < distance <= most:
            found.append((distance, spelling, meant))
    return min(found)[2] if found else ""


def _most_edits(key: str) -> int:
    """Return how many letters may be wrong, missing, too many or swapped in a name of this length."""
    if _HAN.search(key):
        return int(len(key) >= _SHORTEST_HAN)
    return 0 if len(key) < _SHORTEST else 1 if len(key) < _LONG else 2
