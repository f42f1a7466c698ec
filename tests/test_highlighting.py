"""A text as safe HTML: nothing lost, nothing live, everything marked."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgtune import highlighting
from kgtune.graph import Entity, Graph, Relationship
from kgtune.grounding import Span
from kgtune.highlighting import Segment

TEXT = "Copper Magpie ran PaperKite. PaperKite fetched QuietVault."
GRAPH = Graph(
    (
        Entity("ThreatOrganization", "e1", "Copper Magpie"),
        Entity("Tool", "e2", "PaperKite"),
        Entity("Tool", "e3", "QuietVault"),
        Entity("Tool", "e4", "Kite"),
    ),
    (
        Relationship("USE", "e1", "e2", 0.9, "Copper Magpie ran PaperKite."),
        Relationship("USE", "e1", "e3", 0.9, "PaperKite. PaperKite fetched QuietVault."),
        Relationship("HAS", "e1", "e3", 0.9, "a paraphrase"),
    ),
)
COLOURS = {"ThreatOrganization": 3, "Tool": 7}


class Reader(HTMLParser):
    """Reads HTML back as a browser would: its text, its tags, its attributes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def read(markup: str) -> Reader:
    reader = Reader()
    reader.feed(str(markup))
    reader.close()
    return reader


def test_mentions_and_evidence_cut_the_text_where_either_begins_or_ends() -> None:
    assert highlighting.segments(TEXT, GRAPH) == [
        Segment("Copper Magpie", "e1", (0,)),
        Segment(" ran ", "", (0,)),
        Segment("PaperKite", "e2", (0, 1)),
        Segment(".", "", (0, 1)),
        Segment(" ", "", (1,)),
        Segment("PaperKite", "e2", (1,)),
        Segment(" fetched ", "", (1,)),
        Segment("QuietVault", "e3", (1,)),
        Segment(".", "", (1,)),
    ]


def test_of_overlapping_mentions_the_longest_is_shown() -> None:
    graph = Graph((Entity("Tool", "e1", "Lazarus"), Entity("ThreatOrganization", "e2", "Lazarus Group")))

    assert highlighting.segments("Lazarus Group and Lazarus", graph) == [
        Segment("Lazarus Group", "e2"),
        Segment(" and "),
        Segment("Lazarus", "e1"),
    ]


def test_html_says_which_entity_and_which_relationship_each_part_belongs_to() -> None:
    markup = highlighting.html(highlighting.segments(TEXT, GRAPH), GRAPH, COLOURS)

    assert markup.startswith(
        '<span class="kg-evidence" data-evidence="0">'
        '<mark class="kg-c3" data-entity="e1" title="ThreatOrganization: Copper Magpie">Copper Magpie</mark></span>'
    )
    assert '<span class="kg-evidence" data-evidence="0 1"><mark class="kg-c7"' in markup
    assert "paraphrase" not in markup


def test_hostile_text_and_names_stay_text() -> None:
    name = '"><img src=x onerror=alert(1)>'
    text = f"<script>alert(1)</script> &amp; {name} </mark></span>"
    graph = Graph((Entity("<b>", "\"'><i>", name),), ())
    reader = read(highlighting.html(highlighting.segments(text, graph), graph, {}))

    assert reader.text == text
    assert set(reader.tags) == {"mark"}
    assert {key for key, _ in reader.attributes} == {"class", "data-entity", "title"}


def test_indicators_never_become_links() -> None:
    text = "See https://evil.example/a.php and mail a@evil.example."

    assert "<a" not in highlighting.html(highlighting.segments(text, Graph()), Graph(), {})


@pytest.mark.parametrize(
    ("old", "new", "gone", "added"),
    [
        ("It was seen recently.", "It was observed lately.", ["seen recently"], ["observed lately"]),
        ("近期发现新活动。", "近日发现新活动。", ["期"], ["日"]),
        ("One. Two.", "A note. One. Two.", [], ["A note. "]),
        ("same", "same", [], []),
        ("", "new", [], ["new"]),
    ],
)
def test_changes_are_whole_words_and_single_chinese_characters(
    old: str, new: str, gone: list[str], added: list[str]
) -> None:
    found_gone, found_added = highlighting.changes(old, new)

    assert [old[s.start : s.end] for s in found_gone] in (gone, [g for word in gone for g in word.split()])
    assert [new[s.start : s.end] for s in found_added] in (added, [g for word in added for g in word.split()])


def test_changed_words_are_marked_in_both_texts() -> None:
    gone, added = highlighting.changes("It was seen.", "It was observed.")
    old = highlighting.html(highlighting.segments("It was seen.", Graph(), gone=gone), Graph(), {})
    new = highlighting.html(highlighting.segments("It was observed.", Graph(), added=added), Graph(), {})

    assert old == 'It was <del class="kg-gone">seen</del>.'
    assert new == 'It was <ins class="kg-added">observed</ins>.'


def test_labels_get_colours_by_place_and_the_style_sheet_has_as_many() -> None:
    labels = [f"L{n}" for n in range(14)]

    assert highlighting.colours_of(["Tool", "Tool", "Asset"]) == {"Tool": 0, "Asset": 1}
    assert list(highlighting.colours_of(labels).values())[11:] == [11, 0, 1]
    assert len(set(re.findall(r"\.kg-c(\d+) \{", highlighting.style()))) == highlighting.NUM_COLOURS


@pytest.mark.property
@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(["<b>", "&", '"', "'", "evil", "evil.com", "海莲花", " ", ". ", "\n", "x\u0301", "😀"]),
        max_size=30,
    ),
    st.lists(st.sampled_from(["evil", "evil.com", "<b>&", "海莲花", "莲花", "none"]), max_size=4, unique=True),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 40)), max_size=4),
)
def test_the_text_comes_back_whole_whatever_is_marked(
    parts: list[str], names: list[str], stretches: list[tuple[int, int]]
) -> None:
    text = "".join(parts)
    entities = tuple(Entity("L", f"e{n}", name) for n, name in enumerate(names))
    edges = tuple(Relationship("USE", "e0", "e0", 1.0, text[at : at + size]) for at, size in stretches)
    graph = Graph(entities, edges if entities else ())
    changed = [Span(min(at, len(text)), min(at + size, len(text))) for at, size in stretches]
    found = highlighting.segments(text, graph, added=changed)

    assert "".join(segment.text for segment in found) == text
    assert read(highlighting.html(found, graph, {})).text == text
