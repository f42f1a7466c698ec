"""A text on its way through the engine, alone and in a batch, and the ways in which it can fail there.

Knows nothing about the queue, the worker thread or HTTP.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from kgtune.extraction.extractor import Extraction
from kgtune.extraction.interruption import TextCancels
from kgtune.service.admission import RefusedBy

logger = logging.getLogger(__name__)

State = Literal["loading", "ready", "failed", "stopping"]


class EngineError(Exception):
    """A text got no extraction, for a reason that lies with the engine."""


class NotReadyError(EngineError):
    """The engine is loading, has failed, or is stopping."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.state = state


class QueueFullError(EngineError):
    """A bound of the queue is reached. `retry_after_s` is when there is room again, as far as measured."""

    def __init__(self, num_waiting: int, retry_after_s: int, reason: RefusedBy) -> None:
        super().__init__(f"{num_waiting} waiting ({reason})")
        self.num_waiting = num_waiting
        self.retry_after_s = retry_after_s
        self.reason = reason


class DeadlineError(EngineError):
    """The text's time was over, in the queue or while the extractor worked on it."""


class MemoryFullError(EngineError):
    """The device had no memory for the text, not even in a smaller batch."""


class ExtractionError(EngineError):
    """The extractor raised, or gave no extraction. The log has the type and the stack, and no text."""


class HungError(EngineError):
    """The extractor has not returned long after its texts were given up. Its thread can't be ended."""


@dataclass(eq=False)
class Job:
    """One text, and the event-loop future that waits for it. Times are on the engine's clock."""

    text: str
    num_tokens: int
    arrived_s: float
    deadline_s: float
    future: asyncio.Future[Extraction]
    loop: asyncio.AbstractEventLoop
    # What the worker logs about this text then carries the id of its request.
    context: contextvars.Context = field(default_factory=contextvars.copy_context)
    # Set on the event loop each time that `so_far` has grown; only a watched text has one.
    grown: asyncio.Event | None = None
    so_far: str = ""
    is_abandoned: bool = False
    waited_s: float = 0.0
    worked_s: float = 0.0
    num_in_batch: int = 0

    @property
    def is_watched(self) -> bool:
        return self.grown is not None

    def show(self, answer: str) -> None:
        """Hand the answer so far to the event loop; called on any thread."""
        with suppress(RuntimeError):  # the loop is closed: nobody watches any more
            self.loop.call_soon_threadsafe(self._grow, answer)

    def _grow(self, answer: str) -> None:
        self.so_far = answer
        if self.grown is not None:
            self.grown.set()

    def deliver(self, outcome: Extraction | Exception) -> None:
        """Hand the outcome to the event loop; called on any thread."""
        try:
            self.loop.call_soon_threadsafe(self._resolve, outcome)
        except RuntimeError:  # the loop is closed: nobody waits any more
            logger.info("an answer came after the event loop had closed")

    def _resolve(self, outcome: Extraction | Exception) -> None:
        if self.future.done():
            return
        if isinstance(outcome, Exception):
            self.future.set_exception(outcome)
            self.future.exception()  # marks it as seen: whoever waited may be gone
        else:
            self.future.set_result(outcome)


@dataclass(eq=False)
class Batch:
    """Jobs that are worked on together. A call of the extractor may be about some of them only."""

    jobs: list[Job]
    began_s: float
    in_call: list[Job] = field(default_factory=list)
    cancel: TextCancels = field(default_factory=lambda: TextCancels(0))
    given_up_s: float | None = None

    def begin_call(self, jobs: list[Job]) -> list[Job]:
        """Set the flag up for a call about those of the jobs that are still wanted, and return them."""
        self.in_call = [job for job in jobs if not job.is_abandoned]
        self.cancel = TextCancels(len(self.in_call))
        return self.in_call

    def give_up(self, job: Job, now_s: float) -> None:
        """Nobody waits for this job any more."""
        job.is_abandoned = True
        if job in self.in_call:
            self.cancel.cancel_text(self.in_call.index(job))
        if self.given_up_s is None and all(each.is_abandoned for each in self.jobs):
            self.given_up_s = now_s
