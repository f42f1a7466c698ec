"""What the grammar does to the answers: a tuned model's held-out documents with constraint none, schema and full.

Answers every test row three ways, drafts and cap the same, and scores each as fine_tune.py does: parse, F1, and how
many items per gold one, each with its 95 % interval, and each constraint compared with none on the same documents.
"Short but valid" shows as a production ratio that falls.

    python benchmarks/constraint.py --model fine_tune_output/demo/final_model
    python benchmarks/constraint.py --model DIR --data fine_tune_input/training_data.json --profile gpu24 --device cuda
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

import harness

from kgtune import config, examples, runs
from kgtune import model as models
from kgtune.evaluation import evaluation
from kgtune.evaluation.evaluation import Measured
from kgtune.examples import Example
from kgtune.extraction import generation
from kgtune.scoring.scoreboard import Scoreboard
from kgtune.scoring.tally import Rules

CONSTRAINTS = ("none", "schema", "full")
SHOWN = (
    "strict_parse_rate", "contract_shape_rate", "schema_valid_rate", "referential_integrity_rate",
    "endpoint_legality_rate", "exact_graph_rate", "name_grounding_rate", "evidence_grounding_rate",
    "entity_precision", "entity_recall", "entity_f1", "relationship_precision", "relationship_recall",
    "relationship_f1", "entity_production_ratio", "relationship_production_ratio", "truncation_rate",
)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="fine_tune_output/demo/final_model", help="a folder that fine_tune.py wrote")
    parser.add_argument("--data", default="fine_tune_output/demo/training_data.json", help="its training_data.json")
    parser.add_argument("--profile", default="demo", help="of config.yaml")
    parser.add_argument("--documents", type=int, help="test rows at most; default: all")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("-o", "--out", metavar="FILE", help="write the JSON record here, too")
    args = parser.parse_args()
    if args.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    cfg = config.load(None, args.profile, []).config
    rows = examples.read_examples(Path(args.data), default_confidence=cfg.data.default_confidence)
    documents = [row for row in rows if row.split == cfg.evaluation.split][: args.documents]
    tuned = models.load_tuned(Path(args.model), cfg)
    measured = {name: answered(tuned, cfg, documents, name) for name in CONSTRAINTS}
    board = Scoreboard(list(CONSTRAINTS), Rules(tuned.ontology))
    for judged in zip(*(one.judged for one in measured.values()), strict=True):
        board.add(judged[0].document, dict(zip(CONSTRAINTS, judged, strict=True)))
    pairs = [("none", "schema"), ("none", "full"), ("schema", "full")]
    results = board.results(pairs, {name: one.cost for name, one in measured.items()})
    show(results)
    record = harness.finish(
        "constraint", [], 1, model=Path(args.model).name, **kept(results), device=models.device_name()
    )
    if args.out:
        runs.write_json_atomic(Path(args.out), record)
    return 0


def answered(tuned: models.TunedModel, cfg: Any, documents: list[Example], constraint: str) -> Measured:
    """Answer every document under one constraint."""
    decoding = cfg.decoding.model_copy(update={"constraint": constraint, "batch_size": cfg.evaluation.batch_size})
    extractor = generation.TransformersExtractor.from_tuned(tuned, decoding)
    started = time.monotonic()
    extractor.progress = lambda done, total: print(
        f"{constraint}: {done}/{total}, {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True
    )
    return evaluation.measure(extractor, documents)


def show(results: dict[str, Any]) -> None:
    columns = results["columns"]
    print(f"{columns['none']['num_documents']} documents; value (95 % interval); verdict against none")
    verdicts = {found["second"]: found["metrics"] for found in results["comparisons"] if found["first"] == "none"}
    table = []
    for name in SHOWN:
        cells = []
        for constraint, column in columns.items():
            one = column["metrics"][name]
            verdict = verdicts.get(constraint, {}).get(name, {}).get("verdict")
            cells.append(cell(one) + (f" {verdict}" if verdict else ""))
        table.append([name, *cells])
    harness.print_table(["constraint", *columns], table)


def cell(one: dict[str, Any]) -> str:
    if one["value"] is None:
        return "-"
    between = "" if one["low"] is None else f" ({one['low']:.3f}-{one['high']:.3f})"
    return f"{one['value']:.3f}{between}"


def kept(results: dict[str, Any]) -> dict[str, Any]:
    """What of the results is worth keeping in the repository."""
    columns = {
        name: {
            "num_documents": column["num_documents"],
            "metrics": {metric: column["metrics"][metric] for metric in SHOWN},
            "reasons": column["reasons"],
            "cost": column["cost"],
        }
        for name, column in results["columns"].items()
    }
    comparisons = [
        {"first": found["first"], "second": found["second"],
         "metrics": {name: one for name, one in found["metrics"].items() if name in SHOWN}}
        for found in results["comparisons"]
    ]  # fmt: skip
    return {"columns": columns, "comparisons": comparisons, "statistics": results["statistics"]}


if __name__ == "__main__":
    sys.exit(main())
