"""An answer on its way to the caller item by item, while the model still writes it.

Knows nothing about HTTP, queues or models: it is given the answer so far, again and again, and at last all of it.
"""

from __future__ import annotations

from typing import Any

from kgtune.extraction.incremental import AnswerReader
from kgtune.extraction.selection import Selection, Wanted
from kgtune.service import refusals

Shown = dict[str, Any]


class Unfolding:
    """Reads on, and shows what is whole now. `selection` counts what was shown and what was not."""

    def __init__(self, text: str, wanted: Wanted) -> None:
        self.text = text
        self.selection = Selection(text, wanted)
        self._reader = AnswerReader()
        self._read = ""

    def read(self, answer: str) -> list[Shown]:
        """Take the answer so far and return the items that it completes.

        A batch that was tried again begins its answers anew, and they catch up with what was read already. Raises
        a RefusalError where such an answer turns out to be another one: what was shown can't be taken back.
        """
        if self._read.startswith(answer):
            return []
        if not answer.startswith(self._read):
            raise refusals.begun_anew()
        piece, self._read = answer[len(self._read) :], answer
        return [shown for item in self._reader.feed(piece) for shown in self.selection.take(item)]
