"""Closed word lists for augmentation, Chinese and English, each entry read by a person.

Knows nothing about examples. Rules for an entry: it carries no label (no actor, tool, method, victim, no verb
of attack), it keeps part of speech and meaning, and a pair that works one way only is listed one way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Tables:
    """One language's lists.

    `synonyms`: word -> what may stand in its place; `not_before` and `not_after`: neighbours that make the
    word a part of another one; `empties`: theme -> sentences that say nothing to extract.
    """

    synonyms: Mapping[str, tuple[str, ...]]
    prefixes: tuple[str, ...]
    suffixes: tuple[str, ...]
    empties: Mapping[str, tuple[str, ...]]
    not_before: Mapping[str, str] = field(default_factory=dict)
    not_after: Mapping[str, str] = field(default_factory=dict)


def tables() -> dict[str, Tables]:
    """Return the lists by language."""
    from kgtune.augmentation_tables import en, zh

    return {"zh": zh.TABLES, "en": en.TABLES}
