"""What a person is shown of a conversion: token lengths, findings and the HTML page, from the rows as written.

Knows nothing about how the rows were made. Bounded: of a large conversion only the first rows are looked at, and
the figures say how many.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from kgtune import data_page, lengths, lint
from kgtune.examples import Example, rows_written
from kgtune.ontology import Ontology
from kgtune.settings import Config
from kgtune.sources import RawDocument

MOST_DOCUMENTS = 5_000
"""Documents that the page's findings come from: linting all of 100,000 takes as long as converting them."""
MOST_ROWS = 20_000
"""Rows that are measured and that the page's sample is drawn from, for the same reason."""


def survey(output: Path, chosen: Ontology, cfg: Config) -> dict[str, Any]:
    """Measure the written rows as fine_tune.py will meet them."""
    return lengths.survey(_rows(output), cfg, lengths.ruler_for(cfg, chosen))


def page(output: Path, report: dict[str, Any], documents: Sequence[RawDocument], chosen: Ontology) -> str:
    """Write the HTML page; `documents` are the first of the input."""
    findings = list(lint.check(documents, chosen))
    return data_page.render(report, findings, _rows(output), chosen, title=output.name, num_checked=len(documents))


def _rows(output: Path) -> Iterator[Example]:
    return islice(rows_written(output), MOST_ROWS)
