"""Checks of a run that need no weights: its schedule, its rows, its target modules, its disk.

Knows the configuration and the rows; knows nothing about tokenizers, models or cards.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from kgtune.checks import catalogue
from kgtune.errors import DataError, Problem
from kgtune.examples import Example, of_split
from kgtune.grounding import haystack
from kgtune.lint import strangers
from kgtune.lint.strangers import Strangers
from kgtune.ontology import Ontology
from kgtune.planning.memory import GIB, num_adapter_weights
from kgtune.planning.preflight import setup_of
from kgtune.planning.shapes import Shape
from kgtune.settings import Config
from kgtune.sources import Findings, reader
from kgtune.sources import rows as raw_rows

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


def known_rows(
    path: Path, rows: Sequence[Example], ontology: Ontology, cfg: Config
) -> tuple[list[Example], Counter[str]]:
    """Refuse bare rows with a label or type that the ontology does not have, or leave them out and count them.

    They follow data.on_error as raw graphs do. A row that carries a split was converted, and is left to C12.
    """
    reasons = ["" if row.split else strangers.reason(row.graph, ontology) for row in rows]
    if any(reasons) and cfg.data.on_error == "refuse":
        found = _places(path, ontology, cfg.data.default_confidence)
        raise DataError(found.problems, summary=f"{path} can't be used: {found.counts.total()} problems.")
    kept = [row for row, reason in zip(rows, reasons, strict=True) if not reason]
    return kept, Counter(f"dropped: {reason}" for reason in reasons if reason)


def _places(path: Path, ontology: Ontology, default_confidence: float) -> Strangers:
    """Read the rows again as they are written, for an example keeps neither its line nor the order of its graph."""
    found = Strangers(ontology)
    for record in reader.scan(path, Findings()).records():
        row = raw_rows.read_row(path, record, default_confidence, Findings())
        if row is not None and not row.split:
            found.look(row)
    return found


def rows(examples: Sequence[Example], ontology: Ontology) -> list[Problem]:
    """C12: labels and types that the prompt names, and augmented rows that kept their parents' names."""
    return [*_strangers(examples, ontology), *_lost_names(of_split(examples, "train"))]


def _strangers(examples: Sequence[Example], ontology: Ontology) -> Iterator[Problem]:
    """Look at measured rows too: what the grammar forbids there can't be found by any model."""
    labels = {label.name for label in ontology.labels}
    types = {kind.name for kind in ontology.types}
    found: dict[tuple[str, str], list[str]] = {}
    for example in examples:
        names = {("label", entity.labels) for entity in example.graph.entities if entity.labels not in labels}
        names |= {("type", edge.type) for edge in example.graph.relationships if edge.type not in types}
        for one in names:
            found.setdefault(one, []).append(example.id)
    for (kind, name), ids in sorted(found.items(), key=lambda item: (-len(item[1]), item[0])):
        facts = {"kind": kind, "name": name, "num_rows": len(ids), "ontology": ontology.name}
        yield catalogue.problem("C12-NOT-IN-ONTOLOGY", f"row {ids[0]}", **facts)


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
