"""How much of an answer stands in its text: names and evidence, each at its closest spelling.

Knows nothing about gold graphs. Levels: exact, folded (case, width, quotes, white space), refanged (defanging
undone), none; and for evidence, missing.
"""

from __future__ import annotations

from typing import Literal

from kgtune.graph import Entity, Relationship
from kgtune.grounding import Haystack

Level = Literal["exact", "folded", "refanged", "none", "missing"]
NAME_LEVELS: tuple[Level, ...] = ("exact", "folded", "refanged", "none")
EVIDENCE_LEVELS: tuple[Level, ...] = (*NAME_LEVELS, "missing")


def name_level(name: str, text: Haystack) -> Level:
    """Return the level at which a name stands in the text."""
    return text.level(name) or "none"


def evidence_level(evidence: str, text: Haystack) -> Level:
    """Return the level at which evidence stands in the text; a quotation may begin and end inside a word."""
    if not evidence.strip():
        return "missing"
    return "exact" if evidence in text.text else name_level(evidence, text)


def holds_both(relationship: Relationship, ends: tuple[Entity, Entity]) -> bool:
    """Say whether the evidence names both ends."""
    evidence = Haystack(relationship.evidence)
    return all(evidence.level(entity.name) for entity in ends)
