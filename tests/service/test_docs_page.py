"""The page for people: complete, escaped, without scripts."""

from html.parser import HTMLParser

from kgtune.extraction.extractor import ScriptedExtractor
from kgtune.service import docs_page
from kgtune.service.service import create_app
from kgtune.settings import Config


class Collecting(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def read(page: str) -> Collecting:
    collecting = Collecting()
    collecting.feed(page)
    return collecting


def test_every_route_and_every_key_of_a_body_is_shown():
    document = create_app(ScriptedExtractor, Config()).openapi()
    page = read(docs_page.render(document))
    assert len(document["paths"]) == 8
    for path, methods in document["paths"].items():
        for method in methods:
            assert f"{method.upper()} {path}" in page.text
    for key in ("text", "labels", "min_confidence", "offsets", "tlp", "items", "messages"):
        assert key in page.text
    assert "Relationships below it are left out." in page.text


def test_it_needs_nothing_from_elsewhere_and_runs_nothing():
    page = read(docs_page.render(create_app(ScriptedExtractor, Config()).openapi()))
    assert [tag for tag, _ in page.tags if tag in {"script", "style", "iframe", "img"}] == []
    links = [value for _, attrs in page.tags for name, value in attrs.items() if name in {"href", "src"}]
    assert links == ["/web/docs.css", "/openapi.json"]
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on") or name == "style"]


def test_what_a_document_says_is_shown_and_not_run():
    hostile = "<script>alert(1)</script>"
    operation = {"description": hostile, "responses": {"200": {"description": hostile}}}
    document = {"info": {"title": hostile, "version": "1"}, "paths": {f"/{hostile}": {"get": operation}}}
    page = read(docs_page.render(document))
    assert "script" not in [tag for tag, _ in page.tags]
    assert page.text.count(hostile) >= 4
