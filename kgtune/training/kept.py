"""A model that an earlier run kept, before it is measured again: asked as it was trained, on rows that it never saw.

Knows nothing about weights. What must not change with today's configuration is read from the model's folder.
"""

from __future__ import annotations

import json
from pathlib import Path

from kgtune import model as models
from kgtune import model_folder
from kgtune.config import Resolved
from kgtune.errors import ModelError, UserError
from kgtune.prompt import Contract
from kgtune.settings import Config
from kgtune.training import rehearsal, resumption
from kgtune.training.preparing import Prepared

MODEL = "final_model"


def settings(resolved: Resolved, output_dir: Path) -> Config:
    """Return the configuration with the kept model's own base and ontology, as this machine can run it."""
    folder = output_dir / MODEL
    cfg = models.settings_here(resolved, folder)
    contract = model_folder.read_contract(folder)
    model_folder.read_ontology(folder, contract)  # refuses one that is not the model's
    base = cfg.model.model_copy(update={"model_id": contract.base_model})
    return cfg.model_copy(update={"model": base, "ontology": str(folder / model_folder.ONTOLOGY_FILE)})


def prepare(cfg: Config, output_dir: Path) -> Prepared:
    """Prepare the rows as the model was trained on them; `cfg` is from `settings`.

    Raises:
        UserError: it was trained on other rows, so that what is held out here may be what it learnt there.
    """
    contract = model_folder.read_contract(output_dir / MODEL)
    prepared = rehearsal.prepare(cfg, output_dir, trains=False, kept=contract)
    trained_on = _rows_mark_of(contract, output_dir)
    if prepared.rows_mark != trained_on:
        path = cfg.data.training_data
        raise UserError(
            f"{path}: its train rows are not those that {output_dir / MODEL} was trained on, so a document that is "
            "held out here may be one that it has learnt. Name that run's file with data.training_data=PATH, and "
            "give model.max_seq_length and the keys of data as they were (run.json has them). To measure on new "
            'documents, put them beside those train rows with "split": "test".'
        )
    return prepared


def _rows_mark_of(contract: Contract, output_dir: Path) -> str:
    """Return the mark of the rows that a model was trained on: its own, or in older ones that of the run beside it."""
    if contract.train_rows_sha256:
        return contract.train_rows_sha256
    run_file = output_dir / resumption.RUN_FILE
    try:
        return str(json.loads(run_file.read_text(encoding="utf-8"))["fingerprint"][resumption.ROWS_MARK])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{run_file}: can't be read ({error!r}), and {output_dir / MODEL} does not say itself which rows it was "
            "trained on, so nobody can tell what it has not seen. Put the file back, or train again."
        ) from error
