"""An earlier evaluation_results.json: its answers, scored again by today's rules beside today's answers.

Knows nothing about how either was made. Only documents that both have, with the same gold graph, are compared; the
others are counted. Old numbers are never compared with new ones: what counts as a hit may have changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kgtune.errors import DataError, Problem, UserError
from kgtune.scoring import comparison, files
from kgtune.scoring.documents import Document
from kgtune.scoring.files import Item
from kgtune.scoring.matching import named
from kgtune.scoring.records import Record
from kgtune.scoring.sample import Sample
from kgtune.scoring.statistics import Bootstrap
from kgtune.scoring.tally import Row, Rules, tally


@dataclass(slots=True)
class Earlier:
    """An earlier column, and what both columns make of the documents they share."""

    path: Path
    column: str
    facts: dict[str, Any]
    gold: dict[str, Document]
    answers: dict[str, Item]
    then: Sample = field(default_factory=Sample)
    now: Sample = field(default_factory=Sample)
    num_changed: int = 0
    num_only_now: int = 0

    def add(self, document: Document, row: Row, rules: Rules) -> None:
        """Add today's row of a document, if the earlier results have the document too."""
        known = self.gold.get(document.id)
        if known is None:
            self.num_only_now += 1
        elif _items(known) != _items(document):
            self.num_changed += 1
        else:
            self.then.add(document, tally(files.judged(document, self.answers[document.id]), rules))
            self.now.add(document, row)

    def result(self, bootstrap: Bootstrap) -> dict[str, Any]:
        """Compare then and now."""
        if not self.now.num_rows:
            raise UserError(
                f"{self.path}: shares no document with this evaluation. Compare with results on the same documents."
            )
        found = comparison.compare(self.then, self.now, bootstrap)
        num_gone = len(self.gold) - self.now.num_rows - self.num_changed
        return {
            "path": str(self.path),
            "column": self.column,
            **self.facts,
            "num_rows_shared": self.now.num_rows,
            "num_rows_changed": self.num_changed,
            "num_rows_only_then": num_gone,
            "num_rows_only_now": self.num_only_now,
            "comparison": {"first": "earlier", "second": self.column, **found},
            "regressions": comparison.regressions(found),
        }


def _items(document: Document) -> list[tuple[str, ...]]:
    view = named(document.gold)
    return sorted([*view.entities, *view.relationships])


def read(path: Path, column: str) -> Earlier:
    """Read an earlier result; of version 1, 2 or 3."""
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror or error}. Give an evaluation_results.json.") from None
    except ValueError as error:
        raise UserError(f"{path}: is not JSON: {error}. Give an evaluation_results.json.") from None
    listed = result.get("documents") if isinstance(result, Mapping) else None
    if not listed:
        what = "holds no documents with answers, so that nothing can be scored again."
        raise DataError([Problem("E-EARLIER", str(path), what, "Give an evaluation_results.json of fine_tune.py.")])
    gold, answers = {}, {}
    for index, value in enumerate(listed):
        record = Record(value, f"{path}: document {index + 1}")
        one = files.item(record)
        gold[one.id] = files.document(one)
        answers[one.id] = files.item(record, column)
    facts = {key: result.get(key) for key in ("schema_version", "git_sha", "date")}
    return Earlier(path, column, facts, gold, answers)
