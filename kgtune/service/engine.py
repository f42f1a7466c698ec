"""The worker: one thread that loads the extractor, owns it, and answers a bounded queue of texts.

Knows nothing about HTTP, models or torch. Whatever owns a GPU must stay on one thread, so neither
loading nor extracting ever runs on the event loop or in a pool of threads.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from kgtune.errors import UserError
from kgtune.extraction.extractor import Extraction, Extractor
from kgtune.extraction.interruption import TextCancels
from kgtune.service.admission import Bounds, Pace, Queue, RefusedBy
from kgtune.service.batching import BatchRun, stack
from kgtune.service.jobs import Batch, DeadlineError, EngineError, HungError, Job, NotReadyError, QueueFullError, State

logger = logging.getLogger(__name__)

Load = Callable[[], Extractor]

STOP_LIMIT_S = 10.0
# An idle worker waits this share of a batch's time for more texts: clients that were answered together come back
# together, and without it every second batch would hold one text.
WINDOW_SHARE, MIN_WINDOW_S, MAX_WINDOW_S = 0.02, 0.001, 0.02
CLEAN_BATCHES = 16  # after which a batch size that was halved for want of memory grows by one again


class Observer(Protocol):
    """Whoever counts; called on the worker thread."""

    def batch_began(self, waited_s: Sequence[float]) -> None: ...

    def batch_ended(self, seconds: float, extractions: Sequence[Extraction]) -> None: ...


class Engine:
    """The worker thread and its queue. `start` once, `extract` from one event loop, `stop` at the end."""

    def __init__(
        self,
        load: Load,
        bounds: Bounds,
        observer: Observer | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        address: str = "",
    ) -> None:
        """Make the worker; `address` is where its texts come from, and is said when it is ready."""
        self._load = load
        self._bounds = bounds
        self._observer = observer
        self._clock = clock
        self._address = address
        self._changed = threading.Condition()
        self._waiting: Queue[Job] = Queue(bounds.max_queued, bounds.max_queued_tokens)
        self._running: Batch | None = None
        self._state: State = "loading"
        self._extractor: Extractor | None = None
        self._failure: BaseException | None = None
        self._pace = Pace()
        self._batch_size = bounds.batch_size
        self._num_clean = 0
        # A daemon, since a load can't be interrupted: SIGTERM during one must still end the process.
        self._thread = threading.Thread(target=self._work, name="kgtune-engine", daemon=True)

    @property
    def state(self) -> State:
        with self._changed:
            self._note_hang()
            return self._state

    @property
    def name(self) -> str:
        """The extractor's name; empty until it is loaded."""
        return self._extractor.name if self._extractor else ""

    @property
    def ontology(self) -> Any:
        """The loaded extractor's ontology; None before that, and where it knows of none."""
        return getattr(self._extractor, "ontology", None)

    @property
    def is_alive(self) -> bool:
        """Whether the worker thread still runs."""
        return self._thread.is_alive()

    @property
    def is_failed(self) -> bool:
        return self.state == "failed"

    @property
    def is_idle(self) -> bool:
        """Whether no text waits or is worked on."""
        with self._changed:
            return not self._waiting and self._running is None

    @property
    def failure(self) -> BaseException | None:
        """What ended the worker, if it failed."""
        return self._failure

    @property
    def num_waiting(self) -> int:
        return len(self._waiting)

    @property
    def num_waiting_tokens(self) -> int:
        return self._waiting.num_tokens

    @property
    def batch_size(self) -> int:
        """How many texts are worked on together at most; less than configured after the device ran out of memory."""
        return self._batch_size

    def start(self) -> None:
        self._thread.start()

    def wait_loaded(self, limit_s: float) -> State:
        """Block until loading is over, or for `limit_s`, and return the state then."""
        with self._changed:
            self._changed.wait_for(lambda: self._state != "loading", limit_s)
            return self._state

    def close(self) -> None:
        """Take no more texts; those taken are finished."""
        with self._changed:
            self._state = "failed" if self._state == "failed" else "stopping"
            self._changed.notify_all()

    def abandon(self) -> None:
        """Cancel what is worked on and refuse what waits."""
        with self._changed:
            for job in list(self._waiting):
                self._waiting.remove(job)
                job.deliver(NotReadyError(self._state))
            if self._running is not None:
                self._running.cancel.set()

    def stop(self, limit_s: float = STOP_LIMIT_S) -> None:
        """Take no more texts, finish those taken, and end the thread; after `limit_s` cancel the rest."""
        self.close()
        if self._extractor is None or isinstance(self._failure, HungError):
            return  # neither loading nor hanging can be interrupted; the thread ends with the process
        self._thread.join(limit_s)
        if self._thread.is_alive():
            logger.warning("still extracting after %.0f s: cancelled", limit_s)
            self.abandon()
            self._thread.join(limit_s)

    def submit(self, text: str, *, timeout_s: float, is_watched: bool = False) -> Job:
        """Put a text into the queue, or refuse it. Whoever submits asks for the `result`, or says `leave`.

        Of a watched one the answer is shown as it grows, as far as the extractor can.
        """
        loop = asyncio.get_running_loop()
        num_tokens = self._bounds.estimate_tokens(text)
        with self._changed:
            self._note_hang()
            if self._state != "ready":
                raise NotReadyError(self._state)
            if reason := self._waiting.refusal(num_tokens) or self._too_slow(timeout_s):
                raise QueueFullError(len(self._waiting), self.retry_after_s(), reason)
            now = self._clock()
            job = Job(text, num_tokens, now, now + timeout_s, loop.create_future(), loop)
            job.grown = asyncio.Event() if is_watched else None
            self._waiting.add(job)
            self._changed.notify_all()
            return job

    async def result(self, job: Job) -> Extraction:
        """Wait for a submitted text. Cancelling this call, or the deadline, frees the text's place at once."""
        try:
            async with asyncio.timeout(job.deadline_s - self._clock()):
                return await job.future
        except TimeoutError:  # ours: whatever the extractor raises comes as an ExtractionError
            raise DeadlineError(f"no answer within {job.deadline_s - job.arrived_s:g} s") from None
        finally:
            self.leave(job)

    async def extract(self, text: str, *, timeout_s: float) -> Extraction:
        """Submit one text and wait for it."""
        return await self.result(self.submit(text, timeout_s=timeout_s))

    def leave(self, job: Job) -> None:
        """Give a text up, wherever it is; one that is done does not mind."""
        with self._changed:
            job.is_abandoned = True
            if not self._waiting.remove(job) and self._running is not None and job in self._running.jobs:
                self._running.give_up(job, self._clock())

    def retry_after_s(self) -> int:
        """In how many seconds what waits now will have been answered, by the measured pace."""
        with self._changed:
            return self._pace.retry_after_s(len(self._waiting), self._batch_size, self._running_for_s())

    def _running_for_s(self) -> float | None:
        return None if self._running is None else self._clock() - self._running.began_s

    def _too_slow(self, timeout_s: float) -> RefusedBy | None:
        """Refuse what would only wait for its deadline; the client can go elsewhere at once.

        An idle engine tries all the same: only so can a pace that was measured on other texts be corrected.
        """
        if self._pace.seconds_per_batch is None or (self._running is None and not self._waiting):
            return None
        # Behind a whole batch it may be overtaken once, by texts that fit together better.
        num_younger = self._batch_size if 1 < self._batch_size <= len(self._waiting) else 0
        num_texts = len(self._waiting) + 1 + num_younger
        wait_s = self._pace.wait_s(num_texts, self._batch_size, self._running_for_s())
        return "deadline" if wait_s > timeout_s else None

    def _note_hang(self) -> None:
        given_up_s = self._running.given_up_s if self._running else None
        if given_up_s is None or self._failure is not None:
            return
        if (hung_s := self._clock() - given_up_s) > self._bounds.hang_limit_s:
            self._fail(HungError(f"the extractor has not returned {hung_s:.0f} s after its texts were given up"))

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            self._failure = error
            self._state = "stopping" if self._state == "stopping" else "failed"
            self._changed.notify_all()
            for job in self._running.jobs if self._running else ():
                job.deliver(NotReadyError(self._state))
            self.abandon()
        # Our own errors say what to do. Of others not the message: it may quote the text, and texts are not logged.
        is_ours = isinstance(error, UserError | EngineError)
        logger.error("the engine failed: %s", error if is_ours else f"{type(error).__name__}\n{stack(error)}")

    def _work(self) -> None:
        try:
            started_s = self._clock()
            extractor = self._load()
            self._serve(extractor, self._clock() - started_s)
        except BaseException as error:  # noqa: BLE001 - thread boundary; SystemExit, too, would leave "loading" up for ever
            self._fail(error)
        finally:
            with self._changed:
                self._running = None
                self.close()
                self.abandon()

    def _serve(self, extractor: Extractor, loading_s: float) -> None:
        with self._changed:
            self._extractor = extractor
            if self._state == "loading":
                self._state = "ready"
                self._changed.notify_all()
        where = f" on {self._address}" if self._address else ""
        logger.info("ready in %.1f s%s: %s", loading_s, where, extractor.name)
        while batch := self._next_batch():
            if self._observer:
                self._observer.batch_began([job.waited_s for job in batch.jobs])
            run = BatchRun(extractor, self._begin_call)
            outcomes = run.outcomes(batch.jobs)
            seconds = self._clock() - batch.began_s
            if self._observer:
                self._observer.batch_ended(seconds, [each for each in outcomes if isinstance(each, Extraction)])
            with self._changed:
                self._running = None
                self._pace.note(seconds)
                self._fit_batch_size(len(batch.jobs), ran_out_of_memory=run.ran_out_of_memory)
            for job, outcome in zip(batch.jobs, outcomes, strict=True):
                job.worked_s, job.num_in_batch = seconds, len(batch.jobs)
                job.deliver(outcome)

    def _next_batch(self) -> Batch | None:
        """Wait for texts and take as many as fit; None once the engine stops and nothing waits."""
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._waiting or self._state != "ready")
                window_s = min(MAX_WINDOW_S, WINDOW_SHARE * (self._pace.seconds_per_batch or 0.0))
                if window_s >= MIN_WINDOW_S:
                    self._changed.wait_for(self._need_not_wait, window_s)
                now = self._clock()
                if jobs := [job for job in self._waiting.take(self._batch_size) if job.deadline_s > now]:
                    for job in jobs:
                        job.waited_s = now - job.arrived_s
                    self._running = Batch(jobs, now)
                    return self._running
                if self._state != "ready" and not self._waiting:
                    return None

    def _need_not_wait(self) -> bool:
        return self._state != "ready" or len(self._waiting) >= self._batch_size

    def _begin_call(self, jobs: list[Job]) -> tuple[list[Job], TextCancels]:
        with self._changed:
            assert self._running is not None, "a call outside of a batch"
            wanted = self._running.begin_call(jobs)
            return wanted, self._running.cancel

    def _fit_batch_size(self, num_texts: int, *, ran_out_of_memory: bool) -> None:
        if ran_out_of_memory:
            self._batch_size, self._num_clean = max(1, num_texts // 2), 0
        elif self._batch_size < self._bounds.batch_size:
            self._num_clean += 1
            if self._num_clean >= CLEAN_BATCHES:
                self._batch_size, self._num_clean = self._batch_size + 1, 0
