"""Windows of a text that is too long: runs of whole sentences, each with the part of the graph it states.

Knows nothing about tokenizers or settings: a `measure` says how long a row would be.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice, product, takewhile

from kgtune import graph as graphs
from kgtune import grounding
from kgtune.examples import Example
from kgtune.graph import Graph, Relationship
from kgtune.grounding import Span

NO_PLACE = "neither its evidence nor both its ends stand in the text"
TOO_FAR_APART = "its ends and its evidence don't fit in one window"
NOT_IN_TEXT = "its name doesn't stand in the text, and no relationship that is kept needs it"
IN_LONG_SENTENCE = "stands only in sentences that are longer than a window"
LONG_SENTENCE = "sentence longer than a window"
NOTHING_STATED = "window without anything annotated"
_NO_GRAPH = Graph()


@dataclass(frozen=True, slots=True)
class Piece:
    """A window as a row of its own, and which entities (ids) and relationships (positions) of the whole are in it.

    `span` is the stretch of the whole text; the row's text lacks the white space at its ends.
    """

    example: Example
    span: Span
    entities: frozenset[str]
    relationships: frozenset[int]


@dataclass(frozen=True, slots=True)
class Cut:
    """The windows of one text, and what is in none of them: characters, entities and relationships by reason."""

    pieces: tuple[Piece, ...]
    lost_characters: Counter[str]
    lost_entities: Counter[str]
    lost_relationships: Counter[str]


def cut(example: Example, measure: Callable[[Example], int], limit: int) -> Cut:
    """Cut a text into windows that measure at most `limit`.

    A window ends where a sentence does, and never inside a mention. A relationship whose ends and evidence fit
    in one window is in one: where no end of a sentence keeps all of them together, windows overlap. Evidence is
    divided only where a relationship, or a chain of evidence, would be too long for a window otherwise.
    """
    layout = _Layout(example)

    @cache
    def fits(start: int, end: int) -> bool:
        # the text alone first: it costs a tenth of a graph made for it, and rules out most of what is too long
        bare = replace(example, text=example.text[start:end].strip(), graph=_NO_GRAPH)
        return measure(bare) <= limit and measure(layout.piece(start, end).example) <= limit

    units = _units(layout, fits)
    covers = [_cover(units, places, fits) for places in layout.places]
    together = [cover for cover in covers if cover is not None and cover[0] < cover[1]]
    pieces: list[Piece] = []
    kept: set[int] = set()
    for first, last in _runs(units, together, fits):
        piece = layout.piece(units[first].start, units[last].end)
        # Unannotated is not the same as "nothing to extract", unless that is what the whole document says.
        if example.graph.is_empty or not piece.example.graph.is_empty:
            pieces.append(replace(piece, example=replace(piece.example, id=f"{example.id}~w{len(pieces)}")))
            kept.update(range(first, last + 1))
    lost_characters: Counter[str] = Counter()
    for number, unit in enumerate(units):
        if number not in kept:
            reason = NOTHING_STATED if fits(unit.start, unit.end) else LONG_SENTENCE
            lost_characters[reason] += unit.end - unit.start
    return Cut(tuple(pieces), lost_characters, *_lost_items(layout, pieces))


def _lost_items(layout: _Layout, pieces: Sequence[Piece]) -> tuple[Counter[str], Counter[str]]:
    kept_entities = frozenset[str]().union(*(piece.entities for piece in pieces))
    kept_edges = frozenset[int]().union(*(piece.relationships for piece in pieces))
    entities = Counter(
        IN_LONG_SENTENCE if entity.id in layout.mentions else NOT_IN_TEXT
        for entity in layout.graph.entities
        if entity.id not in kept_entities
    )
    edges = Counter(
        TOO_FAR_APART if places else NO_PLACE for k, places in enumerate(layout.places) if k not in kept_edges
    )
    return entities, edges


class _Layout:
    """Where a graph's names, evidence and relationships stand in their text."""

    def __init__(self, example: Example) -> None:
        self.example = example
        self.graph = example.graph
        haystack = grounding.Haystack(example.text)
        found = {entity.id: haystack.all(entity.name) for entity in self.graph.entities}
        self.all_mentions = [span for spans in found.values() for span in spans]
        self.mentions = {e.id: haystack.mentions(e.name) for e in self.graph.entities if found[e.id]}
        self.evidence = [haystack.all(edge.evidence) for edge in self.graph.relationships]
        edges = zip(self.graph.relationships, self.evidence, strict=True)
        self.places = [self._places(edge, evidence) for edge, evidence in edges]

    def _places(self, edge: Relationship, evidence: Sequence[Span]) -> list[Span]:
        """List the shortest stretches of text that state a relationship: its evidence, and a mention of both ends.

        An end that stands nowhere in the text needs no mention. Without evidence in the text, the shortest
        stretch with both ends has to do: further apart they are more likely named for another reason.
        """
        ends = [self.mentions[key] for key in (edge.source, edge.target) if key in self.mentions]
        if evidence:
            hulls = [_hull(span, *near) for span in evidence for near in product(*(_nearest(span, m) for m in ends))]
        elif len(ends) == 2:
            hulls = [_hull(span, near) for span in ends[0] for near in _nearest(span, ends[1])]
            shortest = min(span.end - span.start for span in hulls)
            hulls = [span for span in hulls if span.end - span.start == shortest]
        else:
            hulls = []
        return sorted(set(hulls), key=lambda span: (span.end - span.start, span.start))

    def piece(self, start: int, end: int) -> Piece:
        """Return text[start:end] as a row, with the entities it mentions and the relationships it states."""

        def holds(spans: Sequence[Span]) -> bool:
            return _first_within(spans, start, end) is not None

        mentioned = {key for key, spans in self.mentions.items() if holds(spans)}
        edges: dict[int, Relationship] = {}
        for k, edge in enumerate(self.graph.relationships):
            absent = [key for key in (edge.source, edge.target) if key in self.mentions and key not in mentioned]
            if not absent and holds(self.evidence[k] or sorted(self.places[k], key=lambda span: span.start)):
                edges[k] = edge
        entities = mentioned.union(*({edge.source, edge.target} for edge in edges.values()))
        text = self.example.text[start:end].strip()
        graph = Graph(tuple(e for e in self.graph.entities if e.id in entities), tuple(edges.values()))
        example = replace(self.example, text=text, graph=graphs.canonical(graph, text))
        return Piece(example, Span(start, end), frozenset(entities), frozenset(edges))


def _nearest(span: Span, others: Sequence[Span]) -> list[Span]:
    """Return one of the others inside the span if there is one, else the next before and the next behind it."""
    if inside := _first_within(others, span.start, span.end):
        return [inside]
    at = bisect_left(others, span.start, key=lambda other: other.start)
    return [*others[max(0, at - 1) : at], *others[at : at + 1]]


def _first_within(spans: Sequence[Span], start: int, end: int) -> Span | None:
    at = bisect_left(spans, start, key=lambda span: span.start)
    begun = takewhile(lambda span: span.start < end, islice(spans, at, None))
    return next((span for span in begun if span.end <= end), None)


def _hull(*spans: Span) -> Span:
    return Span(min(span.start for span in spans), max(span.end for span in spans))


def _units(layout: _Layout, fits: Callable[[int, int], bool]) -> list[Span]:
    """Join sentences over every mention, and over evidence where that makes nothing too long for a window."""
    sentences = _joined(grounding.sentences(layout.example.text), layout.all_mentions)
    blocks = _joined(sentences, [span for spans in layout.evidence for span in spans])
    parted = {block for block in blocks if not fits(block.start, block.end)}
    for places in layout.places:
        if cover := _cover(sentences, places, fits):
            around = _touched(blocks, Span(sentences[cover[0]].start, sentences[cover[1]].end))
            if not fits(around[0].start, around[-1].end):
                parted.update(around)
    return [unit for block in blocks for unit in ([block] if block not in parted else _touched(sentences, block))]


def _cover(units: Sequence[Span], places: Sequence[Span], fits: Callable[[int, int], bool]) -> tuple[int, int] | None:
    """Return the first and last unit of the first of a relationship's places that fits in a window, None if none."""
    for place in places:
        first = bisect_right(units, place.start, key=lambda unit: unit.start) - 1
        last = bisect_left(units, place.end, key=lambda unit: unit.end)
        if fits(units[first].start, units[last].end):
            return first, last
    return None


def _touched(units: Sequence[Span], span: Span) -> Sequence[Span]:
    first = bisect_right(units, span.start, key=lambda unit: unit.start) - 1
    return units[first : bisect_left(units, span.end, key=lambda unit: unit.end) + 1]


def _joined(spans: Sequence[Span], whole: Sequence[Span]) -> list[Span]:
    """Join neighbours whose border stands inside a span that must stay whole."""
    borders = [span.start for span in spans]
    inside = {
        border
        for span in whole
        for border in borders[bisect_right(borders, span.start) : bisect_left(borders, span.end)]
    }
    starts = [border for border in borders if border not in inside]
    return [Span(start, end) for start, end in zip(starts, [*starts[1:], spans[-1].end], strict=True)] if spans else []


def _runs(
    units: Sequence[Span], covers: Sequence[tuple[int, int]], fits: Callable[[int, int], bool]
) -> Iterator[tuple[int, int]]:
    """Give first and last unit of each window: as long as fits, ending where no cover is divided.

    Where every end divides a cover, the next window starts with the first cover that was divided.
    """

    def crossing(end: int, start: int) -> list[int]:
        return [i for i, j in covers if start <= i <= end < j]

    def too_long(start: int, end: int) -> bool:
        return not fits(units[start].start, units[end].end)

    def longest(start: int, least: int) -> int:
        step = 1
        while least + step < len(units) and not too_long(start, least + step):
            step *= 2
        ends = range(least + 1, min(least + step, len(units)))
        return least + bisect_left(ends, x=True, key=lambda end: too_long(start, end))

    start = 0
    while start < len(units):
        if too_long(start, start):
            start += 1
            continue
        least = max((j for i, j in covers if i == start), default=start)
        end = longest(start, least)
        clean = next((at for at in range(end, start - 1, -1) if not crossing(at, start)), None)
        last = end if clean is None else clean
        yield start, last
        start = last + 1 if clean is not None else min(crossing(last, start))
