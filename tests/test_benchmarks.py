"""What all benchmarks share: which way a ratio points, and that what is kept is JSON that any reader takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
RESULTS = sorted(BENCHMARKS.glob("results/*.json"))


@pytest.fixture
def harness(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import harness

    return harness


def strictly(text):
    def refuse(constant):
        raise ValueError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_a_ratio_above_one_means_that_we_are_better(harness):
    rate = harness.result("peer", "texts/s", [30.0], [10.0], more_is_better=True)
    seconds = harness.result("peer", "seconds", [10.0], [30.0], more_is_better=False)
    assert rate["ratio"] == seconds["ratio"] == 3.0
    assert harness.result("peer", "seconds", [30.0], [10.0], more_is_better=False)["ratio"] == 0.3333


def test_a_ratio_is_the_median_of_the_paired_runs_and_its_spread_holds_all_of_them(harness):
    found = harness.result("peer", "texts/s", [10.0, 40.0, 30.0], [10.0, 10.0, 15.0], more_is_better=True)
    assert (found["ours"], found["theirs"], found["ratio"], found["spread"]) == (30.0, 10.0, 2.0, [1.0, 4.0])


def test_what_was_not_measured_is_null_in_the_line_that_ends_a_benchmark(harness, capsys):
    record = harness.finish("x", [], 1, load={"naive at 128": {"per_s": 0.0, "p50_ms": float("nan")}})
    printed = strictly(capsys.readouterr().out)
    assert printed["load"] == record["load"] == {"naive at 128": {"per_s": 0.0, "p50_ms": None}}
    assert {"hardware", "versions", "git_sha", "date", "runs"} <= set(printed)


def test_every_kept_result_is_strict_json_that_names_its_code_and_date():
    assert len(RESULTS) >= 6
    for path in RESULTS:
        kept = strictly(path.read_text(encoding="utf-8"))
        assert kept["name"] == path.stem
        assert all(kept[key] for key in ("versions", "git_sha", "date")), path
        for line in kept.get("results", []):
            low, high = line["spread"]
            assert low <= line["ratio"] <= high, (path, line)
