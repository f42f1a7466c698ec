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
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import harness
import load
from load import Measured

ROOT = harness.ROOT
PEERS, LITSERVE = (str(Path(__file__).with_name(name)) for name in ("serve_peers.py", "serve_litserve.py"))
PATH = "/api/kg-extract"
CLIENTS = (1, 8, 32, 128)
OVERHEAD_TEXT = "GlassViper used NightLoom against Northwind Bank. " * 10
OVERLOAD, DEADLINE_S = 4, 20
PARTS = ("overhead", "memory", "load", "overload")
# For all alike: on two cores that the load generator shares, threads of one matrix product wait for each other's turn
# (ours answered 0.1 texts a second with two threads and a busy neighbour, and 7 with one).
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Plan:
    """How long everything takes."""

    overhead_s: float
    load_s: float
    warm_s: float
    rounds: int
    overload_s: float
    load_rounds: int
    memory_requests: int = 20_000


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


# --- processes


class Service:
    """A service as a process, with the port that it listens on."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process, self.port = process, port

    def resident_mib(self) -> float:
        """Memory of the process and all that it started."""
        total, waiting = 0, [self.process.pid]
        while waiting:
            pid = waiting.pop()
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                waiting += map(int, children.read_text().split())
        return total / 2**20


@contextmanager
def ours(*arguments: str) -> Iterator[Service]:
    """Start serve.py and wait until it is ready."""
    command = [sys.executable, "serve.py", *arguments, "service.port=0"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    seen = []
    for line in process.stderr or ():
        seen.append(line)
        if found := re.search(r"serving on http://127\.0\.0\.1:(\d+)", line):
            break
    else:
        sys.exit("".join(seen))
    threading.Thread(target=lambda: [None for _ in process.stderr or ()], daemon=True).start()  # or its pipe fills
    with _running(process, int(found[1]), "/api/health") as service:
        yield service


@contextmanager
def peer(python: str, *arguments: str) -> Iterator[Service]:
    """Start a peer on a free port, which PORT stands for among the arguments, and wait until it answers."""
    port = free_port()
    command = [python, *(str(port) if argument == "PORT" else argument for argument in arguments)]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        command, cwd=ROOT, env=ENVIRONMENT, stderr=quiet, stdout=quiet, text=True, start_new_session=True
    )
    with _running(process, port, "/openapi.json") as service:
        yield service


@contextmanager
def _running(process: subprocess.Popen[str], port: int, path: str) -> Iterator[Service]:
    def is_up() -> bool:
        if process.poll() is not None:
            sys.exit(f"{process.args}: ended with {process.returncode}")
        try:
            return bool(urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5).status == 200)
        except OSError:
            return False

    try:
        load.wait_until(is_up, 300)
        yield Service(process, port)
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
        # LitServe outlasts its 30 s, and its worker would go on beside the next measurement.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


# --- overhead and memory: no model


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


# --- load: the demo model


def under_load(plan: Plan, args: argparse.Namespace, further: dict[str, Any]) -> list[dict[str, Any]]:
    requests = [load.post(PATH, {"text": text}) for text in held_out_texts()]
    found: dict[tuple[str, int], list[Measured]] = defaultdict(list)
    starters = {"ours": lambda: ours(*demo(args), "service.max_queued=256", "service.max_concurrent=512")}
    if "load" in args.only:
        starters["naive"] = lambda: peer(sys.executable, PEERS, "naive", "PORT", args.model)
        if args.litserve_python:
            starters["litserve"] = lambda: peer(args.litserve_python, LITSERVE, "PORT", args.model)
    for round_ in range(plan.load_rounds):
        for clients in CLIENTS if "load" in args.only else (32,):
            for name, start in starters.items():
                # A process each: a service that works on for clients that are gone must not slow the next one.
                with start() as service:
                    measured = load.closed_loop(
                        service.port, requests, clients, seconds=plan.load_s, warm_s=plan.warm_s
                    )
                found[name, clients].append(measured)
                print(f"round {round_}: {name} at {clients}: {measured.per_s:.2f}/s", file=sys.stderr, flush=True)
    show_load(found)
    if "load" in args.only:
        further["load"] = {f"{name} at {clients}": summary(each) for (name, clients), each in found.items()}
    if "overload" in args.only:
        peak = max(harness.median(m.per_s for m in each) for (name, _), each in found.items() if name == "ours")
        further["overload"] = overload(plan, args, requests, peak)
    return [line for name in starters if name != "ours" for line in against(name, found)]


def demo(args: argparse.Namespace) -> list[str]:
    return ["--profile", "demo", "--model", args.model, f"service.timeout_s={DEADLINE_S}"]


def overload(plan: Plan, args: argparse.Namespace, requests: Sequence[bytes], peak: float) -> dict[str, Any]:
    """Ask four times as much as can be answered, of a service with the default bounds."""
    with ours(*demo(args)) as service:
        load.closed_loop(service.port, requests, 16, seconds=plan.warm_s)
        measured = load.open_loop(service.port, requests, OVERLOAD * peak, plan.overload_s, wait_s=2 * DEADLINE_S)
    goodput = measured.per_s
    found = {
        "asked_per_s": OVERLOAD * peak,
        "peak_per_s": peak,
        "goodput_per_s": goodput,
        "share_of_peak": goodput / peak,
        "statuses": {str(status): count for status, count in sorted(measured.statuses.items())},
        "p50_ms": measured.percentile_ms(0.5),
        "p99_ms": measured.percentile_ms(0.99),
        "deadline_ms": 1000 * DEADLINE_S,
    }
    print(f"\nOverload, {OVERLOAD} times the peak of {peak:.2f}/s: {json.dumps(found)}")
    return found


def held_out_texts() -> list[str]:
    """Texts that the demo model has not been trained on."""
    lines = (ROOT / "kgtune/demo/corpus.jsonl").read_text(encoding="utf-8").splitlines()
    return [item["text"] for item in map(json.loads, lines) if item["split"] == "test"]


def summary(each: Sequence[Measured]) -> dict[str, Any]:
    """Return the medians over the rounds."""
    return {
        "per_s": harness.median(m.per_s for m in each),
        **{
            f"p{100 * share:.0f}_ms": harness.median(m.percentile_ms(share) for m in each)
            for share in (0.5, 0.95, 0.99)
        },
        "statuses": {
            str(k): v for k, v in sorted(sum((m.statuses for m in each), start=each[0].statuses.__class__()).items())
        },
    }


def show_load(found: dict[tuple[str, int], list[Measured]]) -> None:
    print(f"\nLoad on the demo model, closed loop, load {os.getloadavg()[0]:.1f}")
    rows = []
    for (name, clients), each in sorted(found.items(), key=lambda item: (item[0][1], item[0][0] != "ours")):
        values = summary(each)
        cells = [f"{values['per_s']:.2f}", *(f"{values[f'p{p}_ms']:.0f}" for p in (50, 95, 99))]
        rows.append([f"{clients} clients, {name}", *cells, values["statuses"]])
    harness.print_table(["", "texts/s", "p50 ms", "p95 ms", "p99 ms", "statuses"], rows)


def against(name: str, found: dict[tuple[str, int], list[Measured]]) -> list[dict[str, Any]]:
    lines = []
    for clients in CLIENTS:
        mine, theirs = found["ours", clients], found[name, clients]
        pairs = [(m, t) for m, t in zip(mine, theirs, strict=True) if t.statuses[200] and m.statuses[200]]
        if len(pairs) < len(mine):
            silent = ", ".join(
                who for who, each in ((name, theirs), ("ours", mine)) if not all(m.statuses[200] for m in each)
            )
            print(f"{name} at {clients}: {silent} answered nothing within the time; left out of the ratios")
        if not pairs:
            continue
        for metric, value, more in (
            (f"texts/s at {clients} clients", lambda m: m.per_s, True),
            (f"p50 ms at {clients} clients", lambda m: m.percentile_ms(0.5), False),
        ):
            lines.append(
                harness.result(
                    name, metric, [value(m) for m, _ in pairs], [value(t) for _, t in pairs], more_is_better=more
                )
            )
    return lines


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
