"""The demo's invented documents with exact graphs: single documents, endless streams, and corpus.jsonl.

Knows nothing about tokenizers, prompts or training. `python -m kgtune.demo.corpus` writes kgtune/demo/corpus.jsonl.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kgtune.demo import names
from kgtune.demo.composition import compose
from kgtune.demo.drafting import LABELS, phrasebook
from kgtune.demo.names import Fold, Lang

Pool = Literal["pretrain", "train", "heldout"]
Split = Literal["train", "validation", "test"]

CORPUS_PATH = Path(__file__).with_name("corpus.jsonl")
CORPUS_SEED = 7
SPLIT_SIZES: dict[Split, int] = {"train": 1200, "validation": 40, "test": 80}


@dataclass(frozen=True)
class Fact:
    """A relation that the text states; `source` and `target` are indices into the document's entities."""

    type: str
    source: int
    target: int
    evidence: str
    confidence: float


@dataclass(frozen=True)
class Document:
    """A text with its exact graph; entities are (label, name) by first mention."""

    text: str
    lang: str
    kind: str
    entities: tuple[tuple[str, str], ...]
    facts: tuple[Fact, ...]
    frames: tuple[str, ...]


def document(rng: random.Random, *, pool: Pool, lang: str | None = None, is_short: bool = False) -> Document:
    """Write one document; a held-out one uses names and frames that no other pool has."""
    fold: Fold = rng.choice(("validation", "test")) if pool == "heldout" else pool
    return _document(rng, fold, lang, is_short=is_short)


def documents(seed: int, count: int, *, pool: Pool, is_short: bool = False) -> Iterator[Document]:
    """Write `count` documents; the i-th depends on (seed, pool, i) and its size alone."""
    return (document(_item_rng(seed, pool, index), pool=pool, is_short=is_short) for index in range(count))


def held_out_names() -> list[str]:
    """List every stem, phrase and address that only held-out documents may contain."""
    return names.held_out_names()


def held_out_frames() -> list[str]:
    """List the core templates, with their {slots}, that only held-out documents may use."""
    books = [phrasebook(lang, held_out=True) for lang in ("en", "zh")]
    return [frame.template for book in books for frames in book.frames.values() for frame in frames]


def demo_items() -> Iterator[dict[str, object]]:
    """Give the rows of corpus.jsonl in order; a text that was drawn before is drawn anew."""
    seen: set[str] = set()
    for split, size in SPLIT_SIZES.items():
        drawn = (_document(_item_rng(CORPUS_SEED, split, index), split, is_short=True) for index in itertools.count())
        for number in range(1, size + 1):
            made = next(document for document in drawn if document.text not in seen)
            seen.add(made.text)
            yield _item(f"{split}-{number:03d}", split, made)


def write_corpus(path: Path) -> int:
    """Write the demo corpus as JSON Lines and return the number of rows; the bytes are always the same."""
    lines = [json.dumps(item, ensure_ascii=False, separators=(",", ":")) for item in demo_items()]
    temporary = path.with_suffix(".tmp")
    temporary.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    os.replace(temporary, path)
    return len(lines)


def _item_rng(seed: int, pool: str, index: int) -> random.Random:
    digest = hashlib.sha256(f"{seed}:{pool}:{index}".encode()).digest()
    return random.Random(int.from_bytes(digest[:8], "big"))


def _document(rng: random.Random, fold: Fold, lang: str | None = None, *, is_short: bool) -> Document:
    chosen: Lang = ("en" if lang == "en" else "zh") if lang else rng.choice(("en", "zh"))
    kind, text, draft = compose(rng, chosen, fold, is_short=is_short)
    ordered = sorted(draft.slots, key=lambda name: (text.index(name), -len(name)))
    index = {name: position for position, name in enumerate(ordered)}
    facts = [
        Fact(type_, index[source], index[target], evidence, confidence)
        for type_, source, target, evidence, confidence in draft.facts
    ]
    facts.sort(key=lambda fact: (fact.source, fact.target, fact.type))
    entities = tuple((LABELS[draft.slots[name]], name) for name in ordered)
    return Document(text, chosen, kind, entities, tuple(facts), tuple(draft.frames))


def _item(item_id: str, split: Split, made: Document) -> dict[str, object]:
    ids = [f"{label}-{number}" for number, (label, _) in enumerate(made.entities, start=1)]
    entities = [
        {"labels": label, "id": entity_id, "name": name, "description": ""}
        for entity_id, (label, name) in zip(ids, made.entities, strict=True)
    ]
    relationships = [
        {
            "type": fact.type,
            "source": ids[fact.source],
            "target": ids[fact.target],
            "confidence": fact.confidence,
            "evidence": fact.evidence,
        }
        for fact in made.facts
    ]
    return {
        "id": item_id,
        "text": made.text,
        "lang": made.lang,
        "split": split,
        "entities": entities,
        "relationships": relationships,
    }


def main() -> int:
    """Write the corpus beside this module and say how large it is."""
    rows = write_corpus(CORPUS_PATH)
    print(f"{CORPUS_PATH}: {rows} documents, {CORPUS_PATH.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
