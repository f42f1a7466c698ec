"""The first pass of a conversion: each document is laid aside, and what is needed to place it is kept.

Knows nothing about splits or rows. A document is in memory while it is looked at, and no longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from kgtune import naming
from kgtune.conversion.cards import Card, card_of
from kgtune.conversion.crew import Crew
from kgtune.conversion.spill import Spill, batches, pack, unpack
from kgtune.ontology import Seen
from kgtune.sources import RawDocument
from kgtune.splitting.grouping import Units, sketched

BATCH_SIZE = 64  # documents that go to a process at a time: some 100 kB, some 20 ms of work


@dataclass(slots=True)
class Gathered:
    """All documents, by their positions in the order read: cards and units here, the rest in the spill."""

    cards: list[Card] = field(default_factory=list)
    units: Units = field(default_factory=Units)
    seen: Seen = field(default_factory=Seen)


@dataclass(frozen=True, slots=True)
class Looked:
    """What a process found in a batch of documents: for each its card, and its units' sizes and sketches."""

    cards: list[Card]
    units: list[tuple[list[int], list[bytes]]]
    seen: Seen


def gather(documents: Iterable[RawDocument], spill: Spill, crew: Crew) -> Gathered:
    """Go through the documents once."""
    gathered = Gathered()
    for looked in crew.map(look, None, batches(_laid_aside(documents, spill), BATCH_SIZE)):
        for card, (sizes, rows) in zip(looked.cards, looked.units, strict=True):
            gathered.units.extend(len(gathered.cards), sizes, rows)
            gathered.cards.append(card)
        gathered.seen.update(looked.seen)
    return gathered


def _laid_aside(documents: Iterable[RawDocument], spill: Spill) -> Iterator[bytes]:
    for document in documents:
        packed = pack(document)
        spill.put(packed)
        yield packed


def look(_: None, batch: Sequence[bytes]) -> Looked:
    """Look at a batch of packed documents."""
    documents = [unpack(packed) for packed in batch]
    return Looked(
        cards=[card_of(document) for document in documents],
        units=[sketched(document.text) for document in documents],
        seen=naming.seen(document.graph for document in documents),
    )
