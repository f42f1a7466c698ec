"""Where the marks of the report's pictures stand: a loss curve, intervals, calibration, length against F1.

Knows nothing about HTML: numbers of a result in, places in a picture's own units out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kgtune.evaluation import wording

INTERVALS = (
    "strict_parse_rate", "schema_valid_rate", "referential_integrity_rate", "name_grounding_rate",
    "evidence_grounding_rate", "empty_text_accuracy", "entity_f1", "relationship_f1",
)  # fmt: skip
_ROW = 30
_MOST_MARKS = 6


@dataclass(frozen=True, slots=True)
class Axis:
    """Maps values to places along one side of a picture."""

    low: float
    high: float
    start: float
    stop: float

    def at(self, value: float) -> float:
        """Return the place of a value, to a tenth of a unit."""
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return round(self.start + share * (self.stop - self.start), 1)

    def marks(self) -> list[dict[str, Any]]:
        """Return places and words of a few round numbers."""
        step = _round_step((self.high - self.low) / _MOST_MARKS)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [{"at": self.at(n * step), "words": f"{n * step:.10g}"} for n in range(first, last + 1)]


def _round_step(least: float) -> float:
    """Return the least of 1, 2 and 5 times a power of ten that is not below a number."""
    if least <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * (1 - 1e-9))


def losses(run: Mapping[str, Any]) -> dict[str, Any] | None:
    """Lay out the curve of the training loss, and of the probes where they were taken; None without a curve."""
    curves = {"loss": [(one["step"], one["loss"]) for one in run.get("losses", ())]}
    for name in ("structure_loss", "value_loss"):
        curves[name] = [(one["step"], one[name]) for one in run.get("probes", ()) if one[name] is not None]
    points = [point for curve in curves.values() for point in curve if math.isfinite(point[1])]
    if len(curves["loss"]) < 2:
        return None
    x = Axis(0, max(step for step, _ in points), 46, 540)
    y = Axis(0, max(loss for _, loss in points) * 1.05, 190, 14)
    drawn = {
        name: [(x.at(step), y.at(loss)) for step, loss in curve if math.isfinite(loss)]
        for name, curve in curves.items()
        if curve
    }
    lines = {name: " ".join(f"{left},{top}" for left, top in places) for name, places in drawn.items()}
    ends = {name: f"{curve[-1][1]:.3f}" for name, curve in curves.items() if curve}
    return {"width": 560, "height": 228, "x": x, "y": y, "lines": lines, "ends": ends}


def intervals(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Lay out each metric of each column as a point on its 95 % interval."""
    x = Axis(0, 1, 320, 840)
    rows: list[dict[str, Any]] = []
    for name in INTERVALS:
        found = {column: content["metrics"][name] for column, content in columns.items()}
        if all(one["value"] is None for one in found.values()):
            continue
        top = 18 + len(rows) * _ROW
        step = 20 / max(1, len(found))
        dots = [
            {
                "column": column,
                "y": round(top + 2 + (place + 0.5) * step, 1),
                "x": x.at(one["value"]),
                "low": x.at(one["value"] if one["low"] is None else one["low"]),
                "high": x.at(one["value"] if one["high"] is None else one["high"]),
                "told": f"{one['value']:.3f}"
                + ("" if one["low"] is None else f" ({one['low']:.2f}-{one['high']:.2f})"),
            }
            for place, (column, one) in enumerate(found.items())
            if one["value"] is not None
        ]
        rows.append({"words": wording.metric(name), "y": top + 12, "top": top, "dots": dots})
    return {"width": 860, "height": 44 + len(rows) * _ROW, "x": x, "rows": rows, "floor": 16 + len(rows) * _ROW}


def calibration(reliability: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Lay out the share that is right against the confidence; None without a confidence."""
    bins = [one for one in reliability if one["count"]]
    if not bins:
        return None
    x, y = Axis(0, 1, 46, 266), Axis(0, 1, 234, 14)
    most = max(one["count"] for one in bins)
    dots = [
        {
            "x": x.at(one["mean_confidence"]),
            "y": y.at(one["share_right"]),
            "radius": round(4 + 8 * math.sqrt(one["count"] / most), 1),
            "told": f"{one['mean_confidence']:.2f}: {one['share_right']:.2f} ({one['count']})",
            "count": one["count"],
        }
        for one in bins
    ]
    return {"width": 290, "height": 272, "x": x, "y": y, "dots": dots}


def lengths(documents: Sequence[Mapping[str, Any]], systems: Sequence[str]) -> dict[str, Any] | None:
    """Lay out each document's F1 against its length, for the systems named; None where nothing has both."""
    found = [
        (len(document["text"]), system, document["answers"][system]["f1"], document["id"])
        for document in documents
        if document["text"] is not None
        for system in systems
        if document["answers"][system]["f1"] is not None
    ]
    if not found:
        return None
    x = Axis(0, max(length for length, *_ in found) * 1.02, 46, 540)
    y = Axis(0, 1, 190, 14)
    dots = [
        {"x": x.at(length), "y": y.at(f1), "column": system, "told": f"{name}: {f1:.2f} ({length})"}
        for length, system, f1, name in found
    ]
    return {"width": 560, "height": 228, "x": x, "y": y, "dots": dots}
