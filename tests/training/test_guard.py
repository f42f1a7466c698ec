"""What ends a run on the way: each fault with its code, and what only looks like one does not."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from kgtune.errors import CheckFailed

pytestmark = pytest.mark.tiny


def say(loss: float, grad_norm: float | None = 1.0, *, fp16: bool = False) -> None:
    from kgtune.training.guard import Guard

    logs = {"loss": loss} | ({} if grad_norm is None else {"grad_norm": grad_norm})
    Guard().on_log(SimpleNamespace(fp16=fp16), SimpleNamespace(global_step=7), None, logs)


@pytest.mark.parametrize(
    ("loss", "grad_norm"), [(math.nan, 1.0), (math.inf, 1.0), (math.nan, None), (1.0, math.nan), (1.0, math.inf)]
)
def test_a_loss_or_gradient_that_is_no_number_stops(loss: float, grad_norm: float | None) -> None:
    with pytest.raises(CheckFailed, match="C9-NOT-FINITE: step 7: loss .*--resume"):
        say(loss, grad_norm)


def test_nothing_to_learn_stops() -> None:
    with pytest.raises(CheckFailed, match="C9-NO-LOSS: step 7"):
        say(0.0, 0.0)


def test_a_run_that_learns_goes_on() -> None:
    say(1.0)
    say(0.0)  # learnt by heart, to the last digit that is logged
    say(1.0, None)
    say(1.0, math.inf, fp16=True)  # its step is skipped, and the next is scaled less


def test_what_is_no_loss_line_is_left_alone() -> None:
    from kgtune.training.guard import Guard

    Guard().on_log(SimpleNamespace(fp16=False), SimpleNamespace(global_step=7), None, {"train_runtime": math.nan})


@pytest.mark.parametrize(
    ("value", "saves", "stops"), [(1.0, True, False), (math.nan, True, True), (math.nan, False, False)]
)
def test_an_adapter_that_is_no_number_is_never_saved(value: float, *, saves: bool, stops: bool) -> None:
    import torch

    from kgtune.training.guard import Guard

    model: Any = torch.nn.Linear(2, 2)
    with torch.no_grad():
        model.weight[0, 0] = value
    control = SimpleNamespace(should_save=saves)
    try:
        Guard().on_step_end(None, SimpleNamespace(global_step=7), control, model=model)
    except CheckFailed as error:
        assert stops, error
        assert "C9-NOT-FINITE: step 7" in str(error)
    else:
        assert not stops
