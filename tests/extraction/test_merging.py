"""Windows' graphs made one: what is the same thing, what is kept, and what is told."""

from kgtune import graph as graphs
from kgtune.extraction.merging import Conflict, merge
from kgtune.extraction.selection import Wanted, select
from kgtune.graph import Entity, Graph, Relationship
from kgtune.grounding import Span
from kgtune.ontology.aliases import Aliases

FIRST = "APT1 used LanternRAT. It called hxxp://c2[.]lantern[.]example at 203.0.113[.]57."
SECOND = "Later APT10 used LANTERNRAT again, from 203.0.113.57 and HTTP://C2.lantern.example."
TEXT = f"{FIRST}\n{SECOND}"
WINDOWS = [Span(0, len(FIRST)), Span(len(FIRST) + 1, len(TEXT))]


def graph(*entities, edges=()):
    """Make a graph of (label, name) and (type, source number, target number, confidence, evidence)."""
    made = tuple(Entity(label, f"e{n}", name) for n, (label, name) in enumerate(entities, start=1))
    return Graph(made, tuple(Relationship(t, f"e{s}", f"e{g}", c, e) for t, s, g, c, e in edges))


def merged(*answers, text=TEXT, windows=WINDOWS, aliases=()):
    return merge(text, windows, answers, Aliases(aliases))


def names(found):
    return [(entity.labels, entity.id, entity.name) for entity in found.graph.entities]


def test_apt1_and_apt10_stay_two_and_spellings_of_one_tool_are_one():
    found = merged(
        graph(("Org", "APT1"), ("Tool", "LanternRAT"), edges=[("USE", 1, 2, 0.9, "APT1 used LanternRAT")]),
        graph(("Org", "APT10"), ("Tool", "LANTERNRAT"), edges=[("USE", 1, 2, 0.8, "APT10 used LANTERNRAT")]),
    )
    assert names(found) == [("Org", "e1", "APT1"), ("Tool", "e2", "LanternRAT"), ("Org", "e3", "APT10")]
    assert [(r.source, r.target) for r in found.graph.relationships] == [("e1", "e2"), ("e3", "e2")]
    assert found.conflicts == ()
    assert +found.lost == {}


def test_indicators_are_one_by_what_they_point_to():
    found = merged(
        graph(("Asset", "203.0.113[.]57"), ("Asset", "hxxp://c2[.]lantern[.]example")),
        graph(("Asset", "203.0.113.57"), ("Asset", "HTTP://C2.lantern.example")),
    )
    # the case of a URL may matter, that of its scheme and host alone does not tell
    assert [e.name for e in found.graph.entities] == [
        "hxxp://c2[.]lantern[.]example", "203.0.113[.]57", "HTTP://C2.lantern.example",
    ]  # fmt: skip
    assert found.names[found.graph.entities[1]] == ("203.0.113.57", "203.0.113[.]57")


def test_other_names_are_one_by_the_table_alone_and_only_under_one_label():
    answers = graph(("Org", "APT1")), graph(("Org", "APT10"), ("Tool", "APT10"))
    assert len(merged(*answers).graph.entities) == 3
    found = merged(*answers, aliases=[("APT1", "APT10")])
    assert [(e.labels, e.name) for e in found.graph.entities] == [("Org", "APT1"), ("Tool", "APT10")]
    assert found.names[found.graph.entities[0]] == ("APT1", "APT10")
    assert [TEXT[m.start : m.end] for m in found.mentions[found.graph.entities[0]]] == ["APT1", "APT10"]


def test_every_mention_has_its_place_in_the_whole_text_and_its_window():
    found = merged(graph(("Tool", "LanternRAT")), graph(("Tool", "LANTERNRAT")))
    [entity] = found.graph.entities
    places = [(TEXT[m.start : m.end], m.level, m.window) for m in found.mentions[entity]]
    assert places == [("LanternRAT", "exact", 0), ("LANTERNRAT", "exact", 1)]


def test_of_one_relationship_every_evidence_is_kept_and_the_surest_is_shown():
    found = merged(
        graph(("Org", "APT1"), ("Tool", "LanternRAT"), edges=[("USE", 1, 2, 0.6, "APT1 used LanternRAT")]),
        graph(("Org", "APT1"), ("Tool", "LanternRAT"), edges=[("USE", 1, 2, 0.7, "used LANTERNRAT again"),
                                                             ("USE", 1, 2, 0.99, "is nowhere")]),
    )  # fmt: skip
    [edge] = found.graph.relationships
    assert (edge.confidence, edge.evidence) == (0.7, "used LANTERNRAT again")
    told = [
        (e.text, e.window, None if e.span is None else TEXT[e.span.start : e.span.end]) for e in found.evidence[edge]
    ]
    assert told == [
        ("APT1 used LanternRAT", 0, "APT1 used LanternRAT"),
        ("used LANTERNRAT again", 1, "used LANTERNRAT again"),
        ("is nowhere", 1, None),
    ]


def test_evidence_stands_where_its_window_says_and_not_where_the_text_first_has_it():
    text = "A1 uses B2. A1 uses B2."
    edge = [("USE", 1, 2, 0.5, "A1 uses B2")]
    only_second = graph(("Org", "A1"), ("Tool", "B2"), edges=edge)
    found = merged(Graph(), only_second, text=text, windows=[Span(0, 11), Span(12, 23)])
    [said] = found.evidence[found.graph.relationships[0]]
    assert (said.span.start, said.span.end) == (12, 22)
    shown, _ = select(found.graph, text, Wanted(offsets=True), found)
    assert shown["relationships"][0]["evidence_at"]["start"] == 12


def test_what_overlapping_windows_both_say_is_said_once():
    windows = [Span(0, len(TEXT)), Span(0, len(TEXT))]
    answer = [graph(("Org", "APT1"), ("Tool", "LanternRAT"), edges=[("USE", 1, 2, c, "APT1 used")]) for c in (0.5, 0.8)]
    found = merged(*answer, windows=windows)
    [edge] = found.graph.relationships
    assert [(e.confidence, e.window) for e in found.evidence[edge]] == [(0.8, 0)]


def test_conflicts_are_told_and_nothing_is_overruled():
    found = merged(
        graph(("Org", "APT1"), ("Tool", "LanternRAT"), edges=[("USE", 1, 2, 0.9, "")]),
        graph(("Tool", "apt1"), ("Tool", "LanternRAT"), ("Org", "APT1"), edges=[("USE", 2, 3, 0.9, "")]),
    )
    assert len(found.graph.entities) == 3
    assert set(found.conflicts) == {
        Conflict("label", ("APT1",), ("Org", "Tool")),
        Conflict("direction", ("APT1", "LanternRAT"), ("USE",)),
    }


def test_what_is_lost_is_counted_by_reason():
    joined = graph(("Org", "APT1"), ("Org", "Comment Crew"), edges=[("USE", 1, 2, 0.9, "")])
    dangling = Graph((Entity("Org", "e1", "APT1"),), (Relationship("USE", "e1", "e9", 0.5),))
    found = merged(joined, None, dangling, windows=[*WINDOWS, WINDOWS[0]], aliases=[("APT1", "Comment Crew")])
    assert +found.lost == {"joins_one_entity_to_itself": 1, "windows_without_graph": 1, "dangling": 1}


def test_the_whole_is_closed_and_canonical():
    found = merged(
        graph(("Tool", "LANTERNRAT"), ("Org", "APT10"), edges=[("USE", 2, 1, 0.8, "APT10 used")]),
        graph(("Tool", "LanternRAT"), ("Org", "APT1"), edges=[("USE", 2, 1, 0.9, "APT1 used")]),
    )
    assert graphs.reference_problems(found.graph) == []
    assert graphs.canonical(found.graph, TEXT) == found.graph


def test_of_evidence_that_is_as_sure_the_first_window_s_is_shown():
    edge = [("USE", 1, 2, 0.7, "APT1 used LanternRAT")], [("USE", 1, 2, 0.7, "used LANTERNRAT again")]
    found = merged(*(graph(("Org", "APT1"), ("Tool", "LanternRAT"), edges=one) for one in edge))
    assert [one.evidence for one in found.graph.relationships] == ["APT1 used LanternRAT"]


def test_the_longest_description_is_kept():
    told = ("a loader", "a loader of 2031", "a tool", "")
    answers = [Graph((Entity("Tool", "e1", "LanternRAT", one),)) for one in told]
    found = merged(*answers, windows=[*WINDOWS, *WINDOWS])
    assert [one.description for one in found.graph.entities] == ["a loader of 2031"]


def test_names_that_fold_to_nothing_stay_two():
    found = merged(graph(("Tool", "\u200b")), graph(("Tool", "\u2060")))
    assert {one.name for one in found.graph.entities} == {"\u200b", "\u2060"}
