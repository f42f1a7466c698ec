"""Which confidence the users of a model get, and whether held-out rows can say how far it is to be trusted.

Knows nothing about answers or scores.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from kgtune.extraction import calibration
from kgtune.extraction.calibration import Calibration
from kgtune.settings import Config

Kind = Literal["calibrated", "probability", "stated", "agreement"]


@dataclass(frozen=True, slots=True)
class Given:
    """What stands in the place of confidence when inference.py and serve.py answer with this model."""

    kind: Kind
    is_measured: bool
    curve: Calibration | None

    @property
    def function(self) -> Callable[[float], float] | None:
        """From a probability to what users get; None where that is not measured."""
        return partial(calibration.given, self.curve) if self.is_measured else None

    def as_object(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "is_measured": self.is_measured,
            "num_items": self.curve.num_items if self.curve else None,
            "num_documents": self.curve.num_documents if self.curve else None,
        }


def of(cfg: Config, folder: Path) -> Given:
    """Find out what the users of the model in a folder get.

    A curve is always right about the rows that it was fitted to, so that validation rows say nothing about it.
    Agreement needs several answers to each text, and the evaluation draws one.
    """
    if cfg.decoding.samples:
        return Given("agreement", is_measured=False, curve=None)
    if cfg.decoding.constraint == "none" or cfg.decoding.confidence == "stated":
        return Given("stated", is_measured=False, curve=None)
    curve = calibration.read(folder)
    if curve is None:
        return Given("probability", is_measured=True, curve=None)
    return Given("calibrated", is_measured=cfg.evaluation.split != "validation", curve=curve)
