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
    """C9 and C13: the base's weights are numbers, and every target module is a linear module of it."""
    linears = {name.rpartition(".")[2] for name, part in model.named_modules() if isinstance(part, torch.nn.Linear)}
    known = ", ".join(sorted(linears))
    broken = [name for name, p in model.named_parameters() if p.is_floating_point() and not p.isfinite().all()]
    facts = {"number": len(broken), "first": broken[0] if broken else ""}
    problems = [catalogue.problem("C9-BASE-NOT-FINITE", "base model", **facts)] if broken else []
    return problems + [
        catalogue.problem("C13-NO-SUCH-MODULE", "lora.target_modules", name=name, known=known)
        for name in cfg.lora.target_modules
        if name not in linears
    ]


def prove(trainer: Any, samples: Sequence[Sample], tokenizer: Any) -> None:
    """Stop with every fault of a trainer that stands ready.

    Raises:
        CheckFailed: a fault that stops, see kgtune/checks/CODES.md.
    """
    problems = [*passes(trainer), *adapter(trainer.model), *stopping(trainer.model, tokenizer)]
    problems += [] if problems else labels(trainer, samples)
    if problems:
        raise CheckFailed(problems)


def passes(trainer: Any) -> list[Problem]:
    """C17: no pass of the first update is without a label."""
    laid_out = trainer.updates[0]["passes"]
    num_empty = sum(1 for one in laid_out if not len(one["answer_labels"]))
    facts = {"num_empty": num_empty, "num_passes": len(laid_out)}
    return [catalogue.problem("C17-EMPTY-PASS", "update 0", **facts)] if num_empty else []


def labels(trainer: Any, samples: Sequence[Sample]) -> list[Problem]:
    """C5: laid out in passes, each supervised token is a label still, and follows the place that is to say it."""
    updates = trainer.updates
    laid_out = updates.batching.update(0, rank=updates.rank, world=updates.world)
    problems = []
    for rows, one in zip(laid_out, updates[0]["passes"], strict=True):
        expected = [token for row in rows for token in samples[row].answer_ids]
        found = one["answer_labels"].tolist()
        fed = one["input_ids"].flatten()
        if found != expected or fed[one["answer_places"] + 1].tolist() != expected:
            where = f"rows {', '.join(samples[row].example.id for row in rows)}"
            facts = {"found": len(found), "expected": len(expected), "last": found[-1] if found else "none"}
            problems.append(catalogue.problem("C5-LABELS-LOST", where, **facts))
    return problems


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
