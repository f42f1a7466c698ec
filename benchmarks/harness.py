"""What all benchmarks share: a command run and measured, medians, a table for people, one JSON line last.

Knows nothing about what is measured.
"""

from __future__ import annotations

import json
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the scripts run from the checkout; nothing is installed

from kgtune import runs  # noqa: E402  found by the line above

_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024
_SAMPLE_S = 0.02


@dataclass(frozen=True)
class Measured:
    """One run of a command. `cpu_s` and `peak_mib` are summed over the process and all that it started.

    `peak_mib` adds up resident sets: memory that two processes share counts twice.
    """

    wall_s: float
    cpu_s: float
    peak_mib: float
    stdout: str


def measure(command: Sequence[str], *, cwd: Path = ROOT) -> Measured:
    """Run a command to its end; a failure stops the benchmark with what the command said."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        watch = _Watch(process.pid)
        watch.start()
        stdout, stderr = process.communicate()
        wall_s = time.perf_counter() - start
        watch.stop()
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {process.returncode}\n{stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(wall_s, cpu_s, watch.peak_kib / 1024, stdout)


class _Watch(threading.Thread):
    """Adds up the resident memory of a process and its descendants, fifty times a second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak_kib = 0
        self._pid = pid
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.wait(_SAMPLE_S):
            self.peak_kib = max(self.peak_kib, sum(_resident_kib(pid) for pid in _family(self._pid)))

    def stop(self) -> None:
        self._done.set()
        self.join()


def _family(pid: int) -> list[int]:
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                waiting += map(int, children.read_text().split())
            except OSError:  # it ended meanwhile
                continue
    return found


def _resident_kib(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_KIB
    except OSError:
        return 0


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def result(
    peer: str, metric: str, ours: Sequence[float], theirs: Sequence[float], *, more_is_better: bool
) -> dict[str, Any]:
    """Return one line of results: medians, the ratio of the paired runs (above 1: we are better), its spread."""
    ratios = [one / other if more_is_better else other / one for one, other in zip(ours, theirs, strict=True)]
    return {
        "peer": peer,
        "metric": metric,
        "ours": _rounded(median(ours)),
        "theirs": _rounded(median(theirs)),
        "ratio": _rounded(median(ratios)),
        "spread": [_rounded(min(ratios)), _rounded(max(ratios))],
    }


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table for people."""
    texts = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in texts) for column in range(len(header))]
    for row in texts:
        cells = [
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())


def finish(name: str, results: Sequence[dict[str, Any]], runs_made: int, **further: Any) -> dict[str, Any]:
    """Print the JSON line that ends every benchmark, and return it."""
    facts = runs.provenance()
    record = {
        "name": name,
        "results": list(results),
        **further,
        "hardware": hardware(),
        "versions": facts["versions"],
        "git_sha": facts["git_sha"],
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "runs": runs_made,
    }
    strict: dict[str, Any] = _strict(record)
    print(json.dumps(strict, ensure_ascii=False, allow_nan=False))
    return strict


def _strict(value: Any) -> Any:
    """Put null where nothing was measured: JSON has no NaN, and other readers than Python's refuse it."""
    if isinstance(value, Mapping):
        return {key: _strict(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def hardware() -> dict[str, Any]:
    """Return what the numbers depend on, the load that others put on the machine included."""
    model = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "")
    memory = next((int(line.split()[1]) >> 20 for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return {
        "cpu": model or platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": memory,
        "load": [round(load, 2) for load in os.getloadavg()],
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines() if Path(path).exists() else []
