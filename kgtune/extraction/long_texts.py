"""An extractor for texts of any length: windows in, one merged graph out. A text that fits passes as it is.

Knows nothing about models or tokenizers: the extractor behind it answers the windows, a measure counts their tokens.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import overload

from kgtune import graph as graphs
from kgtune.extraction import merging
from kgtune.extraction.extractor import Extraction, Extractor, Statistics, Watch, extract_shown
from kgtune.extraction.progress import Progress
from kgtune.extraction.windows import windows
from kgtune.grounding import Span
from kgtune.ontology import Ontology
from kgtune.ontology.aliases import Aliases


@dataclass
class LongTextExtractor:
    """Cuts what is longer than `whole_tokens` into windows, which share `overlap_tokens` with the one before."""

    inner: Extractor
    measure: Callable[[str], int]
    window_tokens: int
    overlap_tokens: int
    whole_tokens: int = 0
    """A text of so many tokens is answered as it is, even if that is more than a window."""
    aliases: Aliases = field(default_factory=Aliases)
    ontology: Ontology | None = None
    progress: Callable[[int, int, str], None] | None = None
    """Told how many of a call's windows are answered, and how long the rest takes, where they take several calls."""
    windows_at_once: int = 256
    """In one call of the inner extractor. Between calls only graphs are kept: memory does not grow with a text."""

    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.inner.name

    def extract(self, texts: Sequence[str], *, cancel: threading.Event | None = None) -> list[Extraction]:
        return self.extract_watched(texts, [None] * len(texts), cancel=cancel)

    def extract_watched(
        self, texts: Sequence[str], watches: Sequence[Watch | None], *, cancel: threading.Event | None = None
    ) -> list[Extraction]:
        """Extract as `extract` does; of a text in windows nothing is shown before its windows are merged."""
        cuts = [self._cut(text) for text in texts]
        pieces = [(number, span) for number, spans in enumerate(cuts) for span in spans]
        answers: list[Extraction] = []
        pace = Progress(len(pieces))
        for start in range(0, len(pieces), self.windows_at_once):
            part = pieces[start : start + self.windows_at_once]
            asked = [texts[number] if len(cuts[number]) == 1 else _piece(texts[number], span) for number, span in part]
            flags = None if cancel is None else WindowCancels(cancel, [number for number, _ in part])
            shown = [watches[number] if len(cuts[number]) == 1 else None for number, _ in part]
            answers += extract_shown(self.inner, asked, shown, cancel=flags)
            left = pace.add(len(part))
            if self.progress is not None and len(pieces) > max(len(texts), self.windows_at_once):
                self.progress(len(answers), len(pieces), left)
        return [self._joined(text, spans, _taken(answers, len(spans))) for text, spans in zip(texts, cuts, strict=True)]

    def _cut(self, text: str) -> list[Span]:
        if self.measure(text) <= self.whole_tokens:
            return [Span(0, len(text))]
        return windows(text, self.measure, self.window_tokens, self.overlap_tokens)

    def _joined(self, text: str, spans: Sequence[Span], answers: Sequence[Extraction]) -> Extraction:
        """Make one extraction of a text's windows. Cancelled is what any window was; cut, where any answer was."""
        if len(spans) == 1:
            return answers[0]
        reasons = [answer.reason for answer in answers if answer.graph is None]
        merged = merging.merge(text, spans, [answer.graph for answer in answers], self.aliases)
        cut = sum(answer.finish_reason == "length" for answer in answers)
        if cut:
            merged.lost["windows_cut_short"] = cut
        is_cancelled = any(answer.finish_reason == "cancelled" for answer in answers)
        is_unreadable = len(reasons) == len(answers)
        return Extraction(
            graph=None if is_unreadable else merged.graph,
            raw_text=answers[0].raw_text if is_unreadable else graphs.dumps(merged.graph),
            finish_reason="cancelled" if is_cancelled else "length" if cut else "stop",
            num_prompt_tokens=sum(answer.num_prompt_tokens for answer in answers),
            num_answer_tokens=sum(answer.num_answer_tokens for answer in answers),
            reason=reasons[0] if is_unreadable else None,
            statistics=_added([answer.statistics for answer in answers]),
            merged=None if is_unreadable else merged,
        )


def _piece(text: str, span: Span) -> str:
    return text[span.start : span.end]


def _taken(answers: list[Extraction], number: int) -> list[Extraction]:
    """Take the next answers off the list."""
    taken = answers[:number]
    del answers[:number]
    return taken


def _added(parts: Sequence[Statistics | None]) -> Statistics | None:
    known = [part for part in parts if part is not None]
    if not known:
        return None
    names = [one.name for one in fields(Statistics)]
    return replace(known[0], **{name: sum(getattr(part, name) for part in known) for name in names})


class WindowCancels(threading.Event, Sequence[threading.Event]):
    """The cancel flag of a call about windows: each window has the flag of its text."""

    def __init__(self, cancel: threading.Event, owners: Sequence[int]) -> None:
        super().__init__()
        self._cancel = cancel
        self._events = [cancel[owner] if isinstance(cancel, Sequence) else cancel for owner in owners]

    def is_set(self) -> bool:
        return self._cancel.is_set()

    def set(self) -> None:
        self._cancel.set()

    def __len__(self) -> int:
        return len(self._events)

    @overload
    def __getitem__(self, index: int) -> threading.Event: ...

    @overload
    def __getitem__(self, index: slice) -> list[threading.Event]: ...

    def __getitem__(self, index: int | slice) -> threading.Event | list[threading.Event]:
        return self._events[index]
