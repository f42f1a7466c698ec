"""What each arm of the ablations changes in the demo profile, and how long the short form trains.

Knows nothing about running or scoring.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

BASELINE = "demo profile"
OPERATIONS = ("synonyms", "order", "affixes", "empties", "entities")
SHORT = ("training.max_steps=80", "evaluation.max_documents=40")
"""A third of the steps and half of the documents: it shows that the script works, and says little about the arms."""

# Only what is measured here is made: no base, no grammar, no checkpoint to go on from.
_EVERY = (
    "evaluation.few_shot_k=0",
    "evaluation.probe_steps=0",
    "decoding.constraint=none",
    "training.save_steps=100000",
)


def _only(*operations: str) -> tuple[str, ...]:
    return tuple(f"augmentation.{name}.enabled={str(name in operations).lower()}" for name in OPERATIONS)


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm: its overrides, and the share of the train documents that it has."""

    name: str
    overrides: tuple[str, ...] = ()
    share: float = 1.0

    @property
    def slug(self) -> str:
        return self.name.replace(" ", "-").replace("%", "percent")


ARMS = {
    arm.name: arm
    for arm in (
        Arm(BASELINE),
        Arm("no augmentation", _only()),
        *(Arm(f"only {name}", _only(name)) for name in OPERATIONS),
        Arm("4-bit", ("model.load_in_4bit=true",)),
        Arm("r 4", ("lora.lora_r=4", "lora.lora_alpha=8")),  # the scale alpha / r stays what it was
        Arm("r 16", ("lora.lora_r=16", "lora.lora_alpha=32")),
        Arm("50 % of the documents", share=0.5),
        Arm("25 % of the documents", share=0.25),
    )
}


def overrides(arm: Arm, seed: int, *, short: bool) -> list[str]:
    """Return the key=value words of a run; the seed is that of the augmentation, the weights and the order at once."""
    return [*_EVERY, *(SHORT if short else ()), *arm.overrides, f"training.seed={seed}", f"data.seed={seed}"]


def fingerprint(arm: Arm, seed: int, data: str, *, short: bool) -> str:
    """Return a hash of what decides a run's result beside the code; `data` is the hash of the documents."""
    facts = [overrides(arm, seed, short=short), arm.share, data]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
