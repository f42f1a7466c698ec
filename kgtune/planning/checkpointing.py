"""How few layers may compute their activations again: the least checkpointing with which a step fits its card.

Knows the planner and what is asked in the configuration; knows nothing about rows, trainers or where a card came from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from kgtune.planning import preflight
from kgtune.planning.memory import EVERY_LAYER, GIB, NO_CHECKPOINTING, Setup, num_checkpointed, plan
from kgtune.planning.shapes import Shape
from kgtune.settings import Config

SPARED_SHARE = 0.8
"""Share of a card up to which memory is spent to save work; what must fit may take more (advice.SAFE_SHARE).

Plans for this were not measured on a card yet, and passes of many lengths leave gaps between what they free.
"""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which layers keep their input alone (every n-th; 0: none), and why these."""

    every: int
    reason: str

    def __str__(self) -> str:
        return f"activation checkpointing: {named(self.every)}; {self.reason}"


def named(every: int) -> str:
    """Write a policy for a person."""
    return {NO_CHECKPOINTING: "none", EVERY_LAYER: "all layers"}.get(every, f"one layer in {every}")


def choose(cfg: Config, shape: Shape | None, card_gib: float, longest_pass: int | None) -> Choice:
    """Take what is asked; for `auto` the least that fits a card of so many GiB, 0 for none.

    `longest_pass` is the run's own, in tokens; where it is not known, the longest that the configuration allows counts.
    """
    if cfg.training.activation_checkpointing != "auto":
        return Choice(preflight.checkpoint_every(cfg), "as configured")
    if not card_gib:
        return Choice(NO_CHECKPOINTING, "auto: there is no card whose memory it could spare")
    if shape is None:
        return Choice(EVERY_LAYER, "auto: the model's shape is not known, so nothing less can be planned")
    setup = replace(preflight.setup_of(cfg), pass_tokens=longest_pass)
    every = least(shape, setup, card_gib)
    which = f"{setup.num_tokens:,} tokens, the {'run' if longest_pass else 'configuration'}'s longest"
    peak_gib = peak_bytes(shape, setup, every) / GIB
    reason = f"auto: a pass of {which}, is planned at {peak_gib:.1f} of {card_gib:.1f} GiB"
    tried = policies(shape.num_layers)
    if every != tried[0]:
        less = tried[tried.index(every) - 1]
        reason += f", with {named(less)} at {peak_bytes(shape, setup, less) / GIB:.1f}"
    return Choice(every, f"{reason}; up to {SPARED_SHARE:.0%} is spent on that")


def least(shape: Shape, setup: Setup, card_gib: float) -> int:
    """Find the policy that computes least again within its share of the card; all layers where none does."""
    most_bytes = SPARED_SHARE * card_gib * GIB
    tried = policies(shape.num_layers)
    return next((every for every in tried if peak_bytes(shape, setup, every) <= most_bytes), tried[-1])


def policies(num_layers: int) -> list[int]:
    """List the policies that differ in how many layers they checkpoint, the fewest first.

    One that checkpoints the first layer alone is left out: by plan it saves nothing, since that layer is computed
    again as a whole.
    """
    by_number: dict[int, int] = {}
    for every in range(EVERY_LAYER, max(num_layers, 2)):
        by_number.setdefault(num_checkpointed(num_layers, every), every)
    return [NO_CHECKPOINTING, *reversed(by_number.values())]


def peak_bytes(shape: Shape, setup: Setup, every: int) -> float:
    """Peak of a training step; answering takes the same under every policy, and so decides nothing here."""
    return plan(shape, replace(setup, checkpoint_every=every)).training_bytes
