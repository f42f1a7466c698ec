"""Which of the held-out documents are measured where there are more than are asked for.

Knows nothing about models or scores.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from kgtune.examples import Example


def fixed(rows: Sequence[Example], number: int, seed: int = 0) -> list[Example]:
    """Draw so many rows, and return them in the order of their ids: the same ones whatever the order of the rows."""
    return sorted(drawn(rows, number, seed), key=lambda row: row.id)


def drawn(rows: Sequence[Example], number: int, seed: int) -> list[Example]:
    """Draw so many rows by seed and id, and return them in their order.

    The order of the rows does not count, and a larger number only adds to the rows of a smaller one: rows often stand
    by language or source, so that the first ones would be of one kind.
    """

    def rank(row: Example) -> str:
        return hashlib.sha256(f"{seed}\0measured\0{row.id}".encode()).hexdigest()

    chosen = {row.id for row in sorted(rows, key=rank)[:number]}
    return [row for row in rows if row.id in chosen]
