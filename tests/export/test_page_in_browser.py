"""The page as a person's browser runs it: quiet, without requests, and a click shows what belongs together."""

import pytest

from kgtune import export
from kgtune.export import Document
from tests import browser
from tests.export import golden
from tests.export.graphs import HOSTILE_GRAPH, HOSTILE_TEXT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def opened():
    if browser.find() is None:
        pytest.skip(browser.WHY_SKIPPED)
    with browser.page() as page:
        yield page


def show(opened, folder, content):
    path = folder / "page.html"
    path.write_bytes(content)
    opened.console.clear()
    opened.requests.clear()
    opened.open(path.as_uri())
    return path.as_uri()


def lit(opened):
    """What is lit, in the text and in the drawing."""
    return opened.run("[...document.querySelectorAll('.text .kg-lit')].map((one) => one.textContent).join('|')")


def test_a_click_on_an_edge_lights_its_evidence_and_on_a_node_its_mentions(opened, tmp_path):
    address = show(opened, tmp_path, golden.render("html").content)
    click = "document.querySelector({!r}).dispatchEvent(new MouseEvent('click', {{bubbles: true}}))"
    opened.run(click.format("path[data-edge='1']"))
    assert lit(opened).replace("|", "") == golden.GRAPH.relationships[1].evidence
    assert opened.run("document.querySelector('tr[data-edge=\"1\"]').classList.contains('kg-lit')") is True
    opened.run(click.format("g[data-node='tool--lantern-rat'] circle"))
    assert lit(opened) == "LanternRAT|LanternRAT"
    assert (opened.console, opened.requests) == ([], [address])


def test_a_row_is_picked_by_the_keyboard(opened, tmp_path):
    show(opened, tmp_path, golden.render("html").content)
    opened.run("document.querySelector('tr[data-edge=\"0\"]').focus()")
    opened.run("document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true}))")
    assert lit(opened).replace("|", "") == golden.GRAPH.relationships[0].evidence


def test_hostile_text_is_shown_as_text_and_runs_nothing(opened, tmp_path):
    content = export.render(HOSTILE_GRAPH, HOSTILE_TEXT, "html", Document("</title><script>alert(1)</script>")).content
    address = show(opened, tmp_path, content)
    assert (opened.console, opened.requests) == ([], [address])
    assert "</script><script>alert(1)</script>" in opened.run("document.querySelector('.text').textContent")
    assert opened.run("document.scripts.length") == 1
    assert opened.run("document.title") == "</title><script>alert(1)</script>"
