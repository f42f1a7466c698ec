"""What a report says first: the headline's rows, what changed, and the most frequent reason of failure.

Knows nothing about HTML or Markdown; both reports are written from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kgtune.evaluation import wording
from kgtune.evaluation.wording import Words
from kgtune.graph import EMPTY_TEXT
from kgtune.scoring.tables import CONFIDENCE, RATES

SCORES = ("entity_f1", "relationship_f1", "entity_relaxed_f1", "relationship_relaxed_f1")
TILES = ("strict_parse_rate", "referential_integrity_rate", "entity_f1", "relationship_f1", "empty_text_accuracy")


class Row(NamedTuple):
    """One metric over all columns; `change` is the difference that fine-tuning made, None where it is not compared."""

    name: str
    words: Words
    values: dict[str, dict[str, Any]]
    parts: dict[str, tuple[float | None, float | None]]
    """Precision and recall by column, of an F1."""
    change: dict[str, Any] | None
    is_main: bool


class Change(NamedTuple):
    """One comparison in words: metrics by verdict, and documents that gained or lost."""

    first: str
    second: str
    num_documents: int
    by_verdict: dict[str, list[str]]
    num_better: int
    num_worse: int
    num_same: int


def tuned_of(columns: Mapping[str, Any]) -> str:
    """Name the column that the report is about: the tuned model, free; else the last one."""
    return "after" if "after" in columns else list(columns)[-1]


def size_of(result: Mapping[str, Any]) -> dict[str, Any]:
    """Say how much was measured: documents, and their rows among all rows of the split."""
    return {
        "documents": result["columns"][tuned_of(result["columns"])]["num_documents"],
        "rows": len(result["documents"]),
        "held_out": result["num_held_out"],
        "split": result["split"],
    }


def main_comparison(result: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the comparison of the first column with the tuned one; None for a single column."""
    first, tuned = next(iter(result["columns"])), tuned_of(result["columns"])
    found = [one for one in result["comparisons"] if (one["first"], one["second"]) == (first, tuned)]
    return found[0] if found else None


def headline_rows(result: Mapping[str, Any]) -> list[Row]:
    """Return the headline table: the scores first, then the rates, then how far confidence is to be trusted."""
    columns = result["columns"]
    compared = main_comparison(result)
    rows = []
    for name in (*SCORES, *RATES, *CONFIDENCE):
        values = {column: content["metrics"][name] for column, content in columns.items()}
        if all(one["value"] is None for one in values.values()):
            continue
        parts = {}
        if name in SCORES:
            stem = name.removesuffix("f1")
            parts = {
                column: (
                    content["metrics"][f"{stem}precision"]["value"],
                    content["metrics"][f"{stem}recall"]["value"],
                )
                for column, content in columns.items()
            }
        change = compared["metrics"].get(name) if compared else None
        rows.append(Row(name, wording.metric(name), values, parts, change, name in TILES))
    return rows


def told_changes(result: Mapping[str, Any]) -> list[Change]:
    """Sort every comparison's metrics by verdict, and count the documents whose F1 rose or fell."""
    told = []
    for compared in result["comparisons"]:
        by_verdict: dict[str, list[str]] = {}
        for name, one in compared["metrics"].items():
            by_verdict.setdefault(one["verdict"], []).append(name)
        ordered = {verdict: by_verdict[verdict] for verdict in wording.VERDICTS if verdict in by_verdict}
        counts = _moved(result["documents"], compared["first"], compared["second"])
        told.append(Change(compared["first"], compared["second"], compared["num_documents"], ordered, *counts))
    return told


def _moved(documents: Sequence[Mapping[str, Any]], first: str, second: str) -> tuple[int, int, int]:
    """Count rows whose F1 is higher, lower and equal, of those that have something to find."""
    differences = [
        one["answers"][second]["f1"] - one["answers"][first]["f1"] for one in documents if one["gold"] != EMPTY_TEXT
    ]
    better, worse = sum(d > 0 for d in differences), sum(d < 0 for d in differences)
    return better, worse, len(differences) - better - worse


def resolution(column: Mapping[str, Any]) -> list[Words]:
    """Say how small a difference these documents can show in the main scores."""
    told = []
    for name in ("entity_f1", "relationship_f1"):
        one = column["resolution"][name]
        zh = f"这些文档不足以说明{wording.metric(name).zh}的多小差异可见。"
        if one["least_difference"] is not None and one["least_difference"] < 1:
            zh = f"这些文档看不出{wording.metric(name).zh}小于 {100 * one['least_difference']:.0f} 个百分点的差异。"
        told.append(Words(one["words"], zh))
    return told


def top_reason(column: Mapping[str, Any]) -> tuple[str, int] | None:
    """Return a column's most frequent reason of failure and its count; failing that, its most frequent finding."""
    if column["reasons"]:
        code = next(iter(column["reasons"]))
        return code, int(column["reasons"][code])
    code = next(iter(column["findings"]), "")
    return (code, int(column["findings"][code]["count"])) if code else None
