"""Which rows an update is made of, and in how many passes they go through the model.

Knows nothing about torch or text: a row is its number and its length in tokens. All is a function of the seed and the
step, so a resumed run draws what the run would have drawn, and N processes share what one would have taken.
"""

from __future__ import annotations

import random
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Layout = Literal["padded", "packed", "shared"]
"""How a pass holds rows: padded, end to end, or end to end behind one copy of what all share."""

LAID_OUT = 2000
"""Updates that are laid out, in tenths of a second, to find the longest pass; a longer run is given a bound."""

Row = tuple[tuple[int, ...], tuple[int, ...]]
"""The token ids of a prompt and of its answer."""


@dataclass(frozen=True)
class Batching:
    """How the rows of each update are chosen and laid out. Lengths are in tokens, `shared` that of the common start."""

    lengths: tuple[int, ...]
    layout: Layout
    rows_per_pass: int
    rows_per_update: int
    max_tokens: int
    shared: int
    seed: int

    def update(self, step: int, *, rank: int = 0, world: int = 1) -> list[tuple[int, ...]]:
        """The passes of one process in one update, each the numbers of its rows."""
        rows = share(self.drawn(step), self.lengths, rank=rank, world=world)
        if self.layout == "padded":
            longest_first = sorted(rows, key=lambda row: (-self.lengths[row], row))
            return list(_batched(longest_first, self.rows_per_pass))
        room = self.max_tokens - self.shared
        return best_fit([(row, self.lengths[row] - self.shared) for row in rows], room)

    def drawn(self, step: int) -> list[int]:
        """The rows of one update of all processes: the next ones of an endless row of shuffled epochs."""
        first, number = step * self.rows_per_update, len(self.lengths)
        places = range(first, first + self.rows_per_update)
        return [_epoch(self.seed, place // number, number)[place % number] for place in places]

    def longest_pass(self, num_updates: int, *, world: int = 1) -> int:
        """Tokens of the longest pass of a run; of a very long run, the most that a pass can have."""
        if num_updates > LAID_OUT:
            return max(self.lengths) * self.rows_per_pass if self.layout == "padded" else self.max_tokens
        ranks = range(world)
        laid_out = (self.update(step, rank=rank, world=world) for step in range(num_updates) for rank in ranks)
        return max(self.tokens_fed([rows]) for passes in laid_out for rows in passes)

    def tokens_fed(self, passes: Iterable[Sequence[int]]) -> int:
        """Tokens that the model computes for these passes, padding included."""
        if self.layout == "padded":
            return sum(max(self.lengths[row] for row in rows) * len(rows) for rows in passes)
        return sum(self.shared + sum(self.lengths[row] - self.shared for row in rows) for rows in passes)


def batching_for(
    rows: Sequence[Row], layout: Layout, *, rows_per_pass: int, rows_per_update: int, max_tokens: int, seed: int
) -> Batching:
    """Measure rows. The last prompt token stays each row's own: it says the answer's first token."""
    lengths = tuple(len(prompt) + len(answer) for prompt, answer in rows)
    prompts = [prompt[:-1] for prompt, _ in rows]
    shared = common_beginning(prompts) if layout == "shared" else 0
    return Batching(lengths, layout, rows_per_pass, rows_per_update, max(max_tokens, *lengths), shared, seed)


def common_beginning(rows: Sequence[Sequence[int]]) -> int:
    """How many tokens all rows begin with."""
    low, high = min(map(tuple, rows)), max(map(tuple, rows))  # what the outermost share, all between them share
    return next(
        (place for place, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high))
    )


def share(rows: Sequence[int], lengths: Sequence[int], *, rank: int, world: int) -> list[int]:
    """One process's part of the rows: as many as any other's, and about as many tokens.

    Dealt by falling length, there and back again, so that nobody gets the longest of every round.
    """
    longest_first = sorted(rows, key=lambda row: (-lengths[row], row))
    mine: list[int] = []
    for number, dealt in enumerate(_batched(longest_first, world)):
        place = rank if number % 2 == 0 else world - 1 - rank
        mine += dealt[place : place + 1]
    return mine


def best_fit(rows: Iterable[tuple[int, int]], room: int) -> list[tuple[int, ...]]:
    """Put rows, (number, tokens), into packs of at most `room`: the longest first, each where it leaves the least room.

    A number may come twice: an update can reach into the next epoch.
    """
    packs: list[list[int]] = []
    free: list[tuple[int, int]] = []  # (room left, number of the pack), sorted
    for row, length in sorted(rows, key=lambda item: (-item[1], item[0])):
        assert length <= room, f"row {row} has {length} tokens, a pack {room}"
        place = bisect_left(free, (length, -1))
        if place == len(free):
            packs.append([row])
            insort(free, (room - length, len(packs) - 1))
            continue
        left, number = free.pop(place)
        packs[number].append(row)
        insort(free, (left - length, number))
    return [tuple(pack) for pack in packs]


@lru_cache(maxsize=4)
def _epoch(seed: int, epoch: int, number: int) -> tuple[int, ...]:
    order = list(range(number))
    random.Random(f"{seed}:{epoch}").shuffle(order)
    return tuple(order)


def _batched(rows: Sequence[int], size: int) -> Iterable[tuple[int, ...]]:
    return (tuple(rows[start : start + size]) for start in range(0, len(rows), size))
