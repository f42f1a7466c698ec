"""Broken JSON, shown: the line, a caret, the line before, and a guess."""

from __future__ import annotations

import json

import pytest

from kgtune.lint import catalogue, syntax
from kgtune.lint.files import read_source
from kgtune.lint.report import Tally


def excerpt(tmp_path, content, line):
    path = tmp_path / "raw.json"
    path.write_text(content, encoding="utf-8")
    return syntax.excerpt(read_source(path), line)


PRETTY = """[
  {
    "id": "r1",
    "text": "Vexa came."
  },
  {
    "id": "r2"
    "text": "Latch came."
  }
]
"""


def test_a_missing_comma_is_shown_with_the_line_before_and_guessed(tmp_path):
    found = excerpt(tmp_path, PRETTY, 8)
    assert found.lines == ('7 |     "id": "r2"', '8 |     "text": "Latch came."', "  |     ^")
    assert '"id": "r2", "text": "Latch came."' in found.guess


def test_unescaped_quotes_in_chinese_text_are_guessed(tmp_path):
    found = excerpt(tmp_path, '{"id": "a", "text": "x"}\n{"id": "b", "text": "他说"你好"然后走了"}\n', 2)
    assert found.lines[0].startswith("1 | ")
    before = found.lines[1][: found.lines[1].index("你")]
    assert found.lines[2].index("^") == len(before) + sum(
        character in "他说" for character in before
    )  # two columns each
    assert '他说\\"你好\\"然后走了' in found.guess


def test_a_file_that_is_cut_off_is_shown_at_its_end(tmp_path):
    found = excerpt(tmp_path, '[\n {"id": "a", "text": "Vexa ca', 2)
    assert found.lines[1] == '2 |  {"id": "a", "text": "Vexa ca'
    assert found.lines[2].rstrip()[-1] == "^"


def test_a_long_line_is_shown_around_the_fault(tmp_path):
    content = '[{"text": "' + "word " * 100 + '" "id": 3}]'
    found = excerpt(tmp_path, content, 1)
    assert len(found.lines[0]) < 120
    assert found.lines[0][found.lines[1].index("^") :].startswith('"id": 3}]')


def test_where_nothing_can_be_guessed_there_is_no_guess(tmp_path):
    assert excerpt(tmp_path, "{{{{", 1).guess == ""
    huge = '[{"a": [' + "1, " * 20_000 + '"x" "y"]}]'
    assert excerpt(tmp_path, huge, 1).guess == ""


@pytest.mark.parametrize("line", [1, 2, 99])
def test_a_line_that_can_be_read_after_all_has_no_excerpt(tmp_path, line):
    assert excerpt(tmp_path, '{"a": NaN}\n{"a": 1}\n', line) is None


def test_check_shows_it_in_both_languages_and_in_the_report(check, item):
    tally = Tally()
    for finding in check(content=PRETTY.replace('"id": "r1"', '"id": "r1", "entities": [], "relationships": []')):
        tally.add(finding)
    english, chinese = tally.as_text("en"), tally.as_text("zh")
    for text in (english, chinese):
        assert '      8 |     "text": "Latch came."\n        |     ^\n' in text
    assert "json-repair reads: " in english
    assert "json-repair 的猜测：" in chinese
    assert "不是合法的 JSON：这里缺少逗号" in chinese
    (plain,) = [f for f in tally.as_object(strict=False)["findings"] if f["code"] == "E-JSON"]
    assert (plain["line"], plain["excerpt"][0]) == (8, '7 |     "id": "r2"')
    assert "Latch came." in plain["guess"]


def test_only_the_first_faults_are_shown_in_full(check, item):
    found = check(content="\n".join([json.dumps(item()), *['{"id" 1}'] * 30]), name="raw.jsonl")
    broken = [f for f in found if f.code == "E-JSON"]
    assert (len(broken), sum("excerpt" in f.facts for f in broken)) == (30, 20)
    assert all(catalogue.what(f, "zh") for f in broken)
