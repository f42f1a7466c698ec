"""Checks of a run that need no weights: its schedule, its rows, its target modules, its disk.

Knows the configuration and the rows; knows nothing about tokenizers, models or cards.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from kgtune.checks import catalogue
from kgtune.errors import Problem
from kgtune.examples import Example, of_split
from kgtune.grounding import haystack
from kgtune.ontology import Ontology
from kgtune.planning.memory import GIB, num_adapter_weights
from kgtune.planning.preflight import setup_of
from kgtune.planning.shapes import Shape
from kgtune.settings import Config

MOST_EPOCHS, FEWEST_EPOCHS, ADVISED_EPOCHS = 10.0, 1.0, 3
# An adapter and its two moments in 32 bits, and beside them the tokenizer: 11 MB for Qwen2.5.
CHECKPOINT_BYTES_PER_WEIGHT = 3 * 4
TOKENIZER_BYTES = 16 * 2**20
_OUTPUT_LAYERS = ("lm_head", "embed_out")


def schedule(cfg: Config, num_rows: int, num_processes: int = 1) -> list[Problem]:
    """C10: passes over the rows, and a warm-up that ends before the run does."""
    training = cfg.training
    problems = []
    if training.warmup_steps >= training.max_steps:
        facts = {"warmup": f"{training.warmup_steps:g}", "max_steps": training.max_steps}
        problems.append(catalogue.problem("C10-WARMUP", "schedule", **facts))
    num_per_step = training.per_device_train_batch_size * training.gradient_accumulation_steps * num_processes
    epochs = training.max_steps * num_per_step / num_rows
    if not FEWEST_EPOCHS <= epochs <= MOST_EPOCHS:
        advised = max(1, round(ADVISED_EPOCHS * num_rows / num_per_step))
        problems.append(
            catalogue.problem(
                "C10-EPOCHS", "schedule", max_steps=training.max_steps, num_per_step=num_per_step, epochs=epochs,
                num_rows=num_rows, advised=advised,
            )
        )  # fmt: skip
    return problems


def rows(examples: Sequence[Example], ontology: Ontology) -> list[Problem]:
    """C12: labels and types that the prompt names, and augmented rows that kept their parents' names."""
    train = of_split(examples, "train")
    return [*_strangers(train, ontology), *_lost_names(train)]


def _strangers(train: Sequence[Example], ontology: Ontology) -> Iterator[Problem]:
    labels = {label.name for label in ontology.labels}
    types = {kind.name for kind in ontology.types}
    found: Counter[tuple[str, str]] = Counter()
    for example in train:
        found.update({("label", entity.labels) for entity in example.graph.entities if entity.labels not in labels})
        found.update({("type", edge.type) for edge in example.graph.relationships if edge.type not in types})
    for (kind, name), num_rows in found.most_common():
        facts = {"kind": kind, "name": name, "num_rows": num_rows, "ontology": ontology.name}
        yield catalogue.problem("C12-NOT-IN-ONTOLOGY", "rows", **facts)


def _lost_names(train: Sequence[Example]) -> Iterator[Problem]:
    by_id = {example.id: example for example in train}
    for example in train:
        parent = by_id.get(example.id.rpartition("+")[0]) if example.aug else None
        if parent is None:
            continue
        lost, before = _num_absent(example), _num_absent(parent)
        if lost > before:
            facts = {"lost": lost, "before": before, "parent": parent.id, "operation": example.aug}
            yield catalogue.problem("C12-NAME-LOST", f"row {example.id}", **facts)


def _num_absent(example: Example) -> int:
    text = haystack(example.text)
    return sum(1 for entity in example.graph.entities if not text.first(entity.name))


def target_modules(cfg: Config) -> list[Problem]:
    """C13: no adapter on the output layer."""
    named = [name for name in cfg.lora.target_modules if name in _OUTPUT_LAYERS]
    return [catalogue.problem("C13-LM-HEAD", "lora.target_modules", name=name) for name in named]


def disk(cfg: Config, shape: Shape, folder: Path) -> list[Problem]:
    """C18: room for the checkpoints that are kept, the one that is being written, and the final model."""
    weights = num_adapter_weights(shape, setup_of(cfg))
    num_checkpoints = cfg.training.save_total_limit + 1
    needed = num_checkpoints * (weights * CHECKPOINT_BYTES_PER_WEIGHT + TOKENIZER_BYTES)
    needed += weights * 4 + TOKENIZER_BYTES
    free = shutil.disk_usage(_existing(folder)).free
    if free >= needed:
        return []
    facts = {"free_gib": free / GIB, "needed_gib": needed / GIB, "num_checkpoints": num_checkpoints}
    return [catalogue.problem("C18-DISK-FULL", str(folder), **facts)]


def _existing(folder: Path) -> Path:
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
