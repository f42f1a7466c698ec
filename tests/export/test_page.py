"""The page: what the text says is shown, and nothing of it is live."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgtune import export
from kgtune.export import Document
from kgtune.graph import Entity, Graph, Relationship
from tests.export import golden
from tests.export.graphs import HOSTILE, HOSTILE_GRAPH, HOSTILE_TEXT
from tests.export.graphs import graphs as random_graphs

ELEMENTS = set(
    "html head meta title style body header h1 p span ul li mark main section svg defs marker path g circle text div "
    "h2 table thead tr th tbody td em script".split()
)
# title stands in svg, too
ATTRIBUTES = set(
    "lang charset http-equiv content name class aria-label viewbox role id refx refy markerwidth markerheight orient d "
    "data-edge data-node data-entity data-evidence marker-end cx cy r x y dy tabindex title".split()
)


class Reader(HTMLParser):
    """What a browser would make of the page: elements, attributes, text of the report."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.elements, self.attributes, self.scripts, self.shown = set(), set(), [], []
        self.values, self._open = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.values += [(tag, name, value) for name, value in attrs]
        if tag != "meta":
            self._open.append((tag, dict(attrs).get("class")))

    def handle_endtag(self, tag):
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if self._open and self._open[-1][0] == "script":
            self.scripts.append(data)
        if ("div", "text") in self._open:
            self.shown.append(data)


def page(graph, text, document=None):
    return export.render(graph, text, "html", document or Document()).content.decode("utf-8")


def assert_harmless(found):
    assert found.elements <= ELEMENTS
    assert found.attributes <= ATTRIBUTES
    assert len(found.scripts) == 1
    assert "alert" not in found.scripts[0]


def test_the_whole_text_is_shown_with_its_mentions_and_evidence():
    found = Reader(page(golden.GRAPH, golden.TEXT))
    assert "".join(found.shown) == golden.TEXT
    assert {value for tag, name, value in found.values if name == "data-entity"} == {
        entity.id for entity in golden.GRAPH.entities if "Ghost" not in entity.name
    }
    lit = {value for tag, name, value in found.values if name == "data-evidence"}
    assert set(" ".join(lit).split()) == set("0123456")


def test_nodes_and_edges_are_drawn():
    found = Reader(page(golden.GRAPH, golden.TEXT))
    nodes = [value for tag, name, value in found.values if (tag, name) == ("g", "data-node")]
    edges = [value for tag, name, value in found.values if (tag, name) == ("path", "data-edge")]
    assert nodes == [entity.id for entity in golden.GRAPH.entities]
    assert edges == [str(number) for number in range(len(golden.GRAPH.relationships))]


def test_what_is_doubtful_is_marked():
    assert page(golden.GRAPH, golden.TEXT).count('class="doubt"') == 3


def test_hostile_text_is_text():
    found = Reader(page(HOSTILE_GRAPH, HOSTILE_TEXT, Document(HOSTILE_TEXT[:400], "javascript:alert(1)")))
    assert_harmless(found)
    # a parser replaces what HTML has no place for
    assert "".join(found.shown).replace("\ufffd", "\x00") == HOSTILE_TEXT.replace("\ufffd", "\x00")


@pytest.mark.parametrize("value", HOSTILE)
def test_no_value_leaves_its_place(value):
    graph = Graph((Entity(value, value, value, value),), (Relationship(value, value, value, 0.5, value),))
    assert_harmless(Reader(page(graph, value, Document(value, value, None, None))))


def test_the_policy_lets_our_own_script_run_and_nothing_else():
    import base64
    import hashlib

    written = page(golden.GRAPH, golden.TEXT)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', written)[1]
    script = re.search(r"<script>(.*)</script>", written, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith("default-src &#39;none&#39;; style-src &#39;sha256-")
    assert f"script-src &#39;sha256-{digest}&#39;" in policy
    assert not re.search(r"(?:src|href)=|url\((?!#)|@import", written.split("<body>")[0].split("</style>")[0])


@pytest.mark.property
@settings(max_examples=40, deadline=None)
@given(random_graphs(), st.sampled_from(HOSTILE))
def test_any_graph_is_harmless(graph, text):
    assert_harmless(Reader(page(graph, text)))


def test_two_edges_of_the_same_nodes_are_bent_apart():
    entities = (Entity("ThreatOrganization", "a", "GlassViper"), Entity("Tool", "b", "NightLoom"))
    edges = tuple(Relationship(kind, "a", "b", 0.9) for kind in ("USE", "LAUNCH", "HAS"))
    paths = re.findall(r'd="(M[^"]*Q[^"]*)"', page(Graph(entities, edges), "text"))
    assert len(paths) == len(set(paths)) == 3


def test_a_long_name_is_shortened_where_it_is_drawn_and_whole_in_the_list():
    name = "N" * 29
    drawing, _, rest = page(Graph((Entity("Tool", "a", name),)), "text").partition("</svg>")
    assert f">{'N' * 27}…<" in drawing
    assert name in rest
