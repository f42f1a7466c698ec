"""How a call of an extractor ends early: its texts are cancelled, its device is full, or its device is lost.

Knows nothing about torch or HTTP: whoever owns a device says these things, and the engine hears them.
"""

from __future__ import annotations

import threading


class DeviceMemoryError(Exception):
    """The device has no memory left for this batch; a smaller one may fit."""


class DeviceLostError(Exception):
    """The device answers no more. Nothing in this process can use it again; a new process can."""


class TextCancels(threading.Event):
    """A batch's cancel flag that also knows its texts: it is set once every one of them is cancelled.

    An extractor that asks `is_set` alone stops when nobody waits for any text. One that asks `is_text_set`
    can give up each row as soon as nobody waits for it, and the batch ends with the last row still wanted.
    """

    def __init__(self, num_texts: int) -> None:
        super().__init__()
        self._are_set = [False] * num_texts

    def cancel_text(self, index: int) -> None:
        """Give up the text with this place in the batch."""
        self._are_set[index] = True
        if all(self._are_set):
            self.set()

    def is_text_set(self, index: int) -> bool:
        return self._are_set[index] or self.is_set()
