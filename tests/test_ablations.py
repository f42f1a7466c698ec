"""The ablations' table is made of the kept answers, and a kept run is not made again."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from kgtune import graph, ontology
from tests.evaluation import build

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture
def bench(monkeypatch, tmp_path):
    """The benchmark's modules, with a folder of their own for what is kept."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import ablation_arms
    import ablation_table
    import ablations

    monkeypatch.setattr(ablations, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(ablations, "RESULTS", tmp_path / "results")
    return SimpleNamespace(arms=ablation_arms, table=ablation_table, main=ablations)


def kept(right):
    """A run that answers the first `right` of twelve documents as gold has it, and the others with nothing."""
    return {
        "documents": [
            {"id": f"d{n:02}", "doc_id": f"d{n:02}", "lang": "en", "kind": "none", "text": "x",
             "gold": graph.dumps(build.graph(n)), "is_truncated": False,
             "answer": graph.dumps(build.graph(n)) if n < right else graph.EMPTY_TEXT}
            for n in range(12)
        ]
    }  # fmt: skip


def scored(bench, *right):
    own = ontology.load("threat_event")
    return {seed: bench.table.counts(kept(each), own) for seed, each in enumerate(right, 1)}


def test_a_number_is_the_mean_over_the_seeds_and_its_interval_holds_it(bench):
    found = bench.table.table({"demo profile": scored(bench, 12, 6, 6)}, "demo profile")

    number = found["demo profile"]["metrics"]["entity_f1"]
    assert number["by_seed"] == [1.0, 0.6667, 0.6667]
    assert number["value"] == pytest.approx(0.7778, abs=1e-4)
    assert number["low"] < 0.67
    assert number["high"] == 1.0
    assert number["difference"] is None


def test_the_seeds_widen_an_interval(bench):
    apart = bench.table.table({"demo profile": scored(bench, 12, 6, 1)}, "demo profile")
    alike = bench.table.table({"demo profile": scored(bench, 6, 6, 6)}, "demo profile")

    def width(found):
        number = found["demo profile"]["metrics"]["entity_f1"]
        return number["high"] - number["low"]

    assert width(apart) > width(alike) > 0


def test_a_difference_is_paired_by_document_and_seed(bench):
    runs = {"demo profile": scored(bench, 12, 6, 3), "same": scored(bench, 12, 6, 3), "worse": scored(bench, 6, 3)}
    found = bench.table.table(runs, "demo profile")

    same = found["same"]["metrics"]["entity_f1"]["difference"]
    assert (same["value"], same["low"], same["high"]) == (0.0, 0.0, 0.0)
    worse = found["worse"]["metrics"]["entity_f1"]["difference"]
    assert worse["by_seed"] == [-0.3333, -0.2667]  # the two seeds that both have
    assert worse["high"] <= 0


def test_every_arm_changes_what_its_name_says(bench):
    from kgtune import config

    plain = config.load(None, "demo").config
    assert len(bench.arms.ARMS) == 12
    for arm in bench.arms.ARMS.values():
        cfg = config.load(None, "demo", bench.arms.overrides(arm, 7, short=False)).config
        assert (cfg.training.seed, cfg.data.seed, cfg.training.max_steps) == (7, 7, plain.training.max_steps)
        on = {name for name in bench.arms.OPERATIONS if getattr(cfg.augmentation, name).enabled}
        if arm.name.startswith("only "):
            assert on == {arm.name.removeprefix("only ")}
        else:
            assert on == (set() if arm.name == "no augmentation" else set(bench.arms.OPERATIONS))
        assert cfg.model.load_in_4bit is (arm.name == "4-bit")
        assert cfg.lora.lora_r == {"r 4": 4, "r 16": 16}.get(arm.name, plain.lora.lora_r)
        assert cfg.lora.lora_alpha / cfg.lora.lora_r == plain.lora.lora_alpha / plain.lora.lora_r


def test_the_smaller_share_of_documents_stands_in_the_larger_one_and_the_held_out_ones_stay(bench, tmp_path):
    def documents(name):
        path = bench.main._documents(bench.arms.ARMS[name], 1, tmp_path)
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return ({r["id"] for r in rows if r["split"] == "train"}, {r["id"] for r in rows if r["split"] != "train"})

    whole, half, quarter = map(documents, ("demo profile", "50 % of the documents", "25 % of the documents"))
    assert quarter[0] < half[0] < whole[0]
    assert len(half[0]) == round(len(whole[0]) / 2)
    assert quarter[1] == half[1] == whole[1]
    assert len(whole[1]) > 100


def write(bench, name, seed, **changes):
    arm = bench.arms.ARMS[name]
    data = bench.main.runs.file_hash(bench.main.CORPUS)
    run = {**kept(6 + seed), "arm": name, "seed": seed, "num_rows_trained_on": 1, "num_documents_trained_on": 1,
           "num_steps": 80, "last_loss": 0.1, "seconds": 1.0, "git_sha": None,
           "fingerprint": bench.arms.fingerprint(arm, seed, data, short=True), **changes}  # fmt: skip
    bench.main.runs.write_json_atomic(bench.main._path(arm, seed, short=True), run)


def test_a_kept_run_is_not_made_again_and_one_of_other_settings_is(bench, monkeypatch):
    started = []
    monkeypatch.setattr(
        bench.main.subprocess, "run", lambda command, **_: started.append(command[5]) or SimpleNamespace(returncode=0)
    )
    write(bench, "r 4", 1)
    write(bench, "r 4", 2, fingerprint="of another corpus")
    arm = bench.arms.ARMS["r 4"]

    assert bench.main._run(arm, 1, short=True) == "kept"
    assert started == []
    assert bench.main._run(arm, 2, short=True).startswith("made in ")
    assert bench.main._run(arm, 1, short=False).startswith("made in ")  # the short form's runs are not the full one's
    assert len(started) == 2


def test_a_run_that_fails_stops_with_its_exit_code(bench, monkeypatch):
    monkeypatch.setattr(bench.main.subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=2))

    with pytest.raises(SystemExit, match="r 4, seed 1: exit 2"):
        bench.main._run(bench.arms.ARMS["r 4"], 1, short=True)


def test_the_table_ends_with_json_that_the_results_file_keeps(bench, capsys):
    for seed in (1, 2):
        write(bench, "demo profile", seed)
        write(bench, "r 4", seed)
    bench.main._print(short=True)

    out = capsys.readouterr().out.splitlines()
    record = json.loads(out[-1])
    assert out[0].startswith("SHORT FORM, 80 steps")
    assert record == json.loads((bench.main.RESULTS / "ablations.short.json").read_text(encoding="utf-8"))
    assert (record["name"], record["runs"], record["short"]) == ("ablations", 4, True)
    assert [(one["peer"], one["ratio"]) for one in record["results"]] == [("r 4", 1.0), ("r 4", 1.0)]
    assert set(record["arms"]) == {"demo profile", "r 4"}


def test_without_the_baseline_there_is_no_table(bench, capsys):
    write(bench, "r 4", 1)
    bench.main._print(short=True)

    assert "no run of it is kept" in capsys.readouterr().err
    assert not bench.main.RESULTS.exists()
