"""How much serve.py costs over the model call, and how it holds up beside a naive service and LitServe.

    python benchmarks/serve.py --model DIR                        ten minutes on 2 cores
    python benchmarks/serve.py --model DIR --full                 an hour: more rounds, a minute a measurement
    python benchmarks/serve.py --only overhead memory             what needs no model
    python benchmarks/serve.py --only load --keep FILE            a part alone; FILE gathers the parts

DIR is a model that fine_tune.py --profile demo wrote (default: fine_tune_output/demo/final_model). LitServe takes
part where --litserve-python names an interpreter that has it, beside torch, transformers and peft.

Overhead: the scripted extractor, a load generator on the same cores; a bare FastAPI echo beside it. Load: ours and
the peers on the same model and texts, in turn, at 1, 8, 32 and 128 clients. Overload: four times the best rate, open
loop. Memory: 20,000 requests.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import harness
import load
from load import Measured
from serve_load import PATH, Plan, under_load
from serve_processes import PEERS, ROOT, ours, peer

OVERHEAD_TEXT = "GlassViper used NightLoom against Northwind Bank. " * 10
PARTS = ("overhead", "memory", "load", "overload")

SHORT = Plan(overhead_s=10, rounds=2, load_s=20, warm_s=4, load_rounds=1, overload_s=40)
FULL = Plan(overhead_s=60, rounds=5, load_s=60, warm_s=10, load_rounds=3, overload_s=120)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default=str(ROOT / "fine_tune_output/demo/final_model"), metavar="DIR")
    parser.add_argument("--litserve-python", metavar="PYTHON")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--keep", metavar="FILE", type=Path, help="put the record there, beside the parts it has")
    args = parser.parse_args()
    plan = FULL if args.full else SHORT
    if {"load", "overload"} & set(args.only) and not Path(args.model).is_dir():
        sys.exit(f"{args.model}: no such folder. Run make demo, give --model, or --only overhead memory.")
    results: list[dict[str, Any]] = []
    further: dict[str, Any] = {}
    if "overhead" in args.only:
        results += overhead(plan, further)
    if "memory" in args.only:
        further["memory"] = memory(plan)
    if {"load", "overload"} & set(args.only):
        results += under_load(plan, args, further)
    record = harness.finish("serve", results, plan.load_rounds, goals=goals(further, results), **further)
    if args.keep:
        known = json.loads(args.keep.read_text(encoding="utf-8")) if args.keep.exists() else {}
        merged = merge(known, record, args.only)
        args.keep.write_text(json.dumps(merged, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")
    return 0


def merge(known: dict[str, Any], record: dict[str, Any], parts: Sequence[str]) -> dict[str, Any]:
    """Put a run's parts beside those of earlier runs; each part says of which machine, code and date it is."""
    conditions = {key: record[key] for key in ("hardware", "git_sha", "date", "runs")}
    renewed = {(line["peer"], line["metric"]) for line in record["results"]}
    kept = [line for line in known.get("results", []) if (line["peer"], line["metric"]) not in renewed]
    return {
        **known,
        **record,
        "results": kept + record["results"],
        "goals": known.get("goals", {}) | record["goals"],
        "parts": known.get("parts", {}) | dict.fromkeys(parts, conditions),
    }


def overhead(plan: Plan, further: dict[str, Any]) -> list[dict[str, Any]]:
    """Measure what the service adds to the model call, with a model call that takes nothing."""
    request = [load.post(PATH, {"text": OVERHEAD_TEXT})]
    open_loops: dict[str, list[Measured]] = defaultdict(list)
    saturated: dict[str, list[Measured]] = defaultdict(list)
    with ours("--scripted") as service, peer(sys.executable, PEERS, "echo", "PORT") as echo:
        for _ in range(plan.rounds):
            for name, one in (("ours", service), ("echo", echo)):
                load.closed_loop(one.port, request, 8, count=200)
                open_loops[name].append(load.open_loop(one.port, request, 100, plan.overhead_s / 2, wait_s=10))
                saturated[name].append(load.closed_loop(one.port, request, 32, seconds=plan.overhead_s / 2))
    print(f"\nOverhead, {len(OVERHEAD_TEXT)} characters, load {os.getloadavg()[0]:.1f}")
    rows = []
    for name in ("ours", "echo"):
        middle, tail = (harness.median(m.percentile_ms(share) for m in open_loops[name]) for share in (0.5, 0.99))
        rate = harness.median(m.per_s for m in saturated[name])
        rows.append([name, f"{middle:.2f}", f"{tail:.2f}", f"{rate:.0f}", sum(m.num_failed for m in open_loops[name])])
        further.setdefault("overhead", {})[name] = {"p50_ms": middle, "p99_ms": tail, "saturated_per_s": rate}
    harness.print_table(["", "p50 ms at 100/s", "p99 ms at 100/s", "saturated /s", "failed"], rows)
    return [
        harness.result(
            "bare FastAPI echo",
            "saturated requests/s",
            [m.per_s for m in saturated["ours"]],
            [m.per_s for m in saturated["echo"]],
            more_is_better=True,
        )
    ]


def memory(plan: Plan) -> dict[str, Any]:
    """Measure the memory after a tenth of the requests and after all of them."""
    request = [load.post(PATH, {"text": OVERHEAD_TEXT + str(number)}) for number in range(1000)]
    tenth = plan.memory_requests // 10
    with ours("--scripted") as service:
        load.closed_loop(service.port, request, 16, count=tenth)
        before = service.resident_mib()
        rest = load.closed_loop(service.port, request, 16, count=plan.memory_requests - tenth)
        after = service.resident_mib()
    print(f"\nMemory: {before:.1f} MiB after {tenth:,} requests, {after:.1f} MiB after {plan.memory_requests:,}")
    return {
        "mib_after_a_tenth": before,
        "mib_after_all": after,
        "failed": rest.num_failed,
        "requests": plan.memory_requests,
    }


def goals(further: dict[str, Any], results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what was promised and what was measured."""
    found: dict[str, Any] = {}
    if "overhead" in further:
        mine = further["overhead"]["ours"]
        found["p50 below 3 ms at 100/s"] = [round(mine["p50_ms"], 2), mine["p50_ms"] < 3]
        found["p99 below 15 ms at 100/s"] = [round(mine["p99_ms"], 2), mine["p99_ms"] < 15]
    if "memory" in further:
        growth = further["memory"]["mib_after_all"] - further["memory"]["mib_after_a_tenth"]
        found["memory grows by less than 5 MiB over 18,000 requests"] = [round(growth, 2), growth < 5]
    if "overload" in further:
        mine = further["overload"]
        bad = sum(count for status, count in mine["statuses"].items() if status not in {"200", "503"})
        found["no failure but 503 under overload"] = [bad, bad == 0]
        found["goodput under overload at least 0.95 of the peak"] = [
            round(mine["share_of_peak"], 3),
            mine["share_of_peak"] >= 0.95,
        ]
        found["p99 under overload within the deadline"] = [round(mine["p99_ms"]), mine["p99_ms"] <= mine["deadline_ms"]]
    for line in results:
        if (line["peer"], line["metric"]) == ("naive", "texts/s at 32 clients"):
            found["3 times the naive service at 32 clients"] = [line["ratio"], line["ratio"] >= 3]
    for goal, (value, is_met) in found.items():
        print(f"{'met' if is_met else 'NOT MET'}: {goal}: {value}")
    return found


if __name__ == "__main__":
    sys.exit(main())
