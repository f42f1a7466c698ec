"""SIGTERM while a model is trained: the update under way is finished, saved, and the run ends in order.

Knows nothing about checkpoints. Outside of training the signal does what it always does.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import torch
from transformers import TrainerCallback

log = logging.getLogger(__name__)


class StopWhenAsked(TrainerCallback):
    """Ends training after the update in which any process was asked to stop."""

    def __init__(self) -> None:
        self.is_asked = False
        self.stopped_at: int | None = None

    def ask(self, number: int, frame: FrameType | None) -> None:
        self.is_asked = True

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if not self._anybody_asked(args) or state.global_step >= state.max_steps:
            return
        self.stopped_at = state.global_step
        log.info("SIGTERM: update %d is done and will be saved", state.global_step)
        control.should_save = control.should_training_stop = True

    def _anybody_asked(self, args: Any) -> bool:
        if args.world_size == 1:
            return self.is_asked
        # A launcher tells its processes one after another: all must stop after the same update.
        asked = torch.tensor(float(self.is_asked), device=args.device)
        torch.distributed.all_reduce(asked, op=torch.distributed.ReduceOp.MAX)
        return bool(asked.item())


@contextmanager
def at_sigterm(stop: StopWhenAsked) -> Iterator[None]:
    """Let SIGTERM ask for the end. Only a process's main thread may take signals; elsewhere nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    earlier = signal.signal(signal.SIGTERM, stop.ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, earlier)
