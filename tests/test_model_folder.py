"""What stands beside the weights: read back as written, and refused where it does not fit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kgtune import model_folder, ontology
from kgtune.errors import ModelError
from kgtune.prompt import Contract


def test_a_folder_without_contract_is_no_model_of_ours(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"not a model that fine_tune\.py wrote"):
        model_folder.read_contract(tmp_path)


def test_a_broken_contract_is_named(tmp_path: Path) -> None:
    (tmp_path / "prompt_contract.json").write_text("{", encoding="utf-8")

    with pytest.raises(ModelError, match=r"prompt_contract.json: not JSON"):
        model_folder.read_contract(tmp_path)


def test_the_ontology_of_a_model_is_the_one_it_was_trained_with_or_it_is_refused(tmp_path: Path) -> None:
    trained_with = ontology.load("stix21")
    contract = Contract("base", "system", "full", trained_with.hash, "probe", 10)
    model_folder.save_contract(tmp_path, contract, trained_with)
    assert model_folder.read_ontology(tmp_path, model_folder.read_contract(tmp_path)) == trained_with

    (tmp_path / "ontology.yaml").write_text(ontology.dump(ontology.load("threat_event")), encoding="utf-8")
    with pytest.raises(ModelError, match=r"ontology.yaml: is not the ontology that this model was trained with"):
        model_folder.read_ontology(tmp_path, contract)


def test_reading_a_folder_takes_no_torch() -> None:
    """A machine that asks a model elsewhere has none."""
    code = "import sys, kgtune.extraction.remote; print('torch' in sys.modules, 'transformers' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "False False\n"
