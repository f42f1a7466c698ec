"""Closed word lists for augmentation, Chinese and English, each entry read by a person.

Knows nothing about examples. Rules for an entry: it carries no label (no actor, tool, method, victim, no verb
of attack); the words of a group are of one part of speech, and each may stand for every other (no way is one-way).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

Theme = str
Kind = Literal["hard", "easy"]


@dataclass(frozen=True)
class Tables:
    """One language's lists.

    `openers`: groups of synonyms that stand at the start of a clause only; `groups`: those that stand anywhere.
    `not_before`, `not_after`: a word's neighbours that make it a part of something else.
    `hard`, `easy`: theme -> sentences with nothing to extract, in the words of security texts, or of anything else.
    """

    openers: tuple[tuple[str, ...], ...]
    groups: tuple[tuple[str, ...], ...]
    prefixes: tuple[str, ...]
    suffixes: tuple[str, ...]
    hard: Mapping[Theme, tuple[str, ...]]
    easy: Mapping[Theme, tuple[str, ...]]
    not_before: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    not_after: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def synonyms(self) -> dict[str, tuple[str, ...]]:
        """Each word with the others of its group."""
        return {
            word: tuple(other for other in group if other != word)
            for group in (*self.openers, *self.groups)
            for word in group
        }

    @cached_property
    def opening(self) -> frozenset[str]:
        """The words that stand at the start of a clause only."""
        return frozenset(word for group in self.openers for word in group)

    @property
    def empties(self) -> dict[Theme, tuple[str, ...]]:
        """All themes with their sentences."""
        return {**self.hard, **self.easy}

    def sentences(self) -> Iterator[str]:
        """Every sentence that may be written as it stands: frames and empties."""
        yield from self.prefixes
        yield from self.suffixes
        for sentences in self.empties.values():
            yield from sentences


def tables() -> dict[str, Tables]:
    """Return the lists by language."""
    from kgtune.augmentation.tables import en, zh

    return {"zh": zh.TABLES, "en": en.TABLES}
