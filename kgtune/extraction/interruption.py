"""How a call of an extractor ends early: its texts are cancelled, its device is full, or its device is lost.

Knows nothing about torch or HTTP: whoever owns a device says these things, and the engine hears them.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Literal, overload

from kgtune.errors import ServiceError, UserError
from kgtune.extraction.extractor import Extraction


class DeviceMemoryError(Exception):
    """The device has no memory left for this batch; a smaller one may fit."""


class DeviceLostError(Exception):
    """The device answers no more. Nothing in this process can use it again; a new process can."""


class BackendError(ServiceError):
    """The server behind an extractor gave no answer; `status` is what a service in front of it answers with."""

    def __init__(self, message: str, *, status: Literal[502, 503, 504], retry_after_s: int = 0) -> None:
        super().__init__(message, status=status)
        self.retry_after_s = retry_after_s


class PartlyFailedError(UserError):
    """Of several texts some got no extraction; `outcomes` are those of all, so that none takes another's answer."""

    def __init__(self, message: str, outcomes: Sequence[Extraction | UserError]) -> None:
        super().__init__(message)
        self.outcomes = tuple(outcomes)


class TextCancels(threading.Event, Sequence[threading.Event]):
    """A batch's cancel flag that also holds one for each of its texts: it is set once all of those are.

    An extractor that knows one flag stops when nobody waits for any of its texts. One that knows a flag for each
    can give up a row as soon as nobody waits for it, and its batch ends with the last row that is still wanted.
    """

    def __init__(self, num_texts: int) -> None:
        super().__init__()
        self._texts = [threading.Event() for _ in range(num_texts)]

    def __len__(self) -> int:
        return len(self._texts)

    @overload
    def __getitem__(self, index: int) -> threading.Event: ...

    @overload
    def __getitem__(self, index: slice) -> list[threading.Event]: ...

    def __getitem__(self, index: int | slice) -> threading.Event | list[threading.Event]:
        return self._texts[index]

    def set(self) -> None:
        """Give up all texts."""
        for event in self._texts:
            event.set()
        super().set()

    def cancel_text(self, index: int) -> None:
        """Give up the text with this place in the batch."""
        self._texts[index].set()
        if all(event.is_set() for event in self._texts):
            super().set()
