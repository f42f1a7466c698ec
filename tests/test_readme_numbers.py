"""Every number that the README takes from a benchmark is the one in the result file that the benchmark wrote."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = re.sub(r"\s+", " ", (ROOT / "README.md").read_text(encoding="utf-8"))


def kept(name: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((ROOT / f"benchmarks/results/{name}.json").read_text(encoding="utf-8"))
    return result


def ratio(name: str, peer: str, metric: str) -> float:
    [found] = [r["ratio"] for r in kept(name)["results"] if (r["peer"], r["metric"]) == (peer, metric)]
    return float(found)


def rate(constraint: str, metric: str) -> float:
    return float(kept("constraint")["columns"][constraint]["metrics"][metric]["value"])


def best_of_trl() -> float:
    [found] = [
        r["ratio"] for r in kept("train")["results"] if "the best of TRL" in r["peer"] and r["metric"] == "tokens/s"
    ]
    return float(found)


def seconds_of_scoring() -> float:
    [found] = {r["ours"] for r in kept("score")["results"] if r["metric"] == "wall seconds"}
    return float(found)


def overhead(key: str) -> float:
    return float(kept("serve")["overhead"]["ours"][key])


STATED = {
    "names that stand in the text {:.2f} without it": lambda: rate("none", "name_grounding_rate"),
    "without it, {:.2f} with it": lambda: rate("full", "name_grounding_rate"),
    "evidence {:.2f} and": lambda: rate("none", "evidence_grounding_rate"),
    "0.88 and {:.2f};": lambda: rate("full", "evidence_grounding_rate"),
    "{:.1f} times fewer forward passes": lambda: ratio("extract", "transformers", "forward passes per answer"),
    "{:.1f} times faster than transformers' `generate`,": lambda: ratio(
        "extract", "transformers", "seconds per answer"
    ),
    "{:.1f} times faster than `generate` with prompt lookup": lambda: ratio(
        "extract", "transformers, prompt lookup", "seconds per answer"
    ),
    "Training takes {:.1f} times as many tokens": best_of_trl,
    "scoring 10,000 documents takes {:.0f} seconds": seconds_of_scoring,
    "the service answers {:.1f} times as many texts": lambda: ratio("serve", "naive", "texts/s at 32 clients"),
    "and {:.1f} times as many at one (": lambda: ratio("serve", "naive", "texts/s at 1 clients"),
    "its own share of an answer is {:.1f} ms at the median": lambda: overhead("p50_ms"),
    "and {:.1f} ms at p99, 100 requests a second": lambda: overhead("p99_ms"),
}


@pytest.mark.parametrize("words", STATED)
def test_a_number_of_a_benchmark_is_the_kept_one(words: str) -> None:
    assert words.format(STATED[words]()) in README


def test_what_the_grammar_leaves_without_a_difference_is_so_in_the_kept_result() -> None:
    [compared] = [one for one in kept("constraint")["comparisons"] if (one["first"], one["second"]) == ("none", "full")]
    verdicts = {key: one["verdict"] for key, one in compared["metrics"].items()}
    assert len(verdicts) > 10
    assert {key for key, verdict in verdicts.items() if verdict != "no difference shown"} == {
        "name_grounding_rate",
        "evidence_grounding_rate",
    }


def test_overload_met_its_goals_in_the_kept_result() -> None:
    goals = kept("serve")["goals"]
    assert len(goals) == 7
    assert [goal for goal, (_, is_met) in goals.items() if not is_met] == []


def test_training_ends_at_the_same_scores_in_the_kept_result() -> None:
    evaluation = kept("train")["evaluation"]
    assert evaluation["updates"] == 100
    assert {one["verdict"] for one in evaluation["difference"].values()} == {"no difference shown"}
    assert evaluation["ours"]["entity_f1"]["value"] > 0.8  # two that learnt nothing would be the same, too
