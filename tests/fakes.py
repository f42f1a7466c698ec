"""Extractors that block, raise or die on command. Knows nothing about HTTP."""

import threading
from collections.abc import Callable, Sequence

from kgtune.extractor import Extraction, ScriptedExtractor, read_answer

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
