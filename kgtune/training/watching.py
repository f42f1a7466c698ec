"""Probes while training: every few steps a look at gold answers of validation rows, noted in the trainer's history.

Knows nothing about what the numbers mean. Nothing is drawn by chance here, so that training goes on as without it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from transformers import TrainerCallback

from kgtune.evaluation import probes
from kgtune.evaluation.probes import Probe
from kgtune.evaluation.sample import fixed
from kgtune.examples import Example, of_split
from kgtune.scoring.statistics import Bootstrap

log = logging.getLogger(__name__)

MOST_ROWS = 16
"""Validation rows that are looked at: a second or two on either machine."""
NUMBERS = ("start_probability", "end_probability", "structure_loss", "value_loss")


def rows_of(examples: Sequence[Example]) -> list[Example]:
    """Return the validation rows that are looked at, the same ones in whatever order the examples stand."""
    return fixed(of_split(examples, "validation"), MOST_ROWS)


class Watch(TrainerCallback):
    """Looks at the same rows before the first step, every `steps` steps, and after the last one.

    Every process of a distributed run looks, since a sharded model needs all of them for a forward pass.
    """

    def __init__(self, watched: Sequence[Probe], steps: int) -> None:
        self.watched = watched
        self.steps = steps

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == 0:
            self._look(state, kwargs["model"])

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step % self.steps == 0 or state.global_step == state.max_steps:
            self._look(state, kwargs["model"])

    def _look(self, state: Any, model: Any) -> None:
        found = probes.result(probes.look(model, self.watched), Bootstrap(resamples=0))
        if found is None:
            return
        numbers = {name: found[name]["value"] for name in NUMBERS}
        state.log_history.append({"step": state.global_step, "probe": numbers})  # kept by every checkpoint
        told = "  ".join(f"{name} {value}" for name, value in numbers.items())
        if state.is_world_process_zero:
            log.info("step %d: on %d validation rows %s", state.global_step, len(self.watched), told)


def history(log_history: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the probes of a run, in order of steps."""
    return [{"step": entry["step"], **entry["probe"]} for entry in log_history if "probe" in entry]
