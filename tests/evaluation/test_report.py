"""evaluation_report.md: the scorer's table, what changed, what failed and why, documents, in two languages."""

from __future__ import annotations

import pytest

from kgtune.evaluation import report, wording
from tests.evaluation import build


@pytest.fixture(scope="module")
def text():
    return report.markdown(build.result())


def test_the_report_counts_why_answers_failed_and_says_what_to_do(text):
    assert "- before: not_json 15" in text
    assert "- after_constrained: none" in text
    assert "- tuned, most often (1): the answer ends in the middle. Raise decoding.max_new_tokens" in text
    assert "- 微调后，最常见（1）：答案中途结束。提高 decoding.max_new_tokens" in text
    assert "- base, most often (15): no JSON in it, or JSON broken in another way. Nothing to mend here" in text
    assert "- 基座模型，最常见（15）：没有 JSON，或以其他方式损坏。此处无需处理" in text
    assert "Measured: 15 of 15 rows of the test split. " in text


def test_both_languages_say_the_same(text):
    english, chinese = text.split("# 评测报告\n")

    assert english.count("\n## ") == chinese.count("\n## ") == 4
    assert english.count("\n### ") == chinese.count("\n### ") == 3
    assert "- base to tuned: of the documents with something to find 12 gained, 0 lost, 2 stayed." in english
    assert "- 基座模型 → 微调后：在有内容可抽取的文档中，12 篇提升，0 篇下降，2 篇不变。" in chinese
    assert "| 实体 F1 |" in chinese


def test_both_tables_say_how_much_was_measured_and_what_each_column_is(text):
    english, chinese = text.split("# 评测报告\n")

    assert "15 held-out documents: 15 of 15 rows of the test split were measured." in english
    assert "15 篇留出文档：测量了 test 划分 15 行中的 15 行。" in chinese
    assert "- few_shot (base, with examples in its prompt): the base model, shown some train rows" in english
    assert "- 基座模型（提示中带示例）: 基座模型，提示中给出若干训练行作示例" in chinese
    for name, words in wording.legend(build.result()["columns"]):
        assert f"- {name} ({wording.column(name).en}): {words.en}\n" in english
        assert f"- {wording.column(name).zh}: {words.zh}\n" in chinese


def test_the_stated_confidence_and_the_one_that_users_get_stand_beside_each_other(text):
    english, chinese = text.split("# 评测报告\n")
    stated = "expected calibration error, ten bins, of the confidence that the answer states"
    given = "expected calibration error, ten bins, of the confidence that users get"
    cells = {line.split(" | ")[0]: line.split(" | ")[1:5] for line in english.splitlines() if line.startswith("| ")}
    assert cells[f"| {stated}"][3].startswith("0.050 (")
    assert cells[f"| {given}"][:3] == ["-"] * 3
    assert cells[f"| {given}"][3].startswith("0.100 (")
    assert "| 用户得到的置信度的期望校准误差（十档） | - | - | - | 0.100 (" in chinese
    assert "\nUsers get it by a curve that was fitted to 40 relationships of 20 validation documents.\n" in english
    assert "\n用户得到的置信度经曲线校准；曲线由 20 篇验证文档中的 40 个关系拟合。\n" in chinese
    assert "| 用户得到的置信度的均方误差（Brier） | - | - | - | 0.010 (" in chinese


def test_without_any_confidence_nothing_is_said_of_how_far_it_is_to_be_trusted():
    english, _, chinese = report.markdown(build.measured(before={}, after={})).partition("# 评测报告\n")
    assert [line for line in english.splitlines() if line.startswith("|") and "of the confidence" in line] == []
    assert [line for line in chinese.splitlines() if line.startswith("|") and "置信度" in line] == []


def test_the_documents_show_gold_base_and_tuned(text):
    assert text.count("- **gold**: ") == text.count("- **标准答案**: ") == 3
    assert "✓ Otter 10 USE VelkaRAT" in text
    assert "no graph can be read from the answer (not_json): `I can't do that.`" in text
    assert "✗ Lost (Tool)" in text


def test_the_probes_are_a_table_of_their_own(text):
    assert "| probability of ending where the gold answer ends | 0.500 (0.40-0.60) | 0.500 (0.40-0.60) |" in text
    assert "| `name` | 1.500 | 1.500 |" in text
    result = build.result()
    result["probes"] = {}
    assert "Probes" not in report.markdown(result)


def test_what_a_text_holds_stays_text():
    rows = [build.example(n, f"<img src=x onerror=1> | Otter {n} `used` VelkaRAT") for n in range(14)]
    text = report.markdown(build.result(rows))

    assert "> &lt;img src=x onerror=1&gt; | Otter 10 `used` VelkaRAT" in text
    assert "<img" not in text


def test_a_model_without_any_fault_is_said_to_have_none():
    right = {row.text: row.answer for row in build.EXAMPLES}
    text = report.markdown(build.measured(before={}, after=right))

    assert "no answer failed, and none has a finding." in text
