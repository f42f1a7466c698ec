"""Before and after: the same held-out documents, prompt, decoding and cap, adapter off and then on.

Knows nothing about training. Every number comes from answers generated here; none is assumed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from kgtune.evaluation import wording
from kgtune.examples import Example
from kgtune.extraction import calibration
from kgtune.extraction.extractor import Extraction, Extractor
from kgtune.ontology import Ontology
from kgtune.scoring import gate, tables
from kgtune.scoring.column import Cost
from kgtune.scoring.documents import Document, Judged, judge
from kgtune.scoring.earlier import Earlier
from kgtune.scoring.gate import Condition
from kgtune.scoring.matching import match_relationships, named
from kgtune.scoring.negatives import kind_of
from kgtune.scoring.scoreboard import Scoreboard, written_document
from kgtune.scoring.tally import Rules

Which = Literal["before", "few_shot", "after", "after_constrained"]
PRODUCER = "fine_tune.py"


@dataclass(frozen=True, slots=True)
class Measured:
    """One column of the comparison: the answers, and what they cost."""

    judged: tuple[Judged, ...]
    seconds: float
    num_prompt_tokens: int
    num_answer_tokens: int
    num_forward_passes: int | None = None

    @property
    def cost(self) -> Cost:
        return Cost(self.seconds, self.num_prompt_tokens, self.num_answer_tokens, self.num_forward_passes)


@dataclass(frozen=True, slots=True)
class Demands:
    """What a result is held against: names that training has seen, an earlier result, and a gate."""

    known_names: frozenset[str] | None = None
    earlier: Earlier | None = None
    required: tuple[Condition, ...] = ()
    given: Callable[[float], float] | None = None
    """The confidence that users get for a probability; None: that is not measured."""


def document_of(example: Example) -> Document:
    """Return what an example is to the scorer."""
    kind = kind_of(is_empty=example.graph.is_empty, text=example.text, group_id=example.group_id)
    return Document(example.id, example.graph, example.text, example.doc_id, example.lang, kind=kind)


def measure(extractor: Extractor, examples: Sequence[Example]) -> Measured:
    """Ask for every example's graph and judge the answers."""
    started = time.monotonic()
    extractions = extractor.extract([example.text for example in examples])
    seconds = time.monotonic() - started
    judged = tuple(
        replace(
            judge(document_of(example), out.raw_text, is_truncated=out.finish_reason == "length"),
            probabilities=tuple(round(one, 6) for one in out.probabilities),
        )
        for example, out in zip(examples, extractions, strict=True)
    )
    passes = [out.statistics.num_forward_passes for out in extractions if out.statistics is not None]
    return Measured(
        judged,
        seconds,
        sum(out.num_prompt_tokens for out in extractions),
        sum(out.num_answer_tokens for out in extractions),
        sum(passes) if len(passes) == len(extractions) else None,  # a part of them would be too few
    )


def judged_relationships(example: Example, extraction: Extraction) -> list[calibration.Judged]:
    """Say of each relationship that a model gave a probability whether the gold graph has it, strictly."""
    if extraction.graph is None:
        return []
    right = match_relationships(named(example.graph), named(extraction.graph)).strict
    return [
        calibration.Judged(example.doc_id or example.id, probability, place in right)
        for place, probability in enumerate(extraction.probabilities)
    ]


def joined(parts: Sequence[Measured]) -> Measured:
    """One column from the shares of several processes, which had every n-th document each. Time is the slowest's."""
    longest = max(len(part.judged) for part in parts)
    passes = [part.num_forward_passes for part in parts if part.num_forward_passes is not None]
    return Measured(
        tuple(part.judged[place] for place in range(longest) for part in parts if place < len(part.judged)),
        max(part.seconds for part in parts),
        sum(part.num_prompt_tokens for part in parts),
        sum(part.num_answer_tokens for part in parts),
        sum(passes) if len(passes) == len(parts) else None,
    )


def results(
    columns: Mapping[Which, Measured],
    ontology: Ontology,
    facts: Mapping[str, Any],
    demands: Demands = Demands(),
) -> dict[str, Any]:
    """The content of evaluation_results.json: scores per column and slice, and every answer behind them.

    Each column is compared with the first one, and the tuned one with the base that was shown examples: a gain over
    the bare base alone may be mere prompting. The keys are described in scoring.schema.
    """
    systems: list[str] = list(columns)
    board = Scoreboard(systems, Rules(ontology, known_names=demands.known_names, given=demands.given))
    documents = []
    for answers in zip(*(measured.judged for measured in columns.values()), strict=True):
        judged: dict[str, Judged] = dict(zip(systems, answers, strict=True))
        document = answers[0].document
        rows = board.add(document, judged)
        documents.append(written_document(document, judged, rows))
        if demands.earlier is not None:
            demands.earlier.add(document, rows[_tuned(systems)], board.rules)
    result = {
        **board.results(_pairs(systems), {k: m.cost for k, m in columns.items()}),
        "producer": PRODUCER,
        **facts,
        "earlier": demands.earlier.result(board.bootstrap) if demands.earlier else None,
        "documents": documents,
    }
    return {**result, "gate": gate.judge(result, demands.required, _tuned(systems))}


def _pairs(systems: Sequence[str]) -> list[tuple[str, str]]:
    pairs = [(systems[0], other) for other in systems[1:]]
    return [*pairs, ("few_shot", "after")] if {"few_shot", "after"} <= set(systems) else pairs


def _tuned(systems: Sequence[str]) -> str:
    """Name the column that gates and comparisons look at: the tuned model, free."""
    return "after" if "after" in systems else systems[-1]


def table(result: Mapping[str, Any]) -> str:
    """The comparison as a Markdown table, all documents first, then each language; below it what each column is."""
    legend = [f"- {name}: {words.en}" for name, words in wording.legend(result["columns"])]
    return "\n".join([tables.table(result), "", *legend])


def headline(result: Mapping[str, Any], output_dir: Path) -> dict[str, Any]:
    """The numbers that matter, as one JSON object for machines."""
    return {
        **{system: tables.headline(column) for system, column in result["columns"].items()},
        "run": {k: v for k, v in result["run"].items() if k not in ("losses", "probes")},
        "report": str(output_dir / "evaluation_report.html"),
    }
