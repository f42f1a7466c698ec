"""Checks that need no weights: each fires on its fault, and is silent beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from kgtune import config, ontology
from kgtune.checks import catalogue
from kgtune.errors import CheckFailed
from kgtune.examples import Example
from kgtune.graph import Entity, Graph, Relationship
from kgtune.planning import shapes
from kgtune.training import screening

ONTOLOGY = ontology.load("threat_event")
TEXT = "Crimson Otter deployed VelkaRAT."


def cfg(*overrides):
    return config.load(None, None, overrides).config


def codes(problems):
    return [problem.code for problem in problems]


def example(**changes):
    graph = Graph(
        (Entity("ThreatOrganization", "e1", "Crimson Otter"), Entity("Tool", "e2", "VelkaRAT")),
        (Relationship("USE", "e1", "e2", 0.95, TEXT),),
    )
    made = Example("r1", "d1", "g1", "train", "en", "", TEXT, graph)
    return replace(made, **changes)


@pytest.mark.parametrize(
    ("num_rows", "expected"), [(3200, []), (320, []), (319, ["C10-EPOCHS"]), (3201, ["C10-EPOCHS"])]
)
def test_rows_that_are_seen_too_often_or_not_all_are_told(num_rows, expected):
    """100 updates of 32 rows."""
    assert codes(screening.schedule(cfg(), num_rows)) == expected


def test_the_advice_on_passes_is_three_of_them():
    [problem] = screening.schedule(cfg(), 20)
    assert "are 160 passes over 20 rows" in problem.what
    assert problem.fix == "For three passes set training.max_steps=2."


def test_processes_multiply_the_rows_of_an_update():
    assert codes(screening.schedule(cfg(), 1600, 8)) == ["C10-EPOCHS"]
    assert codes(screening.schedule(cfg(), 1600, 1)) == []


@pytest.mark.parametrize(("warmup", "expected"), [(0.5, []), (99, []), (100, ["C10-WARMUP"]), (500, ["C10-WARMUP"])])
def test_a_warm_up_that_takes_the_whole_run_stops(warmup, expected):
    assert codes(screening.schedule(cfg(f"training.warmup_steps={warmup}"), 3000)) == expected


def test_rows_of_the_ontology_with_their_names_in_their_text_pass():
    variant = example(id="r1+order1", aug="order", text=f"In May: {TEXT}")
    assert screening.rows([example(), variant], ONTOLOGY) == []


def test_a_label_and_a_type_that_the_prompt_does_not_name_are_told_with_their_rows():
    strange = Graph(
        (Entity("Spaceship", "e1", "Crimson Otter"), Entity("Tool", "e2", "VelkaRAT")),
        (Relationship("ORBITS", "e1", "e2", 0.95, TEXT),),
    )
    problems = screening.rows([example(graph=strange), example(id="r2", graph=strange)], ONTOLOGY)
    assert codes(problems) == ["C12-NOT-IN-ONTOLOGY"] * 2
    assert {problem.what.split()[1] for problem in problems} == {'"Spaceship"', '"ORBITS"'}
    assert all("stands in 2 rows" in problem.what for problem in problems)
    assert {problem.where for problem in problems} == {"row r1"}
    with pytest.raises(CheckFailed, match="C12-NOT-IN-ONTOLOGY: row r1: label"):
        catalogue.stop_or_tell(problems)


def test_a_name_that_the_prompt_does_not_have_is_told_in_measured_rows_too():
    strange = example(graph=Graph((Entity("Spaceship", "e1", "Crimson Otter"),)), split="test")
    assert codes(screening.rows([strange], ONTOLOGY)) == ["C12-NOT-IN-ONTOLOGY"]


def test_a_variant_that_lost_a_name_of_its_parents_text_stops():
    lost = example(id="r1+order1", aug="order", text="Crimson Otter deployed it.")
    [problem] = screening.rows([example(), lost], ONTOLOGY)
    assert (problem.code, problem.where) == ("C12-NAME-LOST", "row r1+order1")
    assert "1 of its names do not stand in its text; in row r1" in problem.what


def test_a_variant_may_lack_what_its_parent_lacked_and_held_out_rows_are_not_looked_at():
    gone = "Nothing to see."
    parent, variant = example(text=gone), example(id="r1+order1", aug="order", text=f"{gone} In May.")
    assert screening.rows([parent, variant], ONTOLOGY) == []
    assert screening.rows([example(), example(id="r1+order1", aug="order", text=gone, split="test")], ONTOLOGY) == []


def test_an_adapter_on_the_output_layer_stops():
    assert codes(screening.target_modules(cfg())) == []
    assert codes(screening.target_modules(cfg("lora.target_modules=[q_proj, lm_head]"))) == ["C13-LM-HEAD"]


def test_a_full_disk_stops_before_the_run_with_what_it_would_need(monkeypatch, tmp_path):
    shape = shapes.published("7B")
    needed = 3 * (10_092_544 * 12 + screening.TOKENIZER_BYTES) + 10_092_544 * 4 + screening.TOKENIZER_BYTES
    for free, expected in ((needed, []), (needed - 1, ["C18-DISK-FULL"])):
        monkeypatch.setattr(screening.shutil, "disk_usage", lambda path, free=free: SimpleNamespace(free=free))
        assert codes(screening.disk(cfg(), shape, tmp_path / "new/out")) == expected


def test_the_disk_of_the_folder_that_is_to_be_made_is_asked(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(
        screening.shutil, "disk_usage", lambda path: (asked.append(path), SimpleNamespace(free=10**12))[1]
    )
    screening.disk(cfg(), shapes.published("0.5B"), tmp_path / "a/b")
    assert asked == [Path(tmp_path)]
