"""The stages of convert_data.py: find the inputs, read, check or fix, prepare, write.

Knows nothing about any format or operation: it puts the rooms below in order.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kgtune import config, data_page, data_report, lengths, lint, ontology, preparation, runs, sources
from kgtune.errors import DataError
from kgtune.examples import Example, from_raw, write_examples
from kgtune.ontology import Ontology
from kgtune.preparation import Prepared
from kgtune.settings import Config
from kgtune.sources import RawSet

log = logging.getLogger(__name__)

CUSTOM = Path("fine_tune_input/raw_graph_custom.json")
EXAMPLE = Path("fine_tune_input/raw_graph_example.json")
_MOST_LINTED = 5000  # documents that the page's findings come from: linting all of 100,000 takes as long as converting


@dataclass(frozen=True, slots=True)
class Converted:
    """What a conversion made; `report_text` is for the person who ran it."""

    prepared: Prepared
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
    return sources.read_raw(paths, source_format=source_format, default_confidence=cfg.data.default_confidence)


def examples_of(raw_set: RawSet, cfg: Config) -> list[Example]:
    """Make the documents examples, their graphs canonical."""
    drop = cfg.data.description == "drop"
    return [from_raw(document, drop_descriptions=drop) for document in raw_set.documents]


def check(raw_set: RawSet, cfg: Config) -> tuple[str, bool]:
    """Return the findings as text, and whether there is an error among them."""
    chosen = preparation.chosen_ontology(examples_of(raw_set, cfg), cfg.ontology)
    findings = lint.check(raw_set, chosen)
    return lint.describe(findings, raw_set.repairs), any(finding.level == "error" for finding in findings)


def fix(paths: Sequence[Path], cfg: Config, source_format: sources.Format) -> str:
    """Write a fixed copy of each input; refuse those with problems that only a person can mend."""
    lines = []
    for path in sources.expand(paths):
        raw_set = read([path], cfg, source_format)
        refuse(raw_set, cfg, even_dropped=True)
        target, changes = lint.fix(path, cfg.data.default_confidence, raw_set.documents)
        told = ", ".join(f"{number} {code}" for code, number in sorted(changes.items()) if number) or "nothing to mend"
        lines.append(f"{path} -> {target}: {told}")
    return "\n".join(lines)


def refuse(raw_set: RawSet, cfg: Config, *, even_dropped: bool = False) -> None:
    """Raise all problems, unless the configuration drops what has one; an unreadable file is never dropped."""
    if raw_set.problems and (cfg.data.on_error == "refuse" or raw_set.unreadable or even_dropped):
        number = len(raw_set.problems)
        summary = f"{number} problem{'s' if number > 1 else ''} in the input, nothing written:"
        raise DataError(raw_set.problems, summary=summary)
    if not raw_set.documents:
        raise DataError(
            (), summary="No document is left to convert, nothing written. See what was dropped with --check."
        )


def convert(raw_set: RawSet, resolved: config.Resolved, output: Path) -> Converted:
    """Prepare the documents and write rows, ontology and report beside each other."""
    cfg = resolved.config
    refuse(raw_set, cfg)
    examples = examples_of(raw_set, cfg)
    chosen = preparation.chosen_ontology(examples, cfg.ontology)
    prepared = preparation.prepare(examples, cfg, chosen)
    survey = lengths.survey(prepared.examples, cfg, lengths.ruler_for(cfg, chosen))
    report = {**data_report.build(raw_set, prepared, chosen), "lengths": survey}
    write_examples(output, prepared.examples)
    runs.write_text_atomic(output.with_name("ontology.yaml"), ontology.dump(chosen))
    facts = {
        "config_sha256": config.config_hash(cfg),
        "data_sha256": runs.file_hash(output),
        "seed": cfg.data.seed,
        **runs.provenance(),
    }
    runs.write_json_atomic(output.with_suffix(".report.json"), {**report, **facts})
    first = raw_set.documents[:_MOST_LINTED]
    findings = lint.check(replace(raw_set, documents=first), chosen)
    page = data_page.render(
        {**report, **facts}, findings, prepared.examples, chosen, title=output.name, num_checked=len(first)
    )
    runs.write_text_atomic(output.with_suffix(".report.html"), page)
    return Converted(prepared, chosen, f"{data_report.as_text(report)}\n{lengths.as_text(survey)}")
