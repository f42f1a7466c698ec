"""A kept model is measured as it was trained, and never on rows other than its own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kgtune import config, model_folder, ontology
from kgtune.errors import ModelError, UserError
from tests import tiny

pytestmark = pytest.mark.tiny

OUTPUT = '{"entities":[{"labels":"Tool","id":"e1","name":"VelkaRAT","description":""}],"relationships":[]}'


def write_rows(path: Path, *, first: str = "names", held_out: tuple[int, ...] = (3,)) -> str:
    rows = [
        {"id": f"r{n}", "input": f"Report {n} {first if n == 0 else 'names'} VelkaRAT.", "output": OUTPUT,
         "doc_id": f"d{n}", "group_id": f"g{n}", "split": "train" if n < 3 else "test", "lang": "en", "aug": ""}
        for n in (0, 1, 2, *held_out)
    ]  # fmt: skip
    path.write_text(json.dumps(rows), encoding="utf-8")
    return f"data.training_data={path}"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_model(tmp_path_factory.mktemp("base"))


@pytest.fixture
def run(base: Path, tmp_path: Path) -> SimpleNamespace:
    """The folder of an earlier run: what fine_tune.py wrote beside the weights, and the data that it trained on."""
    from kgtune.training import preparing, tuning

    data = write_rows(tmp_path / "rows.json")
    cfg = config.load(None, "demo", [data, f"model.model_id={base}"]).config
    prepared = preparing.prepare(cfg)
    contract = tuning.contract_for(prepared, cfg)
    model_folder.save_contract(tmp_path / "final_model", contract, prepared.ontology)
    return SimpleNamespace(folder=tmp_path, data=data, contract=contract, prepared=prepared, cfg=cfg)


def prepare(run: SimpleNamespace, *overrides: str) -> Any:
    from kgtune.training import kept

    resolved = config.load(None, "demo", [run.data, *overrides])
    return kept.prepare(kept.settings(resolved, run.folder), run.folder)


def test_base_prompt_and_ontology_are_the_models_own_whatever_the_configuration_says_today(
    run: SimpleNamespace,
) -> None:
    found = prepare(run, "ontology=stix21", "prompt.guidelines=full")

    assert (found.base, found.system, found.ontology) == (run.prepared.base, run.prepared.system, run.prepared.ontology)
    assert found.kept == run.contract
    assert found.supervision.samples == run.prepared.supervision.samples


def test_cap_and_rules_are_the_kept_contracts(run: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    from kgtune.training import measuring

    contract = replace(run.contract, max_answer_tokens=4000, verbatim_names={"Tool": 0.1}, has_descriptions=True)
    model_folder.save_contract(run.folder / "final_model", contract, run.prepared.ontology)
    found = prepare(run)
    monkeypatch.setattr(measuring, "TransformersExtractor", SimpleNamespace)
    extractor = measuring._extractor(None, found, run.cfg, "after", is_constrained=True)

    assert found.max_answer_tokens == 4000
    assert extractor.max_new_tokens == 5016
    assert "Tool" not in extractor.rules.verbatim_labels
    assert extractor.rules.has_descriptions
    assert extractor.system == contract.system
    fresh = measuring._extractor(None, run.prepared, run.cfg, "after", is_constrained=True)
    assert "Tool" in fresh.rules.verbatim_labels


def test_other_train_rows_than_the_models_are_refused_with_the_way_out(run: SimpleNamespace) -> None:
    other = write_rows(run.folder / "other.json", first="mentions")
    with pytest.raises(UserError) as caught:
        prepare(run, other)

    said = str(caught.value)
    assert said.startswith(f"{run.folder / 'other.json'}: its train rows are not those that {run.folder}/final_model")
    assert "data.training_data=PATH" in said
    assert '"split": "test"' in said


def test_new_documents_beside_the_same_train_rows_are_measured(run: SimpleNamespace) -> None:
    found = prepare(run, write_rows(run.folder / "new.json", held_out=(4, 5)))

    assert [row.id for row in found.held_out(run.cfg)] == ["r4", "r5"]


@pytest.mark.parametrize("is_own", [True, False], ids=["the run's rows", "other rows"])
def test_of_an_older_model_the_run_beside_it_says_what_it_was_trained_on(run: SimpleNamespace, *, is_own: bool) -> None:
    from kgtune.training import resumption

    older = replace(run.contract, train_rows_sha256=None)
    model_folder.save_contract(run.folder / "final_model", older, run.prepared.ontology)
    with pytest.raises(ModelError, match=r"run.json: can't be read .* nobody can tell what it has not seen"):
        prepare(run)

    mark = resumption.rows_mark(run.prepared.supervision.samples) if is_own else "another"
    (run.folder / "run.json").write_text(json.dumps({"fingerprint": {"rendered train rows": mark}}), encoding="utf-8")
    if is_own:
        assert prepare(run).kept == older
    else:
        with pytest.raises(UserError, match="its train rows are not those"):
            prepare(run)


def test_an_ontology_that_is_not_the_models_is_refused(run: SimpleNamespace) -> None:
    model_folder.save_contract(run.folder / "final_model", run.contract, ontology.load("stix21"))
    with pytest.raises(ModelError, match="is not the ontology that this model was trained with"):
        prepare(run)
