"""An answer on its way to the caller item by item, while the model still writes it.

Knows nothing about HTTP, queues or models: it is given the answer so far, again and again, and at last all of it.
"""

from __future__ import annotations

from typing import Any

from kgtune.extraction.extractor import Extraction
from kgtune.extraction.incremental import AnswerReader, Item
from kgtune.extraction.selection import Selection, Wanted
from kgtune.graph import Entity, Relationship
from kgtune.service import refusals

Shown = dict[str, Any]


class Unfolding:
    """Reads on, and shows what is whole now. `selection` counts what was shown and what was not."""

    def __init__(self, text: str, wanted: Wanted) -> None:
        self.text, self._wanted = text, wanted
        self.selection = Selection(text, wanted)
        self._reader = AnswerReader()
        self._read = ""
        self._entities: list[Entity] = []  # of the answer so far
        self._relationships: list[Relationship] = []

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
        items = self._reader.feed(piece)
        self._entities += [item for item in items if isinstance(item, Entity)]
        self._relationships += [item for item in items if isinstance(item, Relationship)]
        return [shown for item in items for shown in self.selection.take(item)]

    def finish(self, extraction: Extraction) -> list[Shown]:
        """Take the whole answer and return the items that were not shown yet.

        They are the graph's own, whose confidence is the one that counts; of an answer without a graph, what it
        completed. Raises a RefusalError where what was shown was another answer's.
        """
        graph = extraction.graph
        if graph is None:
            return self.read(extraction.raw_text) if extraction.raw_text.startswith(self._read) else []
        if not self._read:
            self.selection = Selection(self.text, self._wanted, extraction.merged)
        num_entities, num_relationships = len(self._entities), len(self._relationships)
        read = (tuple(self._entities), tuple(self._relationships))
        if read != (graph.entities[:num_entities], graph.relationships[:num_relationships]):
            raise refusals.begun_anew()
        rest: tuple[Item, ...] = (*graph.entities[num_entities:], *graph.relationships[num_relationships:])
        return [shown for item in rest for shown in self.selection.take(item)] + self.selection.finish()
