"""Before and after: the same held-out documents, prompt, decoding and cap, adapter off and then on.

Knows nothing about training. Every number comes from answers generated here; none is assumed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kgtune import graph as graphs
from kgtune import scoring
from kgtune.examples import Example
from kgtune.extractor import Extractor
from kgtune.ontology import Ontology
from kgtune.scoring import Judged

SCHEMA_VERSION = 1
Which = Literal["before", "after", "after_constrained"]
COLUMNS: tuple[Which, ...] = ("before", "after", "after_constrained")


@dataclass(frozen=True, slots=True)
class Measured:
    """One column of the comparison: the answers, and what they cost."""

    judged: tuple[Judged, ...]
    seconds: float
    num_answer_tokens: int


def measure(extractor: Extractor, examples: Sequence[Example]) -> Measured:
    """Ask for every example's graph and judge the answers."""
    started = time.monotonic()
    extractions = extractor.extract([example.text for example in examples])
    judged = tuple(
        scoring.judge(
            example.id,
            example.lang,
            example.graph,
            out.raw_text,
            is_truncated=out.finish_reason == "length",
        )
        for example, out in zip(examples, extractions, strict=True)
    )
    return Measured(
        judged,
        time.monotonic() - started,
        sum(out.num_answer_tokens for out in extractions),
    )


def results(columns: dict[Which, Measured], ontology: Ontology, facts: dict[str, Any]) -> dict[str, Any]:
    """The content of evaluation_results.json: scores per column and language, and every answer behind them."""
    first = next(iter(columns.values()))
    documents = [
        {
            "id": judged.id,
            "lang": judged.lang,
            "gold": graphs.dumps(judged.gold),
            **{
                which: {
                    "answer": m.judged[i].answer,
                    "failure": m.judged[i].reason,
                    "cut": m.judged[i].is_truncated,
                }
                for which, m in columns.items()
            },
        }
        for i, judged in enumerate(first.judged)
    ]
    return {
        "schema_version": SCHEMA_VERSION,
        **facts,
        **{which: _column(m, ontology) for which, m in columns.items()},
        "documents": documents,
    }


def _column(measured: Measured, ontology: Ontology) -> dict[str, Any]:
    num_documents = max(len(measured.judged), 1)
    return {
        **scoring.score(measured.judged, ontology),
        "by_language": scoring.score_by_language(measured.judged, ontology),
        "seconds_per_document": round(measured.seconds / num_documents, 3),
        "answer_tokens_per_document": round(measured.num_answer_tokens / num_documents, 1),
    }


RATES = (
    ("strict_parse_rate", "JSON parses, strictly"),
    ("contract_shape_rate", "has the contract's shape"),
    ("schema_valid_rate", "labels and types are the ontology's"),
    ("referential_integrity_rate", "every source and target exists"),
    ("empty_text_accuracy", "empty texts answered with the empty graph"),
    ("truncation_rate", "cut at the token cap"),
)


def table(result: dict[str, Any]) -> str:
    """The comparison as a Markdown table, all documents first, then each language."""
    columns = [which for which in COLUMNS if which in result]
    lines = [f"| {result[columns[0]]['num_documents']} held-out documents | " + " | ".join(columns) + " |"]
    lines.append("|---|" + "---|" * len(columns))
    lines += [
        f"| {words} | " + " | ".join(_rate(result[which][key]) for which in columns) + " |" for key, words in RATES
    ]
    for part in ("entities", "relationships"):
        cells = [_f1(result[which][part]) for which in columns]
        lines.append(f"| {part}: F1 (precision / recall) | " + " | ".join(cells) + " |")
    for lang in result[columns[0]]["by_language"]:
        slices = [result[which]["by_language"][lang] for which in columns]
        for part in ("entities", "relationships"):
            lines.append(f"| {lang}: {part} F1 | " + " | ".join(_f1(s[part]) for s in slices) + " |")
    return "\n".join(lines)


def headline(result: dict[str, Any], output_dir: Path) -> dict[str, Any]:
    """The numbers that matter, as one JSON object for machines."""
    columns: dict[str, Any] = {which: _headline(result[which]) for which in COLUMNS if which in result}
    return {
        **columns,
        "run": {k: v for k, v in result["run"].items() if k != "losses"},
        "report": str(output_dir / "evaluation_report.md"),
    }


def _headline(column: dict[str, Any]) -> dict[str, Any]:
    return {
        "num_documents": column["num_documents"],
        **{key: column[key]["rate"] for key, _ in RATES},
        "entity_f1": column["entities"]["f1"],
        "relationship_f1": column["relationships"]["f1"],
    }


def report(result: dict[str, Any]) -> str:
    """evaluation_report.md: the table, why answers failed, and what the numbers are numbers of."""
    lines = ["# Evaluation", "", table(result), "", "Failed answers by reason:", ""]
    lines += [f"- {which}: {_reasons(result[which])}" for which in COLUMNS if which in result]
    lines += [
        "",
        (
            f"Base model {result['base_model']}, {result['device']}, git {result['git_sha']}, {result['date']}. "
            "Before is the same model in the same process with the adapter off; prompt, documents, greedy decoding and "
            f"token cap ({result['max_new_tokens']}) are the same. Before and after are free, after_constrained is "
            "held to a grammar, as inference.py and serve.py do it. Rates carry 95 % Wilson intervals. Names are "
            "compared, never ids; an unreadable answer counts as nothing found."
        ),
        "",
    ]
    return "\n".join(lines)


def _reasons(column: dict[str, Any]) -> str:
    return ", ".join(f"{name} {count}" for name, count in column["failure_reasons"].items()) or "none"


def _rate(value: dict[str, Any]) -> str:
    if value["rate"] is None:
        return "-"
    return f"{value['rate']:.3f} ({value['count']}/{value['of']}; {value['low']:.2f}-{value['high']:.2f})"


def _f1(value: dict[str, Any]) -> str:
    def shown(number: float | None) -> str:
        return "-" if number is None else f"{number:.3f}"

    return f"{shown(value['f1'])} ({shown(value['precision'])} / {shown(value['recall'])})"
