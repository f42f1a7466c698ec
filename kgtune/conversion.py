"""The stages of convert_data.py: find the inputs, gather, place, make and write. --check and --fix stand in checking.

Knows nothing about any format or operation: it puts the rooms below in order. Documents are gone through twice, and
none is held: see first_pass and second_pass.
"""

from __future__ import annotations

import logging
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from kgtune import (
    augment,
    config,
    data_report,
    first_pass,
    inspection,
    leaks,
    lengths,
    ontology,
    placement,
    preparation,
    runs,
    second_pass,
    sources,
    split_lock,
)
from kgtune import crew as crews
from kgtune.crew import Crew
from kgtune.errors import DataError
from kgtune.examples import Example
from kgtune.first_pass import Gathered
from kgtune.ontology import Ontology
from kgtune.placement import Placed
from kgtune.second_pass import Maker, Written
from kgtune.settings import Config
from kgtune.sources import Findings, RawDocument, RawSet
from kgtune.spill import Spill

log = logging.getLogger(__name__)

CUSTOM = Path("fine_tune_input/raw_graph_custom.json")
EXAMPLE = Path("fine_tune_input/raw_graph_example.json")
FEW_DOCUMENTS = 2_000
"""Below so many, data.workers=auto starts no processes: they would take longer to start than to help."""


@dataclass(frozen=True, slots=True)
class Converted:
    """What a conversion made; `report_text` is for the person who ran it."""

    report: dict[str, Any]
    ontology: Ontology
    report_text: str


def inputs(given: Sequence[str], cfg: Config) -> list[Path]:
    """Return the command line's inputs, else data.input, else the user's own file, else, with a notice, the example."""
    if given:
        return [Path(path) for path in given]
    if cfg.data.input is not None:
        return [Path(cfg.data.input)]
    if CUSTOM.exists():
        return [CUSTOM]
    log.warning("%s does not exist: converting %s, which is only an example.", CUSTOM, EXAMPLE)
    return [EXAMPLE]


def read(paths: Sequence[Path], cfg: Config, source_format: sources.Format) -> RawSet:
    """Read the inputs; what is wrong is in the set's problems."""
    columns = cfg.data.columns.model_dump(exclude_none=True)
    return sources.read_raw(
        paths, source_format=source_format, default_confidence=cfg.data.default_confidence, columns=columns
    )


def stream(paths: Sequence[Path], cfg: Config, source_format: sources.Format, found: Findings) -> Iterator[RawDocument]:
    """Read the inputs one document at a time; what is wrong is in `found` when the last one is read."""
    columns = cfg.data.columns.model_dump(exclude_none=True)
    return sources.stream(
        paths,
        found,
        source_format=source_format,
        default_confidence=cfg.data.default_confidence,
        columns=columns,
    )


def refuse(found: Findings, cfg: Config, num_documents: int) -> None:
    """Raise all problems, unless the configuration drops what has one; an unreadable file is never dropped."""
    if found.problems and (cfg.data.on_error == "refuse" or found.unreadable):
        number = len(found.problems)
        summary = f"{number} problem{'s' if number > 1 else ''} in the input, nothing written:"
        raise DataError(found.problems, summary=summary)
    if not num_documents:
        reasons = sorted(key for key in found.counts if key.startswith("dropped: "))
        dropped = [f"  {found.counts[key]:>5}  {key.removeprefix('dropped: ')}" for key in reasons]
        summary = f"No document is left to convert, nothing written. Read {found.counts['read']}, dropped:"
        raise DataError((), summary="\n".join([summary, *dropped]))


def convert(
    paths: Sequence[Path], resolved: config.Resolved, output: Path, source_format: sources.Format = "auto"
) -> Converted:
    """Read the inputs, and write rows, ontology, lock and report beside each other."""
    cfg = resolved.config
    found = Findings()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kgtune-")))
        spill = stack.enter_context(Spill(folder))
        number, documents = _enough_for(cfg, stream(paths, cfg, source_format, found))
        crew = stack.enter_context(Crew(number, folder))
        gathered = first_pass.gather(documents, spill, crew)
        refuse(found, cfg, len(spill))
        seen = gathered.seen
        chosen = ontology.choose(cfg.ontology, seen.labels, seen.types, seen.pairs)
        placed = placed_by(gathered, spill, cfg, chosen, output)
        maker = Maker(chosen, _context(placed, spill, cfg, chosen), cfg.data.description == "drop")
        with runs.atomic(output) as file:
            written = second_pass.write(maker, placed, spill, crew, file, folder)
        leakage = _leakage(placed, spill, written)
        looked_at = [spill.document(position) for position in range(min(len(spill), inspection.MOST_DOCUMENTS))]
    _keep_lock(placed, cfg, output)
    counted = seen if chosen.name == ontology.DERIVED else None
    runs.write_text_atomic(output.with_name("ontology.yaml"), ontology.dump(chosen, counted))
    report = _report(found.counts, placed, written, chosen, leakage)
    report["lengths"] = inspection.survey(output, chosen, cfg)
    facts = {
        "config_sha256": config.config_hash(cfg),
        "data_sha256": runs.file_hash(output),
        "seed": cfg.data.seed,
        **runs.provenance(),
    }
    runs.write_json_atomic(output.with_suffix(".report.json"), {**report, **facts})
    html = inspection.page(output, {**report, **facts}, looked_at, chosen)
    runs.write_text_atomic(output.with_suffix(".report.html"), html)
    return Converted(report, chosen, f"{data_report.as_text(report)}\n{lengths.as_text(report['lengths'])}")


def _enough_for(cfg: Config, documents: Iterator[RawDocument]) -> tuple[int, Iterable[RawDocument]]:
    """Return how many processes the documents are worth, and the documents."""
    if cfg.data.workers != "auto":
        return cfg.data.workers, documents
    first = list(islice(documents, FEW_DOCUMENTS))
    is_many = len(first) == FEW_DOCUMENTS
    return (crews.number_of("auto") if is_many else 1), chain(first, documents)


def placed_by(gathered: Gathered, spill: Spill, cfg: Config, chosen: Ontology, output: Path) -> Placed:
    """Place the documents, old ones where the lock beside the output has them."""
    cards = [card.with_labels(chosen.canonical_label) for card in gathered.cards]
    if all(card.split and card.group_id for card in cards):
        return placement.as_given(cards, gathered.units)
    lock = split_lock.read(output.with_name(split_lock.NAME)) if cfg.data.splits_lock else None
    return placement.place(cards, gathered.units, spill.document, cfg.data, lock)


def _keep_lock(placed: Placed, cfg: Config, output: Path) -> None:
    """Write the lock; documents that bring their own splits need none."""
    if cfg.data.splits_lock and placed.lock.groups:
        split_lock.write(output.with_name(split_lock.NAME), placed.lock)


def _context(placed: Placed, spill: Spill, cfg: Config, chosen: Ontology) -> augment.Context | None:
    """Gather what variants depend on: the names of all documents, and how often each operation fits."""
    if placed.is_as_given or not augment.asked_limits(cfg.augmentation):
        return None
    train: set[tuple[str, str]] = set()
    held_out: set[str] = set()
    for position, split in zip(placed.positions, placed.splits, strict=True):
        for label, name in spill.names(position):
            if split == "train":
                train.add((chosen.canonical_label(label) or label, name))
            else:
                held_out.add(name)
    rules = preparation.rules(held_out, chosen, cfg.augmentation.synonyms_file)
    context = augment.context_of(cfg.augmentation, cfg.data.seed, train, held_out, rules)
    return _with_quotas(context, placed, spill, cfg, chosen)


def _with_quotas(
    context: augment.Context, placed: Placed, spill: Spill, cfg: Config, chosen: Ontology
) -> augment.Context:
    maker = Maker(chosen, None, cfg.data.description == "drop")
    places = {card.id: index for index, card in enumerate(placed.cards) if placed.splits[index] == "train"}

    def fetch(identity: str) -> Example:
        index = places[identity]
        work = (spill.packed(placed.positions[index]), placed.groups[index], placed.splits[index])
        return maker.example(work)[0]

    return augment.with_quotas(context, list(places), fetch)


def _leakage(placed: Placed, spill: Spill, written: Written) -> dict[str, Any]:
    found = leaks.report(
        placed.cards,
        placed.groups,
        placed.splits,
        placed.units,
        lambda index: spill.document(placed.positions[index]).text,
    )
    outside = written.augmented_outside_train
    return {**found, "is_clean": found["is_clean"] and not outside, "augmented_outside_train": outside}


def _report(
    counts: Counter[str], placed: Placed, written: Written, chosen: Ontology, leakage: dict[str, Any]
) -> dict[str, Any]:
    rows = data_report.Rows(written.by_split, written.by_aug, written.text_chars, written.answer_chars, written.drops)
    splits = {
        "groups": len(set(placed.groups)),
        "kept_by_the_lock": placed.num_locked,
        "moved_from_the_lock": list(placed.moved),
        "rare_labels": list(placed.rare_labels),
    }
    return data_report.build(counts + placed.counts, written.figures, rows, chosen, leakage, splits)
