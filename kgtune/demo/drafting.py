"""A document in the making: its wording, its names so far and the facts stated so far, with the legal relations.

Knows nothing about how sentences or whole documents are written.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from kgtune.demo import background_en, background_zh, frames_en, frames_zh, names
from kgtune.demo.names import Fold, Lang

LABELS = {
    "actor": "ThreatOrganization",
    "event": "AttackEvent",
    "tool": "Tool",
    "technique": "Technique",
    "target": "Target",
    "report": "Report",
    "tactic": "Tactic",
    "procedure": "Procedure",
    "asset": "Asset",
}
# What a frame of each relation states: (type, source slot, target slot).
RELATIONS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "launch": (("LAUNCH", "actor", "event"),),
    "strike": (("ATTACK", "event", "target"),),
    "attack": (("ATTACK", "actor", "target"),),
    "use": (("USE", "actor", "tool"),),
    "employ": (("USE", "event", "tool"),),
    "own": (("HAS", "actor", "asset"),),
    "contact": (("USE", "tool", "asset"),),
    "implement": (("IMPLEMENT", "tool", "technique"),),
    "tactic": (("HAS", "tactic", "technique"),),
    "report": (("BELONG", "report", "event"),),
    "procedure": (("USE", "procedure", "tool"),),
    "launch_strike": (("LAUNCH", "actor", "event"), ("ATTACK", "event", "target")),
    "use_attack": (("USE", "actor", "tool"), ("ATTACK", "actor", "target")),
    "use_contact": (("USE", "actor", "tool"), ("USE", "tool", "asset")),
    "use_implement": (("USE", "actor", "tool"), ("IMPLEMENT", "tool", "technique")),
    "report_launch": (("BELONG", "report", "event"), ("LAUNCH", "actor", "event")),
}
BINARY = tuple(relation for relation, facts in RELATIONS.items() if len(facts) == 1)
_ENOUGH_NAMES, _ENOUGH_NAMES_SHORT = 7, 3  # once a document has as many, no sentence follows
_MONTHS_EN = "January February March April May June July August September October November December".split()
_DAYS_EN = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_DAYS_ZH = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")


@dataclass(frozen=True)
class Frame:
    """A core template with its id; `startable` says that an opener or a denial can stand before it."""

    id: str
    template: str
    startable: bool


@dataclass(frozen=True)
class Phrasebook:
    """All wording of one language on one side of the held-out line."""

    frames: dict[str, tuple[Frame, ...]]
    pieces: dict[str, tuple[str, ...]]
    suffix: str


@dataclass
class Draft:
    """A document in the making: its lines, the names introduced so far and the facts stated so far."""

    rng: random.Random
    lang: Lang
    fold: Fold
    book: Phrasebook
    foreign_tools: bool = False
    is_short: bool = False
    slots: dict[str, str] = field(default_factory=dict)
    facts: list[tuple[str, str, str, str, float]] = field(default_factory=list)
    pairs: set[tuple[str, str]] = field(default_factory=set)
    frames: list[str] = field(default_factory=list)

    @property
    def has_enough_names(self) -> bool:
        return len(self.slots) >= (_ENOUGH_NAMES_SHORT if self.is_short else _ENOUGH_NAMES)

    def of(self, slot: str) -> list[str]:
        return [name for name, kind in self.slots.items() if kind == slot]

    def introduce(self, slot: str) -> str:
        """Draw a new name that neither contains nor is contained in an earlier one."""
        lang: Lang = "en" if self.foreign_tools and slot in ("tool", "actor") else self.lang
        while True:
            name = names.draw(self.rng, slot, lang, self.fold)
            folded = name.casefold()
            if not any(folded in other.casefold() or other.casefold() in folded for other in self.slots):
                self.slots[name] = slot
                return name

    def piece(self, role: str) -> str:
        """Pick a piece of background for a role, fill its dates and numbers, and record it where it is a frame."""
        held_out = f"{role}_held_out"
        role = held_out if self.book.suffix and held_out in self.book.pieces else role
        choices = self.book.pieces[role]
        index = self.rng.randrange(len(choices))
        if role.startswith(("lead_", "table_", "negation")):
            self.frames.append(f"{self.lang}.{role}.{index:02d}")
        return choices[index]

    def filled(self, piece: str) -> str:
        return fill(self.rng, self.lang, piece)

    def state(self, relation: str, cast: dict[str, list[str]], evidence: str, confidence: float) -> None:
        for kind, source, target in RELATIONS[relation]:
            for source_name in cast[source]:
                for target_name in cast[target]:
                    self.pairs.add((source_name, target_name))
                    self.facts.append((kind, source_name, target_name, evidence, confidence))


def fill(rng: random.Random, lang: Lang, piece: str) -> str:
    """Fill the number and date slots of a piece of background."""
    if "{" not in piece:
        return piece
    month = rng.choice(_MONTHS_EN) if lang == "en" else f"{rng.randint(1, 12)}月"
    day = rng.choice(_DAYS_EN if lang == "en" else _DAYS_ZH)
    return piece.format(n=rng.randint(3, 29), year=rng.randint(2021, 2025), month=month, day=day)


def _alternatives(template: str) -> Iterable[str]:
    """Expand `[a|b]` groups."""
    head, opened, rest = template.partition("[")
    if not opened:
        return [template]
    choices, _, tail = rest.partition("]")
    return [head + choice + end for choice in choices.split("|") for end in _alternatives(tail)]


@cache
def phrasebook(lang: Lang, *, held_out: bool) -> Phrasebook:
    """Build the tables of one language once."""
    suffix = "h" if held_out else ""
    blocks = (frames_en if lang == "en" else frames_zh).frames(held_out=held_out)
    table = {
        relation: tuple(
            Frame(f"{lang}.{relation}.{suffix}{index:02d}", variant, variant.startswith(("{", "the ")))
            for index, template in enumerate(templates)
            for variant in _alternatives(template)
        )
        for relation, templates in blocks.items()
    }
    return Phrasebook(table, (background_en if lang == "en" else background_zh).background(), suffix)
