"""The order of a run: measure the base, train, keep the model, calibrate it, measure again; or measure a kept one.

Knows nothing about how any of it is done, nor about command lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kgtune import model as models
from kgtune.config import Resolved
from kgtune.settings import Config
from kgtune.training import kept, measuring, processes, rehearsal, training, tuning
from kgtune.training.measuring import Outcome
from kgtune.training.preparing import Prepared


@dataclass(frozen=True)
class Finished:
    """What was measured, on which rows, under which settings: of a kept model partly its own."""

    outcome: Outcome
    prepared: Prepared
    cfg: Config


def run(resolved: Resolved, output_dir: Path, *, resume: bool) -> Finished:
    """Fine-tune. Of a run that was asked to stop on the way nothing but the number of updates is known."""
    cfg = resolved.config
    models.require_card(resolved.profile)
    processes.join(cfg.training.num_processes)
    prepared = rehearsal.prepare(cfg, output_dir, trains=True)
    return Finished(_trained(prepared, resolved, output_dir, resume=resume), prepared, cfg)


def measured(resolved: Resolved, output_dir: Path) -> Finished:
    """Measure a model that an earlier run kept, on the rows of that run."""
    processes.join(resolved.config.training.num_processes)
    cfg = kept.settings(resolved, output_dir)
    prepared = kept.prepare(cfg, output_dir)
    return Finished(measuring.measure_kept(prepared, cfg, output_dir), prepared, cfg)


def _trained(prepared: Prepared, resolved: Resolved, output_dir: Path, *, resume: bool) -> Outcome:
    cfg = resolved.config
    checkpoint = tuning.open_run(prepared, resolved, output_dir, resume=resume)
    if processes.rank() == 0:
        tuning.write_samples(prepared, output_dir / "training_samples.json")
    trainer = tuning.make_trainer(prepared, cfg, output_dir)
    base = measuring.measure_base(trainer.model, prepared, cfg)
    trained = training.train(trainer, checkpoint)
    if trained.stopped_at is not None:
        return Outcome({}, base.shots, {}, {"num_steps": trained.num_steps})
    if processes.rank() == 0:
        tuning.keep_model(trainer, prepared, cfg, output_dir)
        measuring.calibrate(trainer.model, prepared, cfg, output_dir)
    return measuring.measure_after(trainer, trained, base, prepared, cfg)
