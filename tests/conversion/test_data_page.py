"""The data report's page: what is on it, that it stays small, and that nothing in a report's text is live."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from kgtune import config, lint, ontology
from kgtune.conversion import conversion, data_page, data_report, intake, lengths
from kgtune.conversion.data_report import Figures, Rows
from kgtune.conversion.lengths import Ruler
from kgtune.examples import Example
from kgtune.graph import Entity, Graph, Relationship
from kgtune.settings import Config
from kgtune.sources import RawDocument
from tests import browser

HOSTILE = "</p></script><script>hit=1</script><img src=x onerror=hit=1>\"' onmouseover=hit=1 &amp; https://a.example"
TEXT = "Copper Magpie ran PaperKite. PaperKite fetched QuietVault."


def make(number: int = 0, text: str = TEXT, label: str = "Tool", word: str = "plain", **changes: Any) -> Example:
    entities = (
        Entity("ThreatOrganization", "e1", "Copper Magpie"),
        Entity(label, "e2", "PaperKite"),
        Entity(label, "e3", f"nowhere {word}"),
    )
    edges = (
        Relationship("USE", "e1", "e2", 0.9, "Copper Magpie ran PaperKite."),
        Relationship(f"USE {word}", "e1", "e3", 0.9, f"a paraphrase {word}"),
    )
    row = {"id": f"r{number} {word}", "doc_id": f"d{number}", "group_id": f"g{number}", "split": "train", "lang": "en"}
    return Example(**{**row, "aug": "", **changes}, text=text, graph=Graph(entities, edges))


def variant(row: Example, operation: str, text: str) -> Example:
    return replace(row, id=f"{row.id}+{operation}1", aug=operation, text=text)


def report_of(rows: list[Example], cfg: Config | None = None, **facts: Any) -> dict[str, Any]:
    cfg = cfg or Config()
    figures = Figures()
    for row in rows:
        if not row.aug:
            figures.add(row)
    counted = Rows(
        Counter(row.split or "" for row in rows),
        Counter(row.aug for row in rows),
        [len(row.text) for row in rows],
        [len(row.answer) for row in rows],
        {},
    )
    ruler = Ruler("estimate", exact=False, measure=lambda row: len(row.text))
    splits = {"groups": len({row.group_id for row in rows}), "kept_by_the_lock": 0, "moved_from_the_lock": []}
    built = data_report.build(
        {"read": len(rows)}, figures, counted, ontology.load("threat_event"), {}, {**splits, "rare_labels": []}
    )
    return {**built, "lengths": lengths.survey(rows, cfg, ruler), **facts}


def page_of(rows: list[Example], cfg: Config | None = None, findings: Any = (), **facts: Any) -> str:
    return data_page.render(
        report_of(rows, cfg, **facts),
        findings,
        rows,
        ontology.load("threat_event"),
        title="training_data.json",
        num_checked=len(rows),
    )


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_page_stays_small_whatever_the_data_is() -> None:
    long = " ".join(f"Copper Magpie ran PaperKite on day {day}." for day in range(120))
    rows: list[Example] = []
    for number in range(60):
        row = make(number, text=long)
        rows += [row, *(variant(row, name, f"{name} {long}") for name in ("synonyms", "order", "affixes", "entities"))]
    page = page_of(rows)

    assert page.count("<article") == data_page.MOST_FAMILIES
    assert len(page.encode()) < 4_000_000
    assert "more characters" in page


def test_of_a_huge_graph_the_first_items_are_shown_and_the_rest_is_counted() -> None:
    entities = tuple(Entity("Tool", f"e{n}", f"Kite{n}") for n in range(5000))
    edges = tuple(Relationship("USE", "e0", f"e{n}", 0.9, "") for n in range(5000))
    page = page_of([replace(make(), graph=Graph(entities, edges))])

    assert page.count("data-relationship=") == data_page.MOST_ITEMS
    assert page.count("4,900 ") == 2


# --- what is on it


def test_the_headline_tables_and_reasons_are_on_the_page() -> None:
    rows = [make(1), make(2, split="test"), make(3, lang="zh")]
    report = report_of(rows)
    report["documents"]["dropped"] = {"E-DANGLING": 4321}
    page = data_page.render(report, (), rows, ontology.load("threat_event"), title="t", num_checked=3)

    assert "4,321</td><td>E-DANGLING" in page
    assert '>ThreatOrganization</span></th>\n    <td class="number">3</td>' in page
    for part in ("66.7 %", "USE plain", "Nothing was found.", ">zh<", "2 train, 1 test"):
        assert part in page, part


def test_figures_that_the_page_does_not_know_are_shown_all_the_same() -> None:
    page = page_of([make()], leaks={"near_duplicates_across_splits": 7, "shared_names": ["Otter", "Heron"]})

    assert re.search(r"near_duplicates_across_splits</th><td>\s*7\s*</td>", page)
    assert re.search(r"Otter\s*, \s*Heron", page)


def test_lengths_are_drawn_against_the_limit_and_every_estimate_says_so() -> None:
    cfg = config.load(None, None, ["model.max_seq_length=1024", "data.overlength=window"]).config
    rows = [make(n, text=" ".join([TEXT] * (1 + 10 * n))) for n in range(4)]
    page = page_of(rows, cfg)

    assert page.count('<rect class="over"') == 2  # 1,238 and 1,829 characters
    assert "max_seq_length 1024" in page
    table = page[page.index("p50</th>") : page.index("</table>", page.index("p50</th>"))]
    assert table.count("<tr>") + 1 == table.count("estimate</span>") == 8
    assert "fine_tune.py will cut the texts of these rows into windows" in page
    assert ">relationships</th>" in page
    exact = {**report_of(rows, cfg), "lengths": {**report_of(rows, cfg)["lengths"], "exact": True}}
    plain = data_page.render(exact, (), rows, ontology.load("threat_event"), title="t", num_checked=4)
    assert 'class="estimate"' not in plain


def test_a_variant_stands_beside_its_original_with_the_changed_words_marked() -> None:
    row = make()
    page = page_of([row, variant(row, "synonyms", TEXT.replace("fetched", "loaded"))])

    assert ' <del class="kg-gone">fetched</del> ' in page
    assert ' <ins class="kg-added">loaded</ins> ' in page


def test_evidence_and_names_that_do_not_stand_in_the_text_are_told() -> None:
    page = page_of([make()])

    assert "evidence not in the text" in page
    assert 'absent" title="Tool (not in the text)">nowhere plain</span>' in page


def test_findings_stand_by_code_errors_first() -> None:
    graph = Graph((Entity("Weapon", "a", "Nothing"),), ())
    document = RawDocument("r", "r", "Some text.", graph, "en", where="x.json:3")
    findings = list(lint.check([document], ontology.load("threat_event")))
    page = page_of([make()], findings=findings)

    assert len(findings) >= 2
    codes = re.findall(r"<summary><code>([^<]+)</code> <b>(\d+)</b>", page)
    assert sum(int(number) for _, number in codes) == len(findings)
    assert "x.json:3" in page


def test_the_same_data_gives_the_same_page() -> None:
    assert page_of([make(n) for n in range(60)]) == page_of([make(n) for n in range(60)])


# --- nothing is live


def hostile_page(word: str) -> str:
    row = make(1, text=f"{TEXT} {word}", label=f"Tool {word}", word=word, lang=f"en{word}")
    findings = [lint.Finding(f"E-{word}", lint.Place(word, 1, 1, word, word), word, word)]
    other = variant(row, f"op{word}", f"{word} {TEXT}")
    return page_of([row, other], findings=findings, further={word: [word]})


def test_hostile_words_in_any_field_add_no_tag_and_no_attribute() -> None:
    plain = [(tag, sorted(attributes)) for tag, attributes in Tags(hostile_page("plain")).found]
    hostile = [(tag, sorted(attributes)) for tag, attributes in Tags(hostile_page("&<>\"'")).found]
    assert len(plain) > 100
    assert hostile == plain

    found = Tags(hostile_page(HOSTILE)).found
    assert [tag for tag, _ in found].count("script") == 1
    assert not [tag for tag, _ in found if tag in ("img", "a", "iframe", "link", "base", "object", "form")]


def test_no_attribute_is_a_handler_a_style_or_an_address() -> None:
    found = Tags(hostile_page(HOSTILE)).found
    names = {name for _, attributes in found for name in attributes}

    assert not {name for name in names if name.startswith("on") or name in ("style", "src", "href", "action")}


def test_the_policy_allows_this_style_sheet_and_this_script_and_nothing_else() -> None:
    page = page_of([make()])
    [policy] = [a["content"] for tag, a in Tags(page).found if a.get("http-equiv") == "Content-Security-Policy"]

    def digest(tag: str) -> str:
        [content] = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()

    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest('style')}'; script-src 'sha256-{digest('script')}'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_a_conversion_writes_the_page_beside_its_data(tmp_path: Path) -> None:
    resolved = config.load(None, None, [])
    conversion.convert([intake.EXAMPLE], resolved, tmp_path / "training_data.json")
    page = (tmp_path / "training_data.report.html").read_text(encoding="utf-8")
    report = json.loads((tmp_path / "training_data.report.json").read_text(encoding="utf-8"))

    assert page.count("<article") == report["documents"]["used"] + report["rows"]["by_augmentation"]["empties"]
    assert report["lengths"]["exact"] is False
    assert report["config_sha256"] in page


# --- in a browser


@pytest.fixture(scope="module")
def opened() -> Iterator[browser.Page]:
    if browser.find() is None:
        pytest.skip(browser.WHY_SKIPPED)
    with browser.page() as page:
        yield page


@pytest.mark.slow
def test_a_browser_shows_hostile_text_as_text_and_complains_of_nothing(opened: browser.Page, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(hostile_page(HOSTILE), encoding="utf-8")
    opened.open(path.as_uri())

    assert opened.run("typeof hit") == "undefined"
    assert opened.run("document.querySelector('.whole').textContent") == f"{TEXT} {HOSTILE}"
    assert opened.run("document.scripts.length") == 1
    assert opened.console == []
    assert opened.requests == [path.as_uri()]


@pytest.mark.slow
def test_language_filters_and_relationships_work_in_a_browser(opened: browser.Page, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(page_of([make(1), make(2, lang="zh"), make(3, split="test")]), encoding="utf-8")
    opened.open(path.as_uri())

    assert "Data report" in opened.run("document.querySelector('h1').innerText")
    opened.run("document.querySelector('[data-language=zh]').click()")
    assert opened.run("document.querySelector('h1').innerText") == "数据报告"
    assert opened.run("document.documentElement.lang") == "zh"

    choose = "(() => {{ const s = document.querySelector('[data-filter={0}]'); s.value = [...s.options].find((o) => o.text === '{1}').value; s.dispatchEvent(new Event('change')); }})()"
    shown = "[...document.querySelectorAll('article')].filter((a) => a.offsetHeight > 0).length"
    assert opened.run(shown) == 3
    opened.run(choose.format("lang", "zh"))
    assert (opened.run(shown), opened.run("document.querySelector('[data-shown]').innerText")) == (1, "1")
    opened.run(choose.format("split", "test"))
    assert opened.run(shown) == 0
    opened.run(choose.format("lang", "*"))
    assert opened.run(shown) == 1

    lit = "[...document.querySelectorAll('article:not([hidden]) .kg-lit')].map((part) => part.textContent).join('|')"
    opened.hover("article:not([hidden]) [data-relationship='0']")
    assert opened.run(lit) == "Copper Magpie|Copper Magpie| ran |PaperKite|PaperKite|.|PaperKite"
    opened.hover("h1")
    assert opened.run(lit) == ""
    opened.run("document.querySelector('article:not([hidden]) [data-relationship=\"0\"]').click()")
    assert opened.run(lit) != ""
    assert opened.console == []


@pytest.mark.slow
def test_the_browser_would_tell_of_a_broken_policy(opened: browser.Page, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(
        page_of([make()]).replace("<main>", "<main><p style='color:red' onclick='x()'>", 1), encoding="utf-8"
    )
    opened.open(path.as_uri())

    assert "Content Security Policy" in " ".join(opened.console)
    opened.console.clear()
