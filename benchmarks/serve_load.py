"""Texts a second of ours and of the peers on one model, closed loop, and what ours does when asked four times as much.

Knows nothing about how a service is started or what was promised of it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import harness
import load
from load import Measured
from serve_processes import LITSERVE, PEERS, ROOT, ours, peer

PATH = "/api/kg-extract"
CLIENTS = (1, 8, 32, 128)
OVERLOAD, DEADLINE_S = 4, 20


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
