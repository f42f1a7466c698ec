"""The stages of convert_data.py: take in, place, make and write. --check and --fix stand in checking.

Knows nothing about any format or operation: it puts the rooms below in order. Documents are gone through twice, and
none is held: see intake, first_pass and second_pass.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kgtune import config, lint, ontology, runs, sources
from kgtune.augmentation import augment
from kgtune.conversion import data_page, data_report, intake, lengths, preparation, second_pass
from kgtune.conversion.crew import Crew
from kgtune.conversion.first_pass import Gathered
from kgtune.conversion.lengths import Survey
from kgtune.conversion.sampling import sample
from kgtune.conversion.second_pass import Maker, Target, Written
from kgtune.conversion.spill import Spill
from kgtune.examples import Example, of_row, written_examples
from kgtune.ontology import Ontology
from kgtune.settings import Config
from kgtune.sources import RawDocument
from kgtune.splitting import leaks, placement, split_lock
from kgtune.splitting.placement import Placed

MOST_LINTED = 500
"""Documents that the page's findings come from; --check looks at all."""


@dataclass(frozen=True, slots=True)
class Converted:
    """What a conversion made; `report_text` is for the person who ran it, `files` are all that were written."""

    report: dict[str, Any]
    ontology: Ontology
    report_text: str
    files: tuple[tuple[Path, str], ...]
    """Each with what it is for."""


def convert(
    paths: Sequence[Path], resolved: config.Resolved, output: Path, source_format: sources.Format = "auto"
) -> Converted:
    """Read the inputs, and write rows, ontology, lock and reports beside each other."""
    cfg = resolved.config
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kgtune-")))
        taken = intake.take_in(paths, cfg, source_format, stack, folder)
        spill, crew, chosen = taken.spill, taken.crew, taken.choice.ontology
        placed = placed_by(taken.gathered, spill, cfg, chosen, output)
        written, survey = _written(placed, spill, crew, cfg, chosen, output, folder)
        leakage = _leakage(placed, spill, written)
    is_locked = _keep_lock(placed, cfg, output)
    counted = taken.gathered.seen if chosen.name == ontology.DERIVED else None
    runs.write_text_atomic(output.with_name("ontology.yaml"), ontology.dump(chosen, counted))
    report = {**_report(taken.counts, placed, written, chosen, leakage), "lengths": survey}
    facts = {
        "config_sha256": config.config_hash(cfg),
        "data_sha256": runs.file_hash(output),
        "seed": cfg.data.seed,
        **runs.provenance(),
    }
    told = {"profile": resolved.profile, "config": cfg.model_dump(mode="json"), "origins": resolved.origins}
    runs.write_json_atomic(output.with_suffix(".report.json"), {**report, **facts, **told})
    page = _page({**report, **facts}, taken.first[:MOST_LINTED], placed, written, chosen, output)
    runs.write_text_atomic(output.with_suffix(".report.html"), page)
    told_text = f"{data_report.as_text(report)}\n{lengths.as_text(survey)}"
    return Converted(report, chosen, told_text, _files(output, is_locked=is_locked))


def _files(output: Path, *, is_locked: bool) -> tuple[tuple[Path, str], ...]:
    """Name what lies beside the rows now."""
    files = (
        (output, "what fine_tune.py reads"),
        (output.with_suffix(".report.html"), "figures and documents, to look at in a browser"),
        (output.with_suffix(".report.json"), "the figures, and the configuration with its origins"),
        (output.with_name("ontology.yaml"), "labels and types that the rows use"),
    )
    lock = (output.with_name(split_lock.NAME), "keeps these documents in their splits when data is added")
    return (*files, lock) if is_locked else files


def placed_by(gathered: Gathered, spill: Spill, cfg: Config, chosen: Ontology, output: Path) -> Placed:
    """Place the documents, old ones where the lock beside the output has them."""
    cards = [card.with_labels(chosen.canonical_label) for card in gathered.cards]
    if all(card.split and card.group_id for card in cards):
        return placement.as_given(cards, gathered.units)
    lock = split_lock.read(output.with_name(split_lock.NAME)) if cfg.data.splits_lock else None
    return placement.place(cards, gathered.units, spill.document, cfg.data, lock)


def _written(  # noqa: PLR0913, PLR0917 - what both passes know, and where the result goes
    placed: Placed, spill: Spill, crew: Crew, cfg: Config, chosen: Ontology, output: Path, folder: Path
) -> tuple[Written, dict[str, Any]]:
    """Make and write the rows, and survey how long they are."""
    ruler = lengths.ruler_for(cfg, chosen)
    policy, limit = cfg.data.overlength, cfg.model.max_seq_length
    survey = Survey(policy, limit, ruler)
    maker = Maker(
        chosen,
        _context(placed, spill, cfg, chosen),
        drop_descriptions=cfg.data.description == "drop",
        ruler=None if ruler.exact else ruler,  # a tokenizer in every process would take 300 MB each
        held_out=placed.units.held_out(placed.splits),
        policy=policy,
        limit=limit,
    )
    with (
        runs.atomic(output) as file,
        tempfile.TemporaryFile("w+", dir=folder, encoding="utf-8", newline="\n") as empties,
    ):
        target = Target(
            file, empties, survey, lambda row: lengths.measured(of_row(json.loads(row.text)), ruler, policy, limit)
        )
        written = second_pass.write(maker, placed, spill, crew, target)
    return written, survey.as_object()


def _page(
    report: Mapping[str, Any],
    first: Sequence[RawDocument],
    placed: Placed,
    written: Written,
    chosen: Ontology,
    output: Path,
) -> str:
    """Write the page: findings of the first documents, and a sample of the rows."""
    families = sample(second_pass.outlines(placed, written), data_page.MOST_FAMILIES)
    ids = {row.id for family in families for row in (family.row, *family.variants)}
    rows = written_examples(output, ids)
    findings = list(lint.check(first, chosen))
    return data_page.render(report, findings, rows, chosen, title=output.name, num_checked=len(first))


def _keep_lock(placed: Placed, cfg: Config, output: Path) -> bool:
    """Write the lock and say so; documents that bring their own splits need none."""
    is_locked = bool(cfg.data.splits_lock and placed.lock.groups)
    if is_locked:
        split_lock.write(output.with_name(split_lock.NAME), placed.lock)
    return is_locked


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
    maker = Maker(chosen, drop_descriptions=cfg.data.description == "drop")
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
