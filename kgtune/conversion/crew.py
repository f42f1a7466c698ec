"""Processes that share one stream of work: results come back in the order of the work, whoever did it.

Knows nothing about the work. With one process everything is done right here, by the same functions.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

Setting = TypeVar("Setting")
Work = TypeVar("Work")
Result = TypeVar("Result")

_MOST_PROCESSES = 8  # of "auto": each holds some 80 MB
_WAITING_PER_PROCESS = 3  # so that nobody waits for work, and no more than that lies about


def number_of(setting: int | Literal["auto"]) -> int:
    """Return how many processes a setting asks for; auto: one for each core that this process may use."""
    if setting != "auto":
        return setting
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, _MOST_PROCESSES)


class Crew:
    """A number of processes, alive for as long as the `with` block; they start with the first work."""

    def __init__(self, number: int, folder: Path) -> None:
        """`folder` is a temporary one of the caller's, in which settings are handed over."""
        self.number = number
        self._folder = folder
        self._num_settings = 0
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def map(
        self, function: Callable[[Setting, Work], Result], setting: Setting, work: Iterable[Work]
    ) -> Iterator[Result]:
        """Yield function(setting, one) for each one, in order; `work` is asked for only as fast as it is done.

        The function is a module's own, and what it is given and returns can be pickled. A setting may be large: it
        is handed over once.
        """
        if self.number == 1:
            yield from (function(setting, one) for one in work)
            return
        if self._pool is None:
            # spawn: the same everywhere, and no process starts with all the memory of this one.
            self._pool = ProcessPoolExecutor(self.number, mp_context=multiprocessing.get_context("spawn"))
        path = self._folder / f"setting-{self._num_settings}"
        self._num_settings += 1
        path.write_bytes(pickle.dumps(setting, protocol=pickle.HIGHEST_PROTOCOL))
        waiting: deque[Future[Result]] = deque()
        for one in work:
            waiting.append(self._pool.submit(_do, function, str(path), one))
            if len(waiting) >= self.number * _WAITING_PER_PROCESS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _do(function: Callable[[Any, Any], Any], path: str, one: object) -> Any:
    return function(_setting(path), one)


@lru_cache(maxsize=1)
def _setting(path: str) -> object:
    return pickle.loads(Path(path).read_bytes())  # noqa: S301  our own, from a folder that nobody else can write to
