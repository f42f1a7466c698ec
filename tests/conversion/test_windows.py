"""What a window keeps together, shown on examples; then held for any text by hypothesis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from kgtune import graph as graphs
from kgtune import grounding
from kgtune.conversion import windows
from kgtune.examples import Example
from kgtune.graph import Entity, Graph, Relationship
from kgtune.grounding import Haystack

OVERHEAD = 20


def make(text: str, names: list[str], edges: list[tuple[int, int, str]], **changes: Any) -> Example:
    entities = tuple(Entity("Tool", f"x{n}", name) for n, name in enumerate(names))
    relationships = tuple(Relationship("USE", f"x{s}", f"x{t}", 0.9, evidence) for s, t, evidence in edges)
    graph = graphs.canonical(Graph(entities, relationships), text)
    row = {"id": "r", "doc_id": "d", "group_id": "g", "split": "train", "lang": "en", "aug": "", **changes}
    return Example(**row, text=text, graph=graph)


def measure(example: Example) -> int:
    """Count text, entities and relationships; additive, so that more of a text is never shorter."""
    return OVERHEAD + len(example.text) + 10 * len(example.graph.entities) + 10 * len(example.graph.relationships)


def texts(cut: windows.Cut) -> list[str]:
    return [piece.example.text for piece in cut.pieces]


def triples(example: Example) -> set[tuple[str, str, str, str]]:
    names = example.graph.names()
    return {(names[r.source].name, r.type, names[r.target].name, r.evidence) for r in example.graph.relationships}


def test_windows_are_runs_of_whole_sentences_each_with_a_canonical_graph_of_its_own() -> None:
    text = "AlphaRAT came first. It spread. BetaRAT came next, and AlphaRAT went. Nobody saw GammaRAT."
    cut = windows.cut(make(text, ["AlphaRAT", "BetaRAT", "GammaRAT"], []), measure, 80)

    assert texts(cut) == [
        "AlphaRAT came first. It spread.",
        "BetaRAT came next, and AlphaRAT went.",
        "Nobody saw GammaRAT.",
    ]
    assert [[(e.id, e.name) for e in p.example.graph.entities] for p in cut.pieces] == [
        [("e1", "AlphaRAT")],
        [("e1", "BetaRAT"), ("e2", "AlphaRAT")],
        [("e1", "GammaRAT")],
    ]
    assert [p.example.id for p in cut.pieces] == ["r~w0", "r~w1", "r~w2"]
    assert {(p.example.doc_id, p.example.group_id, p.example.split) for p in cut.pieces} == {("d", "g", "train")}


def test_a_window_ends_early_rather_than_between_an_end_and_its_evidence() -> None:
    text = "First came AlphaRAT. Then BetaRAT came up. It later fetched GammaRAT. That was all of AlphaRAT."
    example = make(text, ["AlphaRAT", "BetaRAT", "GammaRAT"], [(1, 2, "It later fetched GammaRAT.")])
    cut = windows.cut(example, measure, 110)

    assert texts(cut) == [
        "First came AlphaRAT.",
        "Then BetaRAT came up. It later fetched GammaRAT.",
        "That was all of AlphaRAT.",
    ]
    assert cut.lost_relationships.total() == 0


def test_windows_overlap_where_every_end_of_a_sentence_parts_a_relationship() -> None:
    text = "See AlphaRAT now. See BetaRAT now. It fetched GammaRAT. It fetched DeltaRAT."
    edges = [(0, 2, "It fetched GammaRAT."), (1, 3, "It fetched DeltaRAT.")]
    cut = windows.cut(make(text, ["AlphaRAT", "BetaRAT", "GammaRAT", "DeltaRAT"], edges), measure, 120)

    assert texts(cut) == [
        "See AlphaRAT now. See BetaRAT now. It fetched GammaRAT.",
        "See BetaRAT now. It fetched GammaRAT. It fetched DeltaRAT.",
    ]
    assert [triples(p.example) for p in cut.pieces] == [
        {("AlphaRAT", "USE", "GammaRAT", "It fetched GammaRAT.")},
        {("BetaRAT", "USE", "DeltaRAT", "It fetched DeltaRAT.")},
    ]


def test_a_name_and_evidence_with_full_stops_inside_are_not_cut() -> None:
    text = "Seen at Acme Inc. Overseas again. One of two. Two of two. The rest is silence and AlphaRAT."
    example = make(text, ["Acme Inc. Overseas", "AlphaRAT"], [(0, 0, "One of two. Two of two.")])

    for limit in range(60, 160, 7):
        for window in texts(windows.cut(example, measure, limit)):
            assert ("Acme Inc." in window) == ("Acme Inc. Overseas" in window)
            assert ("One of two." in window) == ("Two of two." in window)


def test_a_chain_of_evidence_gives_way_where_it_would_cost_a_relationship() -> None:
    text = "随后没有更多发现。随后没有更多发现。随后没有更多发现。AlphaRAT"  # the evidence stands twice, end to end
    example = make(text, ["AlphaRAT"], [(0, 0, "随后没有更多发现。随")])
    cut = windows.cut(example, measure, 66)

    assert cut.lost_relationships.total() == 0
    assert "随后没有更多发现。随后没有更多发现。AlphaRAT" in texts(cut)


def test_what_fits_in_no_window_is_lost_by_reason() -> None:
    filler = "Nothing else was seen on that day. " * 4
    text = f"AlphaRAT came up. {filler}It fetched BetaRAT and GammaRAT and {'very ' * 20}much. OmegaRAT."
    edges = [(0, 3, "It fetched"), (0, 4, "")]
    names = ["AlphaRAT", "BetaRAT", "OmegaRAT", "OmegaRAT", "no such name"]
    cut = windows.cut(make(text, names, edges), measure, 110)

    assert cut.lost_relationships == {windows.TOO_FAR_APART: 1, windows.NO_PLACE: 1}
    assert cut.lost_entities == {windows.IN_LONG_SENTENCE: 1, windows.NOT_IN_TEXT: 1}
    assert set(cut.lost_characters) == {windows.LONG_SENTENCE, windows.NOTHING_STATED}


def test_an_end_that_the_text_does_not_name_goes_where_the_evidence_is() -> None:
    text = "AlphaRAT came up. It hid itself well. BetaRAT came up."
    example = make(text, ["AlphaRAT", "Obfuscation", "BetaRAT"], [(0, 1, "It hid itself well.")])
    cut = windows.cut(example, measure, 90)

    assert texts(cut) == ["AlphaRAT came up. It hid itself well.", "BetaRAT came up."]
    assert triples(cut.pieces[0].example) == {("AlphaRAT", "USE", "Obfuscation", "It hid itself well.")}
    assert [e.name for e in cut.pieces[1].example.graph.entities] == ["BetaRAT"]


def test_a_window_without_anything_annotated_is_no_lesson_unless_the_whole_text_is_empty() -> None:
    text = "AlphaRAT came up. Nothing else was seen on that day. BetaRAT came up."
    annotated = windows.cut(make(text, ["AlphaRAT", "BetaRAT"], []), measure, 62)
    empty = windows.cut(make(text, [], []), measure, 62)

    assert texts(annotated) == ["AlphaRAT came up.", "BetaRAT came up."]
    assert annotated.lost_characters == {windows.NOTHING_STATED: len("Nothing else was seen on that day. ")}
    assert texts(empty) == ["AlphaRAT came up.", "Nothing else was seen on that day.", "BetaRAT came up."]


def test_a_name_that_stands_alone_elsewhere_is_not_found_inside_an_address() -> None:
    text = "The tool evil was seen. AlphaRAT asked hxxp://evil[.]example/a for it."
    cut = windows.cut(make(text, ["evil", "AlphaRAT"], []), measure, 80)

    assert [[e.name for e in p.example.graph.entities] for p in cut.pieces] == [["evil"], ["AlphaRAT"]]


# --- any text

NAMES = ("AlphaRAT", "Beta Corp. Ltd", "海莲花", "v2.0! Loader", "hxxp://evil[.]example/a.b", "GammaRAT", "nowhere")
FILLERS = (
    "Nothing more was seen.",
    "随后没有更多发现。",
    "It was quiet!",
    "See 10.0.0.1 and c:\\a.b\\x.dll today.",
    "\n\n",
)
words = st.sampled_from([*NAMES[:-1], *FILLERS, "attacked", "使用了", "and then", ". ", "。", "? ", "\n"])


@st.composite
def examples(draw: Callable[..., Any]) -> Example:
    parts = draw(st.lists(words, min_size=4, max_size=40))
    text = draw(st.sampled_from(["", " "])).join(parts).strip()
    assume(text)
    names = draw(st.lists(st.sampled_from(NAMES), max_size=5, unique=True))
    edges = []
    for _ in range(draw(st.integers(0, 6)) if names else 0):
        start = draw(st.integers(0, len(text) - 1))
        length = draw(st.integers(0, 80))
        free = draw(st.integers(0, 9))
        evidence = "a paraphrase of it" if free == 0 else "" if free == 1 else text[start : start + length].strip()
        end = st.integers(0, len(names) - 1)
        edges.append((draw(end), draw(end), evidence))
    return make(text, names, edges)


limits = st.integers(OVERHEAD + 30, 400)
thorough = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
property_test = pytest.mark.property


def has_whole(text: str, phrase: str) -> bool:
    return Haystack(text).first(phrase) is not None


def divides(piece: windows.Piece, spans: list[grounding.Span]) -> bool:
    """Tell whether a border of the window stands inside one of the spans."""
    return any(span.start < border < span.end for span in spans for border in (piece.span.start, piece.span.end))


@property_test
@thorough
@given(examples(), limits)
def test_every_window_fits_and_is_a_stretch_of_the_text(example: Example, limit: int) -> None:
    cut = windows.cut(example, measure, limit)
    event(f"{len(cut.pieces)} windows")
    for piece in cut.pieces:
        assert measure(piece.example) <= limit
        assert example.text[piece.span.start : piece.span.end].strip() == piece.example.text
        assert piece.example.group_id == example.group_id
        assert graphs.reference_problems(piece.example.graph) == []
        assert graphs.canonical(piece.example.graph, piece.example.text) == piece.example.graph


@property_test
@thorough
@given(examples(), limits)
def test_no_mention_is_cut(example: Example, limit: int) -> None:
    haystack = Haystack(example.text)
    mentions = [span for entity in example.graph.entities for span in haystack.all(entity.name)]
    for piece in windows.cut(example, measure, limit).pieces:
        assert not divides(piece, mentions)


@property_test
@thorough
@given(examples(), limits)
def test_evidence_is_cut_only_where_keeping_it_whole_is_too_long_for_a_window(example: Example, limit: int) -> None:
    haystack = Haystack(example.text)
    evidence = [span for edge in example.graph.relationships for span in haystack.all(edge.evidence)]
    sentences = grounding.sentences(example.text)
    for piece in windows.cut(example, measure, limit).pieces:
        for span in evidence:
            if divides(piece, [span]):
                names = [s for e in example.graph.entities for s in haystack.all(e.name)]
                chain = chained(span, evidence + names, sentences)
                relationships = [p for places in windows._Layout(example).places for p in places]
                chains = [chain, *(chained(place, evidence + names, sentences) for place in relationships)]
                near = [(start, end) for start, end in chains if start < chain[1] and chain[0] < end]
                assert any(measure(restricted(example, *stretch)) > limit for stretch in near)


def chained(span: grounding.Span, others: list[grounding.Span], sentences: list[grounding.Span]) -> tuple[int, int]:
    """Grow a span to whole sentences, and over all that would be divided then: written apart from the code."""
    start, end = span.start, span.end
    while True:
        divided = [o for o in others if o.start < start < o.end or o.start < end < o.end]
        start, end = min([start, *(o.start for o in divided)]), max([end, *(o.end for o in divided)])
        whole = max(s.start for s in sentences if s.start <= start), min(s.end for s in sentences if s.end >= end)
        if whole == (start, end) and not divided:
            return whole
        start, end = whole


def restricted(example: Example, start: int, end: int) -> Example:
    """The part of the graph whose names and evidence stand in text[start:end]."""
    return windows._Layout(example).piece(start, end).example


@property_test
@thorough
@given(examples(), limits)
def test_what_a_window_holds_stands_in_its_text(example: Example, limit: int) -> None:
    """What stands in the whole text and survives stands in the window's; what never stood there can't."""
    for piece in windows.cut(example, measure, limit).pieces:
        text = piece.example.text
        for entity in piece.example.graph.entities:
            assert has_whole(text, entity.name) == has_whole(example.text, entity.name)
        for edge in piece.example.graph.relationships:
            assert has_whole(text, edge.evidence) == has_whole(example.text, edge.evidence)


@property_test
@thorough
@given(examples(), limits)
def test_a_relationship_that_any_window_could_hold_is_in_one(example: Example, limit: int) -> None:
    layout = windows._Layout(example)
    sentences = grounding.sentences(example.text)
    mentions = layout.all_mentions
    borders = [0, *(s.end for s in sentences)]
    sound = [b for b in borders if not any(m.start < b < m.end for m in mentions)]
    possible: set[int] = set()
    for start in sound:
        for end in sound:
            if start < end:
                piece = layout.piece(start, end)
                if piece.relationships - possible and measure(piece.example) <= limit:
                    possible |= piece.relationships
    kept = set().union(*(piece.relationships for piece in windows.cut(example, measure, limit).pieces))
    assert kept == possible


@property_test
@thorough
@given(examples(), limits)
def test_all_that_is_not_kept_is_counted_once(example: Example, limit: int) -> None:
    cut = windows.cut(example, measure, limit)
    covered = {at for piece in cut.pieces for at in range(piece.span.start, piece.span.end)}
    entities = set().union(*(piece.entities for piece in cut.pieces))
    edges = set().union(*(piece.relationships for piece in cut.pieces))
    assert len(covered) + cut.lost_characters.total() == len(example.text)
    assert len(entities) + cut.lost_entities.total() == len(example.graph.entities)
    assert len(edges) + cut.lost_relationships.total() == len(example.graph.relationships)
    if example.graph.is_empty:
        assert set(cut.lost_characters) <= {windows.LONG_SENTENCE}
