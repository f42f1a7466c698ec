"""From kept runs to a table: means over seeds, intervals over documents and seeds, differences to the baseline.

Knows nothing about training. Every answer is scored here, by one scorer, whenever the table is made.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import harness
import numpy as np

from kgtune.ontology import Ontology
from kgtune.parsing import Parsed, parse_answer
from kgtune.scoring import statistics
from kgtune.scoring.column import rounded
from kgtune.scoring.documents import Document, judge
from kgtune.scoring.metrics import METRICS, values
from kgtune.scoring.sample import Sample
from kgtune.scoring.statistics import Bootstrap, Counts, Floats
from kgtune.scoring.tally import Rules, tally

SHOWN = ("strict_parse_rate", "entity_f1", "relationship_f1", "name_grounding_rate", "empty_text_accuracy")


def counts(run: Mapping[str, Any], ontology: Ontology) -> Counts:
    """Score the answers of a kept run: (documents, counters), by document in the order of their ids."""
    sample = Sample()
    for row in sorted(run["documents"], key=lambda row: str(row["id"])):
        gold = parse_answer(row["gold"])
        assert isinstance(gold, Parsed), row["id"]
        one = Document(row["id"], gold.graph, row["text"], row["doc_id"], row["lang"], kind=row["kind"])
        sample.add(one, tally(judge(one, row["answer"], is_truncated=row["is_truncated"]), Rules(ontology)))
    return sample.by_document()


def table(
    runs: Mapping[str, Mapping[int, Counts]], baseline: str, bootstrap: Bootstrap | None = None
) -> dict[str, dict[str, Any]]:
    """Return each arm's numbers: per metric the mean over its seeds, an interval, and the difference to the baseline.

    One resample draws documents, the same for all arms, and then seeds: with three seeds an interval is coarse, and it
    is wider than one that takes the seeds for given. The difference is taken over the seeds that both arms have.
    """
    bootstrap = bootstrap or Bootstrap()
    places = [(arm, seed) for arm, seeds in runs.items() for seed in sorted(seeds)]
    stacked = np.hstack([runs[arm][seed] for arm, seed in places])
    drawn = statistics.resampled_sums(stacked, bootstrap)
    width = stacked.shape[1] // len(places)
    sums = {place: drawn[:, width * k : width * (k + 1)] for k, place in enumerate(places)}
    found: dict[str, dict[str, Any]] = {}
    for arm, seeds in runs.items():
        common = sorted(set(seeds) & set(runs[baseline]))
        found[arm] = {"seeds": sorted(seeds), "metrics": {}}
        for name in SHOWN:
            mine = {seed: _values(name, seeds[seed], sums[arm, seed]) for seed in seeds}
            theirs = {seed: _values(name, runs[baseline][seed], sums[baseline, seed]) for seed in common}
            found[arm]["metrics"][name] = {
                **_mean(mine, sorted(seeds), bootstrap),
                "difference": None
                if arm == baseline
                else _mean({seed: _minus(mine[seed], theirs[seed]) for seed in common}, common, bootstrap),
            }
    return found


def _values(name: str, documents: Counts, drawn: Floats) -> tuple[float, Floats]:
    metric = METRICS[name]
    return float(values(metric, documents.sum(axis=0))), values(metric, drawn)


def _minus(one: tuple[float, Floats], other: tuple[float, Floats]) -> tuple[float, Floats]:
    return one[0] - other[0], one[1] - other[1]


def _mean(by_seed: Mapping[int, tuple[float, Floats]], seeds: Sequence[int], bootstrap: Bootstrap) -> dict[str, Any]:
    """Average over seeds; each resample averages over as many seeds, drawn with replacement."""
    if not seeds:
        return {"value": None, "low": None, "high": None, "by_seed": []}
    rng = random.Random(bootstrap.seed)
    drawn = np.stack([by_seed[seed][1] for seed in seeds])
    chosen = np.array([[rng.randrange(len(seeds)) for _ in seeds] for _ in range(drawn.shape[1])])
    means = np.take_along_axis(drawn.T, chosen, axis=1).mean(axis=1)
    bounds = statistics.percentiles(means)
    return {
        "value": rounded(sum(by_seed[seed][0] for seed in seeds) / len(seeds)),
        "low": rounded(bounds[0]) if bounds else None,
        "high": rounded(bounds[1]) if bounds else None,
        "by_seed": [rounded(by_seed[seed][0]) for seed in seeds],
    }


def show(found: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the table for people: a line an arm, mean and interval, and the difference where there is one."""
    made: list[list[str]] = []
    for arm, one in found.items():
        cells = [arm, str(len(one["seeds"]))]
        for name in SHOWN:
            number = one["metrics"][name]
            cells.append(_shown(number, ".3f", ".2f"))
        for name in ("entity_f1", "relationship_f1"):
            difference = one["metrics"][name]["difference"]
            cells.append("" if difference is None else _shown(difference, "+.3f", "+.2f"))
        made.append(cells)
    harness.print_table(("arm", "seeds", *SHOWN, "entity_f1 to demo", "relationship_f1 to demo"), made)


def _shown(number: Mapping[str, Any], value: str, bound: str) -> str:
    if number["value"] is None:
        return "-"
    between = "" if number["low"] is None else f" ({number['low']:{bound}} to {number['high']:{bound}})"
    return f"{number['value']:{value}}{between}"
