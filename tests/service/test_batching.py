"""A batch that fails is tried again in smaller pieces, once, and no text fails another."""

import asyncio
import logging

import pytest

from kgtune.errors import ModelError
from kgtune.extraction.extractor import Extraction, ScriptedExtractor
from kgtune.extraction.interruption import BackendError, DeviceLostError, DeviceMemoryError, PartlyFailedError
from kgtune.service.batching import BatchRun
from kgtune.service.jobs import Batch, ExtractionError, Job
from tests.fakes import CallingExtractor


def run(answer, *texts: str, abandoned: tuple[str, ...] = ()) -> tuple[list, list[list[str]], BatchRun]:
    """Run a batch of texts; return its outcomes, what the extractor was asked, and the run."""
    calls: list[list[str]] = []

    def noting(asked):
        calls.append(asked)
        return answer(asked)

    async def scenario():
        loop = asyncio.get_running_loop()
        jobs = [Job(text, len(text), 0.0, 60.0, loop.create_future(), loop) for text in texts]
        for job in jobs:
            job.is_abandoned = job.text in abandoned
        batch = Batch(jobs, 0.0)
        batch_run = BatchRun(CallingExtractor(noting), lambda some: (batch.begin_call(some), batch.cancel))
        return batch_run.outcomes(jobs), calls, batch_run

    return asyncio.run(scenario())


def kinds(outcomes: list) -> list[str]:
    return [type(outcome).__name__ for outcome in outcomes]


def fits(limit: int):
    """An extractor whose device holds so many texts at once."""

    def answer(texts):
        if len(texts) > limit:
            raise DeviceMemoryError
        return ScriptedExtractor().extract(texts)

    return answer


def test_out_of_memory_halves_the_batch_once():
    outcomes, calls, batch_run = run(fits(2), "a", "b", "c", "d")
    assert calls == [["a", "b", "c", "d"], ["a", "b"], ["c", "d"]]
    assert (kinds(outcomes), batch_run.ran_out_of_memory) == (["Extraction"] * 4, True)


def test_a_half_that_does_not_fit_either_is_given_up_and_the_other_is_not():
    def answer(texts):
        if "big" in texts:
            raise DeviceMemoryError
        return ScriptedExtractor().extract(texts)

    outcomes, calls, _ = run(answer, "a", "b", "big", "c")
    assert calls == [["a", "b", "big", "c"], ["a", "b"], ["big", "c"]]
    assert kinds(outcomes) == ["Extraction", "Extraction", "MemoryFullError", "MemoryFullError"]


def test_a_single_text_is_tried_twice():
    outcomes, calls, _ = run(fits(0), "a")
    assert (kinds(outcomes), calls) == (["MemoryFullError"], [["a"], ["a"]])


def test_an_odd_batch_loses_nobody():
    outcomes, calls, _ = run(fits(2), "a", "b", "c")
    assert (kinds(outcomes), calls[1:]) == (["Extraction"] * 3, [["a"], ["b", "c"]])


def test_memory_that_lacks_after_another_fault_is_not_tried_for_ever():
    def answer(texts):
        if len(texts) > 1:
            raise ValueError
        raise DeviceMemoryError

    outcomes, calls, _ = run(answer, "a", "b")
    assert kinds(outcomes) == ["MemoryFullError"] * 2
    assert calls == [["a", "b"], ["a"], ["a"], ["b"], ["b"]]


def test_one_text_that_makes_it_raise_does_not_fail_the_others(caplog):
    def answer(texts):
        if "poison" in texts:
            raise ValueError(f"about {texts}")
        return ScriptedExtractor().extract(texts)

    with caplog.at_level(logging.DEBUG):
        outcomes, _, _ = run(answer, "a", "poison", "b")
    assert kinds(outcomes) == ["Extraction", "ExtractionError", "Extraction"]
    assert "extraction failed: ValueError" in caplog.text
    assert "about [" not in caplog.text


def test_a_user_error_reaches_its_text_as_it_is():
    error = ModelError("text: has 3,000 tokens. Split it.")

    def answer(texts):
        if "long" in texts:
            raise error
        return ScriptedExtractor().extract(texts)

    assert run(answer, "a", "long")[0][1] is error


@pytest.mark.parametrize(
    "garbage",
    [None, [], ["text"], [None], "abc", {"a": 1}, 7, [[]]],
    ids=repr,
)
def test_garbage_is_an_extraction_error(garbage):
    outcomes, _, _ = run(lambda texts: garbage, "a")
    assert isinstance(outcomes[0], ExtractionError)


def test_a_lost_device_is_not_tried_again():
    calls = []

    def answer(texts):
        calls.append(texts)
        raise DeviceLostError

    with pytest.raises(DeviceLostError):
        run(answer, "a", "b")
    assert calls == [["a", "b"]]


def test_a_text_that_nobody_waits_for_is_not_worked_on():
    outcomes, calls, _ = run(fits(9), "gone", "b", abandoned=("gone",))
    assert (kinds(outcomes), calls) == (["DeadlineError", "Extraction"], [["b"]])
    assert run(fits(9), "gone", abandoned=("gone",))[1] == []


def test_outcomes_stand_in_the_order_of_the_jobs():
    answers = {text: f"answer {text}" for text in "abcde"}

    def answer(texts):
        if len(texts) > 2:
            raise DeviceMemoryError
        return ScriptedExtractor(answers).extract(texts)

    outcomes, _, _ = run(answer, *answers)
    found = [o.raw_text if isinstance(o, Extraction) else kinds([o])[0] for o in outcomes]
    assert found == ["answer a", "answer b", "MemoryFullError", "MemoryFullError", "MemoryFullError"]


def test_a_server_that_failed_some_texts_is_not_asked_again_for_any():
    """Their extractor has tried again already, and a server in trouble should not get the whole batch once more."""
    (good,) = ScriptedExtractor().extract(["a"])
    bad = BackendError("http://127.0.0.1:8001/v1: failed (500).", status=502)

    def answer(texts):
        raise PartlyFailedError("1 of 2 texts failed", [good, bad])

    outcomes, calls, _ = run(answer, "a", "b")
    assert (outcomes, calls) == ([good, bad], [["a", "b"]])


def test_a_server_that_failed_the_only_text_is_its_outcome():
    def answer(texts):
        raise BackendError("no answer", status=504)

    outcomes, calls, _ = run(answer, "a")
    assert (kinds(outcomes), calls) == (["BackendError"], [["a"]])
