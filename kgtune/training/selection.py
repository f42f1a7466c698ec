"""The best update by the task: validation documents are answered on the way, and the best adapter is the one kept.

Knows nothing about prompts or generation: a reading is a function that returns a score. Loss is not asked: it goes on
falling while answers get worse.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from peft import set_peft_model_state_dict
from safetensors.torch import load_file
from transformers import TrainerCallback

from kgtune import runs
from kgtune.errors import ConfigError
from kgtune.evaluation.sample import fixed
from kgtune.examples import Example, of_split
from kgtune.ontology import Ontology
from kgtune.scoring.documents import Judged
from kgtune.scoring.metrics import THINGS
from kgtune.scoring.tally import Rules, tally
from kgtune.settings import TrainingSettings

log = logging.getLogger(__name__)

READINGS_FILE = "readings.json"
_SAMPLE_SEED = 0  # the sample is one of the data: another training.seed reads the same documents


def sample_of(examples: Sequence[Example], number: int) -> list[Example]:
    """The fixed validation documents, by their ids and not by their order; never a test or a train row."""
    rows = of_split(examples, "validation")
    if not rows:
        raise ConfigError(
            "training.select_steps: no validation rows to read. Raise data.validation_ratio, or set it to null."
        )
    return fixed(rows, number, _SAMPLE_SEED)


def schema_valid_f1(answers: Sequence[Judged], ontology: Ontology) -> float:
    """F1 of entities and relationships together; an answer that breaks the contract counts as nothing found."""
    hits = total = 0
    for answer in answers:
        counts = tally(answer, Rules(ontology)).counts
        is_valid = counts["schema"] and counts["closed"]
        total += sum(counts[f"{thing}_gold"] for thing in THINGS)
        if is_valid:
            hits += sum(counts[f"{thing}_hits_strict"] for thing in THINGS)
            total += sum(counts[f"{thing}_predicted"] for thing in THINGS)
    return 2 * hits / total if total else 1.0


class BestByTask(TrainerCallback):
    """Reads after every `select_steps` updates, keeps the best one's checkpoint, and stops when none gets better."""

    def __init__(self, trainer: Any, output_dir: Path, cfg: TrainingSettings, read: Callable[[], float]) -> None:
        assert cfg.select_steps is not None, "made only where a selection is asked for"
        self.trainer, self.file, self.read = trainer, output_dir / READINGS_FILE, read
        self.steps, self.patience = cfg.select_steps, cfg.select_patience
        self.scores: dict[int, float] = {}

    @property
    def best(self) -> int | None:
        """The update with the best reading, the first of equals."""
        return max(self.scores, key=lambda step: (self.scores[step], -step), default=None)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Take up the readings of the updates that are behind; one that a kill has cost is made good."""
        if self.file.exists():
            earlier = json.loads(self.file.read_text(encoding="utf-8"))["scores"]
            self.scores = {int(step): score for step, score in earlier.items() if int(step) <= state.global_step}
        if state.global_step and state.global_step % self.steps == 0 and state.global_step not in self.scores:
            self._take(state.global_step)
        self.trainer.spared_step = self.best
        if self._is_over():
            control.should_training_stop = True

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step % self.steps == 0:
            control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step % self.steps or state.global_step in self.scores:
            return
        self._take(state.global_step)
        if self._is_over() and state.global_step < state.max_steps:
            log.info("no better reading in %d: training stops, update %d is kept", self.patience, self.best)
            control.should_training_stop = True

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Put the best update's adapter into the model."""
        if self.best in {None, state.global_step}:
            return
        weights = load_file(Path(args.output_dir) / f"checkpoint-{self.best}" / "adapter_model.safetensors")
        set_peft_model_state_dict(self.trainer.accelerator.unwrap_model(self.trainer.model), weights)

    def result(self) -> dict[str, Any]:
        """What was read, for the result file."""
        return {"scores": {str(step): score for step, score in self.scores.items()}, "kept": self.best}

    def _take(self, step: int) -> None:
        self.scores[step] = self.read()
        log.info("update %d: schema-valid F1 of the validation sample %.4f", step, self.scores[step])
        if self.trainer.is_world_process_zero():
            runs.write_json_atomic(self.file, self.result())
        self.trainer.spared_step = self.best

    def _is_over(self) -> bool:
        since_best = sum(step > (self.best or 0) for step in self.scores)
        return since_best >= self.patience
