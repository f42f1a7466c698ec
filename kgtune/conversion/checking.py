"""The stages of convert_data.py --check and --fix: read, find, tell; and write a mended copy.

Knows nothing about what is checked or mended: the linter does. Documents are laid aside and taken up again one by one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain
from pathlib import Path

from kgtune import config, lint, naming, ontology, runs, sources
from kgtune.conversion import lengths
from kgtune.conversion.spill import Spill, pack
from kgtune.errors import DataError, Problem
from kgtune.examples import from_raw
from kgtune.graph import Graph
from kgtune.lint import LengthLimit, mending
from kgtune.lint.findings import read_place
from kgtune.lint.report import Tally
from kgtune.ontology import Choice, Ontology, Seen
from kgtune.settings import Config
from kgtune.sources import Findings, Partial, RawDocument


def check(paths: Sequence[Path], cfg: Config, source_format: sources.Format) -> Tally:
    """Count everything that is wrong or suspicious in the inputs; nothing is written."""
    files = sources.expand(paths)
    tally = Tally()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kgtune-")))
        aside = _Aside(stack.enter_context(Spill(folder)))
        partials = _Partials(stack.enter_context(Spill(folder)))
        found = Findings(on_partial=partials.lay)
        repairs: list[Problem] = []
        seen = naming.seen(chain(aside.laid(_stream(paths, cfg, source_format, found, repairs)), partials.graphs()))
        if missing := [problem for problem in found.problems if problem.code == "E-NO-FILE"]:
            raise DataError(missing)
        tally.choice = ontology.choice(cfg.ontology, seen.labels, seen.types, seen.pairs)
        chosen = tally.choice.ontology
        for finding in lint.check(
            aside,
            chosen,
            problems=found.problems,
            repairs=repairs,
            partials=partials,
            paths=files,
            length_limit=length_limit(cfg, chosen),
        ):
            tally.add(finding)
    return tally


def length_limit(cfg: Config, chosen: Ontology) -> LengthLimit:
    """Measure rows as a conversion does."""
    ruler = lengths.ruler_for(cfg, chosen)
    drop = cfg.data.description == "drop"
    limit = cfg.model.max_seq_length
    return LengthLimit(lambda document: ruler.measure(from_raw(document, drop_descriptions=drop)), limit, ruler.exact)


class _Aside:
    """Documents in a temporary file, to be gone through as often as it takes; their places are kept beside it."""

    def __init__(self, spill: Spill) -> None:
        self._spill = spill
        self._wheres: list[str] = []

    def laid(self, documents: Iterable[RawDocument]) -> Iterator[Graph]:
        """Lay documents aside as they come, and yield their graphs."""
        for document in documents:
            self._spill.put(pack(document))
            self._wheres.append(document.where)
            yield document.graph

    def __iter__(self) -> Iterator[RawDocument]:
        for position, where in enumerate(self._wheres):
            yield replace(self._spill.document(position), where=where)


class _Partials:
    """What could be read of items that have errors, laid aside as whole documents are."""

    def __init__(self, spill: Spill) -> None:
        self._spill = spill
        self._places: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = []

    def lay(self, partial: Partial) -> None:
        """Lay one aside."""
        self._spill.put(pack(partial.document))
        self._places.append((partial.document.where, partial.entity_places, partial.edge_places))

    def graphs(self) -> Iterator[Graph]:
        """Yield their graphs, for their names count as well."""
        return (partial.labelled for partial in self)

    def __iter__(self) -> Iterator[Partial]:
        for position, (where, entities, edges) in enumerate(self._places):
            yield Partial(replace(self._spill.document(position), where=where), entities, edges)


def _stream(
    paths: Sequence[Path], cfg: Config, source_format: sources.Format, found: Findings, repairs: list[Problem]
) -> Iterator[RawDocument]:
    """Read document by document; of the readers' repairs keep those in files that the linter does not look into."""
    is_json: dict[str, bool] = {}
    for document in sources.stream(
        paths,
        found,
        source_format=source_format,
        default_confidence=cfg.data.default_confidence,
        columns=cfg.data.columns.model_dump(exclude_none=True),
    ):
        yield document
        for repair in found.repairs:
            file = read_place(repair.where).file
            if file not in is_json:
                is_json[file] = mending.is_json(Path(file))
            if not is_json[file]:
                repairs.append(repair)
        found.repairs.clear()


def write_report(target: Path, tally: Tally, paths: Sequence[Path], cfg: Config, *, strict: bool) -> None:
    """Write all findings for a machine, and what they were found in."""
    facts = {
        "config_sha256": config.config_hash(cfg),
        "inputs_sha256": {str(path): runs.file_hash(path) for path in sources.expand(paths)},
        **runs.provenance(),
    }
    runs.write_json_atomic(target, {**tally.as_object(strict=strict), **facts})


def fix(paths: Sequence[Path], cfg: Config) -> str:
    """Write a mended copy and a diff beside each input that has something to mend; say what was done."""
    files = sources.expand(paths)
    seen = mending.seen_in(files)
    chosen = ontology.choose(cfg.ontology, seen.labels, seen.types, seen.pairs)
    return "\n".join([*(_fixed(path, mending.mending(path, chosen)) for path in files), *_left(seen, chosen)])


def _left(seen: Seen, chosen: Ontology) -> Iterator[str]:
    """Name the labels and types that the ontology does not have: only a person knows what was meant."""
    lacking = Choice(chosen, ontology.fit(chosen, seen.labels, seen.types))
    if listed := ", ".join(filter(None, (lacking.told(near=True), lacking.told(near=False)))):
        yield (
            f"left to you: {listed}. The ontology {chosen.name} does not have these, a conversion refuses them, and "
            "only their writer knows what was meant; --check says where they stand and what can be done."
        )


def _fixed(path: Path, planned: mending.Mending | None) -> str:
    if planned is None:
        return f"{path}: left as it is. --fix mends JSON; this is none, or broken beyond a trailing comma: see --check."
    if not planned.findings:
        return f"{path}: nothing to mend, nothing written"
    target, difference = mending.write(planned)
    told = f"{path} -> {target} ({difference.name}): {mending.summary(planned.findings)}"
    return f"{told}\n  what is left to mend: python convert_data.py {target} --check"
