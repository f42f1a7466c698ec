"""Conditions on a result, and the verdict."""

from __future__ import annotations

import pytest

from kgtune.errors import ConfigError, GateFailed
from kgtune.scoring import gate
from tests.scoring.build import HALF, RIGHT, compared, document


@pytest.fixture(scope="module")
def result():
    return {**compared([(document(n), HALF, RIGHT) for n in range(12)]), "earlier": None}


def verdict(result, **required):
    return gate.judge(result, gate.conditions(required), "after")


@pytest.mark.parametrize(
    ("name", "condition", "passed"),
    [
        ("parse_rate", ">=0.98", True),
        ("strict_parse_rate", ">=0.98", True),
        ("entity_f1", "== 1", True),
        ("entity_f1", "<0.9", False),
        ("entity_f1", "<1", False),
        ("entity_f1", ">1", False),
        ("entity_f1_low", ">=0.7", True),
        ("entity_f1_low", ">=0.99", False),
        ("entity_f1_high", "<= 1.0", True),
        ("f1_gain", ">0", True),
        ("f1_gain", ">0.9", False),
        ("entity_f1_gain_low", ">0", True),
        ("parse_rate_gain", ">0", False),
        ("empty_text_accuracy", ">=0", False),  # not measured
        ("regressions", "<=0", False),  # no earlier result
    ],
)
def test_a_condition_is_held_against_its_number(result, name, condition, passed):
    found = verdict(result, **{name: condition})
    assert found["passed"] is passed
    assert found["conditions"][0]["passed"] is passed


def test_a_gain_is_that_over_the_first_system_though_another_one_is_compared_too(result):
    [over_base] = result["comparisons"]
    loss = {name: {**one, "difference": -0.25} for name, one in over_base["metrics"].items()}
    both = {**result, "comparisons": [over_base, {**over_base, "first": "few_shot", "metrics": loss}]}
    found = verdict(both, f1_gain=">0")
    assert (found["passed"], found["conditions"][0]["value"]) == (True, 0.5)


def test_the_verdict_says_what_failed_and_by_how_much(result):
    found = verdict(result, f1_gain=">0.9", parse_rate=">=0.98", empty_text_accuracy=">=0.9")
    assert found["verdict"] == (
        "after fails: f1_gain > 0.9, and it is 0.5; empty_text_accuracy >= 0.9, and it is not measured."
    )
    assert verdict(result, parse_rate=">=0.98")["verdict"] == "after meets all 1 conditions."


def test_no_condition_is_no_verdict(result):
    assert verdict(result) is None
    gate.enforce({"gate": None})


def test_a_failed_gate_is_exit_code_3(result):
    with pytest.raises(GateFailed, match=r"f1_gain > 0.9") as failed:
        gate.enforce({"gate": verdict(result, f1_gain=">0.9")})
    assert failed.value.exit_code == 3
    gate.enforce({"gate": verdict(result, f1_gain=">0.1")})


def test_regressions_are_counted():
    assert gate.judge({"earlier": {"regressions": [{}, {}]}}, gate.conditions({"regressions": "<=1"}), "after") == {
        "system": "after", "passed": False,
        "conditions": [{"condition": "regressions <= 1", "value": 2.0, "passed": False}],
        "verdict": "after fails: regressions <= 1, and it is 2.",
    }  # fmt: skip


def test_what_no_result_can_meet_is_refused_before_anything_runs():
    with pytest.raises(ConfigError) as refused:
        gate.conditions({"f1_gian": ">0", "entity_f1": "much", "regressions_low": ">0", "f1_gain": "> 0"})
    lines = str(refused.value).splitlines()
    assert len(lines) == 3
    assert 'there is no metric "f1_gian". Did you mean "f1_gain"?' in lines[0]
    assert 'evaluation.require.entity_f1: "much" is no condition' in lines[1]
    assert 'there is no metric "regressions_low"' in lines[2]
