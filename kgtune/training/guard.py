"""What ends a run on the way: a loss that is no number or exactly 0, an adapter that must not be saved (C9).

Knows the trainer by its callbacks only.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from transformers import TrainerCallback

from kgtune.checks import catalogue


class Guard(TrainerCallback):
    """Stops a run whose loss or gradient is not finite or exactly 0, before such an adapter is saved."""

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        if logs and "loss" in logs:
            grad_norm = float(logs["grad_norm"]) if "grad_norm" in logs else None
            check_loss(state.global_step, float(logs["loss"]), grad_norm, is_scaled=bool(args.fp16))

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if control.should_save and not is_finite(kwargs["model"]):
            raise catalogue.failed("C9-NOT-FINITE", f"step {state.global_step}", loss="unknown", grad_norm="unknown")


def check_loss(step: int, loss: float, grad_norm: float | None, *, is_scaled: bool) -> None:
    """Stop where a logged step shows that nothing can be learnt any more.

    In fp16 (`is_scaled`) an infinite gradient is no fault: its step is skipped, and the next is scaled less.
    """
    where = f"step {step}"
    is_lost = grad_norm is not None and not math.isfinite(grad_norm) and not is_scaled
    if is_lost or not math.isfinite(loss):
        raise catalogue.failed("C9-NOT-FINITE", where, loss=loss, grad_norm=grad_norm)
    if loss == 0.0 and grad_norm == 0.0:
        raise catalogue.failed("C9-NO-LOSS", where)


def is_finite(model: Any) -> bool:
    """Say whether every trained weight is a number."""
    return all(bool(torch.isfinite(p).all()) for p in model.parameters() if p.requires_grad)
