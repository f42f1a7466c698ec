"""How a run is getting on: a line for each logged step, with the loss, the pace and the time that is left.

Knows the trainer by its callbacks, and rows by their number and length only.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from transformers import TrainerCallback

from kgtune.training.batching import Batching

log = logging.getLogger(__name__)


class Progress(TrainerCallback):
    """Tells each logged step: loss, learning rate, tokens of rows a second (padding is none), time to go."""

    def __init__(self, batching: Batching) -> None:
        self.batching = batching
        self.started = 0.0
        self.first_step = 0
        self.last = (0, 0.0)
        """The step of the last line, and when it was told."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.started, self.first_step = time.monotonic(), state.global_step
        self.last = (state.global_step, self.started)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        if not logs or "loss" not in logs:
            return
        step, now = state.global_step, time.monotonic()
        num_tokens = sum(map(self._num_tokens, range(self.last[0], step)))
        seconds = max(now - self.last[1], 1e-9)
        self.last = (step, now)
        if not state.is_world_process_zero:
            return
        done = max(step - self.first_step, 1)
        left_s = (now - self.started) / done * (state.max_steps - step)
        log.info(
            "step %d/%d  loss %.4f  lr %.2e  %s tokens/s  %s to go",
            step,
            state.max_steps,
            float(logs["loss"]),
            float(logs["learning_rate"]),
            f"{num_tokens / seconds:,.0f}",
            duration(left_s),
        )

    def _num_tokens(self, step: int) -> int:
        return sum(self.batching.lengths[row] for row in self.batching.drawn(step))


def duration(seconds: float) -> str:
    """Write a time as a person says it: 40 s, 12 min, 3 h 05 min."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"
