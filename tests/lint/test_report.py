"""Findings for a person and for a machine."""

from __future__ import annotations

import json

import pytest

from kgtune.lint.findings import Finding, Place
from kgtune.lint.report import Tally

NAME = Finding(
    "W-NAME", Place("a.json", 3, 1, "r1", "entities[0].name"), "Vexo", "Vexa", {"start": 4, "end": 8, "score": 75}
)
ERROR = Finding("E-LABEL", Place("b.json", 9), facts={"detail": "labels is None."})
MENDED = Finding("F-LABELS", Place("a.json", 5, 1), '["Tool"]', "Tool", is_fixable=True)


def tally(*findings, most_kept=10):
    made = Tally(most_kept)
    for finding in findings:
        made.add(finding)
    return made


def test_the_text_has_errors_first_and_says_where_what_why_and_what_to_do():
    assert tally(MENDED, NAME, ERROR).as_text("en", most_per_code=5) == (
        "error E-LABEL  b.json:9\n"
        "    labels is None.\n"
        "    why: An entity of no kind can't be trained on.\n"
        "    fix: Give one label as a string.\n"
        "warning W-NAME  a.json:3: item 1 (id=r1): entities[0].name\n"
        '    name "Vexo" does not stand in the text. Nearest: "Vexa" at 4-8 (75 % alike).\n'
        "    why: A model that is trained on names which the text lacks learns to invent them.\n"
        "    fix: Write it as the text does.\n"
        "note F-LABELS  a.json:5: item 1\n"
        '    labels is ["Tool"], read as "Tool".\n'
        "    why: It is read as meant; of several labels the first is taken.\n"
        "    fix: Give one label as a string. (--fix does it)\n"
        "findings: errors 1, warnings 1, notes 1; --fix can mend 1"
    )


def test_the_same_in_chinese():
    text = tally(NAME).as_text("zh", strict=True)
    assert text == (
        "警告 W-NAME  a.json:3: item 1 (id=r1): entities[0].name\n"
        "    原文中没有名称“Vexo”。最接近：“Vexa”，位置 4-8（相似度 75%）。\n"
        "    原因：用原文没有的名称训练，模型会学着编造。\n"
        "    处理：请照原文写。\n"
        "发现问题：错误 0，警告 1，提示 0；可用 --fix 修正 0（警告计入：--strict）"
    )


@pytest.mark.parametrize(
    ("findings", "strict", "expected"),
    [
        ([], False, False), ([], True, False), ([ERROR], False, True), ([ERROR], True, True),
        ([NAME], False, False), ([NAME], True, True), ([MENDED], True, False),
    ],
)  # fmt: skip
def test_errors_always_count_warnings_only_when_strict_and_notes_never(findings, strict, expected):
    assert tally(*findings).has_findings(strict=strict) is expected
    assert tally(*findings).as_object(strict=strict)["clean"] is not expected
    passed = "no errors: " if findings else "clean: "
    assert (
        tally(*findings).as_text("en", strict=strict).splitlines()[-1].startswith("findings: " if expected else passed)
    )


def test_only_what_holds_nothing_at_all_is_called_clean():
    assert tally().as_text("en") == "clean: errors 0, warnings 0, notes 0; --fix can mend 0"
    assert tally().as_text("zh") == "通过：错误 0，警告 0，提示 0；可用 --fix 修正 0"
    for one, counts in (
        (NAME, "warnings 1, notes 0; --fix can mend 0"),
        (MENDED, "warnings 0, notes 1; --fix can mend 1"),
    ):
        assert tally(one).as_text("en").splitlines()[-1] == f"no errors: errors 0, {counts}"


def test_notes_are_a_count_by_code_and_are_shown_where_somebody_says_how_many():
    other = Finding("N-ISOLATED", Place("b.json", 7, 2), facts={"number": 1, "of": 2, "names": "Vexa"})
    many = tally(MENDED, other, MENDED, MENDED, NAME)

    assert many.as_text("en").splitlines()[4:] == [
        "note F-LABELS  3, the first at a.json:5: item 1",
        "note N-ISOLATED  1, the first at b.json:7: item 2",
        "    (notes are only counted: --max-per-code N shows N of each, --report FILE has all)",
        "no errors: errors 0, warnings 1, notes 4; --fix can mend 3",
    ]
    assert "提示 F-LABELS  3 处，首处位于 a.json:5: item 1" in many.as_text("zh")
    shown = many.as_text("en", most_per_code=2)
    assert shown.count('labels is ["Tool"], read as "Tool".') == 2
    assert "... and 1 more F-LABELS" in shown
    assert "only counted" not in shown
    assert len(many.as_object(strict=False)["findings"]) == 5


@pytest.mark.parametrize(("most", "shown", "more"), [(0, 0, 7), (1, 1, 6), (7, 7, 0), (99, 7, 0)])
def test_of_one_code_the_first_few_are_shown_and_the_rest_counted(most, shown, more):
    text = tally(*[NAME] * 7).as_text("en", most_per_code=most)
    assert text.count("warning W-NAME") == shown
    assert (f"... and {more} more W-NAME" in text) is (more > 0)


def test_very_many_are_counted_and_only_the_first_kept():
    many = tally(*[NAME] * 25, ERROR, most_kept=10)
    plain = many.as_object(strict=False)
    assert (len(plain["findings"]), plain["left_out"], plain["by_code"]) == (
        11,
        {"W-NAME": 15},
        {"E-LABEL": 1, "W-NAME": 25},
    )
    assert plain["counts"] == {"error": 1, "warning": 25, "note": 0, "fixable": 0}
    assert "... and 20 more W-NAME" in many.as_text("en")


def test_a_machine_gets_every_fact_and_both_languages():
    plain = tally(NAME, MENDED, ERROR).as_object(strict=True)
    assert json.loads(json.dumps(plain)) == plain
    assert plain["by_file"] == {
        "a.json": {"error": 0, "warning": 1, "note": 1}, "b.json": {"error": 1, "warning": 0, "note": 0}
    }  # fmt: skip
    assert [one["code"] for one in plain["findings"]] == ["E-LABEL", "W-NAME", "F-LABELS"]
    assert plain["findings"][1] == {
        "code": "W-NAME", "level": "warning", "file": "a.json", "line": 3, "record": 1, "id": "r1",
        "path": "entities[0].name", "value": "Vexo", "nearest": "Vexa", "fixable": False,
        "message": {
            "en": 'name "Vexo" does not stand in the text. Nearest: "Vexa" at 4-8 (75 % alike).',
            "zh": "原文中没有名称“Vexo”。最接近：“Vexa”，位置 4-8（相似度 75%）。",
        },
        "fix": {"en": "Write it as the text does.", "zh": "请照原文写。"},
        "start": 4, "end": 8, "score": 75,
    }  # fmt: skip
