"""What stands in a model's folder beside the weights: how it must be asked, and what its labels mean.

Knows nothing about weights or torch: whoever asks a model on another machine reads these files too.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from kgtune import ontology as ontologies
from kgtune import prompt, runs
from kgtune.errors import ModelError
from kgtune.ontology import Ontology
from kgtune.prompt import Contract

CONTRACT_FILE = "prompt_contract.json"
ONTOLOGY_FILE = "ontology.yaml"


def save_contract(folder: Path, contract: Contract, ontology: Ontology) -> None:
    """Write what a model needs to be asked as it was trained."""
    runs.write_json_atomic(folder / CONTRACT_FILE, asdict(contract))
    runs.write_text_atomic(folder / ONTOLOGY_FILE, ontologies.dump(ontology))


def read_contract(folder: Path) -> Contract:
    """Read the contract that fine_tune.py wrote beside the adapter."""
    path = folder / CONTRACT_FILE
    try:
        return prompt.contract_from(json.loads(path.read_text(encoding="utf-8")), where=str(path))
    except FileNotFoundError:
        raise ModelError(
            f"{path}: no such file, so {folder} is not a model that fine_tune.py wrote. "
            "Run fine_tune.py first, or give its final_model folder with --model."
        ) from None
    except json.JSONDecodeError as error:
        raise ModelError(f"{path}: not JSON ({error}). Use the file that fine_tune.py wrote.") from error


def read_ontology(folder: Path, contract: Contract) -> Ontology:
    """Read the ontology that the model was trained with; the configuration's own is of no account here."""
    path = folder / ONTOLOGY_FILE
    ontology = ontologies.load(str(path))
    if ontology.hash != contract.ontology_hash:
        raise ModelError(
            f"{path}: is not the ontology that this model was trained with (sha256 {ontology.hash[:12]}, the prompt "
            f"contract says {contract.ontology_hash[:12]}). Put back the file that fine_tune.py wrote, or fine-tune "
            "again with this one."
        )
    return ontology


def ontology_of(folder: Path) -> Ontology:
    """Read the ontology that a model was trained with, whose contract is read for it."""
    return read_ontology(folder, read_contract(folder))
