"""A whole result made by hand: invented documents, answers with known faults, probes and a loss curve."""

from __future__ import annotations

from typing import Any

from kgtune import graph as graphs
from kgtune import ontology
from kgtune.evaluation import evaluation
from kgtune.evaluation.evaluation import Demands
from kgtune.examples import Example
from kgtune.extraction.extractor import ScriptedExtractor
from kgtune.graph import Entity, Graph, Relationship
from tests.fakes import CallingExtractor, sure

ONTOLOGY = ontology.load("threat_event")
PROSE = "I can't do that."
TALLY = {"in": 3, "kept": 2, "out": 2, "lost": {"too long": 1}}
NUMBER = {"value": 0.5, "low": 0.4, "high": 0.6}
PROBE = {
    "num_rows": 12, "num_tokens": 900,
    **dict.fromkeys(("start_probability", "end_probability", "structure_loss", "value_loss"), NUMBER),
    "keys": {"name": {"loss": 1.5, "num_tokens": 90}, "evidence": {"loss": 0.25, "num_tokens": 200}},
}  # fmt: skip
FACTS: dict[str, Any] = {
    "ledger": {**dict.fromkeys(("rows", "characters", "entities", "relationships"), TALLY),
               "tokens": {"in": 90, "out": 60}, "rows_windowed": 0},
    "base_model": "invented/base", "split": "test", "num_held_out": 15, "max_new_tokens": 100,
    "constraint": "full", "config_sha256": "c" * 64,
    "data_sha256": "d" * 64, "ontology_sha256": "o" * 64, "seed": 1, "num_rows_trained_on": 2000,
    "num_rows_dropped": {}, "git_sha": "abc", "versions": {"python": "3.11"}, "device": "cpu", "date": "2026-01-01",
    "few_shot": {"num_asked": 1, "num_too_long": 0, "rows": ["train-07"]},
    "confidence": {"kind": "calibrated", "is_measured": True, "num_items": 40, "num_documents": 20},
    "probes": {"before": PROBE, "after": PROBE},
    "run": {
        "num_steps": 20, "losses": [{"step": 5 * n, "loss": 2.0 / n} for n in range(1, 5)],
        "probes": [{"step": n, "start_probability": 0.1, "end_probability": 0.1, "structure_loss": 0.2, "value_loss": 1.0}
                   for n in (0, 20)],
    },
}  # fmt: skip


def graph(number: int) -> Graph:
    return Graph(
        (
            Entity("ThreatOrganization", "e1", f"Otter {number}"),
            Entity("Tool", "e2", "VelkaRAT"),
            Entity("Tool", "e3", "Lost"),
        ),
        (Relationship("USE", "e1", "e2", 0.95, f"Otter {number} used VelkaRAT"),),
    )


def example(number: int, text: str = "") -> Example:
    text = text or f"Otter {number} used VelkaRAT{'.' * number}"
    return Example(f"doc-{number:02}", f"d{number}", f"g{number}", "test", "zh" if number % 3 == 0 else "en", "", text,
                   graph(number))  # fmt: skip


EXAMPLES = [*(example(n) for n in range(14)), Example("none", "dn", "gn", "test", "zh", "", "天气很好。", Graph())]


def answer(number: int) -> str:
    """Give every second answer two of its three entities, the third document prose, the fifth a cut answer."""
    whole = graphs.dumps(graph(number))
    if number in (3, 5):
        return PROSE if number == 3 else whole[: len(whole) // 2]
    kept = graph(number)
    return graphs.dumps(Graph(kept.entities[: 3 - number % 2], kept.relationships))


def measured(rows: list[Example] = EXAMPLES, **columns: dict[str, str]) -> dict[str, Any]:
    """Measure columns of answers by text; what has none is prose."""
    made = {}
    for name, answers in columns.items():
        probability = 0.5 if name == "after_constrained" else None
        extractor = CallingExtractor(sure(ScriptedExtractor(answers, default=PROSE), probability))
        made[name] = evaluation.measure(extractor, rows)
    demands = Demands(known_names=frozenset({"velkarat"}), given=lambda probability: probability + 0.4)
    return evaluation.results(made, ONTOLOGY, FACTS, demands)


def result(rows: list[Example] = EXAMPLES) -> dict[str, Any]:
    """Return the usual comparison: a base that only talks, one that copies examples, and two tuned columns."""
    tuned = {row.text: answer(number) for number, row in enumerate(rows[:14])}
    tuned["天气很好。"] = graphs.dumps(Graph())
    shown = {row.text: graphs.dumps(graph(0)) for row in rows}
    best = {row.text: row.answer for row in rows}
    return measured(rows, before={}, few_shot=shown, after=tuned, after_constrained=best)
