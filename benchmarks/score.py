"""Scoring many documents: python -m kgtune.scoring and a scorer as it is often written, on the same files.

    python benchmarks/score.py             10,000 documents, three runs each, interleaved
    python benchmarks/score.py --full      50,000 documents

Prints a table for people and, last, one JSON object. Both scorers are processes of their own; what is compared is the
CPU time of the whole process and its peak memory. The other scorer computes a sixth of what ours does (strict and
relaxed F1 with intervals, no grounding, findings or slices); that its F1 agrees with ours is checked.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the scripts run from the checkout; nothing is installed

from kgtune import runs  # noqa: E402  found by the line above

NAIVE = Path(__file__).with_name("naive_scorer.py")
CORPUS = ROOT / "kgtune" / "demo" / "corpus.jsonl"
NUM_RUNS = 3
FEW = 1000
# Runs a module or a file, and prints the peak of the process' resident memory, KiB, as a last line.
_WITH_PEAK = """
import resource, runpy, sys
what, sys.argv = sys.argv[1], sys.argv[1:]
run = runpy.run_path if what.endswith(".py") else runpy.run_module
try:
    run(what, run_name="__main__")
except SystemExit as end:
    assert not end.code, end.code
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@dataclass(frozen=True)
class Cost:
    """What one run took: CPU and wall seconds, and the peak of the resident memory."""

    cpu_s: float
    wall_s: float
    peak_mib: float
    last: dict[str, Any]


def main() -> int:
    args = _arguments()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        few, many = _files(folder, FEW), _files(folder, args.documents)
        ours, theirs, small = [], [], []
        for number in range(NUM_RUNS):
            small.append(_run(_ours(few)))
            ours.append(_run(_ours(many)))
            theirs.append(_run([str(NAIVE), *map(str, many)]))
            print(f"run {number + 1}: {ours[-1].cpu_s:.1f} s, other {theirs[-1].cpu_s:.1f} s", file=sys.stderr)
        _check(ours[-1].last["answers"], theirs[-1].last)
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
    return ["kgtune.scoring", "--gold", str(files[0]), "--pred", str(files[1])]


def _run(command: Sequence[str]) -> Cost:
    """Run a scorer to its end; peak memory is its own, since it starts no processes."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    python = [sys.executable, "-c", _WITH_PEAK, *command]
    done = subprocess.run(python, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)
    wall_s, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
    lines = done.stdout.splitlines()
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu_s, wall_s, int(lines[-1]) / 1024, json.loads(lines[-2]))


def _check(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Stop when the two disagree: a fast wrong scorer would be no news."""
    for name in ("entity_f1", "relationship_f1", "strict_parse_rate"):
        if abs(ours[name] - theirs[name]) > 1e-4:
            sys.exit(f"the scorers disagree on {name}: {ours[name]} and {theirs[name]}")


def _print(count: int, ours: Sequence[Cost], theirs: Sequence[Cost], small: Sequence[Cost]) -> None:
    results = [
        _result("naive scorer", "CPU seconds", [one.cpu_s for one in ours], [one.cpu_s for one in theirs]),
        _result("naive scorer", "wall seconds", [one.wall_s for one in ours], [one.wall_s for one in theirs]),
        _result("naive scorer", "peak MiB", [one.peak_mib for one in ours], [one.peak_mib for one in theirs]),
        _result(f"ours, {FEW} documents", "peak MiB", [one.peak_mib for one in ours], [one.peak_mib for one in small]),
    ]
    print(f"{count} documents, {NUM_RUNS} runs")
    print(f"{'peer':24}{'metric':16}{'ours':>10}{'theirs':>10}{'ratio':>8}")
    for one in results:
        print(f"{one['peer']:24}{one['metric']:16}{one['ours']:10}{one['theirs']:10}{one['ratio']:8}")
    record = {
        "name": "score", "results": results, "documents": count, "hardware": _hardware(),
        "versions": runs.library_versions(("numpy", "scipy", "rapidfuzz", "json-repair")), "git_sha": runs.git_sha(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"), "runs": NUM_RUNS,
    }  # fmt: skip
    print(json.dumps(record, ensure_ascii=False))


def _result(peer: str, metric: str, ours: Sequence[float], theirs: Sequence[float]) -> dict[str, Any]:
    """Take the medians, and the ratio of the paired runs: above 1 we need less."""
    ratios = [other / one for one, other in zip(ours, theirs, strict=True)]
    return {
        "peer": peer,
        "metric": metric,
        "ours": _short(statistics.median(ours)),
        "theirs": _short(statistics.median(theirs)),
        "ratio": _short(statistics.median(ratios)),
        "spread": [_short(min(ratios)), _short(max(ratios))],
    }


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def _hardware() -> dict[str, Any]:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    return {"cpu": model, "cores": len(os.sched_getaffinity(0)), "load": [round(load, 2) for load in os.getloadavg()]}


if __name__ == "__main__":
    sys.exit(main())
