"""From inputs to the documents that a conversion may use, and the ontology that it uses for them.

Knows nothing about splits or rows. What has a problem is refused with all others, or left out and counted: one that a
reader finds, and a label or type that the ontology does not have, which shows only when all names have been counted.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from kgtune import lint, naming, ontology, sources
from kgtune.conversion import crew as crews
from kgtune.conversion import first_pass
from kgtune.conversion.crew import Crew
from kgtune.conversion.first_pass import Gathered
from kgtune.conversion.spill import Spill
from kgtune.errors import DataError
from kgtune.lint import strangers
from kgtune.lint.strangers import Strangers
from kgtune.ontology import Choice, Ontology, Seen
from kgtune.settings import Config
from kgtune.sources import Findings, RawDocument

log = logging.getLogger(__name__)

CUSTOM = Path("fine_tune_input/raw_graph_custom.json")
EXAMPLE = Path("fine_tune_input/raw_graph_example.json")
FEW_DOCUMENTS = 2_000
"""Below so many, data.workers=auto starts no processes: they would take longer to start than to help."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The documents that are used: laid aside in the spill, with what was gathered of them, and the first as read.

    `counts` are the readers': read == used + all that is dropped.
    """

    first: list[RawDocument]
    gathered: Gathered
    spill: Spill
    crew: Crew
    choice: Choice
    counts: Counter[str]


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


def take_in(paths: Sequence[Path], cfg: Config, source_format: sources.Format, stack: ExitStack, folder: Path) -> Taken:
    """Read the inputs once, choose the ontology, and refuse or leave out what can't be used.

    `stack` closes the spill and the crew; `folder` is a temporary one.
    """
    broken = Seen()
    found = Findings(on_partial=lambda partial: broken.update(naming.seen([partial.labelled])))
    spill = stack.enter_context(Spill(folder))
    first, documents = _first_of(stream(paths, cfg, source_format, found))
    crew = stack.enter_context(Crew(_number_of_processes(cfg, len(first)), folder))
    gathered = first_pass.gather(documents, spill, crew)
    seen, is_refusing = gathered.seen, cfg.data.on_error == "refuse"
    if is_refusing:
        seen.update(broken)  # as in --check; where there are any, nothing is converted
    choice = ontology.choice(cfg.ontology, seen.labels, seen.types, seen.pairs)
    strange: Strangers | None = None
    if ontology.lacks(choice.ontology, seen.labels, seen.types):
        if is_refusing:
            strange = _strangers(paths, cfg, source_format, choice.ontology)
        else:
            kept = stack.enter_context(Spill(folder))
            gathered = first_pass.gather(_known(spill, choice.ontology, found), kept, crew)
            spill = kept
            first = [document for document in first if not strangers.reason(document.graph, choice.ontology)]
    refuse(found, cfg, len(spill), strange)
    if choice.fit is not None and choice.fit.misses:
        log.warning("%s", ontology.reason(choice))
    return Taken(first, gathered, spill, crew, choice, found.counts)


def stream(paths: Sequence[Path], cfg: Config, source_format: sources.Format, found: Findings) -> Iterator[RawDocument]:
    """Read the inputs one document at a time; what is wrong is in `found` when the last one is read."""
    columns = cfg.data.columns.model_dump(exclude_none=True)
    for document in sources.stream(
        paths,
        found,
        source_format=source_format,
        default_confidence=cfg.data.default_confidence,
        columns=columns,
    ):
        found.repairs.clear()  # counted in the notes; the list is for --check, and may be longer than the data
        yield document


def refuse(found: Findings, cfg: Config, num_documents: int, strange: Strangers | None = None) -> None:
    """Raise all problems, unless the configuration drops what has one; an unreadable file is never dropped.

    `strange` are the names that the ontology does not have, None where they are not refused.
    """
    problems = [*lint.at_own_lines(found.problems), *(strange.problems if strange else ())]
    if problems and (cfg.data.on_error == "refuse" or found.unreadable):
        number = len(problems) + (strange.num_untold if strange else 0)
        shown = f", of which {len(problems)} stand here" if number > len(problems) else ""
        summary = f"{number} problem{'s' if number > 1 else ''} in the input{shown}, nothing written:"
        raise DataError(problems, summary=summary)
    if not num_documents:
        reasons = sorted(key for key in found.counts if key.startswith("dropped: "))
        dropped = [f"  {found.counts[key]:>5}  {key.removeprefix('dropped: ')}" for key in reasons]
        summary = f"No document is left to convert, nothing written. Read {found.counts['read']}, dropped:"
        raise DataError((), summary="\n".join([summary, *dropped]))


def _strangers(paths: Sequence[Path], cfg: Config, source_format: sources.Format, chosen: Ontology) -> Strangers:
    """Read the inputs again for the places of names that the ontology does not have: a spilled document has none."""
    found = Strangers(chosen)
    for document in stream(paths, cfg, source_format, Findings(on_partial=found.look_at_part)):
        found.look(document)
    return found


def _known(spill: Spill, chosen: Ontology, found: Findings) -> Iterator[RawDocument]:
    """Yield the documents whose names the ontology has, and count the others as dropped."""
    for position in range(len(spill)):
        document = spill.document(position)
        if reason := strangers.reason(document.graph, chosen):
            found.counts["used"] -= 1
            found.dropped(reason)
        else:
            yield document


def _first_of(documents: Iterator[RawDocument]) -> tuple[list[RawDocument], Iterable[RawDocument]]:
    """Return the first documents, and all of them."""
    first = list(islice(documents, FEW_DOCUMENTS))
    return first, chain(first, documents)


def _number_of_processes(cfg: Config, num_first: int) -> int:
    few = cfg.data.workers == "auto" and num_first < FEW_DOCUMENTS
    return 1 if few else crews.number_of(cfg.data.workers)
