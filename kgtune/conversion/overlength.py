"""What becomes of rows that are longer than the model may see, and the ledger of what that costs.

Knows nothing about tokenizers: a row's length comes in as a number, and `measure` gives a window's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kgtune.conversion import windows
from kgtune.examples import Example

Policy = Literal["refuse", "drop", "window"]
Sizes = tuple[int, int, int, int]
"""Rows, characters, entities and relationships."""
TOO_LONG = "longer than model.max_seq_length"
NO_WINDOW = "no window fits model.max_seq_length"
# Lengths that people set; what is asked for is the first of them that holds the longest row.
_USUAL_LIMITS = (1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 16384, 24576, 32768)


@dataclass(slots=True)
class Tally:
    """One kind of thing: `given` is `kept` and all that was `lost`; what windows share is `written` more than once."""

    given: int = 0
    kept: int = 0
    written: int = 0
    lost: Counter[str] = field(default_factory=Counter)

    def whole(self, number: int) -> None:
        self.given += number
        self.kept += number
        self.written += number

    def lose(self, number: int, reason: str) -> None:
        self.divided(number, Counter({reason: number}), 0)

    def divided(self, given: int, lost: Counter[str], written: int) -> None:
        self.given += given
        self.kept += given - lost.total()
        self.written += written
        self.lost += lost  # drops what is zero

    def add(self, other: Tally) -> None:
        self.divided(other.given, other.lost, other.written)


@dataclass(slots=True)
class Ledger:
    """What went in and what came out. Tokens are counted with the prompt, which every window repeats."""

    rows: Tally = field(default_factory=Tally)
    characters: Tally = field(default_factory=Tally)
    entities: Tally = field(default_factory=Tally)
    relationships: Tally = field(default_factory=Tally)
    tokens_given: int = 0
    tokens_written: int = 0
    rows_windowed: int = 0

    def tallies(self) -> dict[str, Tally]:
        return {name: getattr(self, name) for name in ("rows", "characters", "entities", "relationships")}

    def add(self, other: Ledger) -> None:
        """Add the ledger of other rows."""
        for name, tally in self.tallies().items():
            tally.add(getattr(other, name))
        self.tokens_given += other.tokens_given
        self.tokens_written += other.tokens_written
        self.rows_windowed += other.rows_windowed

    def fits(self, num_tokens: int, sizes: Sizes) -> None:
        """Add a row that is within the limit."""
        self.tokens_given += num_tokens
        self.tokens_written += num_tokens
        for tally, size in zip(self.tallies().values(), sizes, strict=True):
            tally.whole(size)

    def as_object(self) -> dict[str, Any]:
        """Return plain values, in a fixed order."""
        items = {
            name: {"in": t.given, "kept": t.kept, "out": t.written, "lost": dict(sorted(t.lost.items()))}
            for name, t in self.tallies().items()
        }
        return {**items, "tokens": {"in": self.tokens_given, "out": self.tokens_written},
                "rows_windowed": self.rows_windowed}  # fmt: skip


def ledger_lines(ledger: Mapping[str, Any]) -> list[str]:
    """Write a ledger (`as_object`) for a person: a line for each kind, and one for each reason of a loss."""
    lines = []
    for name in ("rows", "tokens", "characters", "entities", "relationships"):
        tally = ledger[name]
        lost = sum(tally.get("lost", {}).values())
        told = f", {lost} lost" if "lost" in tally else ""
        lines.append(f"  {name:<13} {tally['in']:>9} in, {tally['out']:>9} out{told}")
        lines += [f"    lost {number:>9}  {reason}" for reason, number in tally.get("lost", {}).items()]
    return lines


def sizes_of(example: Example) -> Sizes:
    """Return one row, its characters, entities and relationships: what a ledger counts beside tokens."""
    return 1, len(example.text), len(example.graph.entities), len(example.graph.relationships)


class Fitter:
    """Fits rows to a limit by a policy, one after the other, and keeps the ledger."""

    def __init__(self, policy: Policy, limit: int, measure: Callable[[Example], int]) -> None:
        self.policy = policy
        self.limit = limit
        self.measure = measure
        self.ledger = Ledger()
        self.too_long: list[tuple[str, int]] = []
        """Ids and lengths of the rows over the limit."""

    def fit(self, example: Example, num_tokens: int) -> tuple[Example, ...]:
        """Return the row itself if it fits, else what the policy makes of it; nothing for `refuse` and `drop`."""
        ledger, sizes = self.ledger, sizes_of(example)
        if num_tokens <= self.limit:
            ledger.fits(num_tokens, sizes)
            return (example,)
        ledger.tokens_given += num_tokens
        self.too_long.append((example.id, num_tokens))
        if self.policy == "window":
            return self._windows(example)
        for tally, size in zip(ledger.tallies().values(), sizes, strict=True):
            tally.lose(size, TOO_LONG)
        return ()

    def _windows(self, example: Example) -> tuple[Example, ...]:
        cut = windows.cut(example, self.measure, self.limit)
        made = tuple(piece.example for piece in cut.pieces)
        ledger, graph = self.ledger, example.graph
        ledger.rows_windowed += bool(made)
        ledger.tokens_written += sum(self.measure(window) for window in made)
        lost_rows = Counter() if made else Counter({NO_WINDOW: 1})
        ledger.rows.divided(1, lost_rows, len(made))
        num_characters = sum(piece.span.end - piece.span.start for piece in cut.pieces)
        ledger.characters.divided(len(example.text), cut.lost_characters, num_characters)
        ledger.entities.divided(len(graph.entities), cut.lost_entities, sum(len(p.entities) for p in cut.pieces))
        ledger.relationships.divided(
            len(graph.relationships), cut.lost_relationships, sum(len(p.relationships) for p in cut.pieces)
        )
        return made


def enough_for(num_tokens: int) -> int:
    """Return the usual max_seq_length that holds a row of so many tokens."""
    return next((limit for limit in _USUAL_LIMITS if num_tokens <= limit), -(-num_tokens // 8192) * 8192)


def advice(too_long: list[tuple[str, int]], limit: int) -> str:
    """Say which max_seq_length would take the rows over the limit; all of them, and all but a few."""
    lengths = sorted(num_tokens for _, num_tokens in too_long)
    all_of_them = enough_for(lengths[-1])
    text = f"model.max_seq_length={all_of_them} takes them all"
    # one long report in twenty need not set the memory that every step takes
    most = enough_for(lengths[(len(lengths) - 1) * 19 // 20])
    if limit < most < all_of_them:
        text += f", {most} all but {sum(length > most for length in lengths)}"
    return f"{text}; data.overlength=window cuts texts at ends of sentences, never an answer; =drop leaves them out."
