"""The stages of a fine-tuning run: prepare, train, keep. fine_tune.py tells them in order, measuring between them.

Knows the other rooms by their doors only: how an example is rendered, trained on or scored stands there.
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
from kgtune import hub, model_folder, prompt, runs
from kgtune import model as models
from kgtune.checks import catalogue
from kgtune.config import Resolved, config_hash
from kgtune.conversion import lengths, preparation
from kgtune.conversion.overlength import ledger_lines
from kgtune.errors import CheckFailed, UserError
from kgtune.evaluation import evaluation, probes, sample
from kgtune.evaluation.evaluation import Demands
from kgtune.examples import Example
from kgtune.extraction.generation import TransformersExtractor
from kgtune.extraction.rules import answer_cap
from kgtune.ontology import Ontology
from kgtune.prompt import Contract
from kgtune.scoring import earlier, gate
from kgtune.scoring.leakage import Identity, Trained
from kgtune.settings import Config
from kgtune.splitting import split_lock
from kgtune.training import card, effective, probe, processes, resumption, selection, supervision, training, watching
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
    prepared = preparation.prepare(_respelt(path, rows, ontology), cfg, ontology, lock)
    for what, number in sorted(prepared.counts.items()):
        log.warning("%s: %s, %d times", path, what, number)
    examples = prepared.examples
    for split in ("train", cfg.evaluation.split):
        if not any(e.split == split for e in examples):
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
    train_rows = [e for e in examples if e.split == "train"]
    supervised = supervision.supervise(
        train_rows,
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
    for example in examples:
        if example.split == "train":
            trained.add(_identity(example), example.graph)
    measured = [_identity(e) for e in examples if e.split == cfg.evaluation.split]
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
    lengths = sorted(sample.num_tokens for sample in samples)
    splits = Counter(e.split for e in prepared.examples)
    counts = ", ".join(f"{count} {split}" for split, count in sorted(splits.items()))
    ontology = prepared.ontology
    ledger = prepared.supervision.ledger
    return "\n".join(
        [
            f"rows: {counts}; trained on: {len(samples)}, dropped: {dict(prepared.supervision.dropped) or 0}",
            *(ledger_lines(ledger.as_object()) if ledger.rows_windowed or ledger.rows.lost else ()),
            f"tokens per row: median {lengths[len(lengths) // 2]}, longest {lengths[-1]}",
            f"supervised tokens: {sum(len(s.answer_ids) for s in samples)}",
            f"longest answer: {prepared.supervision.max_answer_tokens} tokens",
            f"ontology: {ontology.name} ({len(ontology.labels)} labels, {len(ontology.types)} types)",
        ]
    )


def write_samples(prepared: Prepared, path: Path) -> None:
    """Write training_samples.json: every row exactly as rendered, and which part is supervised."""
    samples = [
        {
            "id": s.example.id,
            "aug": s.example.aug,
            "prompt": s.prompt_text,
            "supervised": s.answer_text,
            "num_prompt_tokens": len(s.prompt_ids),
            "num_supervised_tokens": len(s.answer_ids),
        }
        for s in prepared.supervision.samples
    ]
    runs.write_json_atomic(path, samples)


def open_run(prepared: Prepared, resolved: Resolved, output_dir: Path, *, resume: bool) -> Path | None:
    """Claim the output folder for this run; return the checkpoint to resume from."""
    cfg = resolved.config
    marks = resumption.fingerprint(
        cfg,
        prepared.supervision.samples,
        ontology=prepared.ontology.hash,
        base=prepared.base,
        num_processes=processes.number(),
    )
    record = {
        "profile": resolved.profile,
        "config": cfg.model_dump(mode="json"),
        "origins": resolved.origins,
        "ledger": prepared.supervision.ledger.as_object(),
        **runs.provenance(models.device_name()),
    }
    return resumption.claim(output_dir, marks, record, resume=resume, writes=processes.rank() == 0)


def contract_for(prepared: Prepared, cfg: Config) -> Contract:
    """The contract that travels with the model; of a kept model its own."""
    if prepared.kept:
        return prepared.kept
    samples = prepared.supervision.samples
    evidence, names = supervision.verbatim_shares(samples)
    num_frame = _num_frame_tokens(prepared)
    lengths_of_texts = sorted(len(sample.prompt_ids) - num_frame for sample in samples)
    return Contract(
        base_model=cfg.model.model_id,
        system=prepared.system,
        guidelines=cfg.prompt.guidelines,
        ontology_hash=prepared.ontology.hash,
        rendered_probe_sha256=prompt.probe_hash(prepared.tokenizer, prepared.system),
        max_answer_tokens=prepared.supervision.max_answer_tokens,
        has_descriptions=any(e.description for sample in samples for e in sample.example.graph.entities),
        verbatim_evidence=evidence,
        verbatim_names=names,
        usual_text_tokens=lengths_of_texts[len(samples) // 2],
        long_text_tokens=lengths_of_texts[9 * len(samples) // 10],
        train_rows_sha256=prepared.rows_mark,
    )


def _num_frame_tokens(prepared: Prepared) -> int:
    """Tokens of a prompt beside its text."""
    rendered = prompt.render(prepared.tokenizer, prepared.system, "a")
    return len(prepared.tokenizer(rendered, add_special_tokens=False)["input_ids"]) - 1


def make_trainer(prepared: Prepared, cfg: Config, output_dir: Path) -> Any:
    """Load the weights and set up the trainer over them."""
    base = hub.resolve(cfg.model.model_id, cfg.model.hub)
    precision = models.precision_for(cfg.training.precision)
    model = models.load_weights(base, load_in_4bit=cfg.model.load_in_4bit, precision=precision)
    samples = prepared.supervision.samples
    trainer = training.make_trainer(model, prepared.tokenizer, samples, prepared.system, cfg, output_dir)
    effective.watch(trainer, cfg, precision, output_dir / resumption.RUN_FILE)
    if told := probe.on_card(trainer, cfg):
        log.info("%s", told)
    if cfg.evaluation.probe_steps:
        rows, limit = watching.rows_of(prepared.examples), cfg.model.max_seq_length
        watched = probes.prepare(rows, prepared.tokenizer, prepared.system, max_tokens=limit)
        trainer.add_callback(watching.Watch(watched, cfg.evaluation.probe_steps))
    if cfg.training.select_steps is not None:
        asked = selection.sample_of(prepared.examples, cfg.training.select_documents)
        read = functools.partial(_read_sample, trainer.model, prepared, cfg, asked)
        trainer.add_callback(selection.BestByTask(trainer, output_dir, cfg.training, read))
    return trainer


def _read_sample(model: Any, prepared: Prepared, cfg: Config, asked: Sequence[Example]) -> float:
    """The schema-valid F1 of the model as it is now, on the fixed sample, within a bound of tokens."""
    cap = answer_cap(cfg.decoding, prepared.supervision.max_answer_tokens)
    extractor = TransformersExtractor(
        model=model,
        tokenizer=prepared.tokenizer,
        system=prepared.system,
        max_new_tokens=min(cap, cfg.training.select_max_new_tokens),
        batch_size=cfg.evaluation.batch_size,
        name="validation",
        draft_tokens=cfg.decoding.draft_tokens,
    )
    model.eval()
    found = evaluation.joined(processes.parts(evaluation.measure(extractor, processes.share(asked))))
    return selection.schema_valid_f1(found.judged, prepared.ontology)


def origin(prepared: Prepared, cfg: Config) -> dict[str, Any]:
    """What makes a model and its results: base, data, configuration, code, machine."""
    return {
        "base_model": cfg.model.model_id,
        "config_sha256": config_hash(cfg),
        "data_sha256": runs.file_hash(Path(cfg.data.training_data)),
        "ontology_sha256": prepared.ontology.hash,
        "seed": cfg.training.seed,
        "num_rows_trained_on": len(prepared.supervision.samples),
        **runs.provenance(models.device_name()),
    }


def keep_model(trainer: Any, prepared: Prepared, cfg: Config, output_dir: Path) -> None:
    """Write final_model/: adapter, tokenizer, chat template, prompt contract, ontology, and a card without figures."""
    contract = contract_for(prepared, cfg)
    told = card.text(origin(prepared, cfg), cfg.model_dump(mode="json"), None)
    training.save_final(
        trainer,
        prepared.tokenizer,
        output_dir / "final_model",
        contract,
        prepared.ontology,
        told,
    )
