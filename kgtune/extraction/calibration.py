"""How sure a model is, and how often it is right when it is that sure: a curve from probability to confidence.

Knows nothing about models, texts or tokens: it is fitted to pairs of a probability and whether the thing was right.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from kgtune import runs
from kgtune.errors import ModelError
from kgtune.graph import round_confidence

CALIBRATION_FILE = "calibration.json"
SCHEMA_VERSION = 1
Method = Literal["isotonic", "platt", "none"]
Curve = tuple[tuple[float, float], ...]

_AS_IT_IS: Curve = ((0.0, 0.0), (1.0, 1.0))
# Below this nothing is fitted; up to the second, a curve of two parameters, since a staircase would follow the noise.
LEAST_ITEMS = 30
_LEAST_FOR_ISOTONIC = 300
_NUM_BINS = 10
_NUM_FOLDS = 5
_EDGE = 1e-6
_STEPS = 100
_PRIOR = 0.1
# The curve is kept as points, straight between them; 129 follow a logistic curve to less than 0.005.
_NUM_POINTS = 129


@dataclass(frozen=True, slots=True)
class Judged:
    """A relationship that a model wrote: the probability of its choices, and whether the gold graph has it."""

    document: str
    probability: float
    is_right: bool


@dataclass(frozen=True, slots=True)
class Calibration:
    """The curve ("none": the probability as it is), and on how much it rests.

    Expected calibration errors are over ten bins: of the bare probabilities, and of what curves say that were fitted
    to other documents (in five parts), since a curve is always right about what it was fitted to.
    """

    method: Method
    points: Curve
    num_documents: int
    num_items: int
    share_right: float
    ece_before: float
    ece_after: float
    schema_version: int = SCHEMA_VERSION

    def confidence(self, probability: float) -> float:
        """Say how often a relationship of this probability was right."""
        return _on(self.points, probability)


def given(calibration: Calibration | None, probability: float) -> float:
    """Return the confidence that users get; without a curve it is the bare probability."""
    return round_confidence(probability if calibration is None else calibration.confidence(probability))


def fit(items: Sequence[Judged]) -> Calibration | None:
    """Fit a curve; None where there are too few items, or all are right or all wrong.

    A curve that brings no gain on other documents than its own is not used: the method is then "none". That is
    judged by the squared error, which the bins' luck does not sway: 66 items fill ten bins too thinly.
    """
    if not is_enough(items):
        return None
    bare = [(item.probability, item.is_right) for item in items]
    crossed = [(said, item.is_right) for item, said in zip(items, _crossed(items), strict=True)]
    is_better = _squared_error(crossed) < _squared_error(bare)
    return Calibration(
        _method(items) if is_better else "none",
        _curve(items) if is_better else _AS_IT_IS,
        len({item.document for item in items}),
        len(items),
        round(sum(item.is_right for item in items) / len(items), 4),
        round(calibration_error(bare), 4),
        round(calibration_error(crossed if is_better else bare), 4),
    )


def is_enough(items: Sequence[Judged]) -> bool:
    """Say whether a curve can be fitted: to some right and some wrong ones, and not to a handful."""
    return len(items) >= LEAST_ITEMS and len({item.is_right for item in items}) == 2


def calibration_error(pairs: Sequence[tuple[float, bool]]) -> float:
    """Return the mean distance, item by item, between what was said and how often it was right, over ten bins."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for said, is_right in pairs:
        bins.setdefault(min(int(said * _NUM_BINS), _NUM_BINS - 1), []).append((said, is_right))
    gaps = (abs(sum(said for said, _ in part) - sum(right for _, right in part)) for part in bins.values())
    return sum(gaps) / len(pairs)


def _squared_error(pairs: Sequence[tuple[float, bool]]) -> float:
    return sum((said - is_right) ** 2 for said, is_right in pairs) / len(pairs)


def _crossed(items: Sequence[Judged]) -> list[float]:
    """Say for each item what the curve of the other documents' items says of it."""
    documents = {name: number for number, name in enumerate(dict.fromkeys(item.document for item in items))}
    folds = [documents[item.document] % _NUM_FOLDS for item in items]
    curves = {}
    for fold in set(folds):
        others = [item for item, its in zip(items, folds, strict=True) if its != fold]
        curves[fold] = _curve(others) if len({item.is_right for item in others}) == 2 else _AS_IT_IS
    return [_on(curves[fold], item.probability) for item, fold in zip(items, folds, strict=True)]


def _method(items: Sequence[Judged]) -> Method:
    return "isotonic" if len(items) >= _LEAST_FOR_ISOTONIC else "platt"


def _curve(items: Sequence[Judged]) -> Curve:
    pairs = sorted((item.probability, item.is_right) for item in items)
    return _isotonic(pairs) if _method(items) == "isotonic" else _platt(pairs)


def _isotonic(pairs: Sequence[tuple[float, bool]]) -> Curve:
    """Pool adjacent violators: the rising staircase that is nearest to the items; a point at each step's middle."""
    steps: list[list[float]] = []  # sum of probabilities, of rights, and the number of items
    for probability, same in groupby(pairs, key=lambda pair: pair[0]):
        rights = [is_right for _, is_right in same]
        steps.append([probability * len(rights), float(sum(rights)), float(len(rights))])
        while len(steps) > 1 and steps[-2][1] * steps[-1][2] >= steps[-1][1] * steps[-2][2]:
            last = steps.pop()
            steps[-1] = [one + other for one, other in zip(steps[-1], last, strict=True)]
    return tuple((round(said / number, 6), round(right / number, 6)) for said, right, number in steps)


def _platt(pairs: Sequence[tuple[float, bool]]) -> Curve:
    """Fit a logistic curve over the log-odds by Newton's method, towards Platt's targets, which are never 0 or 1."""
    num_right = sum(is_right for _, is_right in pairs)
    high, low = (num_right + 1) / (num_right + 2), 1 / (len(pairs) - num_right + 2)
    points = [(_log_odds(probability), high if is_right else low) for probability, is_right in pairs]
    slope, shift = 1.0, 0.0
    for _ in range(_STEPS):
        said = [_logistic(slope * x + shift) for x, _ in points]
        # A little says that the model is right about itself, so that items of one probability have a solution, too.
        gradient = [_PRIOR * (slope - 1), 0.0]
        curvature = [_PRIOR, 0.0, _EDGE]
        for (x, target), p in zip(points, said, strict=True):
            gradient[0] += (p - target) * x
            gradient[1] += p - target
            weight = p * (1 - p)
            curvature[0] += weight * x * x
            curvature[1] += weight * x
            curvature[2] += weight
        determinant = curvature[0] * curvature[2] - curvature[1] ** 2
        by_slope = (curvature[2] * gradient[0] - curvature[1] * gradient[1]) / determinant
        by_shift = (curvature[0] * gradient[1] - curvature[1] * gradient[0]) / determinant
        slope, shift = slope - min(max(by_slope, -1.0), 1.0), shift - min(max(by_shift, -1.0), 1.0)
        if abs(by_slope) + abs(by_shift) < _EDGE:
            break
    slope = max(slope, 0.0)  # surer is never less often right
    return _points(lambda x: _logistic(slope * x + shift))


def _points(curve: Callable[[float], float]) -> Curve:
    """Write down a curve over log-odds; its points stand closer where the probabilities are near 0 and 1."""
    odds = [-14 + 28 * number / (_NUM_POINTS - 1) for number in range(_NUM_POINTS)]
    return tuple((round(_logistic(x), 6), round(curve(x), 6)) for x in odds)


def _on(points: Curve, probability: float) -> float:
    at = bisect_right(points, (probability, math.inf))
    if at in {0, len(points)}:
        return points[min(at, len(points) - 1)][1]
    (left, low), (right, high) = points[at - 1], points[at]
    return low + (high - low) * (probability - left) / (right - left)


def _log_odds(probability: float) -> float:
    clipped = min(max(probability, _EDGE), 1 - _EDGE)
    return math.log(clipped / (1 - clipped))


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def write(folder: Path, calibration: Calibration) -> None:
    """Put the curve beside the model's ontology."""
    runs.write_json_atomic(folder / CALIBRATION_FILE, asdict(calibration))


def read(folder: Path) -> Calibration | None:
    """Read a model's curve; None where it has none."""
    path = folder / CALIBRATION_FILE
    if not path.exists():
        return None
    try:
        return _from_object(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, KeyError) as error:
        fix = "Put back the file that fine_tune.py wrote, or remove it: confidence is then the bare probability."
        raise ModelError(f"{path}: is no calibration ({error}). {fix}") from error


def _from_object(value: Mapping[str, Any]) -> Calibration:
    if value["schema_version"] != SCHEMA_VERSION:
        raise ValueError(f"schema_version {value['schema_version']}, known is {SCHEMA_VERSION}")
    points = tuple((float(x), float(y)) for x, y in value["points"])
    if not points or list(points) != sorted(points) or any(not 0 <= part <= 1 for point in points for part in point):
        raise ValueError("points that do not rise from 0 to 1")
    return Calibration(**{**value, "points": points})
