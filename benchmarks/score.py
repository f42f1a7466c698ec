"""Scoring many documents: python -m kgtune.scoring and a scorer as it is often written, on the same files.

    python benchmarks/score.py             10,000 documents, three runs each, interleaved
    python benchmarks/score.py --full      50,000 documents

Prints a table for people and, last, one JSON object. Both scorers are processes of their own; what is compared is the
CPU time of the whole process and its peak memory. The other scorer computes a part of what ours does (strict and
relaxed F1 with intervals, no grounding, findings or slices); that its F1 agrees with ours is checked.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import harness
from harness import Measured

NAIVE = Path(__file__).with_name("naive_scorer.py")
CORPUS = harness.ROOT / "kgtune" / "demo" / "corpus.jsonl"
NUM_RUNS = 3
FEW = 1000


def main() -> int:
    args = _arguments()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        few, many = _files(folder, FEW), _files(folder, args.documents)
        ours, theirs, small = [], [], []
        for number in range(NUM_RUNS):
            small.append(harness.measure(_ours(few)))
            ours.append(harness.measure(_ours(many)))
            theirs.append(harness.measure([sys.executable, str(NAIVE), *map(str, many)]))
            print(f"run {number + 1}: {ours[-1].cpu_s:.1f} s, other {theirs[-1].cpu_s:.1f} s", file=sys.stderr)
        _check(_last(ours[-1])["answers"], _last(theirs[-1]))
    _print(args.documents, ours, theirs, small)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="50,000 documents")
    args = parser.parse_args()
    args.documents = 50_000 if args.full else 10_000
    return args


def _files(folder: Path, count: int) -> tuple[Path, Path]:
    """Write gold rows of invented reports, three texts of the demo joined to one, and answers with faults."""
    rng = random.Random(count)
    texts = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    gold, answers = folder / f"gold{count}.jsonl", folder / f"answers{count}.jsonl"
    with gold.open("w", encoding="utf-8") as gold_file, answers.open("w", encoding="utf-8") as answer_file:
        for number in range(count):
            parts = rng.sample(texts, 3)
            text = "\n".join(part["text"] for part in parts)
            graph = _joined(parts)
            row = {"id": f"d{number}", "input": text, "output": json.dumps(graph, ensure_ascii=False),
                   "lang": parts[0]["lang"]}  # fmt: skip
            gold_file.write(json.dumps(row, ensure_ascii=False) + "\n")
            answer = {"id": row["id"], "answer": _answer(graph, rng)}
            answer_file.write(json.dumps(answer, ensure_ascii=False) + "\n")
    return gold, answers


def _joined(parts: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    graph: dict[str, list[dict[str, Any]]] = {"entities": [], "relationships": []}
    for place, part in enumerate(parts):
        graph["entities"] += [{**entity, "id": f"{place}-{entity['id']}"} for entity in part["entities"]]
        graph["relationships"] += [
            {**edge, "source": f"{place}-{edge['source']}", "target": f"{place}-{edge['target']}"}
            for edge in part["relationships"]
        ]
    return graph


def _answer(graph: dict[str, list[dict[str, Any]]], rng: random.Random) -> str:
    """Write a graph with some items left out or renamed, one answer in six broken."""
    entities = [
        {**entity, "name": entity["name"][:-1] or "x"} if rng.random() < 0.1 else entity
        for entity in graph["entities"]
        if rng.random() < 0.85
    ]
    known = {entity["id"] for entity in entities}
    edges = [edge for edge in graph["relationships"] if {edge["source"], edge["target"]} <= known or rng.random() < 0.1]
    text = json.dumps({"entities": entities, "relationships": edges}, ensure_ascii=False, separators=(",", ":"))
    broken = (
        text[: len(text) * 2 // 3],
        f"```json\n{text}\n```",
        f"The graph: {text}",
        text.replace('"', "'"),
        "None.",
    )
    return rng.choice(broken) if rng.random() < 1 / 6 else text


def _ours(files: tuple[Path, Path]) -> list[str]:
    return [sys.executable, "-m", "kgtune.scoring", "--gold", str(files[0]), "--pred", str(files[1])]


def _last(run: Measured) -> dict[str, Any]:
    last: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return last


def _check(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Stop when the two disagree: a fast wrong scorer would be no news."""
    for name in ("entity_f1", "relationship_f1", "strict_parse_rate"):
        if abs(ours[name] - theirs[name]) > 1e-4:
            sys.exit(f"the scorers disagree on {name}: {ours[name]} and {theirs[name]}")


def _print(count: int, ours: Sequence[Measured], theirs: Sequence[Measured], small: Sequence[Measured]) -> None:
    readings = {"CPU seconds": "cpu_s", "wall seconds": "wall_s", "peak MiB": "peak_mib"}
    pairs = [("naive scorer", theirs, metric) for metric in readings]
    pairs.append((f"ours, {FEW} documents", small, "peak MiB"))  # how far memory grows with the documents
    results = [
        harness.result(
            peer,
            metric,
            [getattr(one, readings[metric]) for one in ours],
            [getattr(one, readings[metric]) for one in them],
            more_is_better=False,
        )
        for peer, them, metric in pairs
    ]
    print(f"{count} documents, {NUM_RUNS} runs")
    header = ("peer", "metric", "ours", "theirs", "ratio")
    harness.print_table(header, [[one[key] for key in header] for one in results])
    harness.finish("score", results, NUM_RUNS, documents=count)


if __name__ == "__main__":
    sys.exit(main())
