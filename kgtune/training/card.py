"""The card of a trained model, final_model/README.md: what it is, what made it, how good it was measured to be.

Knows results by their keys; holds no text, name or path of the user's data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kgtune.scoring import tables

FILE = "README.md"
# Values of the configuration that shape the model; the others say where things lie and how they are served.
_SECTIONS = ("model", "lora", "training", "prompt", "decoding")
_PLACES = {"model_id"}


def text(facts: Mapping[str, Any], config: Mapping[str, Any], result: Mapping[str, Any] | None) -> str:
    """Write the card; `result` is evaluation_results.json, None before the model has been measured."""
    base = _name(str(facts["base_model"]))
    what = (
        f"A LoRA adapter over {base}, made by kgtune. It answers a threat report in Chinese or English with one JSON "
        "graph. Ask it through `python inference.py` or `python serve.py` with `--model` and this folder: it was "
        "trained on one exact prompt, which prompt_contract.json holds."
    )
    header = ["---", f"base_model: {base}", "library_name: peft", "pipeline_tag: text-generation", "---"]
    lines = [
        *header,
        "",
        "# Knowledge-graph extractor",
        "",
        what,
        "",
        "## What made it",
        "",
        *_listed(facts),
        "",
        "```json",
        json.dumps({name: _settings(config[name]) for name in _SECTIONS}, ensure_ascii=False, indent=1),
        "```",
        "",
        "## How good it is",
        "",
    ]
    return "\n".join([*lines, *(_measured(result) if result else ["It has not been measured yet."]), ""])


def _listed(facts: Mapping[str, Any]) -> list[str]:
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    named = {
        "training data, SHA-256": facts["data_sha256"],
        "configuration, SHA-256": facts["config_sha256"],
        "ontology, SHA-256": facts["ontology_sha256"],
        "rows trained on": facts["num_rows_trained_on"],
        "seed": facts["seed"],
        "code": f"git {facts['git_sha']}",
        "device": facts["device"],
        "date": facts["date"],
        "versions": versions,
    }
    return [f"- {name}: {value}" for name, value in named.items()]


def _measured(result: Mapping[str, Any]) -> list[str]:
    what = (
        f"On held-out documents ({result['split']} split) that it was not trained on; before is the base model with "
        "the adapter off, same prompt, same documents."
    )
    return [what, "", tables.table(result)]


def _settings(section: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in section.items() if key not in _PLACES}


def _name(base: str) -> str:
    """A folder of this machine is told by its last part; a hub's id as it is."""
    return Path(base).name if Path(base).is_dir() or base.count("/") != 1 else base
