"""A text as safe HTML: coloured mentions, underlined evidence, changed words marked.

Knows nothing about files, pages or where the graph came from. All text is escaped here, once; nothing is a link.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Literal, TypeVar

from markupsafe import Markup, escape

from kgtune.graph import Graph
from kgtune.grounding import Haystack, Span

T = TypeVar("T")
Change = Literal["added", "gone"]
NUM_COLOURS = 12
"""As many as the style sheet has."""
_CHANGED: dict[Change, Markup] = {
    "added": Markup('<ins class="kg-added">{}</ins>'),
    "gone": Markup('<del class="kg-gone">{}</del>'),
}
_WORD = re.compile(r"[A-Za-z0-9]+|[^\W\d_a-zA-Z]|\s+|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of text in which nothing begins or ends: one mention at most, evidence of any number of relationships."""

    text: str
    entity: str = ""
    evidence: tuple[int, ...] = ()
    change: Change | None = None


@cache
def style() -> str:
    """Return the style sheet of what `html` writes; light and dark."""
    return (Path(__file__).parent / "templates" / "highlighting.css").read_text(encoding="utf-8")


def segments(text: str, graph: Graph, *, added: Sequence[Span] = (), gone: Sequence[Span] = ()) -> list[Segment]:
    """Cut a text at every border of a mention, evidence or change; the segments join back to the text.

    Of mentions that overlap the longest is shown. Evidence is given by the relationship's position in the graph.
    """
    haystack = Haystack(text)
    mentions = _apart((span, entity.id) for entity in graph.entities for span in haystack.mentions(entity.name))
    stated = [(haystack.first(edge.evidence), k) for k, edge in enumerate(graph.relationships)]
    evidence = [(span, k) for span, k in stated if span is not None]
    changed: list[tuple[Span, Change]] = [*((span, "added") for span in added), *((span, "gone") for span in gone)]
    spans = [span for found in (mentions, evidence, changed) for span, _ in found]
    borders = sorted({0, len(text), *(s.start for s in spans), *(s.end for s in spans)})
    entity_at, evidence_at = _spread(borders, mentions), _spread(borders, evidence)
    change_at = _spread(borders, changed)
    return [
        Segment(
            text[start:end],
            next(iter(entity_at[start]), ""),
            tuple(evidence_at[start]),
            next(iter(change_at[start]), None),
        )
        for start, end in pairwise(borders)
    ]


def html(pieces: Iterable[Segment], graph: Graph, colours: Mapping[str, int]) -> Markup:
    """Write segments as inline HTML; `colours` gives each label its colour (see `colours_of`)."""
    entities = graph.names()
    written: list[Markup] = []
    for piece in pieces:
        part = escape(piece.text)
        if piece.change:
            part = _CHANGED[piece.change].format(part)
        if piece.entity:
            entity = entities[piece.entity]
            part = Markup('<mark class="kg-c{}" data-entity="{}" title="{}">{}</mark>').format(
                colours.get(entity.labels, 0), entity.id, f"{entity.labels}: {entity.name}", part
            )
        if piece.evidence:
            numbers = " ".join(map(str, piece.evidence))
            part = Markup('<span class="kg-evidence" data-evidence="{}">{}</span>').format(numbers, part)
        written.append(part)
    return Markup("").join(written)


def colours_of(labels: Sequence[str]) -> dict[str, int]:
    """Give each label a colour's number, by its place; after the last colour they begin again."""
    return {label: number % NUM_COLOURS for number, label in enumerate(dict.fromkeys(labels))}


def changes(old: str, new: str) -> tuple[list[Span], list[Span]]:
    """Return what of `old` is gone and what in `new` is there instead: whole words, single Chinese characters."""
    old_words, new_words = _words(old), _words(new)
    matcher = SequenceMatcher(
        None, [old[s.start : s.end] for s in old_words], [new[s.start : s.end] for s in new_words], autojunk=False
    )
    gone: list[Span] = []
    added: list[Span] = []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag != "equal":
            gone += _as_one(old_words[i1:i2])
            added += _as_one(new_words[j1:j2])
    return gone, added


def _words(text: str) -> list[Span]:
    return [Span(*match.span()) for match in _WORD.finditer(text)]


def _as_one(words: Sequence[Span]) -> Iterator[Span]:
    if words:
        yield Span(words[0].start, words[-1].end)


def _apart(found: Iterable[tuple[Span, str]]) -> list[tuple[Span, str]]:
    """Keep mentions that do not overlap: the longest first, of equal ones the first."""
    starts: list[int] = []
    kept: list[tuple[Span, str]] = []
    for span, key in sorted(found, key=lambda item: (item[0].start - item[0].end, item[0].start)):
        at = bisect_right(starts, span.start)
        free = (at == 0 or kept[at - 1][0].end <= span.start) and (at == len(kept) or span.end <= starts[at])
        if free:
            starts.insert(at, span.start)
            kept.insert(at, (span, key))
    return kept


def _spread(borders: Sequence[int], spans: Iterable[tuple[Span, T]]) -> dict[int, list[T]]:
    """Say for the start of each segment what covers it."""
    covering: dict[int, list[T]] = {border: [] for border in borders}
    for span, value in spans:
        for border in borders[bisect_left(borders, span.start) : bisect_left(borders, span.end)]:
            covering[border].append(value)
    return covering
