"""What is kept of a document while its text lies elsewhere: all that grouping, splitting and the leak report need.

Knows nothing about files or processes. A card is some 500 bytes, so that a hundred thousand documents fit anywhere.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol, cast

from kgtune.augmentation.augment import text_key
from kgtune.examples import Split
from kgtune.folding import match_key
from kgtune.graph import Graph
from kgtune.grounding import haystack

KEY_BYTES = 8


class Annotated(Protocol):
    """A document or example: a text with its graph."""

    @property
    def id(self) -> str: ...

    @property
    def doc_id(self) -> str: ...

    @property
    def group_id(self) -> str | None: ...

    @property
    def split(self) -> str | None: ...

    @property
    def lang(self) -> str: ...

    @property
    def text(self) -> str: ...

    @property
    def graph(self) -> Graph: ...


@dataclass(frozen=True, slots=True)
class Card:
    """A document without its text. `group_id` is "" and `split` None where the data gives none.

    `text_key` tells equal texts, `folded_key` also those that differ in case and width alone. `names` holds the keys
    of its entities' names, 8 bytes each.
    """

    id: str
    doc_id: str
    group_id: str
    split: Split | None
    lang: str
    labels: tuple[str, ...]
    is_empty: bool
    text_key: bytes
    folded_key: bytes
    names: bytes

    def with_labels(self, rename: Callable[[str], str | None]) -> Card:
        """Return the card with its labels in other words, where there are any."""
        labels = tuple(sorted({rename(label) or label for label in self.labels}))
        return self if labels == self.labels else replace(self, labels=labels)


def card_of(document: Annotated) -> Card:
    """Take down what is kept of a document."""
    entities = document.graph.entities
    return Card(
        id=document.id,
        doc_id=document.doc_id,
        group_id=document.group_id or "",
        split=cast("Split | None", document.split),
        lang=sys.intern(document.lang),
        labels=tuple(sorted({sys.intern(entity.labels) for entity in entities})),
        is_empty=document.graph.is_empty,
        text_key=text_key(document.text),
        folded_key=_digest(haystack(document.text).folded.key, 16),
        names=name_keys(entity.name for entity in entities),
    )


def name_keys(names: Iterable[str]) -> bytes:
    """Return the keys by which names are compared, without regard to case, width and the like."""
    return b"".join(sorted({_digest(match_key(name), KEY_BYTES) for name in names}))


def _digest(text: str, size: int) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).digest()
