"""The page at /: what it is made of, and what it does in a real browser."""

import hashlib
import json
import re
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest

from kgtune import export
from kgtune import graph as graphs
from kgtune.extraction.extractor import scripted
from kgtune.parsing import parse_answer
from kgtune.service import keys
from kgtune.service.edge import CONTENT_POLICY
from kgtune.service.service import create_app
from kgtune.settings import Config, ServiceSettings
from tests import browser, page_service
from tests.fakes import LIMIT_S
from tests.service.test_service import serving

WEB = Path("kgtune/service/web")
SCRIPTS = ("lists.js", "page.js", "picture.js", "reading.js", "stream.js", "words.js")
OTHERS = ("docs.css", "icon.svg", "index.html", "page.css")
VENDORED = {
    "cytoscape.min.js": "081591ab735b2b6a3b31a3c60f8f3a3e2fee8c92939e0c7820ad1208571b6cd8",
    "cytoscape.LICENSE": "eb319c6e6f233607f71e8e2f450391751883cfc0eeb3ca7ef574c13d1d9c2203",
}
KEY = "a-key-of-the-tests"


# --- what it is made of


def read(name: str) -> str:
    return (WEB / name).read_text(encoding="utf-8")


def test_what_others_wrote_is_as_they_published_it_and_its_licence_stands_beside_it():
    assert {path.name for path in (WEB / "vendor").iterdir()} == {*VENDORED, "README.md"}
    found = {name: hashlib.sha256((WEB / "vendor" / name).read_bytes()).hexdigest() for name in VENDORED}
    assert found == VENDORED
    assert all(checksum in read("vendor/README.md") for checksum in VENDORED.values())
    assert "Permission is hereby granted, free of charge" in read("vendor/cytoscape.LICENSE")


def test_there_are_no_other_files():
    assert {path.name for path in WEB.iterdir()} == {*SCRIPTS, *OTHERS, "vendor"}


@pytest.mark.parametrize("name", [*SCRIPTS, *OTHERS])
def test_nothing_comes_from_elsewhere_and_nothing_is_read_as_markup_or_code(name):
    source = read(name)
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)[^\s\"']+", source) == []
    assert (
        re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc", source) == []
    )


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def tags() -> list[tuple[str, dict[str, str | None]]]:
    reader = Tags()
    reader.feed(read("index.html"))
    assert len(reader.found) > 40
    return reader.found


def test_the_markup_has_no_script_style_or_handler_of_its_own():
    for tag, attributes in tags():
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        assert tag != "style"
        assert tag != "script" or str(attributes["src"]).startswith("/web/")


def words() -> dict[str, dict[str, str]]:
    """Read the words of both languages from their file."""
    source = read("words.js").partition("export const WORDS = {")[2].partition("\n};")[0]
    found = {}
    for language, block in re.findall(r"^  (\w+): \{\n(.*?)^  \},", source, re.MULTILINE | re.DOTALL):
        found[language] = dict(re.findall(r'^    (\w+): "(.*)",$', block, re.MULTILINE))
    return found


def test_both_languages_have_every_word_that_is_used_and_no_other():
    found = words()
    in_markup = {
        value
        for _, attributes in tags()
        for name, value in attributes.items()
        if name in {"data-word", "data-label", "data-placeholder"}
    }
    sources = "".join(read(name) for name in SCRIPTS if name != "words.js")
    in_scripts = set(re.findall(r'(?:say|announce)\("(\w+)"', sources))
    chosen = {"needsKey", "wrongKey", "unreachable", "broken", "ready", "notReady", "gone", "writes", *in_scripts}
    assert len(in_markup) > 25
    assert list(found["en"]) == list(found["zh"])
    assert set(found["en"]) == in_markup | chosen
    for word, sentence in found["en"].items():
        assert sorted(re.findall(r"\{\w+\}", sentence)) == sorted(re.findall(r"\{\w+\}", found["zh"][word])), word


@pytest.mark.parametrize(
    ("path", "media_type"),
    [("/", "text/html"), ("/web/page.js", "text/javascript"), ("/web/page.css", "text/css"), ("/web/icon.svg", "image/svg+xml"),
     ("/web/vendor/cytoscape.min.js", "text/javascript")],
)  # fmt: skip
def test_it_needs_no_key_and_keeps_the_strict_policy(path, media_type):
    with serving(scripted, known=keys.load({"KGTUNE_API_KEYS": KEY}, None)) as client:
        response = client.get(path)
    assert (response.status_code, response.headers["content-type"].partition(";")[0]) == (200, media_type)
    assert response.headers["content-security-policy"] == CONTENT_POLICY
    assert "unsafe" not in CONTENT_POLICY


def test_it_stands_in_no_document_for_machines():
    assert "/" not in create_app(scripted, Config()).openapi()["paths"]


# --- in a browser


class Visitor:
    """A browser on the page of a service whose answers come step by step."""

    def __init__(self, page: browser.Page, address: str, extractor: page_service.StepByStep) -> None:
        self.page, self.address, self.extractor = page, address, extractor

    def open(self, *, language: str = "en", size: tuple[int, int] = (1280, 800)) -> None:
        self.extractor.go_on()
        self.page.size(*size)
        self.page.console.clear()
        self.page.requests.clear()
        self.page.open(f"{self.address}/?lang={language}")
        self.page.wait("document.querySelector('#health').dataset.state && document.querySelector('#downloads button')")

    def put(self, text: str) -> None:
        self.page.run("document.querySelector('#text').focus()")
        self.page.run("document.querySelector('#text').value = ''")
        self.page.type(text)

    def extract(self, text: str) -> None:
        """Have a text extracted, to the end."""
        self.put(text)
        self.click("#extract")
        self.finished()

    def finished(self) -> None:
        self.page.wait("!document.querySelector('#downloads').hidden && document.querySelector('#stop').hidden")
        self.page.run("new Promise((done) => setTimeout(done, 600))")  # the layout moves for 400 ms

    def click(self, selector: str) -> None:
        """Click the middle of what a selector finds, as a hand does."""
        x, y = self.page.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: 'nearest'}}); "
            "const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        self.page.click_at(x, y)

    def texts(self, selector: str) -> list[str]:
        """Return the texts of what is shown of all that a selector finds."""
        return self.page.run(
            f"[...document.querySelectorAll({json.dumps(selector)})].filter((e) => !e.closest('[hidden]')).map((e) => e.textContent)"
        )

    def text(self, selector: str) -> str:
        [found] = self.texts(selector)
        return found

    def frame(self) -> None:
        """Wait until what has changed is drawn."""
        self.page.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def drawn(self, what: str = "nodes") -> list[str]:
        """Return the names of the picture's visible nodes, or the types of its edges."""
        field = "name" if what == "nodes" else "type"
        return self.page.run(f"{CY}.{what}(':visible').map((e) => e.data('{field}'))")

    def place(self, index: int) -> list[float]:
        """Return where the middle of a relationship is in the window."""
        return self.page.run(
            f"(() => {{ const b = document.querySelector('#picture').getBoundingClientRect(); "
            f"const m = {CY}.getElementById('relationship {index}').renderedMidpoint(); return [b.x + m.x, b.y + m.y]; }})()"
        )


CY = "document.querySelector('#picture')._cyreg.cy"
HOSTILE = '<img src=x onerror="hit=1"><script>hit=1</script>'
HOSTILE_TEXT = f"😀 Hostile 𠮷 {HOSTILE} used &amp; Tool\u202e\u2066. 'quoted' </textarea>"
HOSTILE_ANSWER = page_service.answer(
    [("Tool", HOSTILE), ("Tool", "javascript:hit=1")], [(1, "USE", 2, 0.5, f"{HOSTILE} used &amp; Tool")]
)
NUM_MANY = 300
MANY = page_service.answer(
    [("Tool" if number % 3 else "Target", f"Name{number}") for number in range(NUM_MANY)],
    [(number + 1, "USE", number // 4 + 1, 0.9, f"Name{number} x") for number in range(1, NUM_MANY)],
)
MANY_TEXT = "Many: " + " ".join(f"Name{number} x." for number in range(NUM_MANY))
ANSWERS = page_service.example_answers() | {
    "😀 Hostile": HOSTILE_ANSWER,
    "Many": MANY,
    "Nothing": page_service.answer([]),
}
EXAMPLE_NAMES = [
    "GlassViper",
    "NightLoom",
    "Northwind Bank",
    "billing-northwind.example",
    "CVE-2031-20417",
    "PaperKite",
    "203.0.113.77",
]


@pytest.fixture(scope="module")
def browser_page() -> Iterator[browser.Page]:
    if browser.find() is None:
        pytest.skip(browser.WHY_SKIPPED)
    with browser.page() as page:
        yield page


@pytest.fixture(scope="module")
def service_of_page() -> Iterator[SimpleNamespace]:
    extractor = page_service.StepByStep(ANSWERS)
    with page_service.serving(extractor, Config(service=ServiceSettings(max_text_chars=6000))) as (address, app):
        yield SimpleNamespace(extractor=extractor, address=address, app=app)


@pytest.fixture
def visitor(browser_page: browser.Page, service_of_page: SimpleNamespace) -> Visitor:
    found = Visitor(browser_page, service_of_page.address, service_of_page.extractor)
    found.open()
    return found


@pytest.mark.slow
def test_items_appear_while_the_model_writes_and_nothing_comes_from_elsewhere(visitor):
    visitor.click("#example")
    visitor.extractor.go_on(hold=3)
    visitor.click("#extract")
    visitor.page.wait("document.querySelectorAll('#entities tbody tr').length === 3")
    visitor.frame()
    assert visitor.drawn() == EXAMPLE_NAMES[:3]
    visitor.page.wait("document.querySelector('#live').textContent === '3 entities, 0 relationships so far'")
    assert visitor.texts("#reading .mention") == ["GlassViper", "NightLoom", "Northwind Bank", "NightLoom"]
    assert visitor.texts("#downloads") == []
    visitor.extractor.go_on(hold=9)
    visitor.page.wait("document.querySelectorAll('#relationships tbody tr').length === 2")
    assert visitor.drawn("edges") == ["USE", "ATTACK"]
    visitor.extractor.go_on()
    visitor.finished()
    assert visitor.drawn() == EXAMPLE_NAMES
    assert re.fullmatch(r"7 entities, 6 relationships in \d+\.\d s", visitor.text("#live"))
    assert visitor.page.console == []
    assert {url.partition("/")[0] + "//" + url.split("/")[2] for url in visitor.page.requests} == {visitor.address}


@pytest.mark.slow
def test_a_click_on_an_edge_marks_its_evidence_in_the_text_and_one_on_nothing_lets_go(visitor):
    visitor.click("#example")
    visitor.click("#extract")
    visitor.finished()
    visitor.page.click_at(*visitor.place(1))
    visitor.frame()
    assert "".join(visitor.texts("#reading mark")) == "against Northwind Bank in March"
    assert visitor.texts("#reading .lit") == ["GlassViper", "Northwind Bank"]
    assert visitor.text("#detail h3") == "GlassViper → ATTACK → Northwind Bank"
    assert (visitor.text("#detail p"), visitor.text("#detail blockquote")) == (
        "Confidence: 95 %",
        "against Northwind Bank in March",
    )
    x, y = visitor.page.run(
        "(() => { const b = document.querySelector('#picture').getBoundingClientRect(); return [b.x + 4, b.y + 4]; })()"
    )
    visitor.page.click_at(x, y)
    visitor.frame()
    assert (visitor.texts("#reading mark"), visitor.texts("#detail")) == ([], [])


@pytest.mark.slow
def test_a_label_that_is_taken_out_leaves_picture_table_and_text_and_comes_back(visitor):
    visitor.click("#example")
    visitor.click("#extract")
    visitor.finished()
    assert visitor.texts("#filter label") == ["ThreatOrganization", "Tool", "Target", "IOC", "Vulnerability"]
    visitor.page.click_at(*visitor.place(0))
    visitor.click("#filter [value=Tool]")
    visitor.click("#as-table")
    visitor.frame()
    left = [name for name in EXAMPLE_NAMES if name not in {"NightLoom", "PaperKite"}]
    assert visitor.texts("#entities tbody th") == left
    assert visitor.texts("#relationships tbody th") == ["ATTACK"]
    assert visitor.texts("#reading .mention") == left
    assert visitor.texts("#detail") == []  # what was selected is not shown any more
    visitor.click("#as-picture")
    assert (visitor.drawn(), visitor.drawn("edges")) == (left, ["ATTACK"])
    visitor.click("#filter [value=Tool]")
    visitor.frame()
    assert (visitor.drawn(), len(visitor.drawn("edges"))) == (EXAMPLE_NAMES, 6)


@pytest.mark.slow
def test_hostile_text_is_shown_as_text_and_marked_where_it_stands(visitor):
    num_elements = "document.querySelectorAll('img, script, iframe, style').length"
    before = visitor.page.run(num_elements)
    visitor.extract(HOSTILE_TEXT)
    visitor.page.click_at(*visitor.place(0))
    visitor.frame()
    assert visitor.text("#reading") == HOSTILE_TEXT
    assert visitor.texts("#reading .mention") == [HOSTILE]  # behind two letters that take two units each
    assert "".join(visitor.texts("#reading mark")) == f"{HOSTILE} used &amp; Tool"
    assert visitor.text("#detail h3") == f"{HOSTILE} → USE → javascript:hit=1"
    visitor.click("#as-table")
    assert visitor.texts("#entities tbody th") == [HOSTILE, "javascript:hit=1"]
    assert visitor.page.run("typeof hit") == "undefined"
    assert visitor.page.run(num_elements) == before
    assert visitor.page.console == []


@pytest.mark.slow
def test_the_whole_page_speaks_chinese_and_remembers_it(visitor):
    visitor.click("#example")
    visitor.click("[data-language=zh]")
    assert visitor.page.run("document.documentElement.lang") == "zh"
    found = words()
    shown = visitor.page.run(
        "[...document.querySelectorAll('[data-word]')].map((e) => [e.dataset.word, e.textContent])"
    )
    assert len(shown) > 25
    assert [(word, said) for word, said in shown if said != found["zh"][word]] == []
    visitor.click("#example")
    visitor.click("#extract")
    visitor.finished()
    assert visitor.drawn()[:3] == ["琉璃蛇", "夜织机", "北风银行"]
    assert visitor.text("#live").startswith("7 个实体、6 条关系，用时")
    visitor.page.open(f"{visitor.address}/")
    assert visitor.text("#extract") == "抽取"
    visitor.click("[data-language=en]")
    assert visitor.text("#extract") == "Extract"


FOCUS = "((e) => e.id || e.dataset.language || e.className || e.textContent)(document.activeElement)"


def tab(page: browser.Page, times: int) -> list[str]:
    """Press Tab, and return what has the focus each time."""
    found = []
    for _ in range(times):
        page.press("Tab")
        found.append(page.run(FOCUS))
    return found


@pytest.mark.slow
def test_a_text_can_be_sent_and_stopped_by_keyboard_and_the_focus_is_never_lost(visitor):
    page = visitor.page
    assert tab(page, 8) == ["skip", "en", "zh", "API", "example", "file", "text", "extract"]
    page.press("Tab", modifiers=8)
    page.type("The group GlassViper used the loader NightLoom.")
    visitor.extractor.go_on(hold=2)
    page.press("Enter", text="\r", modifiers=2)
    page.wait("document.querySelectorAll('#entities tbody tr').length === 2")
    assert page.run(FOCUS) == "reading"  # where the text area has gone
    assert tab(page, 1) == ["stop"]
    visitor.extractor.go_on()
    visitor.finished()
    assert page.run(FOCUS) == "extract"  # where Stop has gone
    visitor.extractor.go_on(hold=0)
    page.press("Enter", text="\r")
    page.wait("!document.querySelector('#stop').hidden")
    assert page.run(FOCUS) == "stop"
    visitor.extractor.go_on()
    visitor.finished()
    page.run("document.querySelector('#reading').focus()")
    found = tab(page, 10)
    assert (found[:4], found[-1]) == (["extract", "edit", "as-picture", "as-table"], "picture")
    assert len(found[4:-1]) == 5  # one box a label


@pytest.mark.slow
def test_relationships_can_be_gone_through_by_keyboard_in_picture_and_table(visitor):
    page, shown = visitor.page, []
    visitor.click("#example")
    visitor.click("#extract")
    visitor.finished()
    page.run("document.querySelector('#picture').focus()")
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp", "Escape"):
        page.press(key)
        visitor.frame()
        shown.append("".join(visitor.texts("#reading mark")))
    first, second, last = (parse_answer(page_service.ENGLISH).graph.relationships[n].evidence for n in (0, 1, -1))
    assert shown == [first, second, first, last, ""]
    page.run("document.querySelector('#as-table').focus()")
    page.press("Enter", text="\r")
    page.run("document.querySelector('#relationships tbody button').focus()")
    page.press("Enter", text="\r")
    visitor.frame()
    assert "".join(visitor.texts("#reading mark")) == first
    assert page.run("document.querySelector('#relationships [aria-current=true] th').textContent") == "USE"


@pytest.mark.slow
def test_a_screen_reader_finds_a_name_on_every_control_and_hears_of_progress(visitor):
    visitor.click("#example")
    visitor.click("#extract")
    visitor.finished()
    visitor.click("#as-table")
    visitor.click("#relationships tbody button")
    visitor.frame()
    nodes = visitor.page.send("Accessibility.getFullAXTree")["nodes"]
    controls = {"button", "textbox", "checkbox", "link", "table", "region", "group", "application", "status", "alert"}
    found = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node["ignored"] and node["role"]["value"] in controls
    ]
    assert len(found) > 25
    assert [role for role, name in found if not name and role not in {"status", "alert"}] == []
    assert {
        ("table", "Entities"),
        ("table", "Relationships"),
        ("checkbox", "Tool"),
        ("region", "What is selected"),
    } <= set(found)
    live = visitor.page.run("[...document.querySelectorAll('[aria-live=polite], [role=alert]')].map((e) => e.id)")
    assert live == ["alert", "live", "detail"]


@pytest.mark.slow
def test_stop_keeps_what_came_and_frees_the_worker(visitor):
    visitor.click("#example")
    visitor.extractor.cancelled.clear()
    visitor.extractor.go_on(hold=2)
    visitor.click("#extract")
    visitor.page.wait("document.querySelectorAll('#entities tbody tr').length === 2")
    visitor.click("#stop")
    assert visitor.extractor.cancelled.wait(LIMIT_S)
    visitor.page.wait("document.querySelector('#stop').hidden")
    assert visitor.text("#live") == "Stopped. What had come by then is shown."
    assert visitor.drawn() == EXAMPLE_NAMES[:2]
    visitor.click("#edit")
    visitor.extract("Nothing of note.")
    assert (visitor.drawn(), visitor.texts("#alert")) == ([], [])


@pytest.mark.slow
def test_what_the_service_refuses_is_said_in_its_words_and_the_text_stays(visitor):
    visitor.click("#extract")
    assert visitor.text("#alert") == "There is no text. Paste a report first."
    text = "a" * 6001
    visitor.put(text)
    visitor.click("#extract")
    visitor.page.wait("document.querySelector('#alert').textContent.startsWith('body.text: has 6001 characters')")
    assert visitor.page.run("document.querySelector('#text').value") == text
    assert visitor.page.run("document.querySelector('#text').hidden") is False


@pytest.mark.slow
def test_a_dropped_file_is_read_and_one_that_is_no_text_is_refused(visitor):
    drop = """(() => {{ const data = new DataTransfer(); data.items.add(new File([new Uint8Array({bytes})], "report.txt"));
        document.dispatchEvent(new DragEvent("drop", {{ dataTransfer: data, bubbles: true, cancelable: true }})); }})()"""
    visitor.page.run(drop.format(bytes=list("三月，攻击".encode())))
    visitor.page.wait("document.querySelector('#text').value === '三月，攻击'")
    visitor.page.run(drop.format(bytes=[0xFF, 0xFE, 0x00]))
    visitor.page.wait("!document.querySelector('#alert').hidden")
    assert visitor.text("#alert") == "report.txt is no UTF-8 text."
    assert visitor.page.run("document.querySelector('#text').value") == "三月，攻击"


@pytest.mark.slow
def test_a_key_is_asked_for_when_the_service_asks_for_it(browser_page):
    extractor = page_service.StepByStep(ANSWERS)
    with page_service.serving(extractor, known=keys.load({"KGTUNE_API_KEYS": KEY}, None)) as (address, _):
        visitor = Visitor(browser_page, address, extractor)
        visitor.open()
        assert visitor.texts("#key-row") == []
        visitor.click("#example")
        visitor.click("#extract")
        visitor.page.wait("!document.querySelector('#key-row').hidden")
        said = [visitor.text("#alert")]
        for key in ("wrong", KEY):
            assert visitor.page.run("document.activeElement.id") == "key"
            visitor.page.run("document.querySelector('#alert').hidden = true")
            visitor.page.type(key)
            visitor.page.press("Enter", text="\r")
            visitor.page.wait(
                "document.querySelector('#stop').hidden && (!document.querySelector('#alert').hidden || !document.querySelector('#downloads').hidden)"
            )
            said += visitor.texts("#alert")
        assert said == ["The service asks for an API key.", "The service does not know this API key."]
        assert visitor.drawn() == EXAMPLE_NAMES
        assert visitor.page.run("Object.keys(localStorage).join()") == "language"  # the key is kept nowhere
    browser_page.open("about:blank")


@pytest.mark.slow
def test_the_graph_is_saved_in_the_formats_that_the_service_has_and_no_other(
    visitor, service_of_page, monkeypatch, tmp_path
):
    assert visitor.page.run("[...document.querySelectorAll('#downloads button')].map((e) => e.dataset.format)") == [
        *export.FORMATS
    ]

    offered = service_of_page.app.openapi()["components"]["schemas"]["ExtractRequest"]["properties"]["format"]
    monkeypatch.setitem(offered, "enum", ["json", "graphml"])
    visitor.open()
    visitor.page.send("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    visitor.click("#example")
    visitor.click("#extract")
    visitor.finished()
    assert visitor.texts("#downloads button") == ["JSON", "GraphML"]
    for format_ in ("json", "graphml"):
        visitor.click(f"[data-format={format_}]")
        visitor.page.wait(f"document.querySelector('#live').textContent === 'graph.{format_} is saved.'")
        until = time.monotonic() + LIMIT_S
        while not (tmp_path / f"graph.{format_}").exists():
            assert time.monotonic() < until
            visitor.frame()
    saved = json.loads((tmp_path / "graph.json").read_text(encoding="utf-8"))
    expected = graphs.with_ids(parse_answer(page_service.ENGLISH).graph, "slug")
    assert saved == graphs.to_object(expected)
    assert (tmp_path / "graph.graphml").read_text(encoding="utf-8").count("<node ") == 7
    assert visitor.page.console == []


@pytest.mark.slow
def test_three_hundred_entities_are_drawn_and_can_be_worked_with(visitor):
    begun = time.monotonic()
    visitor.extract(MANY_TEXT)
    seconds = time.monotonic() - begun
    assert len(visitor.drawn()) == NUM_MANY
    places = visitor.page.run(
        f"{CY}.nodes().map((node) => [node.position('x'), node.position('y')].map(Math.round).join())"
    )
    assert len(set(places)) > 0.95 * NUM_MANY
    visitor.page.run("document.querySelector('#picture').focus()")
    begun = time.monotonic()
    visitor.page.press("ArrowRight")
    visitor.frame()
    assert "".join(visitor.texts("#reading mark")) == "Name1 x"
    assert time.monotonic() - begun < 2
    assert seconds < 30  # 4 s on two idle cores
    assert visitor.page.console == []


@pytest.mark.slow
def test_it_fits_a_narrow_window(visitor):
    visitor.open(size=(400, 800))
    visitor.click("#example")
    visitor.click("#extract")
    visitor.finished()
    assert visitor.page.run("document.documentElement.scrollWidth") <= 400
