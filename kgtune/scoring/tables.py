"""The results as a person reads them on a terminal: one Markdown table, and the lines that go under it.

Knows nothing about how a number came about; it reads the results' own keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kgtune.scoring import remedies
from kgtune.scoring.metrics import METRICS
from kgtune.scoring.taxonomy import FINDINGS

RATES = (
    "strict_parse_rate", "parse_after_repair_rate", "contract_shape_rate", "schema_valid_rate",
    "referential_integrity_rate", "endpoint_legality_rate", "exact_graph_rate", "empty_text_accuracy",
    "empty_text_accuracy_hard", "name_grounding_rate", "evidence_grounding_rate", "entity_hallucination_rate",
    "truncation_rate",
)  # fmt: skip
CONFIDENCE = ("calibration_error", "brier_score", "given_calibration_error", "given_brier_score")
HEADLINE = (
    "strict_parse_rate", "parse_after_repair_rate", "contract_shape_rate", "schema_valid_rate",
    "referential_integrity_rate", "empty_text_accuracy", "truncation_rate", "entity_f1", "relationship_f1",
)  # fmt: skip
_PARTS = {
    "entities": "entity_", "relationships": "relationship_", "entities, relaxed": "entity_relaxed_",
    "relationships, relaxed": "relationship_relaxed_",
}  # fmt: skip


def table(result: Mapping[str, Any]) -> str:
    """Write all systems side by side, the whole set first, then each language; and what changed."""
    columns = result["columns"]
    compared: dict[str, Any] = {}
    for found in result["comparisons"]:
        compared.setdefault(found["second"], found)  # a column's first comparison is the one with the base
    # Where a column is held to a grammar, too, the change that fine-tuning made is the free answers'.
    changes = compared.get("after", result["comparisons"][-1]) if compared else None
    num_documents = next(iter(columns.values()))["num_documents"]
    names = [*columns, *([f"change from {changes['first']} to {changes['second']}"] if changes else [])]
    held_out = result.get("num_held_out", num_documents)
    told = f"{num_documents} of {held_out}" if held_out > num_documents else str(num_documents)
    lines = [f"| {told} held-out documents | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for name in RATES:
        cells = [_rate(column["metrics"][name]) for column in columns.values()]
        lines.append(_line(METRICS[name].words, cells, _change(changes, name)))
    for words, prefix in _PARTS.items():
        cells = [_f1(column["metrics"], prefix) for column in columns.values()]
        lines.append(_line(f"{words}: F1 (precision / recall; 95 % interval)", cells, _change(changes, f"{prefix}f1")))
    for name in CONFIDENCE:
        found_by_column = [column["metrics"][name] for column in columns.values()]
        if any(one["value"] is not None for one in found_by_column):
            cells = [_mean(one) for one in found_by_column]
            lines.append(_line(METRICS[name].words, cells, _change(changes, name)))
    for lang in next(iter(columns.values()))["slices"]["language"]:
        for words, prefix in list(_PARTS.items())[:2]:
            cells = [_f1(column["slices"]["language"][lang]["metrics"], prefix) for column in columns.values()]
            found = changes and changes["slices"]["language"][lang]
            lines.append(_line(f"{lang}: {words} F1", cells, _shown_change(found, f"{prefix}f1")))
    return "\n".join(lines)


def headline(column: Mapping[str, Any]) -> dict[str, Any]:
    """Return a system's main numbers, flat."""
    values = {name: column["metrics"][name]["value"] for name in HEADLINE}
    return {"num_documents": column["num_documents"], **values}


def notes(result: Mapping[str, Any]) -> list[str]:
    """Say what failed and what to do about it, what changed, what the sample can't show, and the verdict."""
    lines = [f"- {system}: {_reasons(column)}" for system, column in result["columns"].items()]
    for system, column in result["columns"].items():
        if column["reasons"]:
            top = next(iter(column["reasons"]))
            advice = remedies.told(top, system, remedies.constraint_of(result))
            lines.append(f"- {system}, most often {FINDINGS[top].words}: {advice}")
    last = list(result["columns"].values())[-1]
    words = [last["resolution"][name]["words"] for name in ("entity_f1", "relationship_f1")]
    for found in result["comparisons"]:
        by_verdict: dict[str, list[str]] = {}
        for name, one in found["metrics"].items():
            by_verdict.setdefault(one["verdict"], []).append(name)
        told = "; ".join(f"{verdict}: {', '.join(names)}" for verdict, names in by_verdict.items())
        lines.append(f"- {found['first']} to {found['second']}, {found['num_documents']} documents: {told}")
        words = [found["metrics"][name]["words"] for name in ("entity_f1", "relationship_f1")]
    lines += [f"- {text}" for text in words]
    if result["earlier"] is not None:
        lines.append(f"- {_earlier(result['earlier'])}")
    if result["gate"] is not None:
        lines.append(f"- gate: {result['gate']['verdict']}")
    return lines


def _earlier(earlier: Mapping[str, Any]) -> str:
    fallen = [
        f"{one['metric']} by {-100 * one['difference']:.1f} points ({one['slice']} {one['of']}".rstrip() + ")"
        for one in earlier["regressions"]
    ]
    shared = f"{earlier['num_rows_shared']} rows shared with {earlier['path']}"
    return f"{shared}: worse in {'; '.join(fallen)}" if fallen else f"{shared}: nothing worse beyond chance"


def _line(words: str, cells: Sequence[str], change: str | None) -> str:
    return f"| {words} | " + " | ".join([*cells, *([change] if change is not None else [])]) + " |"


def _reasons(column: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {count}" for name, count in column["reasons"].items()) or "none"


def _rate(metric: Mapping[str, Any]) -> str:
    if metric["value"] is None:
        return "-"
    return f"{metric['value']:.3f} ({metric['count']}/{metric['of']}; {_between(metric)})"


def _mean(metric: Mapping[str, Any]) -> str:
    return "-" if metric["value"] is None else f"{metric['value']:.3f} ({_between(metric)})"


def _f1(metrics: Mapping[str, Any], prefix: str) -> str:
    value, precision, recall = (metrics[f"{prefix}{name}"] for name in ("f1", "precision", "recall"))
    between = f"; {_between(value)}" if value["low"] is not None else ""
    return f"{_number(value['value'])} ({_number(precision['value'])} / {_number(recall['value'])}{between})"


def _between(found: Mapping[str, Any], form: str = ".2f") -> str:
    return "-" if found["low"] is None else f"{found['low']:{form}}-{found['high']:{form}}"


def _change(changes: Mapping[str, Any] | None, name: str) -> str | None:
    return None if changes is None else _shown_change(changes["metrics"], name)


def _shown_change(found: Mapping[str, Any] | None, name: str) -> str | None:
    if found is None:
        return None
    one = found.get(name)
    if one is None or one["difference"] is None:
        return "-"
    between = "" if one["low"] is None else f" ({one['low']:+.2f} to {one['high']:+.2f})"
    return f"{one['difference']:+.3f}{between}, {one['verdict']}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
