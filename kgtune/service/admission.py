"""Who may wait and who goes next: a queue bounded by texts and by tokens, and the pace at which it empties.

Knows nothing about threads, clocks or extractors: the engine calls it under its lock and hands it the time.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

RefusedBy = Literal["texts", "tokens", "deadline"]

FIRST_GUESS_S = 1.0  # seconds per batch, for Retry-After before anything has been measured
NEWEST_SHARE = 0.3  # of the moving average: lengths of reports come in bursts, so recent batches count most


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one engine takes on. `estimate_tokens` says how many tokens a text has, without a tokenizer."""

    batch_size: int
    max_queued: int
    max_queued_tokens: int = 10**9
    estimate_tokens: Callable[[str], int] = len
    hang_limit_s: float = 60.0


class Waiting(Protocol):
    """What waits: a text of so many tokens, which are estimated and decide its place."""

    @property
    def num_tokens(self) -> int: ...


W = TypeVar("W", bound=Waiting)


class Queue(Generic[W]):
    """Texts in the order of their arrival."""

    def __init__(self, max_texts: int, max_tokens: int) -> None:
        self._max_texts = max_texts
        self._max_tokens = max_tokens
        self._waiting: dict[W, bool] = {}  # whether a younger one went before it
        self.num_tokens = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[W]:
        return iter(self._waiting)

    def refusal(self, num_tokens: int) -> RefusedBy | None:
        """Say which bound a text of so many tokens would break.

        An empty queue takes a text of any length: it would be refused for ever otherwise, and told to come back.
        """
        if len(self._waiting) >= self._max_texts:
            return "texts"
        return "tokens" if self._waiting and self.num_tokens + num_tokens > self._max_tokens else None

    def add(self, item: W) -> None:
        self._waiting[item] = False
        self.num_tokens += item.num_tokens

    def remove(self, item: W) -> bool:
        """Take an item out; False when it doesn't wait here."""
        if item not in self._waiting:
            return False
        del self._waiting[item]
        self.num_tokens -= item.num_tokens
        return True

    def take(self, max_texts: int) -> list[W]:
        """Take the oldest, and with it those nearest to it in length, the older first where they are as near.

        The rows of a batch are padded to its longest and wait for its slowest, so lengths should be alike. Whoever
        was overtaken once goes before all choice: nobody waits for more than one batch beyond its turn. Else a text
        of an odd length would wait until it is the oldest, and under load that is longer than its deadline.
        """
        head = next(iter(self._waiting), None)
        if head is None:
            return []
        overdue = [item for item, is_overtaken in self._waiting.items() if is_overtaken and item is not head]
        taken = [head, *overdue][:max_texts]
        others = [item for item in self._waiting if item not in taken]
        near = heapq.nsmallest(max_texts - len(taken), others, key=lambda item: abs(item.num_tokens - head.num_tokens))
        taken += near
        self._leave_behind(taken)
        return taken

    def _leave_behind(self, taken: list[W]) -> None:
        """Take items out, and note who is older than one of them and stays."""
        gone = set(taken)
        passed: list[W] = []
        for item in list(self._waiting):
            if item in gone:
                self._waiting.update(dict.fromkeys(passed, True))
                passed = []
                self.remove(item)
            else:
                passed.append(item)


class Pace:
    """How long a batch takes, as measured lately, and so how long the queue will take."""

    def __init__(self) -> None:
        self.seconds_per_batch: float | None = None

    def note(self, seconds: float) -> None:
        if self.seconds_per_batch is None:
            self.seconds_per_batch = seconds
        else:
            self.seconds_per_batch += NEWEST_SHARE * (seconds - self.seconds_per_batch)

    def wait_s(self, num_texts: int, batch_size: int, running_s: float | None) -> float:
        """Return how long so many texts take behind a batch that has run for `running_s` (None: there is none)."""
        per_batch = FIRST_GUESS_S if self.seconds_per_batch is None else self.seconds_per_batch
        rest = 0.0 if running_s is None else max(0.0, per_batch - running_s)
        return rest + per_batch * math.ceil(num_texts / batch_size)

    def retry_after_s(self, num_texts: int, batch_size: int, running_s: float | None) -> int:
        """Return when what waits now will have been answered, in the whole seconds of a Retry-After header."""
        return max(1, math.ceil(self.wait_s(num_texts, batch_size, running_s)))
