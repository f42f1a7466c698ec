"""What is scored: a document with its gold graph, and the answer that was given for it.

Knows nothing about scores. An answer is read once, here: strictly, and tolerantly where that fails.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from kgtune import salvage
from kgtune.graph import Graph
from kgtune.parsing import Parsed, parse_answer
from kgtune.scoring.negatives import Kind


@dataclass(frozen=True, slots=True)
class Document:
    """A text and its gold graph. `text` may be missing: what needs it is then not measured, and counted so.

    `doc_id` is the document that a row is a part of: rows of one document are never treated as independent.
    """

    id: str
    gold: Graph
    text: str | None = None
    doc_id: str = ""
    lang: str = ""
    source: str = ""
    kind: Kind = "none"

    @property
    def unit(self) -> str:
        """What the statistics resample."""
        return self.doc_id or self.id


@dataclass(frozen=True, slots=True)
class Judged:
    """A document and what could be read from its answer.

    `answer` is the raw text, None where a system hands out graphs and no text. `graph` is what the strict reader
    gives, `repaired` what the tolerant one does (the same graph where the strict one succeeds). `has_details`: the
    system states confidence and evidence; of one that does not, neither is measured. `probabilities` are those of the
    choices behind the strict graph's relationships, in their order; empty where they are not known.
    """

    document: Document
    answer: str | None
    graph: Graph | None
    repaired: Graph | None
    is_json: bool = False
    is_truncated: bool = False
    has_details: bool = True
    faults: Counter[str] = field(default_factory=Counter)
    probabilities: tuple[float, ...] = ()


def judge(document: Document, answer: str | None, *, is_truncated: bool = False) -> Judged:
    """Read an answer; None stands for an answer that is missing."""
    if answer is None:
        return Judged(document, None, None, None, faults=Counter({"no_answer": 1}))
    parsed = parse_answer(answer)
    if isinstance(parsed, Parsed):
        return Judged(document, answer, parsed.graph, parsed.graph, is_json=True, is_truncated=is_truncated)
    reading = salvage.read(answer)
    return Judged(
        document,
        answer,
        None,
        reading.graph,
        is_json=parsed.is_json,
        is_truncated=is_truncated,
        faults=reading.faults,
    )


def judge_graph(document: Document, graph: Graph, *, has_details: bool = False) -> Judged:
    """Take a graph of a system that hands out no text: how it parses is then no question."""
    return Judged(document, None, graph, graph, has_details=has_details)
