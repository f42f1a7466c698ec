"""Extractors that block, raise or die on command. Knows nothing about HTTP."""

import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from kgtune.extraction.extractor import Extraction, Extractor, ScriptedExtractor, read_answer
from kgtune.extraction.interruption import DeviceLostError, DeviceMemoryError

LIMIT_S = 10.0  # for waits that end at once unless the test fails


class GatedExtractor:
    """Holds every call until `release` is set, or the call is cancelled, and notes what it was asked."""

    name = "gated"

    def __init__(self, *, heeds_cancel: bool = True) -> None:
        self.heeds_cancel = heeds_cancel
        self.entered = threading.Semaphore(0)
        self.release = threading.Event()
        self.batches: list[list[str]] = []
        self.cancelled: list[list[str]] = []
        self.ended = threading.Semaphore(0)

    def extract(self, texts: Sequence[str], *, cancel: threading.Event | None = None) -> list[Extraction]:
        self.batches.append(list(texts))
        self.entered.release()
        try:
            while not self.release.wait(0.01):
                if self.heeds_cancel and cancel is not None and cancel.is_set():
                    self.cancelled.append(list(texts))
                    return [read_answer("", "cancelled", 0, 0) for _ in texts]
            return ScriptedExtractor().extract(texts)
        finally:
            self.ended.release()


class CallingExtractor:
    """Answers with whatever a function says, or raises what it raises."""

    name = "calling"

    def __init__(self, answer: Callable[[list[str]], list[Extraction]]) -> None:
        self.answer = answer

    def extract(self, texts: Sequence[str], *, cancel: threading.Event | None = None) -> list[Extraction]:
        return self.answer(list(texts))


def sure(extractor: Extractor, probability: float | None) -> Callable[[list[str]], list[Extraction]]:
    """Answer as an extractor does, and say of every relationship that its choices had this probability."""

    def answer(texts: list[str]) -> list[Extraction]:
        found = extractor.extract(texts)
        if probability is None:
            return found
        numbers = [len(one.graph.relationships) if one.graph else 0 for one in found]
        return [replace(one, probabilities=(probability,) * n) for one, n in zip(found, numbers, strict=True)]

    return answer


class ShowingExtractor:
    """Shows an answer step by step, each time that `go` is released, as a model shows one that it writes.

    A step is an answer so far; the last one is the whole answer, and is not shown but returned.
    """

    name = "showing"

    def __init__(self, *steps: str) -> None:
        self.steps = steps
        self.go = threading.Semaphore(0)
        self.num_watched: list[int] = []

    def extract(self, texts: Sequence[str], *, cancel: threading.Event | None = None) -> list[Extraction]:
        return [read_answer(self.steps[-1], "stop", 1, 1) for _ in texts]

    def extract_watched(self, texts, watches, *, cancel=None):
        self.num_watched.append(sum(watch is not None for watch in watches))
        for step in self.steps[:-1]:
            while not self.go.acquire(timeout=0.01):
                if cancel is not None and cancel.is_set():
                    return [read_answer("", "cancelled", 1, 0) for _ in texts]
            for watch in watches:
                if watch is not None:
                    watch(step)
        return self.extract(texts)


class FaultyExtractor:
    """Does what its text says, and says on stderr what it does: slow, hang, raise, die, garbage, memory, lost, block."""

    name = "faulty"

    def extract(self, texts: Sequence[str], *, cancel: threading.Event | None = None) -> list[Extraction]:
        for text in texts:
            command = text.partition(" ")[0]
            if hasattr(self, f"do_{command}"):
                _say(f"begun {command}")
                found = getattr(self, f"do_{command}")(cancel)
                if found is not None:
                    return found
        return ScriptedExtractor().extract(texts)

    def do_slow(self, cancel):
        threading.Event().wait(0.5)

    def do_hang(self, cancel):
        threading.Event().wait()

    def do_block(self, cancel):
        """Work until nobody wants it any more, as a decoding loop does that asks between its steps."""
        cancel.wait(60.0)
        _say("cancelled")
        return [read_answer("", "cancelled", 0, 0)]

    def do_raise(self, cancel):
        raise ValueError("-".join(["hush"] * 2))  # joined, since a traceback shows this line

    def do_die(self, cancel):
        raise SystemExit(0)

    def do_abort(self, cancel):
        os._exit(134)

    def do_garbage(self, cancel):
        return ["garbage", None]

    def do_memory(self, cancel):
        raise DeviceMemoryError

    def do_lost(self, cancel):
        raise DeviceLostError


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()
