"""What a run knows before any weights are loaded: rows, ontology, tokenizer, rendered samples, and what refuses them.

Knows nothing about training or answering: how an example is rendered or scored stands in other rooms.
"""

from __future__ import annotations

import functools
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kgtune import examples as example_files
from kgtune import hub, model_folder, prompt
from kgtune import model as models
from kgtune.checks import catalogue
from kgtune.conversion import lengths, preparation
from kgtune.conversion.overlength import ledger_lines
from kgtune.errors import CheckFailed, UserError
from kgtune.evaluation import sample
from kgtune.evaluation.evaluation import Demands
from kgtune.examples import Example
from kgtune.ontology import Ontology
from kgtune.prompt import Contract
from kgtune.scoring import earlier, gate
from kgtune.scoring.leakage import Identity, Trained
from kgtune.settings import Config
from kgtune.splitting import split_lock
from kgtune.training import resumption, screening, supervision
from kgtune.training.supervision import Supervision

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """All that is known before any weights are loaded."""

    examples: tuple[Example, ...]
    ontology: Ontology
    system: str
    base: Path
    tokenizer: Any
    supervision: Supervision
    kept: Contract | None = None
    """The contract of the model that is measured, where an earlier run trained it."""

    @property
    def max_answer_tokens(self) -> int:
        """The longest answer that the model was trained on, or will be."""
        return self.kept.max_answer_tokens if self.kept else self.supervision.max_answer_tokens

    @functools.cached_property
    def rows_mark(self) -> str:
        """The mark of the train rows as they are rendered; every contract has it, and it reads all tokens."""
        return resumption.rows_mark(self.supervision.samples)

    @functools.cached_property
    def verbatim_shares(self) -> tuple[float | None, dict[str, float]]:
        """How much of the train rows stands in their text; every contract has it, and it looks through all texts."""
        return supervision.verbatim_shares(self.supervision.samples)

    @functools.cached_property
    def text_tokens(self) -> list[int]:
        """Tokens of the texts that are trained on, in rising order: of each prompt less what all prompts share."""
        rendered = prompt.render(self.tokenizer, self.system, "a")
        frame = len(self.tokenizer(rendered, add_special_tokens=False)["input_ids"]) - 1
        return sorted(len(sample.prompt_ids) - frame for sample in self.supervision.samples)

    def held_out(self, cfg: Config) -> list[Example]:
        """The documents that are measured; never a train row."""
        rows = example_files.of_split(self.examples, cfg.evaluation.split)
        return sample.drawn(rows, cfg.evaluation.max_documents, cfg.data.seed)


def read_rows(cfg: Config) -> tuple[tuple[Example, ...], Ontology]:
    """Read the training data; bare rows are split and augmented by convert_data.py's own functions."""
    path = Path(cfg.data.training_data)
    if not path.exists():
        raise UserError(
            f"{path}: does not exist. Write it with python convert_data.py and the same --profile, or name another "
            "file with data.training_data=PATH."
        )
    rows = example_files.read_examples(
        path, default_confidence=cfg.data.default_confidence, drop_descriptions=cfg.data.description == "drop"
    )
    saved = path.with_name(model_folder.ONTOLOGY_FILE)
    setting = str(saved) if cfg.ontology == "auto" and saved.exists() else cfg.ontology
    ontology = preparation.chosen_ontology(rows, setting)
    lock = split_lock.read(path.with_name(split_lock.NAME)) if cfg.data.splits_lock else None
    known, dropped = screening.known_rows(path, _respelt(path, rows, ontology), ontology, cfg)
    prepared = preparation.prepare(known, cfg, ontology, lock)
    for what, number in sorted((prepared.counts + dropped).items()):
        log.warning("%s: %s, %d times", path, what, number)
    examples = prepared.examples
    for split in ("train", cfg.evaluation.split):
        if not example_files.of_split(examples, split):
            raise UserError(
                f"{path}: no {split} rows among {len(examples)}. Add documents, or change data.validation_ratio, "
                "data.test_ratio or evaluation.split."
            )
    return examples, ontology


def _respelt(path: Path, rows: Sequence[Example], ontology: Ontology) -> list[Example]:
    """Bare rows get the ontology's spelling of labels and types, as a conversion would give; others are not touched."""
    renamed: Counter[str] = Counter()
    examples = []
    for row in rows:
        example, counts = example_files.respelt(row, ontology) if row.split is None else (row, Counter())
        renamed.update(counts)
        examples.append(example)
    for what, number in sorted(renamed.items()):
        log.warning("%s: %s, %d times", path, what, number)
    return examples


def prepare(cfg: Config, kept: Contract | None = None) -> Prepared:
    """Read rows, fetch the tokenizer, render and check every train row. No weights are loaded.

    With the contract of a kept model rows are rendered with its system message.
    """
    examples, ontology = read_rows(cfg)
    demands(cfg, examples)  # what can't be met is said before anything is loaded
    base = hub.resolve(cfg.model.model_id, cfg.model.hub, weights=False)
    tokenizer = models.load_tokenizer(base)
    system = kept.system if kept else prompt.system_message(ontology, cfg.prompt.guidelines)
    supervised = supervision.supervise(
        example_files.of_split(examples, "train"),
        tokenizer,
        system,
        max_seq_length=cfg.model.max_seq_length,
        overlength=cfg.data.overlength,
    )
    if not supervised.samples:
        raise UserError(f"{cfg.data.training_data}: no train row is left: {dict(supervised.dropped)}.")
    return Prepared(examples, ontology, system, base, tokenizer, supervised, kept)


def demands(cfg: Config, examples: tuple[Example, ...]) -> Demands:
    """Read what the results are held against, and refuse to measure a document that is trained on."""
    trained = Trained()
    for example in example_files.of_split(examples, "train"):
        trained.add(_identity(example), example.graph)
    measured = map(_identity, example_files.of_split(examples, cfg.evaluation.split))
    leaks = [leak for identity in measured if (leak := trained.leak(identity))]
    if leaks:
        raise CheckFailed([catalogue.problem("C11-LEAK", leak.where, what=leak.what, fix=leak.fix) for leak in leaks])
    path = cfg.evaluation.compare_to
    return Demands(
        known_names=frozenset(trained.names),
        earlier=earlier.read(Path(path), "after") if path else None,
        required=gate.conditions(cfg.evaluation.require),
    )


def _identity(example: Example) -> Identity:
    return Identity(example.id, example.doc_id, example.group_id, example.text)


def check_rows_only(cfg: Config, examples: tuple[Example, ...], ontology: Ontology) -> str:
    """What a dry run can check where the tokenizer is not at hand, and what it can't."""
    demands(cfg, examples)
    splits = Counter(e.split for e in examples)
    return (
        f"dry run: configuration and {len(examples)} rows are in order ({dict(sorted(splits.items()))}, "
        f"ontology {ontology.name}).\n"
        f"{lengths.as_text(lengths.survey(examples, cfg, lengths.ruler_for(cfg, ontology)))}\n"
        f"not run: rendering, exact prefix, end of answer and length, since the tokenizer of {cfg.model.model_id} "
        "isn't here and nothing is downloaded on a machine without a GPU. Set model.model_id to a local folder "
        "to run them."
    )


def describe(prepared: Prepared) -> str:
    """What will be trained on, in a few lines a person reads."""
    samples = prepared.supervision.samples
    sizes = sorted(sample.num_tokens for sample in samples)
    splits = Counter(e.split for e in prepared.examples)
    counts = ", ".join(f"{count} {split}" for split, count in sorted(splits.items()))
    ontology = prepared.ontology
    ledger = prepared.supervision.ledger
    return "\n".join(
        [
            f"rows: {counts}; trained on: {len(samples)}, dropped: {dict(prepared.supervision.dropped) or 0}",
            *(ledger_lines(ledger.as_object()) if ledger.rows_windowed or ledger.rows.lost else ()),
            f"tokens per row: median {sizes[len(sizes) // 2]}, longest {sizes[-1]}",
            f"supervised tokens: {sum(len(s.answer_ids) for s in samples)}",
            f"longest answer: {prepared.supervision.max_answer_tokens} tokens",
            f"ontology: {ontology.name} ({len(ontology.labels)} labels, {len(ontology.types)} types)",
        ]
    )
