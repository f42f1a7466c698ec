"""What to change so that a run fits its card, and what there is room for where it does.

Knows the keys of config.yaml by name, and nothing about how they are read or shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from kgtune.planning import shapes
from kgtune.planning.memory import EVERY_LAYER, GIB, NO_CHECKPOINTING, Setup, plan
from kgtune.planning.shapes import Shape

# A run that takes up to this share of a card fits: allocators leave holes, and a screen or a neighbour takes some.
SAFE_SHARE = 0.92
Verdict = Literal["fits", "is tight", "does not fit"]

_LENGTHS = (131_072, 65_536, 32_768, 24_576, 16_384, 12_288, 8192, 6144, 4096, 3072, 2048, 1536, 1024, 768, 512)
_RANKS = (64, 32, 16, 8, 4, 2, 1)
_BATCHES = (64, 32, 16, 8, 4, 2, 1)
_CHECKPOINTING = (8, 4, 2, EVERY_LAYER)


# Fields of a Setup that are keys of config.yaml, and the values that are tried, the mildest first. In the order in
# which they cost least: time, precision of the base, then what can be read and learnt.
_KEYS = {
    "checkpoint_every": "training.activation_checkpointing",
    "evaluation_batch_size": "evaluation.batch_size",
    "batch_size": "training.per_device_train_batch_size",
    "load_in_4bit": "model.load_in_4bit",
    "sequence_length": "model.max_seq_length",
    "lora_r": "lora.lora_r",
}


@dataclass(frozen=True, slots=True)
class Change:
    """Fields of a setup with other values, and the peak that the run would then have."""

    fields: Mapping[str, int]
    peak_bytes: float

    def __str__(self) -> str:
        return " ".join(f"{_KEYS[name]}={_shown(name, value)}" for name, value in self.fields.items())


def verdict(peak_bytes: float, card_gib: float) -> Verdict:
    """Say whether a run of such a peak fits a card."""
    card_bytes = card_gib * GIB
    if peak_bytes <= SAFE_SHARE * card_bytes:
        return "fits"
    return "is tight" if peak_bytes <= card_bytes else "does not fit"


def to_fit(shape: Shape, setup: Setup, card_gib: float) -> list[Change]:
    """List the single changes that make a run fit, the mildest of each kind; else one change of several keys."""
    lower = _lower(setup)
    single = [_first_that_fits(shape, setup, card_gib, [{name: v} for v in values]) for name, values in lower.items()]
    found = [change for change in single if change]
    return found or _several(shape, setup, card_gib)


def room(shape: Shape, setup: Setup, card_gib: float) -> list[Change]:
    """List what a run that fits could be given more of, one key at a time, the most of each kind."""
    higher: dict[str, list[int]] = {
        "sequence_length": [n for n in _LENGTHS if n > setup.sequence_length],
        "batch_size": [n for n in _BATCHES if n > setup.batch_size],
        "lora_r": [n for n in _RANKS if n > setup.lora_r],
        "load_in_4bit": [False] if setup.load_in_4bit else [],
    }
    found = [_first_that_fits(shape, setup, card_gib, [{name: v} for v in values]) for name, values in higher.items()]
    return [change for change in found if change]


def smaller_models(shape: Shape, setup: Setup, card_gib: float) -> list[str]:
    """Name the sizes of Qwen2.5 that the same settings would fit with, the largest first."""
    return [
        other.name
        for other in map(shapes.published, reversed(shapes.SIZES))
        if other.num_weights < shape.num_weights and verdict(plan(other, setup).peak_bytes, card_gib) == "fits"
    ]


def _lower(setup: Setup) -> dict[str, list[int]]:
    every = setup.checkpoint_every
    return {
        "checkpoint_every": [n for n in _CHECKPOINTING if every == NO_CHECKPOINTING or n < every],
        "evaluation_batch_size": [n for n in _BATCHES if n < setup.evaluation_batch_size],
        "batch_size": [n for n in _BATCHES if n < setup.batch_size],
        "load_in_4bit": [] if setup.load_in_4bit else [True],
        "sequence_length": [n for n in _LENGTHS if n < setup.sequence_length],
        "lora_r": [n for n in _RANKS if n < setup.lora_r],
    }


def _several(shape: Shape, setup: Setup, card_gib: float) -> list[Change]:
    """Turn all keys down as far as they go, then each up again as far as the others allow; none if that is too much."""
    lower = {name: values for name, values in _lower(setup).items() if values}
    fields = {name: values[-1] for name, values in lower.items()}
    if not _first_that_fits(shape, setup, card_gib, [fields]):
        return []
    for name in reversed(lower):
        others = {key: value for key, value in fields.items() if key != name}
        tries = [others, *({**fields, name: value} for value in lower[name])]
        milder = _first_that_fits(shape, setup, card_gib, tries)
        fields = dict(milder.fields) if milder else fields
    return [Change(fields, plan(shape, _with(setup, fields)).peak_bytes)]


def _first_that_fits(shape: Shape, setup: Setup, card_gib: float, tries: Sequence[Mapping[str, int]]) -> Change | None:
    for fields in tries:
        peak_bytes = plan(shape, _with(setup, fields)).peak_bytes
        if verdict(peak_bytes, card_gib) == "fits":
            return Change(fields, peak_bytes)
    return None


def _with(setup: Setup, fields: Mapping[str, Any]) -> Setup:
    return replace(setup, **fields)


def _shown(name: str, value: int) -> str:
    return "all" if (name, value) == ("checkpoint_every", EVERY_LAYER) else str(value).lower()
