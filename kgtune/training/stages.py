"""The order of a run: measure the base, train, keep the model, calibrate it, measure again.

Knows nothing about how any of it is done, nor about command lines.
"""

from __future__ import annotations

from pathlib import Path

from kgtune.config import Resolved
from kgtune.training import measuring, processes, training, tuning
from kgtune.training.measuring import Outcome
from kgtune.training.tuning import Prepared


def run(prepared: Prepared, resolved: Resolved, output_dir: Path, *, resume: bool) -> Outcome:
    """Go through all stages. Of a run that was asked to stop on the way nothing but the number of updates is known."""
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
