"""What the readers hand back: raw documents, and everything found on the way, counted.

Knows nothing about any format, nor about what the caller does with a problem.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from kgtune.errors import Problem
from kgtune.graph import Graph


@dataclass(frozen=True, slots=True)
class RawDocument:
    """A text and its graph as annotated, normalised but not canonical. `where` is file:line and record."""

    id: str
    doc_id: str
    text: str
    graph: Graph
    lang: str
    split: str | None = None
    group_id: str | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class Partial:
    """What could be read of an item that has a problem, for who looks at the rest of it; no conversion uses it.

    The places are those of the document's entities and relationships; where there are none, they stand in the item
    as in the document.
    """

    document: RawDocument
    entity_places: tuple[str, ...] = ()
    edge_places: tuple[str, ...] = ()

    @property
    def labelled(self) -> Graph:
        """The graph without the entities whose label can't be read: its names count as those of whole items do."""
        graph = self.document.graph
        entities = tuple(entity for entity in graph.entities if entity.labels)
        ids = {entity.id for entity in entities}
        return Graph(entities, tuple(edge for edge in graph.relationships if {edge.source, edge.target} <= ids))


class UnreadableError(Exception):
    """The rest of a file can't be read. Raised by the readers, noted by `sources.stream`, never shown."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(slots=True)
class Findings:
    """Collects while files are read. `counts` satisfies read == used + the sum of "dropped: ..." at each document."""

    problems: list[Problem] = field(default_factory=list)
    repairs: list[Problem] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)
    """Files that can't be read, or not to their end."""
    on_partial: Callable[[Partial], None] | None = None
    """Who is told of items that have a problem: nobody where None."""

    def partial(self, document: RawDocument, entities: tuple[str, ...] = (), edges: tuple[str, ...] = ()) -> None:
        """Hand on what could be read of an item that is dropped for its problems."""
        if self.on_partial is not None:
            self.on_partial(Partial(document, entities, edges))

    def problem(self, code: str, where: str, what: str, fix: str) -> None:
        self.problems.append(Problem(code, where, what, fix))

    def repaired(self, code: str, where: str, what: str) -> None:
        """Note a spelling that was read without losing anything, and that `--fix` would write plainly."""
        self.repairs.append(Problem(code, where, what, "Read as meant; `convert_data.py --fix` writes it plainly."))

    def note(self, what: str, number: int = 1) -> None:
        self.counts[f"note: {what}"] += number

    def dropped(self, reason: str, number: int = 1) -> None:
        self.counts[f"dropped: {reason}"] += number

    def unreadable_file(self, path: str, problem: Problem) -> None:
        self.problems.append(problem)
        self.unreadable.append(path)


@dataclass(frozen=True, slots=True)
class RawSet:
    """All documents of a run's inputs that can be used, and why the others can't."""

    documents: tuple[RawDocument, ...]
    problems: list[Problem]
    counts: Counter[str]
    repairs: tuple[Problem, ...] = ()
    unreadable: tuple[str, ...] = ()
    """Files that can't be read, or not to their end: no setting makes a run go on without them."""
