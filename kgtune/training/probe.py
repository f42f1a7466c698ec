"""One measured step on the longest pass: what the card really needs, before the run that would find out.

Knows the trainer and a meter of memory; leaves weights, gradients and random numbers as they were.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from kgtune import config
from kgtune.errors import CheckFailed
from kgtune.extraction.device import device_errors, release_memory
from kgtune.extraction.interruption import DeviceMemoryError
from kgtune.planning import preflight
from kgtune.planning.checkpointing import Choice, named
from kgtune.planning.memory import CONTEXT_BYTES, EVERY_LAYER, GIB
from kgtune.planning.preflight import Preflight
from kgtune.settings import Config
from kgtune.training import activation_checkpointing, passes

log = logging.getLogger(__name__)

MOST_UPDATES = 64


class Meter(Protocol):
    """Measures the most memory that was held at once."""

    def reset(self) -> None: ...

    def peak_bytes(self) -> float: ...


class CudaMeter:
    """The allocator of this process's card; the context outside it is added as the planner allows for it."""

    def reset(self) -> None:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()

    def peak_bytes(self) -> float:
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated() + CONTEXT_BYTES


@dataclass(frozen=True, slots=True)
class Measured:
    """The peak of one forward and backward pass, with the moments of the optimizer that are not there yet."""

    peak_bytes: float
    num_tokens: int


def on_card(trainer: Any, cfg: Config) -> str:
    """Measure where there is a card; the words for a person, and none where there isn't."""
    card_gib = config.card_memory_gib()
    found = preflight.examine(cfg, card_gib) if card_gib else None
    is_auto = cfg.training.activation_checkpointing == "auto"
    return fitted(trainer, found, CudaMeter(), is_auto=is_auto) if found else ""


def fitted(trainer: Any, found: Preflight, meter: Meter, *, is_auto: bool) -> str:
    """Measure a step as it was planned; where `auto` planned too little checkpointing, all layers get it.

    Raises:
        CheckFailed: the card can't take it, checkpointed as far as the run may be.
    """
    every = activation_checkpointing.every_of(trainer.args)
    try:
        return probe(trainer, preflight.with_checkpointing(found, every), meter)
    except CheckFailed:
        if not is_auto or every == EVERY_LAYER:
            raise
    activation_checkpointing.ask_for(trainer.args, EVERY_LAYER)
    trainer.why_checkpointed = f"auto: the measured step of {named(every)} does not fit the card"
    log.warning("%s", Choice(EVERY_LAYER, trainer.why_checkpointed))
    return probe(trainer, preflight.with_checkpointing(found, EVERY_LAYER), meter)


def probe(trainer: Any, found: Preflight, meter: Meter) -> str:
    """Measure the longest pass, and say how far the plan was off; stop where the card can't take it.

    Raises:
        CheckFailed: the step ran out of memory, or would with the optimizer's moments.
    """
    try:
        measured = measure(trainer, meter)
    except DeviceMemoryError:
        peak_gib = max(found.peak_gib, found.card_gib)
        raise CheckFailed([preflight.problem(peak_gib, found, how="a step on the longest pass ran out")]) from None
    peak_gib, planned_gib = measured.peak_bytes / GIB, found.plan.training_bytes / GIB
    if found.card_gib and peak_gib > found.card_gib:
        raise CheckFailed([preflight.problem(peak_gib, found, how="measured on the longest pass")])
    return (
        f"measured step: {measured.num_tokens} tokens, peak {peak_gib:.2f} of {found.card_gib:.1f} GiB; planned for "
        f"{found.setup.num_tokens} tokens: {planned_gib:.2f} GiB"
    )


def measure(trainer: Any, meter: Meter) -> Measured:
    """Run one forward and backward pass on the longest pass, and put everything back as it was.

    Raises:
        DeviceMemoryError: the device has not enough memory.
    """
    one = longest_pass(trainer)
    was_training = trainer.model.training
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    try:
        with torch.random.fork_rng(devices), device_errors():
            meter.reset()
            trainer.model.train()
            activation_checkpointing.switch_on(trainer.model, trainer.args)
            with trainer.fast():
                trainer.accelerator.backward(trainer.pass_loss(trainer.model, one))
            peak_bytes = meter.peak_bytes()
    finally:
        trainer.model.zero_grad(set_to_none=True)
        trainer.model.train(was_training)
        release_memory()
    moments = sum(2 * p.numel() * p.element_size() for p in trainer.model.parameters() if p.requires_grad)
    return Measured(peak_bytes + moments, one["input_ids"].numel())


def longest_pass(trainer: Any) -> dict[str, Any]:
    """Lay out the pass with the most tokens among the run's first updates."""
    updates = trainer.updates
    tokens_fed = updates.batching.tokens_fed
    steps = range(min(updates.num_updates, MOST_UPDATES))
    laid_out = (
        rows for step in steps for rows in updates.batching.update(step, rank=updates.rank, world=updates.world)
    )
    longest = max(laid_out, key=lambda rows: tokens_fed([rows]))
    layout, shared = updates.batching.layout, updates.batching.shared
    return passes.collate([updates.rows[row] for row in longest], layout, shared)
