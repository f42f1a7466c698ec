"""Two systems on the same documents: the sign, the sureness, and the silence where nothing can be said."""

from __future__ import annotations

import pytest

from kgtune.scoring import comparison
from kgtune.scoring.metrics import METRICS
from tests.scoring.build import HALF, NOTHING, RIGHT, board, compared, document


def rows(before, after, **more):
    return [(document(n, **more), b, a) for n, (b, a) in enumerate(zip(before, after, strict=True))]


def metric(before, after, name="entity_f1", **more):
    return compared(rows(before, after, **more))["comparisons"][0]["metrics"][name]


def test_a_difference_is_second_minus_first():
    found = metric([HALF] * 20, [RIGHT] * 20)
    assert (found["first"], found["second"], found["difference"]) == (0.6667, 1.0, 0.3333)
    assert found["verdict"] == "better"


def test_the_other_way_round_is_worse():
    found = metric([RIGHT] * 20, [HALF] * 20)
    assert (found["difference"], found["verdict"]) == (-0.3333, "worse")


def test_a_metric_that_should_be_low_is_better_when_it_falls():
    invented = RIGHT.replace('VelkaRAT","desc', 'NightLoom","desc')
    found = metric([invented] * 20, [RIGHT] * 20, "entity_hallucination_rate")
    assert (found["difference"], found["verdict"]) == (-0.5, "better")


def test_equal_systems_show_no_difference():
    answers = [RIGHT, HALF] * 15
    found = metric(answers, answers)
    assert (found["difference"], found["p"], found["verdict"]) == (0.0, 1.0, "no difference shown")


def test_nine_documents_are_too_few_for_any_claim():
    found = metric([NOTHING] * 9, [RIGHT] * 9)
    assert (found["difference"], found["verdict"]) == (1.0, "too few documents")
    assert metric([HALF] * 9, [RIGHT] * 9)["verdict"] == "too few documents"
    assert metric([HALF] * 12, [RIGHT] * 12)["verdict"] == "better"


def test_few_changed_documents_among_many_are_no_difference():
    before = [NOTHING] * 5 + [RIGHT] * 45
    found = metric(before, [RIGHT] * 50, "strict_parse_rate")
    assert (found["test"], found["only_first"], found["only_second"]) == ("mcnemar", 0, 5)
    assert (found["difference"], found["p"], found["verdict"]) == (0.1, 0.0625, "no difference shown")


def test_p_values_are_adjusted_for_the_metrics_tested():
    found = compared(rows([NOTHING] * 7 + [RIGHT] * 43, [RIGHT] * 50))["comparisons"][0]["metrics"]
    parse = found["strict_parse_rate"]
    assert parse["p"] == 0.015625
    assert parse["p_adjusted"] > 0.05
    assert parse["verdict"] == "no difference shown"
    assert all(one["p_adjusted"] is None or one["p_adjusted"] >= one["p"] for one in found.values())


@pytest.mark.parametrize(
    ("low", "high", "p", "documents", "expected"),
    [
        (0.01, 0.2, 0.049, 10, "better"),
        (-0.2, -0.01, 0.049, 10, "worse"),
        (0.01, 0.2, 0.049, 9, "too few documents"),
        (0.01, 0.2, 0.05, 10, "no difference shown"),
        (-0.01, 0.2, 0.001, 10, "no difference shown"),
        (0.0, 0.2, 0.001, 10, "no difference shown"),
        (-0.2, 0.0, 0.001, 10, "no difference shown"),
        (None, None, 0.001, 10, "no difference shown"),
    ],
)
def test_a_claim_takes_documents_an_interval_without_zero_and_a_small_p_value(low, high, p, documents, expected):
    found = {"difference": 0.1, "low": low, "high": high, "p_adjusted": p, "num_documents": documents}
    assert comparison.verdict(METRICS["entity_f1"], found) == expected
    opposite = {"better": "worse", "worse": "better"}.get(expected, expected)
    assert comparison.verdict(METRICS["truncation_rate"], found) == opposite


def test_documents_with_nothing_to_measure_do_not_count():
    found = metric([RIGHT] * 30, [RIGHT] * 30, "empty_text_accuracy")
    assert (found["num_documents"], found["difference"], found["verdict"]) == (0, None, "not measured")


def test_rows_of_one_document_are_one_trial():
    """Thirty rows of three documents can show nothing, however alike they change."""
    made = [(document(n, doc_id=f"d{n % 3}"), HALF, RIGHT) for n in range(30)]
    found = compared(made)["comparisons"][0]
    assert found["num_documents"] == 3
    assert {one["verdict"] for one in found["metrics"].values()} <= {"too few documents", "not measured"}


def test_slices_are_compared_within_themselves():
    made = [(document(n, lang="zh"), RIGHT, HALF) for n in range(20)]
    made += [(document(100 + n, lang="en"), HALF, RIGHT) for n in range(20)]
    found = compared(made)["comparisons"][0]
    assert found["metrics"]["entity_f1"]["verdict"] == "no difference shown"
    by_language = {lang: part["entity_f1"]["verdict"] for lang, part in found["slices"]["language"].items()}
    assert by_language == {"en": "better", "zh": "worse"}
    assert found["slices"]["label"]["Tool"]["entity_f1"]["difference"] == 0.0


def test_a_regression_names_its_slice():
    made = [(document(n, lang="zh"), RIGHT, HALF) for n in range(20)]
    made += [(document(100 + n, lang="en"), RIGHT, RIGHT) for n in range(20)]
    found = comparison.regressions(compared(made)["comparisons"][0])
    assert ("language", "zh", "entity_f1") in {(one["slice"], one["of"], one["metric"]) for one in found}
    assert not [one for one in found if one["of"] == "en"]
    assert all(one["difference"] < 0 for one in found if one["metric"].endswith("f1"))


def test_columns_of_different_documents_are_never_compared():
    first, second = board(rows([RIGHT], [RIGHT])), board([(document(9), RIGHT, RIGHT)])
    with pytest.raises(AssertionError, match="different documents"):
        comparison.compare(first.samples["before"], second.samples["before"], first.bootstrap)


def test_the_rules_are_written_where_they_hold():
    rules = compared(rows([RIGHT], [RIGHT]))["statistics"]["rules"]
    for word in ("ten documents", "95 % interval", "Holm", "0.05", "McNemar", "randomisation"):
        assert word in rules
