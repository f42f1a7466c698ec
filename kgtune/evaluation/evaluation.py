"""Before and after: the same held-out documents, prompt, decoding and cap, adapter off and then on.

Knows nothing about training. Every number comes from answers generated here; none is assumed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kgtune.examples import Example
from kgtune.extraction.extractor import Extractor
from kgtune.ontology import Ontology
from kgtune.scoring import gate, tables
from kgtune.scoring.column import Cost
from kgtune.scoring.documents import Document, Judged, judge
from kgtune.scoring.earlier import Earlier
from kgtune.scoring.gate import Condition
from kgtune.scoring.negatives import kind_of
from kgtune.scoring.scoreboard import Scoreboard, written_document
from kgtune.scoring.tally import Rules

Which = Literal["before", "after", "after_constrained"]
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
        judge(document_of(example), out.raw_text, is_truncated=out.finish_reason == "length")
        for example, out in zip(examples, extractions, strict=True)
    )
    return Measured(
        judged,
        seconds,
        sum(out.num_prompt_tokens for out in extractions),
        sum(out.num_answer_tokens for out in extractions),
    )


def joined(parts: Sequence[Measured]) -> Measured:
    """One column from the shares of several processes, which had every n-th document each. Time is the slowest's."""
    longest = max(len(part.judged) for part in parts)
    return Measured(
        tuple(part.judged[place] for place in range(longest) for part in parts if place < len(part.judged)),
        max(part.seconds for part in parts),
        sum(part.num_prompt_tokens for part in parts),
        sum(part.num_answer_tokens for part in parts),
    )


def results(
    columns: Mapping[Which, Measured],
    ontology: Ontology,
    facts: Mapping[str, Any],
    demands: Demands = Demands(),
) -> dict[str, Any]:
    """The content of evaluation_results.json: scores per column and slice, and every answer behind them.

    Columns are compared in their order, each with the first. The keys are described in scoring.schema.
    """
    systems: list[str] = list(columns)
    board = Scoreboard(systems, Rules(ontology, known_names=demands.known_names))
    documents = []
    for answers in zip(*(measured.judged for measured in columns.values()), strict=True):
        judged: dict[str, Judged] = dict(zip(systems, answers, strict=True))
        document = answers[0].document
        rows = board.add(document, judged)
        documents.append(written_document(document, judged, rows))
        if demands.earlier is not None:
            demands.earlier.add(document, rows[_tuned(systems)], board.rules)
    result = {
        **board.results([(systems[0], other) for other in systems[1:]], {k: m.cost for k, m in columns.items()}),
        "producer": PRODUCER,
        **facts,
        "earlier": demands.earlier.result(board.bootstrap) if demands.earlier else None,
        "documents": documents,
    }
    return {**result, "gate": gate.judge(result, demands.required, _tuned(systems))}


def _tuned(systems: Sequence[str]) -> str:
    """Name the column that gates and comparisons look at: the tuned model, free."""
    return "after" if "after" in systems else systems[-1]


def table(result: Mapping[str, Any]) -> str:
    """The comparison as a Markdown table, all documents first, then each language."""
    return tables.table(result)


def headline(result: Mapping[str, Any], output_dir: Path) -> dict[str, Any]:
    """The numbers that matter, as one JSON object for machines."""
    return {
        **{system: tables.headline(column) for system, column in result["columns"].items()},
        "run": {k: v for k, v in result["run"].items() if k != "losses"},
        "report": str(output_dir / "evaluation_report.md"),
    }


def report(result: Mapping[str, Any]) -> str:
    """evaluation_report.md: the table, why answers failed, and what the numbers are numbers of."""
    lines = ["# Evaluation", "", tables.table(result), "", "Failed answers by reason, and what follows:", ""]
    lines += tables.notes(result)
    lines += [
        "",
        (
            f"Base model {result['base_model']}, {result['device']}, git {result['git_sha']}, {result['date']}. "
            "Before is the same model in the same process with the adapter off; prompt, documents, greedy decoding and "
            f"token cap ({result['max_new_tokens']}) are the same. Before and after are free, after_constrained is "
            "held to a grammar, as inference.py and serve.py do it. Intervals are 95 %, from "
            f"{result['statistics']['resamples']} resamples of the documents; where all of them agree, Wilson's. Names "
            "are compared, never ids; an unreadable answer counts as nothing found. A difference is called one where "
            f"{result['statistics']['rules'].partition(' only where ')[2]}"
        ),
        "",
    ]
    return "\n".join(lines)
