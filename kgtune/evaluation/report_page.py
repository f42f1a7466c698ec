"""evaluation_report.html: one file, both languages, every number with its interval, and documents to look at.

Knows nothing about how a number came about; it reads the keys of evaluation_results.json.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from kgtune import highlighting, page
from kgtune.evaluation import cases, charts, wording
from kgtune.evaluation.cases import Case, Side
from kgtune.evaluation.overview import headline_rows, resolution, size_of, told_changes, top_reason, tuned_of
from kgtune.evaluation.wording import Words
from kgtune.ontology import Ontology
from kgtune.scoring import remedies
from kgtune.scoring.column import CELLS
from kgtune.scoring.taxonomy import FINDINGS

MOST_ROWS = 12
"""Row ids listed of a finding; evaluation_results.json has the first 50."""


def render(result: Mapping[str, Any], ontology: Ontology) -> str:
    """Write the page."""
    columns = result["columns"]
    tuned = tuned_of(columns)
    base = next(iter(columns))
    top, constraint = top_reason(columns[tuned]), remedies.constraint_of(result)
    shown = list(dict.fromkeys([base, tuned]))
    picked = [cases.case(kind, document, shown) for kind, document in cases.choose(result["documents"], tuned)]
    return page.render(
        "evaluation_page.html.j2",
        styles=["evaluation_page.css"],
        result=result,
        names={name: wording.column(name) for name in columns},
        tuned=tuned,
        base=base,
        rows=headline_rows(result),
        changes=told_changes(result),
        resolution=resolution(columns[tuned]),
        verdicts=wording.VERDICTS,
        size=size_of(result),
        meanings=wording.legend(columns),
        findings=_findings(columns, constraint),
        top=top,
        top_advice=wording.advice(top[0], tuned, constraint) if top else None,
        dimensions=_dimensions(columns),
        probes=_probes(result),
        charts={
            "losses": charts.losses(result["run"]),
            "intervals": charts.intervals(columns),
            "calibration": _calibrations(columns, tuned, wording.confidence(result["confidence"])),
            "lengths": charts.lengths(result["documents"], shown),
        },
        shown_ids={case.id for case in picked},
        cases=[_drawn(case, ontology) for case in picked],
    )


def _calibrations(columns: Mapping[str, Any], tuned: str, users: wording.Words) -> list[dict[str, Any]]:
    """Lay out the confidence that the tuned model states, free and held to the grammar, and the one that users get."""
    pictures = []
    for name in dict.fromkeys([tuned, *(name for name in columns if name == "after_constrained")]):
        for kind, prefix, bins in (("stated", "", "reliability"), ("given", "given_", "reliability_given")):
            if (chart := charts.calibration(columns[name][bins])) is not None:
                metrics = columns[name]["metrics"]
                numbers = {what: metrics[f"{prefix}{what}"]["value"] for what in ("calibration_error", "brier_score")}
                told = {"words": wording.CONFIDENCES[kind], "users": users if kind == "given" else None}
                pictures.append({"column": name, "chart": chart, **told, **numbers})
    return pictures


def _findings(columns: Mapping[str, Any], constraint: str | None) -> list[dict[str, Any]]:
    """List every finding with its count in each column; fatal ones first, in the order in which they are reasons."""
    found = []
    for code, kind in FINDINGS.items():
        counts = {name: column["findings"].get(code, {"count": 0, "rows": []}) for name, column in columns.items()}
        if any(one["count"] for one in counts.values()):
            found.append(
                {
                    "code": code,
                    "words": wording.finding(code),
                    "advice": _advice(code, [name for name, one in counts.items() if one["count"]], constraint),
                    "is_fatal": kind.is_fatal,
                    "counts": {name: one["count"] for name, one in counts.items()},
                    "rows": {name: one["rows"][:MOST_ROWS] for name, one in counts.items() if one["rows"]},
                    "reasons": {name: column["reasons"].get(code, 0) for name, column in columns.items()},
                }
            )
    return found


def _advice(code: str, names: Sequence[str], constraint: str | None) -> list[tuple[Words, list[str]]]:
    """Say what to do about a finding in the columns that have it; columns with one remedy share it."""
    told: dict[Words, list[str]] = {}
    for name in names:
        told.setdefault(wording.advice(code, name, constraint), []).append(name)
    return list(told.items())


def _dimensions(columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List the slices: by kind, then by value, with the F1 of every column."""
    told = []
    for dimension, words in wording.DIMENSIONS.items():
        values = sorted({value for column in columns.values() for value in column["slices"][dimension]}, key=_in_order)
        if not values:
            continue
        lines = []
        for value in values:
            parts = {name: column["slices"][dimension].get(value) for name, column in columns.items()}
            size = max(part["num_documents"] for part in parts.values() if part)
            lines.append({"value": value, "num_documents": size, "cells": {n: _f1s(part) for n, part in parts.items()}})
        is_item = dimension in CELLS
        told.append(
            {"words": words, "lines": lines, "metrics": ["f1"] if is_item else ["entity_f1", "relationship_f1"]}
        )
    return told


def _in_order(value: str) -> tuple[int, str]:
    """Sort length classes by their first number, other values by their letters."""
    digits = value.partition("-")[0].lstrip("<>=")
    return (int(digits), value) if digits.isdigit() else (0, value)


def _f1s(part: Mapping[str, Any] | None) -> dict[str, Any]:
    if part is None:
        return {}
    wanted = ("f1", "entity_f1", "relationship_f1")
    return {name: part["metrics"][name] for name in wanted if name in part["metrics"]}


def _probes(result: Mapping[str, Any]) -> dict[str, Any] | None:
    probes = result["probes"]
    if not probes:
        return None
    keys = list(dict.fromkeys(key for one in probes.values() for key in one["keys"]))
    most = max((one["keys"][key]["loss"] for one in probes.values() for key in one["keys"]), default=0.0)
    return {"columns": probes, "keys": keys, "most": most or 1.0, "words": wording.PROBES}


def _drawn(case: Case, ontology: Ontology) -> dict[str, Any]:
    labels = [label.name for label in ontology.labels]
    for side in (case.gold, *case.sides):
        labels += [entity.labels for entity in side.graph.entities] if side.graph else []
    colours = highlighting.colours_of(labels)
    return {
        "case": case,
        "colours": colours,
        "sides": [(side, _marked(case.text, side, colours)) for side in (case.gold, *case.sides)],
    }


def _marked(text: str, side: Side, colours: Mapping[str, int]) -> Markup | None:
    if side.graph is None:
        return None
    return highlighting.html(highlighting.segments(text, side.graph), side.graph, colours)
