"""What is said about a run before any weights are loaded: memory, disk, schedule, rows; and what was not checked.

Knows the stages of a run; loads a tokenizer where one is at hand, and never weights.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK, get_available_reporting_integrations

from kgtune import config, hub
from kgtune import model as models
from kgtune.checks import catalogue
from kgtune.errors import CheckFailed, Problem
from kgtune.examples import Example, of_split
from kgtune.ontology import Ontology
from kgtune.planning import preflight, shapes
from kgtune.planning.preflight import Preflight
from kgtune.prompt import Contract
from kgtune.settings import Config
from kgtune.training import activation_checkpointing, preparing, processes, screening, supervision, training
from kgtune.training.preparing import Prepared
from kgtune.training.supervision import Sample

log = logging.getLogger(__name__)


def rehearse(cfg: Config, output_dir: Path, *, vram_gib: float | None, num_previews: int) -> Iterator[str]:
    """Check all that can be checked without weights; tell the results part by part, and rows on the log.

    Raises:
        CheckFailed: faults that would stop the run; what comes before them has been told by then.
    """
    found = examine(cfg, vram_gib)
    yield preflight.page(found) if found else preflight.unknown_shape(cfg.model.model_id)
    samples: Sequence[Sample] = ()
    if models.is_at_hand(cfg.model.model_id):
        prepared = preparing.prepare(cfg)
        samples = prepared.supervision.samples
        for part in (preparing.describe(prepared), *map(supervision.preview, samples[:num_previews])):
            log.info("%s", part)
        told = "dry run: configuration, rows, prompt and supervision are in order; no weights were loaded"
        examples, ontology = prepared.examples, prepared.ontology
        num_rows = len(samples)
    else:
        examples, ontology = preparing.read_rows(cfg)
        told = preparing.check_rows_only(cfg, examples, ontology)
        num_rows = len(of_split(examples, "train"))
    yield checkpointing(cfg, vram_gib, samples)
    faults = memory(found) if found else []
    faults += screen(cfg, output_dir, examples, ontology, num_rows)
    yield from catalogue.stop_or_tell(faults)
    yield told


def examine(cfg: Config, vram_gib: float | None) -> Preflight | None:
    """Plan the run's memory, against a card that was named or the one that is there."""
    return preflight.examine(cfg, _card_gib(vram_gib))


def checkpointing(cfg: Config, vram_gib: float | None, samples: Sequence[Sample]) -> str:
    """Say which layers would compute their activations again, for the rows of this run where they are rendered."""
    card_gib = _card_gib(vram_gib)
    world = _num_processes()
    batching = training.batching_of(samples, cfg, world=world, on_card=card_gib > 0) if samples else None
    return str(activation_checkpointing.choose(cfg, card_gib, batching, world=world))


def _card_gib(vram_gib: float | None) -> float:
    return vram_gib or config.card_memory_gib() or 0.0


def _num_processes() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


def prepare(cfg: Config, output_dir: Path, *, trains: bool, kept: Contract | None = None) -> Prepared:
    """Prepare a real run, tell it on stderr, and stop where a check says that it would come to nothing.

    `kept` is the contract of a model that is only measured: rows are rendered as it says.
    """
    found = examine(cfg, None)
    is_first = processes.rank() == 0
    if is_first and found and found.card_gib:
        log.info("%s", preflight.page(found))
    if trains and found and (problems := memory(found)):
        raise CheckFailed(problems)
    prepared = preparing.prepare(cfg, kept)
    num_rows = len(prepared.supervision.samples)
    faults = screen(cfg, output_dir, prepared.examples, prepared.ontology, num_rows) if trains else []
    told = [preparing.describe(prepared), supervision.preview(prepared.supervision.samples[0])]
    for part in [*told, *catalogue.stop_or_tell(faults)]:
        log.log(logging.INFO if is_first else logging.DEBUG, "%s", part)
    return prepared


def memory(found: Preflight) -> list[Problem]:
    """P-MEMORY: more than the card has. A run that is only tight goes on to the measured step."""
    if not found.card_gib or found.verdict != "does not fit":
        return []
    return [preflight.problem(found.peak_gib, found, how="estimate")]


def screen(
    cfg: Config, output_dir: Path, examples: Sequence[Example], ontology: Ontology, num_rows: int
) -> list[Problem]:
    """C10, C12, C13 and C18: all that configuration, rows and disk say by themselves."""
    problems = [
        *screening.schedule(cfg, num_rows, _num_processes()),
        *screening.rows(examples, ontology),
        *screening.target_modules(cfg),
        *trackers(cfg),
    ]
    folder = hub.local_folder(cfg.model.model_id)
    shape = shapes.shape_of(str(folder) if folder else cfg.model.model_id)
    return [*problems, *(screening.disk(cfg, shape, output_dir) if shape else [])]


def trackers(cfg: Config) -> list[Problem]:
    """Name the trackers of training.report_to that the trainer doesn't know, or whose package isn't installed."""
    known = sorted(INTEGRATION_TO_CALLBACK)
    usable = set(get_available_reporting_integrations())
    return [
        catalogue.problem("E-TRACKER", "training.report_to", name=name, known=", ".join(known))
        for name in cfg.training.report_to
        if name not in usable
    ]
