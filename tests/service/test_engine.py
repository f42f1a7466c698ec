"""The worker thread: states, queue, batches, deadlines, cancellation. Without HTTP."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from kgtune.errors import ModelError
from kgtune.extraction.extractor import ScriptedExtractor, read_answer
from kgtune.extraction.interruption import DeviceLostError, DeviceMemoryError
from kgtune.graph import EMPTY_TEXT
from kgtune.service import logs
from kgtune.service.admission import Bounds
from kgtune.service.engine import Engine, Load
from kgtune.service.jobs import (
    DeadlineError,
    ExtractionError,
    HungError,
    MemoryFullError,
    NotReadyError,
    QueueFullError,
)
from tests.fakes import LIMIT_S, CallingExtractor, GatedExtractor


@asynccontextmanager
async def running(load: Load, *, batch_size: int = 4, max_queued: int = 8) -> AsyncIterator[Engine]:
    engine = Engine(load, Bounds(batch_size, max_queued))
    engine.start()
    assert await asyncio.to_thread(engine.wait_loaded, LIMIT_S) == "ready"
    try:
        yield engine
    finally:
        await asyncio.to_thread(engine.stop, 1.0)


def acquire(semaphore: threading.Semaphore) -> None:
    assert semaphore.acquire(timeout=LIMIT_S)


async def until_waiting(engine: Engine, count: int) -> None:
    async with asyncio.timeout(LIMIT_S):
        while len(engine._waiting) != count:  # noqa: ASYNC110 - the worker thread changes it
            await asyncio.sleep(0)


def test_loading_and_extracting_happen_on_one_thread_that_is_not_the_event_loops():
    threads = []

    def load():
        threads.append(threading.current_thread())
        return CallingExtractor(answer)

    def answer(texts):
        threads.append(threading.current_thread())
        return ScriptedExtractor().extract(texts)

    async def scenario():
        async with running(load) as engine:
            await engine.extract("a", timeout_s=LIMIT_S)
            await engine.extract("b", timeout_s=LIMIT_S)

    asyncio.run(scenario())
    assert len(threads) == 3
    assert len(set(threads)) == 1
    assert threads[0] is not threading.main_thread()


def test_a_text_before_the_model_is_loaded_is_refused():
    gate = threading.Event()

    def load():
        gate.wait(LIMIT_S)
        return ScriptedExtractor()

    async def scenario():
        engine = Engine(load, Bounds(1, 1))
        engine.start()
        with pytest.raises(NotReadyError) as caught:
            await engine.extract("a", timeout_s=LIMIT_S)
        gate.set()
        await asyncio.to_thread(engine.wait_loaded, LIMIT_S)
        extraction = await engine.extract("a", timeout_s=LIMIT_S)
        await asyncio.to_thread(engine.stop)
        return caught.value.state, extraction.raw_text, engine.state

    assert asyncio.run(scenario()) == ("loading", EMPTY_TEXT, "stopping")


def test_stopping_does_not_wait_for_a_load_even_once_it_is_closed():
    gate = threading.Event()

    def load():
        gate.wait(LIMIT_S)
        return ScriptedExtractor()

    engine = Engine(load, Bounds(1, 1))
    engine.start()
    engine.close()
    engine.stop(LIMIT_S)
    was_alive = engine.is_alive
    gate.set()
    engine._thread.join(LIMIT_S)
    assert (was_alive, engine.state) == (True, "stopping")


@pytest.mark.parametrize("error", [ModelError("no weights"), RuntimeError("bug"), SystemExit(1)])
def test_a_load_that_raises_anything_ends_in_failed(error):
    def load():
        raise error

    async def scenario():
        engine = Engine(load, Bounds(1, 1))
        engine.start()
        state = await asyncio.to_thread(engine.wait_loaded, LIMIT_S)
        with pytest.raises(NotReadyError) as caught:
            await engine.extract("a", timeout_s=LIMIT_S)
        return state, caught.value.state, engine.failure

    assert asyncio.run(scenario()) == ("failed", "failed", error)


def test_waiting_texts_form_batches_no_larger_than_batch_size():
    extractor = GatedExtractor()

    async def scenario():
        async with running(lambda: extractor, batch_size=3) as engine:
            first = asyncio.create_task(engine.extract("t0", timeout_s=LIMIT_S))
            await asyncio.to_thread(acquire, extractor.entered)
            rest = [asyncio.create_task(engine.extract(f"t{i}", timeout_s=LIMIT_S)) for i in range(1, 6)]
            await until_waiting(engine, 5)
            extractor.release.set()
            return [e.num_prompt_tokens for e in await asyncio.gather(first, *rest)]

    assert asyncio.run(scenario()) == [2] * 6
    assert extractor.batches == [["t0"], ["t1", "t2", "t3"], ["t4", "t5"]]


def test_every_text_of_a_batch_gets_its_own_answer():
    answers = {f"t{i}": f"answer {i}" for i in range(9)}

    async def scenario():
        async with running(lambda: ScriptedExtractor(answers), batch_size=4, max_queued=9) as engine:
            return await asyncio.gather(*(engine.extract(text, timeout_s=LIMIT_S) for text in answers))

    assert [extraction.raw_text for extraction in asyncio.run(scenario())] == list(answers.values())


def test_a_full_queue_refuses_with_a_time_to_come_back():
    extractor = GatedExtractor()

    async def scenario():
        async with running(lambda: extractor, batch_size=1, max_queued=2) as engine:
            tasks = [asyncio.create_task(engine.extract("running", timeout_s=LIMIT_S))]
            await asyncio.to_thread(acquire, extractor.entered)
            tasks += [asyncio.create_task(engine.extract("waiting", timeout_s=LIMIT_S)) for _ in range(2)]
            await until_waiting(engine, 2)
            with pytest.raises(QueueFullError) as caught:
                await engine.extract("one too many", timeout_s=LIMIT_S)
            extractor.release.set()
            await asyncio.gather(*tasks)
            return caught.value.num_waiting, caught.value.retry_after_s >= 1

    assert asyncio.run(scenario()) == (2, True)


def test_the_deadline_holds_while_the_extractor_works_and_cancels_it():
    extractor = GatedExtractor()

    async def scenario():
        async with running(lambda: extractor) as engine:
            with pytest.raises(DeadlineError):
                await engine.extract("a", timeout_s=0.05)
            await asyncio.to_thread(acquire, extractor.ended)

    asyncio.run(scenario())
    assert extractor.cancelled == [["a"]]


def test_the_deadline_holds_in_the_queue_and_frees_the_place():
    extractor = GatedExtractor()

    async def scenario():
        async with running(lambda: extractor, batch_size=1, max_queued=1) as engine:
            first = asyncio.create_task(engine.extract("first", timeout_s=LIMIT_S))
            await asyncio.to_thread(acquire, extractor.entered)
            with pytest.raises(DeadlineError):
                await engine.extract("late", timeout_s=0.05)
            second = asyncio.create_task(engine.extract("second", timeout_s=LIMIT_S))
            await until_waiting(engine, 1)
            extractor.release.set()
            await asyncio.gather(first, second)

    asyncio.run(scenario())
    assert extractor.batches == [["first"], ["second"]]


def test_a_batch_goes_on_while_one_of_its_texts_is_still_wanted():
    extractor = GatedExtractor()

    async def scenario():
        async with running(lambda: extractor, batch_size=3) as engine:
            first = asyncio.create_task(engine.extract("first", timeout_s=LIMIT_S))
            await asyncio.to_thread(acquire, extractor.entered)
            gone, wanted = (asyncio.create_task(engine.extract(text, timeout_s=LIMIT_S)) for text in ("gone", "wanted"))
            await until_waiting(engine, 2)
            first.cancel()
            await asyncio.to_thread(acquire, extractor.entered)
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
            is_cancelled = engine._running.cancel.is_set()
            extractor.release.set()
            return (await wanted).finish_reason, is_cancelled

    assert asyncio.run(scenario()) == ("stop", False)
    assert extractor.batches == [["first"], ["gone", "wanted"]]
    assert extractor.cancelled == [["first"]]


def test_a_text_that_makes_the_extractor_raise_does_not_fail_its_neighbours(caplog):
    gate, entered = threading.Event(), threading.Semaphore(0)

    def answer(texts):
        entered.release()
        gate.wait(LIMIT_S)
        if "poison" in texts:
            raise ValueError(f"about {texts}")
        return ScriptedExtractor().extract(texts)

    async def scenario():
        async with running(lambda: CallingExtractor(answer)) as engine:
            tasks = [asyncio.create_task(engine.extract("first", timeout_s=LIMIT_S))]
            await asyncio.to_thread(acquire, entered)
            tasks += [asyncio.create_task(engine.extract(t, timeout_s=LIMIT_S)) for t in ("a", "poison", "b")]
            await until_waiting(engine, 3)
            gate.set()
            return [type(outcome).__name__ for outcome in await asyncio.gather(*tasks, return_exceptions=True)]

    with caplog.at_level(logging.DEBUG):
        assert asyncio.run(scenario()) == ["Extraction", "Extraction", "ExtractionError", "Extraction"]
    assert "ValueError" in caplog.text
    assert "about [" not in caplog.text


def test_a_user_error_of_the_extractor_reaches_the_caller_as_it_is():
    def answer(texts):
        raise ModelError("text: has 3,000 tokens. Split it.")

    async def scenario():
        async with running(lambda: CallingExtractor(answer)) as engine:
            await engine.extract("a", timeout_s=LIMIT_S)

    with pytest.raises(ModelError, match="Split it"):
        asyncio.run(scenario())


@pytest.mark.parametrize(
    "answer", [lambda texts: [], lambda texts: [read_answer(EMPTY_TEXT, "stop", 0, 0)] * 2], ids=["few", "many"]
)
def test_an_extractor_that_miscounts_is_an_extraction_error(answer):
    async def scenario():
        async with running(lambda: CallingExtractor(answer)) as engine:
            await engine.extract("a", timeout_s=LIMIT_S)

    with pytest.raises(ExtractionError):
        asyncio.run(scenario())


def test_a_timeout_error_of_the_extractor_is_not_taken_for_the_deadline():
    def answer(texts):
        raise TimeoutError

    async def scenario():
        async with running(lambda: CallingExtractor(answer)) as engine:
            await engine.extract("a", timeout_s=LIMIT_S)

    with pytest.raises(ExtractionError):
        asyncio.run(scenario())


def test_a_worker_that_dies_fails_the_running_and_the_waiting_texts():
    gate = threading.Event()

    def answer(texts):
        gate.wait(LIMIT_S)
        raise SystemExit(1)

    async def scenario():
        async with running(lambda: CallingExtractor(answer), batch_size=1) as engine:
            tasks = [asyncio.create_task(engine.extract(t, timeout_s=LIMIT_S)) for t in ("running", "waiting")]
            await until_waiting(engine, 1)
            gate.set()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            return [type(outcome) for outcome in outcomes], engine.state

    assert asyncio.run(scenario()) == ([NotReadyError, NotReadyError], "failed")


def test_stopping_finishes_what_was_taken_and_takes_no_more():
    extractor = GatedExtractor()

    async def scenario():
        async with running(lambda: extractor, batch_size=1) as engine:
            tasks = [asyncio.create_task(engine.extract(t, timeout_s=LIMIT_S)) for t in ("running", "waiting")]
            await until_waiting(engine, 1)
            stopping = asyncio.create_task(asyncio.to_thread(engine.stop, LIMIT_S))
            while engine.state != "stopping":  # noqa: ASYNC110 - another thread changes it
                await asyncio.sleep(0)
            with pytest.raises(NotReadyError):
                await engine.extract("late", timeout_s=LIMIT_S)
            extractor.release.set()
            await stopping
            return [(await task).finish_reason for task in tasks], engine.is_alive

    assert asyncio.run(scenario()) == (["stop", "stop"], False)


def test_stopping_cancels_what_outlasts_its_limit():
    extractor = GatedExtractor()

    async def scenario():
        async with running(lambda: extractor, batch_size=1) as engine:
            tasks = [asyncio.create_task(engine.extract(t, timeout_s=LIMIT_S)) for t in ("running", "waiting")]
            await until_waiting(engine, 1)
            await asyncio.to_thread(engine.stop, 0.05)
            return await asyncio.gather(*tasks, return_exceptions=True), engine.is_alive

    (running_text, waiting_text), is_alive = asyncio.run(scenario())
    assert running_text.finish_reason == "cancelled"
    assert isinstance(waiting_text, NotReadyError)
    assert not is_alive


class Clock:
    """A time that passes when told."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def loaded(load: Load, bounds: Bounds, clock: Clock | None = None, observer=None) -> Engine:
    engine = Engine(load, bounds, observer, **({"clock": clock} if clock else {}))
    engine.start()
    assert engine.wait_loaded(LIMIT_S) == "ready"
    return engine


def test_tokens_bound_the_queue_too():
    extractor = GatedExtractor()

    async def scenario():
        engine = loaded(lambda: extractor, Bounds(1, 100, max_queued_tokens=10, estimate_tokens=len))
        tasks = [asyncio.create_task(engine.extract("running", timeout_s=LIMIT_S))]
        await asyncio.to_thread(acquire, extractor.entered)
        tasks += [asyncio.create_task(engine.extract(text, timeout_s=LIMIT_S)) for text in ("123456", "7890")]
        await until_waiting(engine, 2)
        with pytest.raises(QueueFullError) as caught:
            await engine.extract("x", timeout_s=LIMIT_S)
        waiting = engine.num_waiting, engine.num_waiting_tokens
        extractor.release.set()
        await asyncio.gather(*tasks)
        engine.stop()
        return caught.value.reason, waiting, engine.num_waiting_tokens

    assert asyncio.run(scenario()) == ("tokens", (2, 10), 0)


def test_batches_are_formed_by_length():
    extractor = GatedExtractor()

    async def scenario():
        async with running(lambda: extractor, batch_size=2) as engine:
            tasks = [asyncio.create_task(engine.extract("running", timeout_s=LIMIT_S))]
            await asyncio.to_thread(acquire, extractor.entered)
            texts = ("short", "l" * 900, "brief", "L" * 901)
            tasks += [asyncio.create_task(engine.extract(text, timeout_s=LIMIT_S)) for text in texts]
            await until_waiting(engine, 4)
            extractor.release.set()
            await asyncio.gather(*tasks)

    asyncio.run(scenario())
    assert extractor.batches[1:] == [["short", "brief"], ["l" * 900, "L" * 901]]


def test_an_idle_worker_waits_a_moment_for_those_who_come_back_together(monkeypatch):
    monkeypatch.setattr(
        "kgtune.service.engine.MAX_WINDOW_S", LIMIT_S
    )  # it ends with the second text, not with the time
    monkeypatch.setattr("kgtune.service.engine.WINDOW_SHARE", 1.0)
    extractor = GatedExtractor()
    extractor.release.set()

    async def scenario():
        async with running(lambda: extractor, batch_size=2) as engine:
            engine._pace.note(LIMIT_S)
            need_not_wait, waits = engine._need_not_wait, threading.Event()
            monkeypatch.setattr(engine, "_need_not_wait", lambda: waits.set() or need_not_wait())
            first = engine.submit("a", timeout_s=LIMIT_S)
            await asyncio.to_thread(waits.wait, LIMIT_S)
            second = engine.submit("b", timeout_s=LIMIT_S)
            await asyncio.gather(engine.result(first), engine.result(second))

    asyncio.run(scenario())
    assert extractor.batches == [["a", "b"]]


def test_a_text_that_could_only_wait_for_its_deadline_is_refused_and_an_idle_engine_tries():
    extractor, clock = GatedExtractor(), Clock()

    async def scenario():
        engine = loaded(lambda: extractor, Bounds(1, 100), clock)
        engine._pace.note(20.0)
        first = asyncio.create_task(engine.extract("tried", timeout_s=LIMIT_S))
        await asyncio.to_thread(acquire, extractor.entered)
        clock.now_s += 5.0  # of the running batch 15 s are left, and 20 s of the next one
        with pytest.raises(QueueFullError) as caught:
            engine.submit("hopeless", timeout_s=34.0)
        job = engine.submit("hopeful", timeout_s=36.0)
        engine.leave(job)
        extractor.release.set()
        await first
        engine.stop()
        return caught.value.reason, caught.value.retry_after_s

    assert asyncio.run(scenario()) == ("deadline", 15)


def test_each_text_of_a_batch_is_cancelled_by_itself():
    seen, entered, release = [], threading.Event(), threading.Event()

    class PerText:
        name = "per-text"

        def extract(self, texts, *, cancel=None):
            entered.set()
            release.wait(LIMIT_S)
            seen.append([event.is_set() for event in cancel])
            return ScriptedExtractor().extract(texts)

    async def scenario():
        engine = Engine(PerText, Bounds(3, 8))
        tasks = []
        engine.start()
        engine.wait_loaded(LIMIT_S)
        with engine._changed:  # so that the three are one batch
            tasks = [engine.submit(text, timeout_s=LIMIT_S) for text in "abc"]
        await asyncio.to_thread(entered.wait, LIMIT_S)
        engine.leave(tasks[1])
        release.set()
        await engine.result(tasks[0])
        engine.stop()

    asyncio.run(scenario())
    assert seen == [[False, True, False]]


def test_a_text_whose_time_is_over_is_not_worked_on():
    extractor, clock = GatedExtractor(), Clock()

    async def scenario():
        engine = loaded(lambda: extractor, Bounds(1, 8), clock)
        first = engine.submit("first", timeout_s=LIMIT_S)
        await asyncio.to_thread(acquire, extractor.entered)
        engine.submit("late", timeout_s=5.0)
        clock.now_s += 6.0  # and nobody has said `leave`
        last = engine.submit("last", timeout_s=LIMIT_S)
        extractor.release.set()
        await asyncio.gather(engine.result(first), engine.result(last))
        engine.stop()

    asyncio.run(scenario())
    assert extractor.batches == [["first"], ["last"]]


def test_out_of_memory_makes_batches_smaller_and_clean_ones_let_them_grow_again():
    sizes = []

    def answer(texts):
        sizes.append(len(texts))
        if len(texts) > 2:
            raise DeviceMemoryError
        return ScriptedExtractor().extract(texts)

    async def scenario():
        engine = loaded(lambda: CallingExtractor(answer), Bounds(4, 100))
        found = []
        for count in (4, 4, *[1] * 13):
            with engine._changed:
                submitted = [engine.submit("a", timeout_s=LIMIT_S) for _ in range(count)]
            found += await asyncio.gather(*map(engine.result, submitted))
        before, _ = engine.batch_size, await engine.extract("a", timeout_s=LIMIT_S)
        await asyncio.to_thread(engine.stop)
        return len(found), before, engine.batch_size

    num_found, before, after = asyncio.run(scenario())
    assert sizes[:5] == [4, 2, 2, 2, 2]
    # 2 + 13 clean batches, and the sixteenth
    assert (num_found, before, after) == (21, 2, 3)


def test_no_memory_for_a_text_alone_is_an_error_of_its_own_and_the_engine_goes_on():
    def answer(texts):
        if "big" in texts:
            raise DeviceMemoryError
        return ScriptedExtractor().extract(texts)

    async def scenario():
        async with running(lambda: CallingExtractor(answer)) as engine:
            with pytest.raises(MemoryFullError):
                await engine.extract("big", timeout_s=LIMIT_S)
            return (await engine.extract("small", timeout_s=LIMIT_S)).finish_reason, engine.state

    assert asyncio.run(scenario()) == ("stop", "ready")


def test_a_lost_device_fails_the_engine_for_good():
    def answer(texts):
        raise DeviceLostError("device-side assert")

    async def scenario():
        async with running(lambda: CallingExtractor(answer)) as engine:
            with pytest.raises(NotReadyError) as caught:
                await engine.extract("a", timeout_s=LIMIT_S)
            with pytest.raises(NotReadyError):
                engine.submit("b", timeout_s=LIMIT_S)
            return caught.value.state, type(engine.failure), engine.is_failed

    assert asyncio.run(scenario()) == ("failed", DeviceLostError, True)


def test_an_extractor_that_does_not_return_when_cancelled_fails_the_engine():
    extractor, clock = GatedExtractor(heeds_cancel=False), Clock()

    async def scenario():
        engine = loaded(lambda: extractor, Bounds(1, 8, hang_limit_s=60.0), clock)
        hanging = engine.submit("hanging", timeout_s=LIMIT_S)
        await asyncio.to_thread(acquire, extractor.entered)
        waiting = asyncio.create_task(engine.extract("waiting", timeout_s=LIMIT_S))
        await until_waiting(engine, 1)
        clock.now_s += 1000.0
        states = [engine.state]  # somebody waits for it: it is slow, not hung
        engine.leave(hanging)
        clock.now_s += 60.0
        states.append(engine.state)
        clock.now_s += 1.0
        states.append(engine.state)
        outcome = (await asyncio.gather(waiting, return_exceptions=True))[0]
        engine.stop()
        is_alive = engine.is_alive
        extractor.release.set()
        engine._thread.join(LIMIT_S)
        return states, type(engine.failure), type(outcome), is_alive, engine.state

    expected = (["ready", "ready", "failed"], HungError, NotReadyError, True, "failed")
    assert asyncio.run(scenario()) == expected


def test_a_job_knows_how_long_it_waited_and_with_whom_it_was_worked_on():
    extractor, clock = GatedExtractor(), Clock()

    async def scenario():
        engine = loaded(lambda: extractor, Bounds(4, 8), clock)
        first = engine.submit("first", timeout_s=LIMIT_S)
        await asyncio.to_thread(acquire, extractor.entered)
        others = [engine.submit(text, timeout_s=LIMIT_S) for text in "ab"]
        clock.now_s += 3.0
        extractor.release.set()
        await asyncio.gather(*map(engine.result, [first, *others]))
        engine.stop()
        return [(job.waited_s, job.num_in_batch) for job in (first, *others)], first.worked_s

    assert asyncio.run(scenario()) == ([(0.0, 1), (3.0, 2), (3.0, 2)], 3.0)


def test_an_observer_hears_of_every_batch():
    heard = []

    class Noting:
        def batch_began(self, waited_s):
            heard.append(("began", len(waited_s)))

        def batch_ended(self, seconds, extractions):
            heard.append(("ended", seconds >= 0, [e.raw_text for e in extractions]))

    async def scenario():
        engine = loaded(ScriptedExtractor, Bounds(4, 8), observer=Noting())
        await engine.extract("a", timeout_s=LIMIT_S)
        engine.stop()

    asyncio.run(scenario())
    assert heard == [("began", 1), ("ended", True, [EMPTY_TEXT])]


def test_what_the_worker_logs_about_a_text_carries_the_id_of_its_request():
    seen = []

    def answer(texts):
        raise ValueError

    class Noting(logging.Handler):
        def emit(self, record):
            seen.append((record.levelname, logs.REQUEST_ID.get()))

    async def scenario():
        logs.REQUEST_ID.set("request-7")
        async with running(lambda: CallingExtractor(answer)) as engine:
            with pytest.raises(ExtractionError):
                await engine.extract("a", timeout_s=LIMIT_S)

    handler = Noting()
    logging.getLogger("kgtune.service.batching").addHandler(handler)
    try:
        asyncio.run(scenario())
    finally:
        logging.getLogger("kgtune.service.batching").removeHandler(handler)
    assert seen == [("ERROR", "request-7")]
