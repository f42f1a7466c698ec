"""The columns of a comparison, measured on one model: base, base with examples, tuned, tuned and constrained.

Knows nothing about training. fine_tune.py measures between the stages of tuning, and a kept model on its own.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kgtune import model as models
from kgtune import prompt, runs
from kgtune.evaluation import evaluation, few_shot, probes, report, report_page, sample
from kgtune.evaluation.evaluation import Measured, Which
from kgtune.evaluation.few_shot import Shots
from kgtune.examples import of_split
from kgtune.extraction import calibration
from kgtune.extraction.calibration import Calibration
from kgtune.extraction.generation import TransformersExtractor
from kgtune.extraction.rules import answer_cap, rules_for
from kgtune.prompt import Shot
from kgtune.settings import Config
from kgtune.training import card, checkpoints, confidence, processes, training, watching
from kgtune.training.preparing import Prepared, demands
from kgtune.training.training import TrainResult
from kgtune.training.tuning import contract_for, origin

log = logging.getLogger(__name__)

RESULTS_FILE = "evaluation_results.json"

Columns = dict[Which, Measured]


@dataclass(frozen=True, slots=True)
class Base:
    """The base model's columns, and the examples that one of them showed it."""

    columns: Columns
    shots: Shots


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that was measured: answers by column, probes of the gold answers, and what the run did."""

    columns: Columns
    shots: Shots
    probes: dict[str, Any]
    run: dict[str, Any]
    is_new: bool = False
    """True of a model that this run trained: only of that is it known what made it."""


def measure(
    model: Any, prepared: Prepared, cfg: Config, which: evaluation.Which, shots: Sequence[Shot] = ()
) -> Measured:
    """Answer the held-out documents with the adapter off (before, few_shot) or on (after), free, or constrained.

    Several processes answer a share each, and all of them get the whole.
    """
    extractor = _extractor(model, prepared, cfg, which, is_constrained=which == "after_constrained", shots=shots)
    model.eval()
    mine = processes.share(prepared.held_out(cfg))
    with _adapter(model, which):
        return evaluation.joined(processes.parts(evaluation.measure(extractor, mine)))


def _extractor(
    model: Any, prepared: Prepared, cfg: Config, name: str, *, is_constrained: bool, shots: Sequence[Shot] = ()
) -> TransformersExtractor:
    cap = answer_cap(cfg.decoding, prepared.max_answer_tokens)
    rules = None
    if is_constrained:
        rules = rules_for(contract_for(prepared, cfg), prepared.ontology, cfg.decoding, cap)
    return TransformersExtractor(
        model=model,
        tokenizer=prepared.tokenizer,
        system=prepared.system,
        max_new_tokens=cap,
        batch_size=cfg.evaluation.batch_size,
        name=name,
        progress=lambda done, total: log.info("%s: %d/%d documents", name, done, total),
        rules=rules,
        draft_tokens=cfg.decoding.draft_tokens,
        shots=shots,
    )


def _adapter(model: Any, which: evaluation.Which) -> AbstractContextManager[Any]:
    """Switch the adapter off where the base is asked."""
    return nullcontext() if which.startswith("after") else model.disable_adapter()


def measure_base(model: Any, prepared: Prepared, cfg: Config) -> Base:
    """Answer with the adapter off, and once more with examples in the prompt where the configuration asks for them."""
    columns: Columns = {"before": measure(model, prepared, cfg, "before")}
    shots = draw_shots(prepared, cfg)
    if shots.shots:
        columns["few_shot"] = measure(model, prepared, cfg, "few_shot", shots.shots)
    return Base(columns, shots)


def draw_shots(prepared: Prepared, cfg: Config) -> Shots:
    """Draw the examples of the few_shot column, and say so when fewer fit than were asked for."""

    def num_tokens(text: str, shots: Sequence[Shot]) -> int:
        rendered = prompt.render(prepared.tokenizer, prepared.system, text, shots)
        return len(prepared.tokenizer(rendered, add_special_tokens=False)["input_ids"])

    asked, limit = cfg.evaluation.few_shot_k, cfg.model.max_seq_length
    texts = [example.text for example in prepared.held_out(cfg)]
    drawn = few_shot.draw(prepared.examples, texts, asked, cfg.training.seed, num_tokens=num_tokens, max_tokens=limit)
    if len(drawn.shots) < asked:
        log.warning(
            "evaluation.few_shot_k=%d: only %d train rows fit beside the longest text within model.max_seq_length=%d",
            asked, len(drawn.shots), limit,
        )  # fmt: skip
    return drawn


def look(model: Any, prepared: Prepared, cfg: Config) -> dict[str, Any]:
    """Probe the gold answers of the held-out documents with the adapter off and on."""
    rows = prepared.held_out(cfg)
    found = probes.prepare(rows, prepared.tokenizer, prepared.system, max_tokens=cfg.model.max_seq_length)
    if len(found) < len(rows):
        log.warning("probes: %d rows are longer than model.max_seq_length and left out", len(rows) - len(found))
    columns: tuple[evaluation.Which, ...] = ("before", "after")
    seen = {}
    for which in columns:
        with _adapter(model, which):
            seen[which] = probes.result(probes.look(model, found))
    return {which: numbers for which, numbers in seen.items() if numbers is not None}


def measure_tuned(model: Any, prepared: Prepared, cfg: Config) -> Columns:
    """Answer with the adapter on: free, and as inference.py and serve.py will where a grammar is asked for."""
    columns: Columns = {"after": measure(model, prepared, cfg, "after")}
    if cfg.decoding.constraint != "none":
        columns["after_constrained"] = measure(model, prepared, cfg, "after_constrained")
    return columns


def measure_after(trainer: Any, trained: TrainResult, base: Base, prepared: Prepared, cfg: Config) -> Outcome:
    """Measure what has just been trained, and set it beside the base."""
    tuned = measure_tuned(trainer.model, prepared, cfg)
    run = {
        **training_facts(trained.losses, trained.probes, trained.num_steps),
        "resumed_from": trained.resumed_from,
        "num_processes": processes.number(),
        "selection": trained.selection,
        "seconds_training": round(trained.seconds, 1),
        **seconds({**base.columns, **tuned}),
    }
    return Outcome({**base.columns, **tuned}, base.shots, look(trainer.model, prepared, cfg), run, is_new=True)


def measure_kept(prepared: Prepared, cfg: Config, output_dir: Path) -> Outcome:
    """Measure a model that an earlier run kept, adapter off and on; `prepared` is kept.prepare's."""
    kept = models.load_tuned(output_dir / "final_model", cfg)
    assert kept.contract == prepared.kept, (kept.contract, prepared.kept)
    base = measure_base(kept.model, prepared, cfg)
    tuned = measure_tuned(kept.model, prepared, cfg)
    run = {**_history_of(output_dir), **seconds({**base.columns, **tuned})}
    return Outcome({**base.columns, **tuned}, base.shots, look(kept.model, prepared, cfg), run)


def calibrate(model: Any, prepared: Prepared, cfg: Config, output_dir: Path) -> Calibration | None:
    """Fit how sure the tuned model is to how often it is right, on validation rows; keep it with the model."""
    rows = sample.drawn(of_split(prepared.examples, "validation"), cfg.evaluation.max_documents, cfg.data.seed)
    if cfg.decoding.constraint == "none" or cfg.decoding.confidence == "stated":
        log.info("confidence is not calibrated: it takes a constraint and decoding.confidence=probability")
        return None
    model.eval()
    found = _extractor(model, prepared, cfg, "calibration", is_constrained=True).extract([row.text for row in rows])
    items = [one for row, out in zip(rows, found, strict=True) for one in evaluation.judged_relationships(row, out)]
    fitted = calibration.fit(items)
    if fitted is None:
        what = "confidence is not calibrated: %d relationships of %d validation rows are too few, or all right or wrong"
        log.warning(what, len(items), len(rows))
        return None
    calibration.write(output_dir / "final_model", fitted)
    what = "confidence: %s curve over %d relationships of %d documents; calibration error %.3f, was %.3f"
    numbers = (fitted.num_items, fitted.num_documents, fitted.ece_after, fitted.ece_before)
    log.info(what, fitted.method, *numbers)
    return fitted


def _history_of(output_dir: Path) -> dict[str, Any]:
    """Read from its last checkpoint what the training of a kept model logged; nothing where that is gone."""
    found = checkpoints.whole(output_dir)
    if not found:
        return {}
    state = json.loads((found[-1] / "trainer_state.json").read_text(encoding="utf-8"))
    history = state["log_history"]
    return training_facts(training.losses_in(history), watching.history(history), state["global_step"])


def training_facts(
    losses: Sequence[tuple[int, float]], probed: Sequence[dict[str, Any]], num_steps: int
) -> dict[str, Any]:
    """Return how training went, as it stands in the results."""
    return {
        "num_steps": num_steps,
        "losses": [{"step": step, "loss": loss} for step, loss in losses],
        "probes": list(probed),
    }


def seconds(columns: Columns) -> dict[str, float]:
    """Return how long each column took."""
    return {f"seconds_{name}": round(one.seconds, 1) for name, one in columns.items()}


def keep_results(outcome: Outcome, prepared: Prepared, cfg: Config, output_dir: Path) -> dict[str, Any]:
    """Write evaluation_results.json, and the report as HTML and Markdown."""
    made_by = origin(prepared, cfg)
    given = confidence.of(cfg, output_dir / "final_model")
    facts = {
        "split": cfg.evaluation.split,
        "num_held_out": len(of_split(prepared.examples, cfg.evaluation.split)),
        "max_new_tokens": answer_cap(cfg.decoding, prepared.max_answer_tokens),
        "constraint": cfg.decoding.constraint,
        **made_by,
        "num_rows_dropped": dict(prepared.supervision.dropped),
        "ledger": prepared.supervision.ledger.as_object(),
        "few_shot": outcome.shots.as_object(),
        "confidence": given.as_object(),
        "probes": outcome.probes,
        "run": outcome.run,
    }
    held_against = replace(demands(cfg, prepared.examples), given=given.function)
    result = evaluation.results(outcome.columns, prepared.ontology, facts, held_against)
    runs.write_json_atomic(output_dir / RESULTS_FILE, result)
    runs.write_text_atomic(output_dir / "evaluation_report.md", report.markdown(result))
    runs.write_text_atomic(output_dir / "evaluation_report.html", report_page.render(result, prepared.ontology))
    if outcome.is_new:
        told = card.text(made_by, cfg.model_dump(mode="json"), result)
        runs.write_text_atomic(output_dir / "final_model" / card.FILE, told)
    return result
