"""A scorer as it is often written: both files in memory, one loop per number, the bootstrap a loop of loops.

Knows strict F1 and relaxed F1 (edit distance, optimal assignment by scipy) with 2,000 resamples; nothing else.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from rapidfuzz.distance import Levenshtein
from scipy.optimize import linear_sum_assignment

Keys = dict[str, list[tuple[str, ...]]]


def main() -> int:
    gold = {row["id"]: json.loads(row["output"]) for row in _rows(sys.argv[1])}
    answers = {row["id"]: row["answer"] for row in _rows(sys.argv[2])}
    rng = random.Random(1)
    parsed, table = 0, []
    for identity, graph in gold.items():
        try:
            predicted = json.loads(answers[identity])
            parsed += 1
        except ValueError:
            predicted = {"entities": [], "relationships": []}
        table.append(_counts(_keys(graph), _keys(predicted)))
    found: dict[str, Any] = {"strict_parse_rate": parsed / len(gold)}
    for place, name in enumerate(("entity", "relationship")):
        rows = [line[place] for line in table]
        for mode, first in (("f1", 0), ("relaxed_f1", 1)):
            found[f"{name}_{mode}"] = _f1(rows, first)
            resampled = sorted(_f1(rng.choices(rows, k=len(rows)), first) for _ in range(2000))
            found[f"{name}_{mode}_interval"] = [resampled[50], resampled[-51]]
    print(json.dumps(found))
    return 0


def _rows(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def _keys(graph: dict[str, Any]) -> Keys:
    names = {entity["id"]: (entity["labels"], entity["name"].lower().strip()) for entity in graph["entities"]}
    no = ("?", "?")
    edges = [(r["type"], *names.get(r["source"], no), *names.get(r["target"], no)) for r in graph["relationships"]]
    return {"entities": [(e["labels"], e["name"].lower().strip()) for e in graph["entities"]], "relationships": edges}


def _counts(gold: Keys, predicted: Keys) -> list[tuple[int, int, int, int]]:
    """Return (strict hits, relaxed hits, gold, predicted) of entities and of relationships."""
    lines = []
    for kind in ("entities", "relationships"):
        mine, theirs = gold[kind], predicted[kind]
        strict = sum((Counter(mine) & Counter(theirs)).values())
        lines.append((strict, _relaxed(mine, theirs), len(mine), len(theirs)))
    return lines


def _relaxed(mine: list[tuple[str, ...]], theirs: list[tuple[str, ...]]) -> int:
    if not mine or not theirs:
        return 0
    fits = np.array([[all(_near(a, b) for a, b in zip(g, p, strict=True)) for p in theirs] for g in mine], dtype=float)
    rows, columns = linear_sum_assignment(fits, maximize=True)
    return int(fits[rows, columns].sum())


def _near(one: str, other: str) -> bool:
    return one == other or Levenshtein.normalized_similarity(one, other) >= 0.85


def _f1(rows: list[tuple[int, int, int, int]], place: int) -> float:
    hits = sum(row[place] for row in rows)
    total = sum(row[2] + row[3] for row in rows)
    return 2 * hits / total if total else 0.0


if __name__ == "__main__":
    sys.exit(main())
