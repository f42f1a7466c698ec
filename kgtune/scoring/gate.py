"""What a result must reach: conditions on its numbers, and the verdict on them.

Knows nothing about configuration files or exit codes. A name is a metric, or a metric with an ending:
`entity_f1` the value, `entity_f1_low` and `_high` the ends of its interval, `entity_f1_gain` the difference to the
first system, `entity_f1_gain_low` and `_gain_high` the ends of that one's interval; `regressions` counts where an
earlier result was better beyond chance. `parse_rate` stands for strict_parse_rate.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kgtune.errors import ConfigError, GateFailed
from kgtune.scoring.metrics import COMPARED, METRICS
from kgtune.spelling import suggestion

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, "==": operator.eq, ">": operator.gt, "<": operator.lt,
}  # fmt: skip
CONDITION = r"^\s*(>=|<=|==|>|<)\s*(-?\d+(?:\.\d+)?)\s*$"
_ENDINGS = {"_gain_low": "low", "_gain_high": "high", "_gain": "difference"}
_SPELLINGS = {"parse_rate": "strict_parse_rate"}
REGRESSIONS = "regressions"


@dataclass(frozen=True, slots=True)
class Condition:
    """One number and what it must be."""

    name: str
    sign: str
    bound: float

    def __str__(self) -> str:
        return f"{self.name} {self.sign} {self.bound:g}"


def conditions(required: Mapping[str, str], *, where: str = "evaluation.require") -> tuple[Condition, ...]:
    """Read conditions, or raise a ConfigError with every one that can't be met by any result."""
    read, problems = [], []
    for name, text in required.items():
        match = re.match(CONDITION, text)
        if match is None:
            problems.append(f'{where}.{name}: "{text}" is no condition. Write for example ">=0.98".')
        elif not _is_known(name):
            problems.append(f'{where}: there is no metric "{name}". {suggestion(name, _known())}')
        else:
            read.append(Condition(name, match[1], float(match[2])))
    if problems:
        raise ConfigError("\n".join(problems))
    return tuple(read)


def _known() -> set[str]:
    gains = {f"{name}_gain" for name in (*COMPARED, *_SPELLINGS)}
    return {*METRICS, *_SPELLINGS, *gains, REGRESSIONS}


def _is_known(name: str) -> bool:
    return name in _known() or re.sub("_(low|high)$", "", name) in _known() - {REGRESSIONS}


def judge(result: Mapping[str, Any], required: tuple[Condition, ...], system: str) -> dict[str, Any] | None:
    """Hold a result's system against the conditions; None when there are none."""
    if not required:
        return None
    checked, failed = [], []
    for condition in required:
        value = _value(result, condition.name, system)
        passed = value is not None and _OPERATORS[condition.sign](value, condition.bound)
        checked.append({"condition": str(condition), "value": value, "passed": passed})
        if not passed:
            failed.append(f"{condition}, and it is {_shown(value)}")
    verdict = f"{system} fails: " + "; ".join(failed) if failed else f"{system} meets all {len(checked)} conditions"
    return {"system": system, "passed": not failed, "conditions": checked, "verdict": f"{verdict}."}


def enforce(result: Mapping[str, Any]) -> None:
    """Raise GateFailed when the result's own verdict says so."""
    verdict = result["gate"]
    if verdict is not None and not verdict["passed"]:
        raise GateFailed(f"gate: {verdict['verdict']} The results are written all the same.")


def _value(result: Mapping[str, Any], name: str, system: str) -> float | None:
    if name == REGRESSIONS:
        return None if result["earlier"] is None else float(len(result["earlier"]["regressions"]))
    for ending, key in _ENDINGS.items():
        if name.endswith(ending):
            metric = _plain(name.removesuffix(ending))
            found = [c["metrics"][metric][key] for c in result["comparisons"] if c["second"] == system]
            return _number(found[0]) if found else None
    stem, _, end = name.rpartition("_")
    if end in ("low", "high") and _plain(stem) in METRICS:
        return _number(result["columns"][system]["metrics"][_plain(stem)][end])
    return _number(result["columns"][system]["metrics"][_plain(name)]["value"])


def _plain(name: str) -> str:
    return _SPELLINGS.get(name, name)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _shown(value: float | None) -> str:
    return "not measured" if value is None else f"{value:g}"
