"""The page that a person reads before anything is loaded: memory by term, the verdict, and what to change.

Knows the configuration; knows nothing about where it came from, and asks no card: its memory comes in as a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from kgtune.checks import catalogue
from kgtune.errors import Problem
from kgtune.planning import advice, shapes
from kgtune.planning.advice import Change, Verdict
from kgtune.planning.memory import EVERY_LAYER, GIB, NO_CHECKPOINTING, Plan, Setup, num_adapter_weights, plan
from kgtune.planning.shapes import Shape
from kgtune.settings import Config


@dataclass(frozen=True, slots=True)
class Preflight:
    """A configuration's plan, and the card that it is held against; 0 GiB is no card."""

    shape: Shape
    setup: Setup
    plan: Plan
    card_gib: float

    @property
    def verdict(self) -> Verdict:
        return advice.verdict(self.plan.peak_bytes, self.card_gib)

    @property
    def peak_gib(self) -> float:
        return self.plan.peak_bytes / GIB


def examine(cfg: Config, card_gib: float, shape: Shape | None = None) -> Preflight | None:
    """Plan a configuration's memory; None when nobody knows the model's shape."""
    shape = shape or shapes.shape_of(cfg.model.model_id)
    if shape is None:
        return None
    setup = setup_of(cfg)
    return Preflight(shape, setup, plan(shape, setup), card_gib)


def with_checkpointing(found: Preflight, every: int) -> Preflight:
    """Plan the same run with every n-th layer checkpointed, 0 for none."""
    setup = replace(found.setup, checkpoint_every=every)
    return replace(found, setup=setup, plan=plan(found.shape, setup))


def checkpoint_every(cfg: Config) -> int:
    """What is asked of activation checkpointing; `auto` can go as far as all layers."""
    asked = cfg.training.activation_checkpointing
    return asked if isinstance(asked, int) else {"none": NO_CHECKPOINTING}.get(asked, EVERY_LAYER)


def setup_of(cfg: Config) -> Setup:
    """Read off a configuration what matters to memory. `auto` precision is taken for bf16."""
    precision = cfg.training.precision
    # trl holds the adapter of a 4-bit base in bf16; peft holds any other in 32 bits, and fp16 can't be scaled in less
    has_small_adapter = cfg.model.load_in_4bit and precision in ("auto", "bf16")
    return Setup(
        load_in_4bit=cfg.model.load_in_4bit,
        lora_r=cfg.lora.lora_r,
        lora_dropout=cfg.lora.lora_dropout,
        target_modules=cfg.lora.target_modules,
        batch_size=cfg.training.per_device_train_batch_size,
        sequence_length=cfg.model.max_seq_length,
        evaluation_batch_size=cfg.evaluation.batch_size,
        compute_bytes=4 if precision == "fp32" else 2,
        adapter_bytes=2 if has_small_adapter else 4,
        checkpoint_every=checkpoint_every(cfg),
        batching="shared" if cfg.training.batching == "auto" else cfg.training.batching,
    )


def unknown_shape(model_id: str) -> str:
    """What is said where the shape is not known."""
    return (
        f"memory: not run, since the shape of {model_id} is known neither from a config.json in that folder nor from "
        "its name (Qwen2.5-0.5B to -72B). Set model.model_id to a local folder to run it."
    )


def page(found: Preflight) -> str:
    """Write the table, the verdict and the advice."""
    setup = found.setup
    head = (
        f"memory of {found.shape.name}, {'4-bit' if setup.load_in_4bit else f'{8 * setup.compute_bytes}-bit'} weights, "
        f"{setup.batch_size} x {setup.sequence_length} tokens, lora_r {setup.lora_r} "
        f"({num_adapter_weights(found.shape, setup) / 1e6:.1f} M weights), in GiB (estimate)"
    )
    return "\n".join([head, *_table(found.plan), *_verdict(found), *_advice(found)])


def _table(made: Plan) -> list[str]:
    lines = _terms(made.held)
    lines += ["  a training step takes on top", *_terms(made.training, indent=4)]
    lines += _terms({"peak of training": made.training_bytes})
    lines += ["  measuring before and after takes on top", *_terms(made.answering, indent=4)]
    return [*lines, *_terms({"peak of measuring": made.answering_bytes})]


def _terms(terms: Mapping[str, float], *, indent: int = 2) -> list[str]:
    return [f"{' ' * indent}{name:<{62 - indent}}{amount / GIB:8.2f}" for name, amount in terms.items()]


def _verdict(found: Preflight) -> list[str]:
    if not found.card_gib:
        return [f"peak {found.peak_gib:.1f} GiB; no card was found to hold it against: give one with --vram-gib N"]
    share = found.peak_gib / found.card_gib
    peak = f"peak {found.peak_gib:.1f} of {found.card_gib:.1f} GiB"
    return [f"verdict: {found.verdict}: {peak} ({share:.0%}; up to {advice.SAFE_SHARE:.0%} is safe)"]


def _advice(found: Preflight) -> list[str]:
    if not found.card_gib:
        return []
    if found.verdict != "fits":
        return to_fit(found)
    shape, setup, card_gib = found.shape, found.setup, found.card_gib
    return [f"there is room for one of: {_listed(advice.room(shape, setup, card_gib))}"]


def problem(peak_gib: float, found: Preflight, *, how: str) -> Problem:
    """P-MEMORY, with what to change. `how` the peak is known."""
    advised = ". ".join(to_fit(found)) + "."
    facts = {"peak_gib": peak_gib, "card_gib": found.card_gib, "how": how, "advice": advised[0].upper() + advised[1:]}
    return catalogue.problem("P-MEMORY", found.shape.name, **facts)


def to_fit(found: Preflight) -> list[str]:
    """Say what to change so that it fits: one key where one does it, else several, else another model."""
    changes = advice.to_fit(found.shape, found.setup, found.card_gib)
    if changes and len(changes[0].fields) == 1:
        lines = [f"to fit, one of: {_listed(changes)}"]
    elif changes:
        lines = [f"to fit, all of: {changes[0]} (peak {changes[0].peak_bytes / GIB:.1f} GiB)"]
    else:
        smaller = advice.smaller_models(found.shape, found.setup, found.card_gib)
        lines = [f"no setting makes it fit; these models would: {', '.join(smaller) or 'none of Qwen2.5'}"]
    if any("batch_size" in change.fields for change in changes):
        lines.append("with a smaller batch, raise training.gradient_accumulation_steps by as much: the total stays")
    return lines


def _listed(changes: list[Change]) -> str:
    return "; ".join(f"{change} (peak {change.peak_bytes / GIB:.1f} GiB)" for change in changes) or "nothing more"
