"""The seam between whoever wants graphs and whoever makes them.

Knows nothing about models, torch or HTTP: the service, the scripts and the tests meet here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from kgtune import ontology as ontologies
from kgtune.errors import UserError
from kgtune.extraction.merging import Merged
from kgtune.graph import EMPTY_TEXT, HALF_CHARACTER, Graph
from kgtune.ontology import Ontology
from kgtune.parsing import Parsed, parse_answer

FinishReason = Literal["stop", "length", "cancelled"]


@dataclass(slots=True)
class Statistics:
    """How one answer came about; counted while it is written.

    Forced tokens are those that the grammar left no choice about, drafted ones were guessed and checked by the
    model, and accepted where it would have said the same; overruled is the model's choice where the grammar did
    not allow it. A loop is an answer that began to repeat itself and was led out of it.
    """

    num_forward_passes: int = 0
    num_forced_tokens: int = 0
    num_drafted_tokens: int = 0
    num_accepted_tokens: int = 0
    num_overruled_tokens: int = 0
    num_loops: int = 0


@dataclass(frozen=True, slots=True)
class Extraction:
    """What came back for one text.

    `graph` is None when the answer could not be read; `reason` then says why. `raw_text` is the
    model's answer, character for character. Token counts are the model's own tokens. An answer that a grammar
    held and the token cap ended ("length") is a graph all the same, of the items that were complete.
    """

    graph: Graph | None
    raw_text: str
    finish_reason: FinishReason
    num_prompt_tokens: int
    num_answer_tokens: int
    reason: str | None = None
    statistics: Statistics | None = None
    probabilities: tuple[float, ...] = ()
    """Of the graph's relationships, in their order: how probable what was chosen was; empty where that is not known."""
    merged: Merged | None = None
    """Of a text that was answered window by window: where everything was said, and what did not agree."""


class Extractor(Protocol):
    """Texts in, extractions out, in the same order. One thread calls it at a time."""

    name: str

    def extract(self, texts: Sequence[str], *, cancel: threading.Event | None = None) -> list[Extraction]:
        """Extract a graph from each text. `cancel`, once set, ends the call early ("cancelled")."""
        ...


Cancel = threading.Event | Sequence[threading.Event]
"""One flag for all texts of a call, or one for each: a text that nobody waits for leaves its batch."""
Watch = Callable[[str], None]
"""Told a text's answer so far, up to the end of an item; each time it is longer. On the extractor's thread."""


@runtime_checkable
class WatchedExtractor(Extractor, Protocol):
    """An extractor that shows its answers while it writes them."""

    def extract_watched(
        self, texts: Sequence[str], watches: Sequence[Watch | None], *, cancel: threading.Event | None = None
    ) -> list[Extraction]:
        """Extract as `extract` does; each text that has a watch shows it its answer as it grows."""
        ...


def refuse_half_characters(text: str) -> None:
    """No tokenizer and no connection takes a lone surrogate: whoever has such a text is told what to do."""
    if HALF_CHARACTER.search(text):
        raise UserError("the text holds half a character (a lone surrogate). Save it as UTF-8 and read it again.")


def extract_shown(
    extractor: Extractor,
    texts: Sequence[str],
    watches: Sequence[Watch | None],
    *,
    cancel: threading.Event | None = None,
) -> list[Extraction]:
    """Extract, and show the watches what an extractor that can be watched writes; another shows nothing on the way."""
    if any(watches) and isinstance(extractor, WatchedExtractor):
        return extractor.extract_watched(texts, watches, cancel=cancel)
    return extractor.extract(texts, cancel=cancel)


def read_answer(
    raw_text: str, finish_reason: FinishReason, num_prompt_tokens: int, num_answer_tokens: int
) -> Extraction:
    """Turn a model's answer into an Extraction."""
    parsed = parse_answer(raw_text)
    graph, reason = (parsed.graph, None) if isinstance(parsed, Parsed) else (None, parsed.reason)
    return Extraction(graph, raw_text, finish_reason, num_prompt_tokens, num_answer_tokens, reason)


# About invented actors; the text it belongs to is "GlassViper used NightLoom against Northwind Bank."
CANNED_ANSWER = (
    '{"entities":[{"labels":"ThreatOrganization","id":"e1","name":"GlassViper","description":""},'
    '{"labels":"Tool","id":"e2","name":"NightLoom","description":""},'
    '{"labels":"Target","id":"e3","name":"Northwind Bank","description":""}],'
    '"relationships":[{"type":"USE","source":"e1","target":"e2","confidence":0.95,'
    '"evidence":"GlassViper used NightLoom"},{"type":"ATTACK","source":"e1","target":"e3","confidence":0.9,'
    '"evidence":"against Northwind Bank"}]}'
)


@dataclass
class ScriptedExtractor:
    """Answers from a table, without weights: for work on HTTP and on the page, and for tests.

    A text that is not in `answers` gets `default`. Tokens are counted as characters.
    """

    answers: dict[str, str] = field(default_factory=dict)
    default: str = EMPTY_TEXT
    name: str = "scripted"
    ontology: Ontology | None = None

    def extract(self, texts: Sequence[str], *, cancel: threading.Event | None = None) -> list[Extraction]:
        if cancel is not None and cancel.is_set():
            return [read_answer("", "cancelled", len(text), 0) for text in texts]
        answers = [self.answers.get(text, self.default) for text in texts]
        return [
            read_answer(answer, "stop", len(text), len(answer)) for text, answer in zip(texts, answers, strict=True)
        ]


def scripted() -> ScriptedExtractor:
    """Make the extractor of `serve.py --scripted`: the same canned graph for every text."""
    return ScriptedExtractor(default=CANNED_ANSWER, ontology=ontologies.load("threat_event"))
