"""The stages of a fine-tuning: claim the folder, set up the trainer, keep the model. stages tells them in order.

Knows the other rooms by their doors only: how an example is rendered, trained on or scored stands there.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kgtune import hub, prompt, runs
from kgtune import model as models
from kgtune.config import Resolved, config_hash
from kgtune.evaluation import evaluation, probes
from kgtune.examples import Example
from kgtune.extraction.generation import TransformersExtractor
from kgtune.extraction.rules import answer_cap
from kgtune.prompt import Contract
from kgtune.settings import Config
from kgtune.training import card, effective, probe, processes, resumption, selection, training, watching
from kgtune.training.preparing import Prepared

log = logging.getLogger(__name__)


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
    evidence, names = prepared.verbatim_shares
    tokens = prepared.text_tokens
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
        usual_text_tokens=tokens[len(tokens) // 2],
        long_text_tokens=tokens[9 * len(tokens) // 10],
        train_rows_sha256=prepared.rows_mark,
    )


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
