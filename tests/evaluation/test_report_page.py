"""The evaluation's page: its numbers, both languages, nothing live in it, and how a browser shows it."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kgtune.evaluation import report_page, wording
from tests import browser
from tests.evaluation import build

HOSTILE = "</p></script><script>hit=1</script><img src=x onerror=hit=1>\"' onmouseover=hit=1 https://a.example"


@pytest.fixture(scope="module")
def page() -> str:
    return report_page.render(build.result(), build.ONTOLOGY)


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<script>.*?</script>|<[^>]*>", "", page, flags=re.DOTALL))


def test_the_headline_holds_every_columns_number_with_its_interval(page):
    found = build.result()["columns"]
    for column in found.values():
        one = column["metrics"]["entity_f1"]
        assert f"{one['value']:.3f} {one['low']:.2f}–{one['high']:.2f}" in words(page)


def test_everything_that_is_said_is_said_in_both_languages(page):
    assert page.count('class="t" lang="en"') + page.count('class="t name" lang="en"') > 100
    for kind in ("t", "t name", "t "):
        assert page.count(f'class="{kind}" lang="en"') == page.count(f'class="{kind}" lang="zh"')


def test_the_top_cause_comes_with_its_advice_and_its_rows(page):
    assert "tuned微调后, most often最常见 (1):" in words(page)
    assert "What to do:怎么办： Raise decoding.max_new_tokens, or train on more documents" in words(page)
    assert 'href="#doc-doc-05"' in page


def test_every_finding_says_what_to_do_by_column(page):
    assert "<p><b>" in page
    assert "base基座模型: Nothing to mend here" in words(page)
    assert "tuned微调后: inference.py and serve.py rule it out already (decoding.constraint=full" in words(page)


def test_it_says_how_much_was_measured_and_what_each_column_is(page):
    assert "15 held-out documents篇留出文档 (15 of 15 rows of the test splittest 划分 15 行中的 15 行)" in words(page)
    legend = wording.legend(build.result()["columns"])
    assert len(legend) == 4
    for _, meaning in legend:
        assert f"{meaning.en}{meaning.zh}" in words(page)


def test_a_row_is_a_link_only_where_its_document_is_shown(page):
    targets = set(re.findall(r'href="#([^"]*)"', page))
    assert len(targets) >= 3
    assert targets <= set(re.findall(r'<article id="([^"]*)"', page))
    assert '<span class="id">doc-01</span>' in page


def test_best_median_and_worst_documents_stand_side_by_side(page):
    assert page.count("<article") == 6
    assert page.count('<div class="side">') == 18
    assert page.count("No graph can be read from the answer:") >= 6


def test_the_rows_that_the_base_was_shown_are_named(page):
    assert "prompt:基座模型提示中的训练行： train-07" in words(page)


def test_all_pictures_are_drawn(page):
    sure = ("tuned, stated confidence", "tuned, held to the grammar, stated confidence",
            "tuned, held to the grammar, confidence that users get")  # fmt: skip
    names = ["loss by step", "metrics with 95 % intervals", "F1 by length", *(f"calibration: {one}" for one in sure)]
    for name in names:
        assert page.count(f'aria-label="{name}"') == 1, name
    assert page.count("<polyline") == 3


def test_how_far_each_confidence_is_to_be_trusted_is_told_beside_its_picture(page):
    shown = words(page)
    assert "tuned, held to the grammar: stated confidence, against the share that is right" in shown
    assert "微调后（受语法约束）：所述置信度与实际正确比例相比" in shown
    assert "ECE 0.050, Brier 0.003" in shown
    assert "held to the grammar: confidence that users get, against" in shown
    assert "Users get it by a curve that was fitted to 40 relationships of 20 validation documents." in shown
    assert "ECE 0.100, Brier 0.010" in shown
    assert [f"{said}: 1.00 (14)" in page for said in ("0.95", "0.90")] == [True, True]


def test_a_page_without_probes_curve_or_examples_leaves_them_out():
    result = build.measured(before={}, after={})
    result.update(probes={}, run={})
    page = report_page.render(result, build.ONTOLOGY)

    assert "Probes" not in page
    assert "loss by step" not in page


def test_the_gate_and_regressions_are_told():
    result = copy.deepcopy(build.result())
    result["gate"] = {"system": "after", "passed": False, "verdict": "fails",
                      "conditions": [{"condition": "f1_gain > 0.9", "value": 0.5, "passed": False}]}  # fmt: skip
    page = report_page.render(result, build.ONTOLOGY)

    assert "not met" in page
    assert "f1_gain &gt; 0.9" in page


def test_it_is_one_file_that_names_no_other(page):
    assert re.findall(r"(?:src|href)=\"(?!#)[^\"]*\"", page) == []
    assert "url(" not in page
    assert " style=" not in page


def hostile() -> str:
    rows = [build.example(n, f"{HOSTILE} Otter {n} used VelkaRAT") for n in range(14)]
    result = build.result(rows)
    for document in result["documents"]:
        document["id"] = document["id"] + HOSTILE
    result["base_model"] = HOSTILE
    result["columns"]["after"]["findings"]["loop"] = {"count": 1, "rows": [HOSTILE]}
    return report_page.render(result, build.ONTOLOGY)


def test_what_the_data_says_is_never_markup():
    page = hostile()

    assert page.count("<script") == 1
    assert "<img" not in page


# --- in a browser


@pytest.fixture(scope="module")
def opened() -> Iterator[browser.Page]:
    if browser.find() is None:
        pytest.skip(browser.WHY_SKIPPED)
    with browser.page() as opened:
        yield opened


@pytest.mark.slow
def test_a_browser_shows_it_in_both_languages_and_complains_of_nothing(
    opened: browser.Page, page: str, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    opened.open(path.as_uri())

    assert opened.run("document.querySelector('h1').innerText") == "Evaluation report"
    opened.run("document.querySelector('[data-language=zh]').click()")
    assert opened.run("document.querySelector('h1').innerText") == "评测报告"
    assert opened.run("getComputedStyle(document.querySelector('svg text.name[lang=en]')).display") == "none"
    assert opened.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth") is True
    assert opened.console == []
    assert opened.requests == [path.as_uri()]


@pytest.mark.slow
def test_a_browser_shows_hostile_text_as_text(opened: browser.Page, tmp_path: Path) -> None:
    path = tmp_path / "hostile.html"
    path.write_text(hostile(), encoding="utf-8")
    opened.requests.clear()
    opened.open(path.as_uri())

    assert opened.run("typeof hit") == "undefined"
    assert opened.run("document.querySelector('article .text').textContent").startswith(HOSTILE)
    assert opened.console == []
    assert opened.requests == [path.as_uri()]
