"""The worker: one thread that loads the extractor, owns it, and answers a bounded queue of texts.

Knows nothing about HTTP, models or torch. Whatever owns a GPU must stay on one thread, so neither
loading nor extracting ever runs on the event loop or in a pool of threads.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from kgtune.errors import UserError
from kgtune.extractor import Extraction, Extractor

logger = logging.getLogger(__name__)

State = Literal["loading", "ready", "failed", "stopping"]
Load = Callable[[], Extractor]

STOP_LIMIT_S = 10.0


class EngineError(Exception):
    """A text got no extraction, for a reason that lies with the engine."""


class NotReadyError(EngineError):
    """The engine is loading, has failed, or is stopping."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.state = state


class QueueFullError(EngineError):
    """As many texts wait as may wait. `retry_after_s` is when there is room again, as far as known."""

    def __init__(self, num_waiting: int, retry_after_s: int) -> None:
        super().__init__(f"{num_waiting} waiting")
        self.num_waiting = num_waiting
        self.retry_after_s = retry_after_s


class DeadlineError(EngineError):
    """The text's time was over, in the queue or while the extractor worked on it."""


class ExtractionError(EngineError):
    """The extractor raised. The log has the type and the stack, and no text."""


@dataclass(eq=False)
class _Job:
    """One text on its way, and the event-loop future that waits for it."""

    text: str
    future: asyncio.Future[Extraction]
    loop: asyncio.AbstractEventLoop
    is_abandoned: bool = False

    def deliver(self, outcome: Extraction | Exception) -> None:
        """Hand the outcome to the event loop; called on the worker thread."""
        try:
            self.loop.call_soon_threadsafe(self._resolve, outcome)
        except RuntimeError:  # the loop is closed: nobody waits any more
            logger.info("an answer came after the event loop had closed")

    def _resolve(self, outcome: Extraction | Exception) -> None:
        if self.future.done():
            return
        if isinstance(outcome, Exception):
            self.future.set_exception(outcome)
        else:
            self.future.set_result(outcome)


@dataclass(eq=False)
class _Batch:
    """Jobs that the extractor works on together. `cancel` is set once nobody waits for any of them."""

    jobs: list[_Job]
    cancel: threading.Event = field(default_factory=threading.Event)


class Engine:
    """The worker thread and its queue. `start` once, `extract` from one event loop, `stop` at the end."""

    def __init__(self, load: Load, *, batch_size: int, max_queued: int) -> None:
        self._load = load
        self._batch_size = batch_size
        self._max_queued = max_queued
        self._changed = threading.Condition()
        self._waiting: deque[_Job] = deque()
        self._running: _Batch | None = None
        self._state: State = "loading"
        self._name = ""
        self._failure: BaseException | None = None
        self._seconds_per_batch = 1.0
        # A daemon, since a load can't be interrupted: SIGTERM during one must still end the process.
        self._thread = threading.Thread(target=self._work, name="kgtune-engine", daemon=True)

    @property
    def state(self) -> State:
        return self._state

    @property
    def name(self) -> str:
        """The extractor's name; empty until it is loaded."""
        return self._name

    @property
    def is_alive(self) -> bool:
        """Whether the worker thread still runs."""
        return self._thread.is_alive()

    @property
    def failure(self) -> BaseException | None:
        """What ended the worker, if it failed."""
        return self._failure

    def start(self) -> None:
        self._thread.start()

    def wait_loaded(self, limit_s: float) -> State:
        """Block until loading is over, or for `limit_s`, and return the state then."""
        with self._changed:
            self._changed.wait_for(lambda: self._state != "loading", limit_s)
            return self._state

    def stop(self, limit_s: float = STOP_LIMIT_S) -> None:
        """Take no more texts, finish those taken, and end the thread; after `limit_s` cancel the rest."""
        with self._changed:
            was_loading = self._state == "loading"
            self._state = "stopping"
            self._changed.notify_all()
        if was_loading:
            return
        self._thread.join(limit_s)
        if self._thread.is_alive():
            logger.warning("still extracting after %.0f s: cancelled", limit_s)
            self._abandon_all()
            self._thread.join(limit_s)

    async def extract(self, text: str, *, timeout_s: float) -> Extraction:
        """Extract one text. Cancelling this call, or its timeout, frees the text's place at once."""
        job = self._admit(text)
        try:
            async with asyncio.timeout(timeout_s):
                return await job.future
        except TimeoutError:  # ours: whatever the extractor raises comes as an ExtractionError
            raise DeadlineError(f"no answer within {timeout_s:g} s") from None
        finally:
            self._leave(job)

    def _admit(self, text: str) -> _Job:
        loop = asyncio.get_running_loop()
        with self._changed:
            if self._state != "ready":
                raise NotReadyError(self._state)
            if len(self._waiting) >= self._max_queued:
                raise QueueFullError(len(self._waiting), self._retry_after_s())
            job = _Job(text, loop.create_future(), loop)
            self._waiting.append(job)
            self._changed.notify_all()
            return job

    def _retry_after_s(self) -> int:
        num_batches = math.ceil(len(self._waiting) / self._batch_size)
        return max(1, math.ceil(num_batches * self._seconds_per_batch))

    def _leave(self, job: _Job) -> None:
        with self._changed:
            job.is_abandoned = True
            if job in self._waiting:
                self._waiting.remove(job)
            elif self._running is not None and all(j.is_abandoned for j in self._running.jobs):
                self._running.cancel.set()

    def _abandon_all(self) -> None:
        with self._changed:
            for job in self._waiting:
                job.deliver(NotReadyError(self._state))
            self._waiting.clear()
            if self._running is not None:
                self._running.cancel.set()

    def _work(self) -> None:
        try:
            self._serve(self._load())
        except BaseException as error:  # thread boundary: SystemExit, too, would leave "loading" up for ever
            self._failure = error
            logger.error("the engine failed: %s", error, exc_info=not isinstance(error, UserError))  # noqa: TRY400
        finally:
            with self._changed:
                self._state = "stopping" if self._state == "stopping" else "failed"
                self._changed.notify_all()
                for job in self._running.jobs if self._running else ():
                    job.deliver(NotReadyError(self._state))
            self._abandon_all()

    def _serve(self, extractor: Extractor) -> None:
        with self._changed:
            self._name = extractor.name
            if self._state == "loading":
                self._state = "ready"
                self._changed.notify_all()
        logger.info("ready: %s", extractor.name)
        while batch := self._next_batch():
            started = time.monotonic()
            outcomes = _outcomes(extractor, [job.text for job in batch.jobs], batch.cancel)
            # A moving average: recent batches count most, since lengths of reports come in bursts.
            self._seconds_per_batch += 0.3 * (time.monotonic() - started - self._seconds_per_batch)
            with self._changed:
                self._running = None
            for job, outcome in zip(batch.jobs, outcomes, strict=True):
                job.deliver(outcome)

    def _next_batch(self) -> _Batch | None:
        """Wait for texts and take as many as fit; None once the engine stops and nothing waits."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._state != "ready")
            if not self._waiting:
                return None
            jobs = [self._waiting.popleft() for _ in range(min(self._batch_size, len(self._waiting)))]
            self._running = _Batch(jobs)
            return self._running


def _outcomes(extractor: Extractor, texts: Sequence[str], cancel: threading.Event) -> list[Extraction | Exception]:
    """Extract a batch; when it raises, text by text, so that one text can't fail its neighbours."""
    try:
        extractions = extractor.extract(texts, cancel=cancel)
        if len(extractions) != len(texts):
            raise RuntimeError(f"{extractor.name} gave {len(extractions)} extractions for {len(texts)} texts")
        return list(extractions)
    except UserError as error:
        if len(texts) == 1:
            return [error]
    except Exception as error:  # noqa: BLE001 - worker-loop boundary
        if len(texts) == 1:
            # Not the message: it may quote the text, and texts are not logged.
            stack = "".join(traceback.format_tb(error.__traceback__))
            logger.error("extraction failed: %s\n%s", type(error).__name__, stack)  # noqa: TRY400 - see above
            return [ExtractionError(type(error).__name__)]
    return [outcome for text in texts for outcome in _outcomes(extractor, [text], cancel)]
