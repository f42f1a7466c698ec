"""How far long work has come, and how long the rest will take at the pace so far.

Knows nothing about what is worked on: whoever works says how much there is of it, and how much is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Progress:
    """`total` is the work in any unit that takes like time, such as characters. What is done before does not count."""

    total: int
    clock: Callable[[], float] = time.monotonic
    done: int = 0
    _began_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._began_s = self.clock()

    def add(self, number: int) -> str:
        """Note that so much more is done; return the time that is left, in words, empty at the end."""
        self.done += number
        left = self.total - self.done
        if left <= 0 or self.done <= 0:
            return ""
        return f"about {in_words((self.clock() - self._began_s) / self.done * left)} left"


def in_words(seconds: float) -> str:
    """Say a time as a person does: 40 s, 12 min, 3 h 5 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
