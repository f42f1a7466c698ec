"""Effective settings: what was asked of the libraries, what they really do, and the stop where the two differ.

Knows the trainer from outside, as it stands before its first step; knows nothing about data or evaluation.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from kgtune import runs
from kgtune.checks import catalogue
from kgtune.errors import CheckFailed, Problem
from kgtune.model import DTYPES, Precision
from kgtune.planning import preflight
from kgtune.planning.memory import num_checkpointed
from kgtune.settings import Config
from kgtune.training import activation_checkpointing
from kgtune.training.passes import ATTENTION

log = logging.getLogger(__name__)

KEY = "effective_settings"
_SHARDING = {"ACCELERATE_USE_FSDP": "FSDP", "ACCELERATE_USE_DEEPSPEED": "DEEPSPEED"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that was asked for in words, and the words for what was found."""

    name: str
    asked: str
    found: str
    code: str = "E-SETTINGS"
    note: str = ""

    @property
    def problem(self) -> Problem | None:
        if self.asked == self.found:
            return None
        facts: dict[str, Any] = {"setting": self.name, "asked": self.asked, "found": self.found}
        return catalogue.problem(self.code, self.name, **facts)


def collect(trainer: Any, cfg: Config, precision: Precision, *, has_begun: bool) -> tuple[Setting, ...]:
    """Ask the trainer and its model what is in force; checkpointing is switched on only when training begins."""
    return (
        _processes(trainer),
        _sharding(trainer),
        _rows_per_step(trainer, cfg),
        _weights(trainer.model, cfg, precision),
        _computation(trainer, precision),
        _adapter(trainer.model, cfg, precision),
        _attention(trainer),
        _dropout(trainer.model, cfg),
        *([_checkpointing(trainer, cfg)] if has_begun else []),
    )


class Inspector(TrainerCallback):
    """Establishes the settings once more when training begins, and tells them."""

    def __init__(self, trainer: Any, cfg: Config, precision: Precision, run_file: Path) -> None:
        self.establish = partial(establish, trainer, cfg, precision, run_file)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        told_now = self.establish(has_begun=True)
        if state.is_world_process_zero:
            log.info("%s", told_now)


def watch(trainer: Any, cfg: Config, precision: Precision, run_file: Path) -> None:
    """Stop now where a setting is not in force, rather than behind the first measurement; and again at the start."""
    establish(trainer, cfg, precision, run_file, has_begun=False)
    trainer.add_callback(Inspector(trainer, cfg, precision, run_file))


def establish(trainer: Any, cfg: Config, precision: Precision, run_file: Path, *, has_begun: bool) -> str:
    """Save the settings in run.json; return them for a person. What was asked and is not in force stops the run."""
    settings = collect(trainer, cfg, precision, has_begun=has_begun)
    if run_file.exists() and trainer.is_world_process_zero():
        record = json.loads(run_file.read_text(encoding="utf-8"))
        record[KEY] = {s.name: {"asked": s.asked, "in_force": s.found, "more": s.note} for s in settings}
        runs.write_json_atomic(run_file, record)
    problems = [problem for setting in settings if (problem := setting.problem)]
    problems += storage(trainer.model, precision, _asked_sharding())
    if problems:
        raise CheckFailed(problems, summary="what was asked for is not what would be trained:")
    return told(settings)


def told(settings: Iterable[Setting]) -> str:
    """Write the settings for a person."""
    lines = ["effective settings"]
    lines += [f"  {s.name:<16}  {s.found}{f' ({s.note})' if s.note else ''}" for s in settings]
    return "\n".join(lines)


def storage(model: Any, precision: Precision, sharding: str) -> list[Problem]:
    """C14: 4-bit weights can be sharded only when they are stored in the computation's format."""
    stored = {module.weight.dtype for module in _in_four_bits(model)}
    if not sharding or stored <= {DTYPES[precision]}:
        return []
    facts = {"sharding": sharding, "storage": _listed(stored), "compute": precision}
    return [catalogue.problem("C14-STORAGE", "accelerate", **facts)]


def _processes(trainer: Any) -> Setting:
    """C16. torchrun and accelerate tell each process how many there are to be."""
    asked = os.environ.get("WORLD_SIZE", "1")
    return Setting("processes", asked, str(trainer.accelerator.num_processes), "C16-PROCESSES")


def _asked_sharding() -> str:
    found = [name for variable, name in _SHARDING.items() if os.environ.get(variable, "").lower() in ("1", "true")]
    return found[0] if found else ""


def _sharding(trainer: Any) -> Setting:
    """Asked of a CPU, accelerate's FSDP becomes plain DDP without a word."""
    found = trainer.accelerator.distributed_type.value
    return Setting("sharding", _asked_sharding() or "none", found if found in _SHARDING.values() else "none")


def _rows_per_step(trainer: Any, cfg: Config) -> Setting:
    """C17: packing changes how rows are fed, never how many an update takes."""
    num_processes = trainer.accelerator.num_processes
    asked = cfg.training.per_device_train_batch_size * cfg.training.gradient_accumulation_steps * num_processes
    batching = trainer.updates.batching
    mine = [batching.update(0, rank=rank, world=num_processes) for rank in range(num_processes)]
    found = sum(len(rows) for passes_of_one in mine for rows in passes_of_one)
    note = f"{batching.layout}, in {len(mine[0])} passes"
    return Setting("rows per update", str(asked), str(found), "C17-ROWS-PER-UPDATE", note)


def _attention(trainer: Any) -> Setting:
    """The attention of a training pass, which keeps packed rows apart; answering uses the model's own."""
    config = trainer.accelerator.unwrap_model(trainer.model).config
    own = config._attn_implementation  # noqa: SLF001  transformers has a setter and no getter
    with trainer.fast():
        found = config._attn_implementation  # noqa: SLF001
    return Setting("attention", ATTENTION, str(found), note=f"answering: {own}")


def _weights(model: Any, cfg: Config, precision: Precision) -> Setting:
    """Whether the layers really are 4-bit, nf4 and nested; the embedding stands for what stays as it was loaded."""
    linears = _in_four_bits(model)
    kinds = {f"{m.weight.quant_type}{', nested' if m.weight.quant_state.nested else ''}" for m in linears}
    plain = _named(model.get_input_embeddings().weight.dtype)
    asked = "nf4, nested" if cfg.model.load_in_4bit else precision
    note = f"{len(linears)} modules in 4 bits, the rest {plain}" if linears else ""
    return Setting("weights", asked, " and ".join(sorted(kinds)) or plain, note=note)


def _computation(trainer: Any, precision: Precision) -> Setting:
    """C8: autocast as the trainer has it, and the format into which 4-bit modules are unpacked."""
    mixed = str(trainer.accelerator.mixed_precision)
    found = {"no": "fp32"}.get(mixed, mixed)
    unpacked = {_named(module.compute_dtype) for module in _in_four_bits(trainer.model)}
    formats = sorted({found, *unpacked})
    return Setting("computation", precision, " and ".join(formats), "C8-OTHER-DTYPE")


def _adapter(model: Any, cfg: Config, precision: Precision) -> Setting:
    """C8: bf16 over a 4-bit base, as the trainer has it; 32 bits elsewhere."""
    asked = "bf16" if cfg.model.load_in_4bit and precision == "bf16" else "fp32"
    trained = [p for p in model.parameters() if p.requires_grad]
    note = f"{sum(p.numel() for p in trained):,} weights"
    return Setting("adapter", asked, _listed({p.dtype for p in trained}), "C8-OTHER-DTYPE", note)


def _checkpointing(trainer: Any, cfg: Config) -> Setting:
    """Whether as many layers compute their activations again as was asked; a layer says so itself."""
    is_auto = cfg.training.activation_checkpointing == "auto"
    every = activation_checkpointing.every_of(trainer.args) if is_auto else preflight.checkpoint_every(cfg)
    found, number = activation_checkpointing.counted(trainer.model)
    asked = num_checkpointed(number, every)
    note = trainer.why_checkpointed
    return Setting("checkpointing", f"{asked} of {number} layers", f"{found} of {number} layers", note=note)


def _dropout(model: Any, cfg: Config) -> Setting:
    rates = {m.p for name, m in model.named_modules() if isinstance(m, torch.nn.Dropout) and ".lora_dropout." in name}
    return Setting("lora_dropout", f"{cfg.lora.lora_dropout:g}", " and ".join(f"{p:g}" for p in sorted(rates)) or "0")


def _in_four_bits(model: Any) -> list[Any]:
    import bitsandbytes as bnb

    return [module for module in model.modules() if isinstance(module, bnb.nn.Linear4bit)]


def _named(dtype: torch.dtype) -> str:
    names = {torch_dtype: name for name, torch_dtype in DTYPES.items()}
    return names.get(dtype, str(dtype).removeprefix("torch."))


def _listed(dtypes: Iterable[torch.dtype]) -> str:
    return " and ".join(sorted(map(_named, dtypes)))
