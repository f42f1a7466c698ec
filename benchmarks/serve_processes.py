"""Ours and the peers of benchmarks/serve.py as processes: started on a free port, waited for, and ended with theirs.

Knows nothing about what is asked of them.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import harness
import load

ROOT = harness.ROOT
PEERS, LITSERVE = (str(Path(__file__).with_name(name)) for name in ("serve_peers.py", "serve_litserve.py"))
# For all alike: on two cores that the load generator shares, threads of one matrix product wait for each other's turn
# (ours answered 0.1 texts a second with two threads and a busy neighbour, and 7 with one).
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}


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
