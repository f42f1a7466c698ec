"""What is watched while a model trains: a loss that is no number, an adapter that must not be kept, the pace.

Knows the trainer by its callbacks only.
"""

from __future__ import annotations

import logging
import math
import time
from typing import Any

import torch
from transformers import TrainerCallback

from kgtune.checks import catalogue

log = logging.getLogger(__name__)


class Guard(TrainerCallback):
    """Stops a run whose loss or gradient is not finite or exactly 0, before such an adapter is saved (C9)."""

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


class Progress(TrainerCallback):
    """Tells each logged step: loss, learning rate, tokens a second, time to go."""

    def __init__(self) -> None:
        self.started = 0.0
        self.first_step = 0
        self.last = (0.0, 0.0)
        """When the last line was told, and how many tokens had been fed by then."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.started, self.first_step = time.monotonic(), state.global_step
        self.last = (self.started, 0.0)  # the trainer counts from 0 again when it resumes

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        if not logs or "loss" not in logs or not state.is_world_process_zero:
            return
        now, num_tokens = time.monotonic(), float(logs.get("num_tokens", 0.0))
        seconds, fed = now - self.last[0], num_tokens - self.last[1]
        self.last = (now, num_tokens)
        done = max(state.global_step - self.first_step, 1)
        left_s = (now - self.started) / done * (state.max_steps - state.global_step)
        pace = f"  {fed / seconds:,.0f} tokens/s" if fed > 0 and seconds > 0 else ""
        log.info(
            "step %d/%d  loss %.4f  lr %.2e%s  %s to go",
            state.global_step,
            state.max_steps,
            float(logs["loss"]),
            float(logs["learning_rate"]),
            pace,
            duration(left_s),
        )


def duration(seconds: float) -> str:
    """Write a time as a person says it: 40 s, 12 min, 3 h 05 min."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"
