"""Examples for the base model's prompt: drawn from train rows, seeded, and no longer than the prompt may be.

Knows nothing about models. What is gained over a base that was shown examples is more than a format followed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kgtune import prompt
from kgtune.examples import Example, of_split
from kgtune.prompt import Shot


@dataclass(frozen=True, slots=True)
class Shots:
    """The examples that were drawn. `num_too_long` were drawn and found too long for what room was left."""

    shots: tuple[Shot, ...]
    ids: tuple[str, ...]
    num_asked: int
    num_too_long: int

    def as_object(self) -> dict[str, Any]:
        """Return what the results say of them."""
        return {"num_asked": self.num_asked, "num_too_long": self.num_too_long, "rows": list(self.ids)}


def draw(
    train: Sequence[Example],
    texts: Sequence[str],
    count: int,
    seed: int,
    *,
    num_tokens: Callable[[str, Sequence[Shot]], int],
    max_tokens: int,
) -> Shots:
    """Draw `count` rows with something in them, so that every text's prompt stays within `max_tokens`.

    Variants of a row are never drawn, only what was annotated. `num_tokens` measures a prompt: text and examples.
    """
    rows = sorted((e for e in of_split(train, "train") if not e.aug and not e.graph.is_empty), key=lambda e: e.id)
    random.Random(f"few_shot:{seed}").shuffle(rows)
    longest = max(texts, key=lambda text: num_tokens(text, ()))
    chosen: list[Example] = []
    num_too_long = 0
    for row in rows:
        if len(chosen) == count:
            break
        if num_tokens(longest, [shot_of(e) for e in (*chosen, row)]) <= max_tokens:
            chosen.append(row)
        else:
            num_too_long += 1
    return Shots(tuple(map(shot_of, chosen)), tuple(e.id for e in chosen), count, num_too_long)


def shot_of(example: Example) -> Shot:
    """Return a row as an example in a prompt."""
    return Shot(example.text, prompt.neutralise(example.answer))
