"""What is proved about a model and its trainer before the first step: that it trains what was checked, and stops.

Knows samples and the trainer; knows nothing about raw data or evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from kgtune.checks import catalogue
from kgtune.errors import CheckFailed, Problem
from kgtune.settings import Config
from kgtune.training.supervision import Sample

IGNORED = -100  # the label of a token that is fed and not trained on


def before_adapter(model: Any, cfg: Config) -> list[Problem]:
    """C13: every target module is a linear module of the model."""
    linears = {name.rpartition(".")[2] for name, part in model.named_modules() if isinstance(part, torch.nn.Linear)}
    known = ", ".join(sorted(linears))
    return [
        catalogue.problem("C13-NO-SUCH-MODULE", "lora.target_modules", name=name, known=known)
        for name in cfg.lora.target_modules
        if name not in linears
    ]


def prove(trainer: Any, samples: Sequence[Sample], tokenizer: Any) -> None:
    """Stop with every fault of a trainer that stands ready.

    Raises:
        CheckFailed: a fault that stops, see kgtune/checks/CODES.md.
    """
    problems = [*labels(trainer), *adapter(trainer.model), *stopping(trainer.model, tokenizer)]
    if not problems:
        problems = collator(trainer, samples)
    if problems:
        raise CheckFailed(problems)


def labels(trainer: Any) -> list[Problem]:
    """C17: each row or pack of the trainer has a label."""
    rows = trainer.train_dataset
    num_empty = sum(1 for row in rows if all(label == IGNORED for label in row["labels"]))
    facts = {"num_empty": num_empty, "num_rows": len(rows)}
    return [catalogue.problem("C17-EMPTY-ROW", "train rows", **facts)] if num_empty else []


def collator(trainer: Any, samples: Sequence[Sample]) -> list[Problem]:
    """C5: padded beside the longest row, the shortest keeps the label of each supervised token, the last too."""
    order = sorted(range(len(samples)), key=lambda i: samples[i].num_tokens)
    pair = [order[0], order[-1]]
    batch = trainer.data_collator([trainer.train_dataset[i] for i in pair])
    kept = batch["labels"][batch["labels"] != IGNORED].tolist()
    expected = [token for i in pair for token in samples[i].answer_ids]
    if kept == expected:
        return []
    where = f"rows {samples[pair[0]].example.id} and {samples[pair[1]].example.id}"
    facts = {"found": len(kept), "expected": len(expected), "last": kept[-1] if kept else "none"}
    return [catalogue.problem("C5-LABELS-LOST", where, **facts)]


def adapter(model: Any) -> list[Problem]:
    """C9: there is something to train, and it starts as numbers."""
    trained = [p for p in model.parameters() if p.requires_grad]
    num_infinite = sum(1 for p in trained if not torch.isfinite(p).all())
    if trained and not num_infinite:
        return []
    facts = {"num_trainable": sum(p.numel() for p in trained), "num_infinite": num_infinite}
    return [catalogue.problem("C9-NOTHING-TO-TRAIN", "adapter", **facts)]


def stopping(model: Any, tokenizer: Any) -> list[Problem]:
    """C6: whoever generates by the model's generation_config stops where the chat template ends an answer."""
    configured = getattr(model.generation_config, "eos_token_id", None)
    ids = set(configured) if isinstance(configured, list) else {configured}
    if tokenizer.eos_token_id in ids:
        return []
    facts = {"configured": configured, "end": tokenizer.eos_token, "end_id": tokenizer.eos_token_id}
    return [catalogue.problem("C6-NEVER-STOPS", "base model", **facts)]
