"""One measured step on the longest batch: what the card really needs, before the run that would find out.

Knows the trainer and a meter of memory; leaves weights, gradients and random numbers as they were.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch

from kgtune.errors import CheckFailed
from kgtune.extraction.device import device_errors, release_memory
from kgtune.extraction.interruption import DeviceMemoryError
from kgtune.planning import preflight
from kgtune.planning.memory import CONTEXT_BYTES, GIB
from kgtune.planning.preflight import Preflight


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
    num_rows: int
    num_tokens: int


def probe(trainer: Any, found: Preflight, meter: Meter) -> str:
    """Measure the longest batch, and say how far the plan was off; stop where the card can't take it.

    Raises:
        CheckFailed: the step ran out of memory, or would with the optimizer's moments.
    """
    try:
        measured = measure(trainer, meter)
    except DeviceMemoryError:
        peak_gib = max(found.peak_gib, found.card_gib)
        raise CheckFailed([preflight.problem(peak_gib, found, how="a step on the longest batch ran out")]) from None
    peak_gib, planned_gib = measured.peak_bytes / GIB, found.plan.training_bytes / GIB
    if found.card_gib and peak_gib > found.card_gib:
        raise CheckFailed([preflight.problem(peak_gib, found, how="measured on the longest batch")])
    return (
        f"measured step: {measured.num_rows} x {measured.num_tokens} tokens, peak {peak_gib:.2f} of "
        f"{found.card_gib:.1f} GiB; planned for {found.setup.batch_size} x {found.setup.sequence_length}: "
        f"{planned_gib:.2f} GiB"
    )


def measure(trainer: Any, meter: Meter) -> Measured:
    """Run one forward and backward pass on the longest rows, and put everything back as it was.

    Raises:
        DeviceMemoryError: the device has not enough memory.
    """
    batch = longest_batch(trainer)
    num_rows, num_tokens = batch["input_ids"].shape
    was_training = trainer.model.training
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    try:
        with torch.random.fork_rng(devices), device_errors():
            meter.reset()
            trainer.model.train()
            loss = trainer.compute_loss(trainer.model, trainer._prepare_inputs(batch))  # noqa: SLF001  as a step does
            trainer.accelerator.backward(loss)
            peak_bytes = meter.peak_bytes()
    finally:
        trainer.model.zero_grad(set_to_none=True)
        trainer.model.train(was_training)
        release_memory()
    moments = sum(2 * p.numel() * p.element_size() for p in trainer.model.parameters() if p.requires_grad)
    return Measured(peak_bytes + moments, num_rows, num_tokens)


def longest_batch(trainer: Any) -> dict[str, torch.Tensor]:
    """Collate the longest rows, as many as a step takes."""
    rows = trainer.train_dataset
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]["input_ids"]), reverse=True)
    batch: dict[str, torch.Tensor] = trainer.data_collator(
        [rows[i] for i in order[: trainer.args.per_device_train_batch_size]]
    )
    return batch
