"""Who owns an output folder: what a run is known by, and whether it may be continued there.

Knows nothing about weights but where they lie. A run is its data, its prompt, its base model and the settings that
change a number; how often it saves and how much it keeps may change on the way.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kgtune import runs
from kgtune.errors import UserError
from kgtune.settings import Config
from kgtune.training import checkpoints
from kgtune.training.supervision import Sample

log = logging.getLogger(__name__)

RUN_FILE = "run.json"
ROWS_MARK = "rendered train rows"
FREE_TO_CHANGE = {"save_steps", "save_total_limit", "num_processes", "report_to", "activation_checkpointing"}
"""Keys of `training` that change no number of a run. The real count of processes is a mark of its own."""
_SAMPLED_BYTES = 1 << 20


def fingerprint(
    cfg: Config, samples: Sequence[Sample], *, ontology: str, base: Path, num_processes: int
) -> dict[str, str]:
    """What must be the same for a run to be resumed."""
    sections = cfg.model_dump(mode="json", include={"model", "lora", "training", "prompt"})
    parts = {
        f"{section}.{key}": str(value)
        for section, values in sections.items()
        for key, value in values.items()
        if section != "training" or key not in FREE_TO_CHANGE
    }
    return {
        **parts,
        "ontology": ontology,
        ROWS_MARK: rows_mark(samples),
        "base model": weights_mark(base),
        "processes": str(num_processes),
    }


def rows_mark(samples: Sequence[Sample]) -> str:
    """A mark of the train rows as they are rendered: their ids, and the tokens of prompt and answer."""
    return runs.text_hash(
        "\n".join(f"{s.example.id}\0{s.prompt_ids}\0{s.answer_ids}\0{s.answer_text}" for s in samples)
    )


def weights_mark(base: Path) -> str:
    """A mark of a base model's files: names, sizes and both ends of each. All of 15 GB would take too long."""
    digest = hashlib.sha256()
    for path in sorted([*base.glob("*.safetensors"), *base.glob("*config.json"), *base.glob("tokenizer.json")]):
        size = path.stat().st_size
        digest.update(f"{path.name} {size}\n".encode())
        with path.open("rb") as file:
            digest.update(file.read(_SAMPLED_BYTES))
            file.seek(max(0, size - _SAMPLED_BYTES))
            digest.update(file.read())
    return digest.hexdigest()


def claim(
    output_dir: Path, marks: Mapping[str, str], record: Mapping[str, Any], *, resume: bool, writes: bool
) -> Path | None:
    """Take the output folder for this run; return the checkpoint to go on from.

    `record` is written beside it as run.json where this process `writes`. Refuses to overwrite an earlier run, and to
    resume one that had other data or settings.
    """
    run_file = output_dir / RUN_FILE
    found = checkpoints.whole(output_dir)
    if checkpoints.any_in(output_dir) and not resume:
        raise UserError(
            f"{output_dir}: holds an earlier run ({checkpoints.any_in(output_dir)[-1].name}). Continue it with "
            "--resume, or keep it and write elsewhere with -o DIR, or remove that folder."
        )
    if not checkpoints.any_in(output_dir) and (output_dir / "final_model").exists():
        raise UserError(
            f"{output_dir}: holds a finished model, final_model, and no checkpoint to go on from; a new run would "
            "replace it. Keep it and write elsewhere with -o DIR, or remove that folder."
        )
    earlier = _earlier(run_file) if checkpoints.any_in(output_dir) else {}
    if changed := differences(earlier.get("fingerprint", {}), marks) if earlier else []:
        raise UserError(
            f"C15-MIXED-RUNS: {output_dir}: --resume would mix two runs; these differ: {'; '.join(changed)}. "
            "Set them back, or start a new run with -o DIR."
        )
    for line in differences(earlier.get("versions", {}), record["versions"]) if earlier else []:
        log.warning("%s: resumed with another library, results may differ in the last bits: %s", output_dir, line)
    if resume and not found:
        log.warning("%s: no whole checkpoint to resume from; the run begins at update 0", output_dir)
    if writes:
        runs.write_json_atomic(run_file, {"schema_version": 1, "fingerprint": dict(marks), **record})
    return found[-1] if found else None


def differences(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What was one thing and is another."""
    keys = [*now, *(key for key in earlier if key not in now)]
    return [
        f"{key}: was {earlier.get(key)!r}, now {now.get(key)!r}" for key in keys if earlier.get(key) != now.get(key)
    ]


def _earlier(run_file: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(run_file.read_text(encoding="utf-8"))
        found["fingerprint"].items()
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise UserError(
            f"C15-MIXED-RUNS: {run_file}: can't be read ({error}), so nobody can tell which data and settings the "
            "checkpoints beside it belong to. Put the file back, or start a new run with -o DIR."
        ) from error
    return found
