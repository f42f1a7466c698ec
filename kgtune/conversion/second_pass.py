"""The second pass of a conversion: each document becomes its row, with its variants where it is a train one.

Knows nothing about how the documents were placed. What a document's rows are depends on it and the `Maker` alone, so
that any process may make them; the rows are written as they come, in the order of the documents' ids.
"""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import IO

from kgtune.augmentation import augment, negatives
from kgtune.augmentation.augment import Context
from kgtune.conversion import lengths
from kgtune.conversion.crew import Crew
from kgtune.conversion.data_report import Figures
from kgtune.conversion.lengths import Length, Ruler, Survey
from kgtune.conversion.overlength import Policy
from kgtune.conversion.spill import Spill, batches, unpack
from kgtune.examples import Example, Split, from_raw, respelt, row_text, to_row
from kgtune.graph import Entity, Graph
from kgtune.ontology import Ontology
from kgtune.splitting.near_duplicates import HeldOut, is_near
from kgtune.splitting.placement import Placed
from kgtune.splitting.splitting import TRAIN

BATCH_SIZE = 32
NEAR_HELD_OUT = "near duplicate of a held-out document"
EXCHANGING = ("entities",)
"""Operations that bring in names of other documents, so that a variant can come near to a document that its parent was
far from. What the others make stays close to its parent, and is not looked at."""
Work = tuple[bytes, str, Split]
"""A packed document, its group and its split."""


@dataclass(frozen=True)
class Maker:
    """All that rows depend on beside the documents; `context` is None where no variants are asked for.

    `held_out` are the documents that no exchange of names may bring a variant near to.
    `ruler` measures train rows where they are made, None leaves that to the one who writes them.
    """

    ontology: Ontology
    context: Context | None = None
    drop_descriptions: bool = False
    ruler: Ruler | None = None
    held_out: HeldOut | None = None
    policy: Policy = "refuse"
    limit: int = 0

    def example(self, work: Work) -> tuple[Example, Counter[str]]:
        """Make the document's own row, canonical and in the ontology's words; count what was renamed."""
        packed, group, split = work
        example, renamed = respelt(from_raw(unpack(packed), drop_descriptions=self.drop_descriptions), self.ontology)
        return replace(example, group_id=group, split=split), renamed


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it will be written, and what its company asks of it."""

    id: str
    split: Split
    aug: str
    text: str
    text_key: bytes
    num_text_chars: int
    num_answer_chars: int
    length: Length | None = None
    near: tuple[int, ...] = ()
    """Held-out documents that the row may be a near duplicate of; their texts decide."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows of some documents, the variants of each behind its own, and the figures of all."""

    rows: list[list[Row]]
    figures: Figures
    drops: Counter[str]


@dataclass(slots=True)
class Written:
    """What was written, counted."""

    figures: Figures = field(default_factory=Figures)
    drops: Counter[str] = field(default_factory=Counter)
    by_split: Counter[str] = field(default_factory=Counter)
    by_aug: Counter[str] = field(default_factory=Counter)
    augmented_outside_train: int = 0
    text_chars: array[int] = field(default_factory=lambda: array("Q"))
    answer_chars: array[int] = field(default_factory=lambda: array("Q"))
    variants: list[tuple[tuple[str, str], ...]] = field(default_factory=list)
    """Ids and operations of the rows that were made of each document, in the order of the documents."""

    def add(self, row: Row) -> None:
        """Count a row."""
        self.by_split[row.split] += 1
        self.by_aug[row.aug] += 1
        self.augmented_outside_train += bool(row.aug) and row.split != TRAIN
        self.text_chars.append(row.num_text_chars)
        self.answer_chars.append(row.num_answer_chars)


@dataclass(frozen=True, slots=True)
class Target:
    """Where rows go: the file, a temporary one for the texts that hold nothing, and the survey of lengths.

    `measure` is asked for the length of a row that came without one.
    """

    file: IO[str]
    empties: IO[str]
    survey: Survey
    measure: Callable[[Row], Length]


def make(maker: Maker, batch: Sequence[Work]) -> Batch:
    """Make the rows of a batch."""
    made = Batch([], Figures(), Counter())
    for work in batch:
        example, renamed = maker.example(work)
        made.figures.add(example, renamed)
        examples = [example]
        if maker.context is not None and example.split == TRAIN:
            variants = augment.variants_of(example, maker.context)
            made.drops.update(variants.drops)
            examples += variants.variants
        made.rows.append([_row(one, maker) for one in examples])
    return made


def _row(example: Example, maker: Maker) -> Row:
    assert example.split is not None, example.id
    length = None
    if maker.ruler is not None and example.split == TRAIN:
        length = lengths.measured(example, maker.ruler, maker.policy, maker.limit)
    row = to_row(example)
    return Row(
        id=example.id,
        split=example.split,
        aug=example.aug,
        text=row_text(row),
        near=maker.held_out.candidates(example.text) if maker.held_out and example.aug in EXCHANGING else (),
        text_key=augment.text_key(example.text),
        num_text_chars=len(example.text),
        num_answer_chars=len(row["output"]),
        length=length,
    )


def write(maker: Maker, placed: Placed, spill: Spill, crew: Crew, target: Target) -> Written:
    """Write every row: documents in their order, each with its variants behind it, texts that hold nothing last."""
    written = Written()
    texts, ids = {card.text_key for card in placed.cards}, {card.id for card in placed.cards}
    claims = _Claims(texts, ids, written.drops, lambda index: spill.document(placed.positions[index]).text)
    separator = "[\n"
    for family in _families(crew.map(make, maker, batches(_work(placed, spill), BATCH_SIZE)), claims, written):
        written.variants.append(tuple((row.id, row.aug) for row in family[1:]))
        for row in family:
            written.add(row)
            if row.split == TRAIN:
                target.survey.add(row.length or target.measure(row))
            if row.aug == negatives.OPERATION:
                target.empties.write(f",\n{row.text}")
            else:
                target.file.write(f"{separator}{row.text}")
                separator = ",\n"
    target.empties.seek(0)
    for line in target.empties:
        target.file.write(line)
    target.file.write("\n]\n")
    return written


def _work(placed: Placed, spill: Spill) -> Iterator[Work]:
    for position, group, split in zip(placed.positions, placed.groups, placed.splits, strict=True):
        yield spill.packed(position), group, split


def _families(made: Iterable[Batch], claims: _Claims, written: Written) -> Iterator[list[Row]]:
    for batch in made:
        written.figures.update(batch.figures)
        written.drops.update(batch.drops)
        for original, *variants in batch.rows:
            yield [original, *(row for variant in variants if (row := claims.claim(variant)) is not None)]


@dataclass(slots=True)
class _Claims:
    """No text stands in two rows and no id is given twice; who comes first in the order of ids has it."""

    texts: set[bytes]
    ids: set[str]
    drops: Counter[str]
    text_of: Callable[[int], str]

    def claim(self, variant: Row) -> Row | None:
        """Return the variant, with another id where its own is taken, or None and a drop where its text is.

        One that is a near duplicate of a held-out document is dropped as well.
        """
        if variant.near and self._is_near(variant):
            self.drops[f"{variant.aug}: {NEAR_HELD_OUT}"] += 1
            return None
        if variant.text_key in self.texts:
            self.drops[f"{variant.aug}: text exists already"] += 1
            return None
        self.texts.add(variant.text_key)
        if variant.id not in self.ids:
            return variant
        identity = f"{variant.id}-2"
        text = json.dumps({**json.loads(variant.text), "id": identity}, ensure_ascii=False, allow_nan=False)
        return replace(variant, id=identity, text=text)

    def _is_near(self, variant: Row) -> bool:
        text = json.loads(variant.text)["input"]
        return is_near(text, map(self.text_of, variant.near))


def outlines(placed: Placed, written: Written) -> Iterator[Example]:
    """Yield every row without its text, with one entity a label: enough to choose rows to look at."""
    families = zip(placed.cards, placed.groups, placed.splits, written.variants, strict=True)
    for card, group, split, variants in families:
        graph = Graph(tuple(Entity(label, "", "") for label in card.labels))
        for identity, aug in ((card.id, ""), *variants):
            found = Graph() if aug == negatives.OPERATION else graph
            yield Example(identity, card.doc_id, group, split, card.lang, aug, "", found)
