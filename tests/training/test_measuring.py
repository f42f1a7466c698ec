"""What is measured on one model, and how: the adapter off and on, examples in the prompt, a kept run's history."""

from __future__ import annotations

import json
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from kgtune import config, graph
from kgtune.examples import Example
from kgtune.extraction.extractor import ScriptedExtractor
from tests import tiny

pytestmark = pytest.mark.tiny


class Adapted:
    """A model whose adapter can be switched off; it remembers whether it was."""

    device = "cpu"
    adapter = "on"

    def eval(self):
        return self

    @contextmanager
    def disable_adapter(self):
        self.adapter = "off"
        yield
        self.adapter = "on"


def test_before_is_the_adapter_off_and_after_is_the_adapter_on(monkeypatch):
    from kgtune.training import measuring

    model, asked = Adapted(), []

    def extractor(**given):
        asked.append((given["name"], given["model"].adapter))
        return ScriptedExtractor()

    monkeypatch.setattr(measuring, "TransformersExtractor", extractor)
    prepared = SimpleNamespace(tokenizer=None, system="", kept=None, max_answer_tokens=10, held_out=lambda cfg: [])
    cfg = config.load(None, "demo").config
    measured = []
    real = measuring.evaluation.measure
    monkeypatch.setattr(
        measuring.evaluation, "measure", lambda e, rows: (measured.append(model.adapter), real(e, rows))[1]
    )
    for which in ("before", "after"):
        measuring.measure(model, prepared, cfg, which)

    assert measured == ["off", "on"]
    assert [name for name, _ in asked] == ["before", "after"]


def example(number, split="train"):
    found = graph.Graph((graph.Entity("Tool", "e1", f"Velka{number}"),))
    return Example(f"r{number}", f"d{number}", f"g{number}", split, "en", "", f"Velka{number} was seen.", found)


def prepared_rows(*rows):
    held_out = [row for row in rows if row.split == "test"]
    return SimpleNamespace(
        tokenizer=tiny.tokenizer(), system="Graph.", examples=rows, held_out=lambda cfg: held_out,
        max_answer_tokens=10,
    )  # fmt: skip


def test_the_base_is_shown_train_rows_where_that_is_asked_for_and_the_tuned_model_never_is(monkeypatch):
    from kgtune.training import measuring

    asked = []

    def extractor(**given):
        asked.append((given["name"], [shot.text for shot in given["shots"]]))
        return ScriptedExtractor()

    monkeypatch.setattr(measuring, "TransformersExtractor", extractor)
    prepared = prepared_rows(example(1), example(2), example(9, "test"))
    cfg = config.load(None, "demo", ["evaluation.few_shot_k=1", "decoding.constraint=none"]).config
    model, adapter = Adapted(), []
    real = measuring.evaluation.measure
    monkeypatch.setattr(
        measuring.evaluation, "measure", lambda e, rows: (adapter.append(model.adapter), real(e, rows))[1]
    )
    base = measuring.measure_base(model, prepared, cfg)
    measuring.measure_tuned(model, prepared, cfg)

    assert list(base.columns) == ["before", "few_shot"]
    assert base.shots.ids in (("r1",), ("r2",))
    assert asked == [("before", []), ("few_shot", [base.shots.shots[0].text]), ("after", [])]
    assert adapter == ["off", "off", "on"]


def test_before_and_after_are_asked_with_the_same_prompt_cap_and_documents(monkeypatch):
    from kgtune.training import measuring

    asked, measured = [], []

    def extractor(**given):
        asked.append({key: value for key, value in given.items() if key not in ("name", "progress", "shots")})
        return ScriptedExtractor()

    monkeypatch.setattr(measuring, "TransformersExtractor", extractor)
    real = measuring.evaluation.measure
    monkeypatch.setattr(
        measuring.evaluation, "measure", lambda e, rows: (measured.append([row.id for row in rows]), real(e, rows))[1]
    )
    prepared = prepared_rows(example(1), example(8, "test"), example(9, "test"))
    cfg = config.load(None, "demo", ["evaluation.few_shot_k=1", "decoding.constraint=none"]).config
    measuring.measure_base(Adapted(), prepared, cfg)
    measuring.measure_tuned(Adapted(), prepared, cfg)

    before, few_shot, after = ({key: value for key, value in one.items() if key != "model"} for one in asked)
    assert before == few_shot == after
    assert (before["system"], before["max_new_tokens"] >= 10, before["rules"]) == ("Graph.", True, None)
    assert measured == [["r8", "r9"]] * 3


def test_without_room_for_an_example_there_is_no_such_column_and_that_is_said(monkeypatch, caplog):
    from kgtune.training import measuring

    monkeypatch.setattr(measuring, "TransformersExtractor", lambda **given: ScriptedExtractor())
    prepared = prepared_rows(example(1), example(9, "test"))
    cfg = config.load(None, "demo", ["evaluation.few_shot_k=2", "model.max_seq_length=64"]).config
    base = measuring.measure_base(Adapted(), prepared, cfg)

    assert list(base.columns) == ["before"]
    assert base.shots.as_object() == {"num_asked": 2, "num_too_long": 1, "rows": []}
    assert "only 0 train rows fit" in caplog.text


def test_the_gold_answers_are_probed_with_the_adapter_off_and_on(monkeypatch):
    from kgtune.training import measuring

    seen = []
    monkeypatch.setattr(measuring.probes, "look", lambda model, found: seen.append((model.adapter, len(found))) or [])
    prepared = prepared_rows(example(8, "test"), example(9, "test"))
    measuring.look(Adapted(), prepared, config.load(None, "demo").config)

    assert seen == [("off", 2), ("on", 2)]


def test_a_kept_model_keeps_the_curve_of_its_training(tmp_path):
    from kgtune.training import checkpoints, measuring

    assert measuring._history_of(tmp_path) == {}
    for step in (2, 4):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        history = [{"step": 0, "probe": {"value_loss": 2.0}}, {"step": step, "loss": 1.5}]
        state = {"log_history": history, "global_step": step}
        (folder / "trainer_state.json").write_text(json.dumps(state), encoding="utf-8")
        checkpoints.seal(folder)

    assert measuring._history_of(tmp_path) == {
        "num_steps": 4, "losses": [{"step": 4, "loss": 1.5}], "probes": [{"step": 0, "value_loss": 2.0}],
    }  # fmt: skip


def _relationship_rows(number):
    from kgtune.examples import Example
    from kgtune.graph import Entity, Graph, Relationship

    gold = Graph(
        (Entity("Org", "e1", "Tidal Fox"), Entity("Tool", "e2", "Vexa")), (Relationship("USE", "e1", "e2", 0.9),)
    )
    text = "Tidal Fox used Vexa."
    return [Example(f"r{n}", f"d{n}", f"g{n}", "validation", "en", "", text, gold) for n in range(number)]


@pytest.mark.parametrize(("number", "is_kept"), [(40, True), (10, False)])
def test_confidence_is_fitted_on_validation_rows_and_kept_with_the_model(monkeypatch, tmp_path, number, is_kept):
    from dataclasses import replace

    from kgtune.extraction import calibration
    from kgtune.extraction.extractor import Extraction
    from kgtune.training import measuring

    rows = _relationship_rows(number)
    asked = []

    class Sure:
        """Says every other one the wrong way round, and is half as sure of it."""

        def extract(self, texts):
            asked.append(len(texts))
            wrong = replace(rows[0].graph, relationships=(replace(rows[0].graph.relationships[0], type="HAS"),))
            return [
                Extraction(wrong if n % 2 else rows[0].graph, "", "stop", 1, 1, probabilities=(0.4 if n % 2 else 0.8,))
                for n, _ in enumerate(texts)
            ]

    monkeypatch.setattr(
        measuring, "_extractor", lambda *_, **given: Sure() if given == {"is_constrained": True} else None
    )
    prepared = SimpleNamespace(examples=(*rows, replace(rows[0], id="t", split="test")))
    (tmp_path / "final_model").mkdir()
    found = measuring.calibrate(
        SimpleNamespace(eval=lambda: None), prepared, config.load(None, "demo").config, tmp_path
    )

    assert asked == [number]
    assert calibration.read(tmp_path / "final_model") == found
    assert (found is not None) == is_kept
    if found is not None:
        assert (found.num_items, found.share_right) == (40, 0.5)
        assert found.confidence(0.8) > 0.85
        assert found.confidence(0.4) < 0.15


def test_without_a_constraint_there_is_nothing_to_calibrate(tmp_path, caplog):
    from kgtune.training import measuring

    cfg = config.load(None, "demo", ["decoding.constraint=none"]).config
    caplog.set_level("INFO")
    assert measuring.calibrate(None, SimpleNamespace(examples=_relationship_rows(40)), cfg, tmp_path) is None
    assert "confidence is not calibrated: it takes a constraint" in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_the_results_are_held_against_the_confidence_that_the_kept_model_s_users_get(tmp_path, monkeypatch):
    from kgtune.evaluation.evaluation import Demands
    from kgtune.extraction import calibration
    from kgtune.extraction.calibration import Calibration
    from kgtune.training import measuring

    seen = {}

    def results(columns, ontology, facts, demands):
        seen.update(facts=facts, demands=demands)
        return {}

    monkeypatch.setattr(measuring, "origin", lambda *_: {})
    monkeypatch.setattr(measuring, "demands", lambda *_: Demands(frozenset({"velka"})))
    monkeypatch.setattr(measuring.evaluation, "results", results)
    monkeypatch.setattr(measuring.report, "markdown", lambda _: "")
    monkeypatch.setattr(measuring.report_page, "render", lambda *_: "")
    (tmp_path / "final_model").mkdir()
    calibration.write(tmp_path / "final_model", Calibration("platt", ((0.0, 0.2), (1.0, 0.4)), 12, 40, 0.5, 0.3, 0.1))
    nothing = SimpleNamespace(dropped={}, ledger=SimpleNamespace(as_object=dict))
    prepared = SimpleNamespace(examples=(), max_answer_tokens=10, supervision=nothing, ontology=None)
    outcome = measuring.Outcome({}, SimpleNamespace(as_object=dict), {}, {})
    measuring.keep_results(outcome, prepared, config.load(None, "demo").config, tmp_path)

    assert seen["facts"]["confidence"]["kind"] == "calibrated"
    assert seen["demands"].known_names == frozenset({"velka"})
    assert seen["demands"].given(0.5) == 0.3
