"""What a report says first is what the results hold."""

from __future__ import annotations

import pytest

from kgtune.evaluation import overview
from tests.evaluation import build


@pytest.fixture(scope="module")
def result():
    return build.result()


def test_the_report_is_about_the_tuned_models_free_answers(result):
    assert overview.tuned_of(result["columns"]) == "after"
    assert overview.tuned_of({"a": {}, "b": {}}) == "b"


def test_the_change_is_that_from_the_bare_base_though_the_shown_one_is_compared_too(result):
    assert [(one["first"], one["second"]) for one in result["comparisons"]] == [
        ("before", "few_shot"), ("before", "after"), ("before", "after_constrained"), ("few_shot", "after"),
    ]  # fmt: skip
    found = overview.main_comparison(result)
    assert (found["first"], found["second"]) == ("before", "after")
    assert overview.main_comparison({"columns": {"a": {}}, "comparisons": []}) is None


def test_a_headline_row_holds_every_columns_number_and_the_change(result):
    rows = {row.name: row for row in overview.headline_rows(result)}

    assert list(rows)[:2] == ["entity_f1", "relationship_f1"]
    row = rows["entity_f1"]
    assert {name: one["value"] for name, one in row.values.items()} == {
        name: column["metrics"]["entity_f1"]["value"] for name, column in result["columns"].items()
    }
    precision, recall = row.parts["after"]
    assert precision == 1.0 > recall > 0.5
    assert row.change["difference"] == row.values["after"]["value"] - row.values["before"]["value"]
    assert rows["strict_parse_rate"].parts == {}


def test_a_metric_that_no_column_has_is_left_out():
    rows = build.EXAMPLES[:14]
    names = [row.name for row in overview.headline_rows(build.measured(rows, before={}, after={}))]

    assert "empty_text_accuracy" not in names
    assert "entity_f1" in names


def test_documents_that_gained_lost_and_stayed_are_counted_among_those_with_something_to_find(result):
    told = {(one.first, one.second): one for one in overview.told_changes(result)}

    change = told["before", "after"]
    assert (change.num_better, change.num_worse, change.num_same) == (12, 0, 2)
    assert change.by_verdict["better"][0] == "strict_parse_rate"
    assert next(iter(told["before", "after"].by_verdict)) == "better"
    back = overview.told_changes(build.measured(before={r.text: r.answer for r in build.EXAMPLES}, after={}))[0]
    assert (back.num_better, back.num_worse, back.num_same) == (0, 14, 0)


def test_the_top_reason_is_the_most_frequent_one_and_failing_that_a_finding():
    columns = build.result()["columns"]

    assert overview.top_reason(columns["before"]) == ("not_json", 15)
    assert overview.top_reason(columns["after_constrained"]) is None
    assert overview.top_reason({"reasons": {}, "findings": {"dangling_id": {"count": 3}}}) == ("dangling_id", 3)


def test_what_the_sample_cannot_show_is_said_in_both_languages():
    column = {"resolution": {
        "entity_f1": {"least_difference": 0.104, "words": "With 76 documents you can't see less than 10 points."},
        "relationship_f1": {"least_difference": None, "words": "too few"},
    }}  # fmt: skip
    entity, relationship = overview.resolution(column)

    assert entity.en == "With 76 documents you can't see less than 10 points."
    assert entity.zh == "这些文档看不出实体 F1小于 10 个百分点的差异。"
    assert relationship.zh.startswith("这些文档不足以说明")
