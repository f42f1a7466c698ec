"""Documents laid aside in a temporary file, to be taken up again one by one.

Knows nothing about what is done with them. The file is gone with the object, or with the process.
"""

from __future__ import annotations

import pickle
import tempfile
from array import array
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from kgtune.graph import Entity, Graph, Relationship
from kgtune.sources import RawDocument

Item = TypeVar("Item")


class Spill:
    """A file of documents; each is known by its position, that is, by the order in which they came."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder, buffering=1 << 20)  # noqa: SIM115  closed in __exit__
        self._starts = array("Q", [0])
        self._is_at_end = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._starts) - 1

    def put(self, packed: bytes) -> None:
        """Lay a packed document aside; its position is the number of those before it."""
        if not self._is_at_end:
            self._file.seek(self._starts[-1])
            self._is_at_end = True
        self._file.write(packed)
        self._starts.append(self._starts[-1] + len(packed))

    def packed(self, position: int) -> bytes:
        """Take up a document as it was packed."""
        self._is_at_end = False
        self._file.seek(self._starts[position])
        return bytes(self._file.read(self._starts[position + 1] - self._starts[position]))

    def document(self, position: int) -> RawDocument:
        """Take up a document."""
        return unpack(self.packed(position))

    def names(self, position: int) -> list[tuple[str, str]]:
        """Return the labels and names of a document's entities, which is quicker than the whole document."""
        _, entities, _ = pickle.loads(self.packed(position))  # noqa: S301  our own
        return [(entity[0], entity[2]) for entity in entities]


def pack(document: RawDocument) -> bytes:
    """Write a document as bytes, all but its place: plain tuples are packed three times as fast as records."""
    entities = [(e.labels, e.id, e.name, e.description) for e in document.graph.entities]
    edges = [(r.type, r.source, r.target, r.confidence, r.evidence) for r in document.graph.relationships]
    head = (document.id, document.doc_id, document.text, document.lang, document.split, document.group_id)
    return pickle.dumps((head, entities, edges), protocol=pickle.HIGHEST_PROTOCOL)


def unpack(packed: bytes) -> RawDocument:
    """Read what `pack` wrote."""
    (identity, doc_id, text, lang, split, group_id), entities, edges = pickle.loads(packed)  # noqa: S301  our own
    graph = Graph(tuple(Entity(*entity) for entity in entities), tuple(Relationship(*edge) for edge in edges))
    return RawDocument(identity, doc_id, text, graph, lang, split, group_id)


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Divide items into lists of a size; the last may be shorter."""
    waiting = iter(items)
    while batch := list(islice(waiting, size)):
        yield batch
