"""`make demo`: the five commands a user would type, on the embedded model, timed, with real answers.

Knows only the scripts' command lines. Writes under fine_tune_output/demo/ and nowhere else.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kgtune.errors import UserError, run_script

ROOT = Path(__file__).resolve().parent.parent.parent
OUTPUT = ROOT / "fine_tune_output" / "demo"
TEXT = (
    "Researchers link Silent Karvost to Operation Merrowind, which struck Halvenport Bank in March. "
    "Silent Karvost deployed TolvekRAT in the intrusion."
)
START_TIMEOUT_S = 120.0
# Far below what is measured: it stops a model that learnt nothing, not one that had less luck on another processor.
FLOOR = '{parse_rate: ">=0.8", entity_f1: ">=0.6", relationship_f1: ">=0.3"}'


def main() -> int:
    """Convert, fine-tune, evaluate, extract, serve; print one JSON object last."""
    seconds = _installation_seconds()
    shutil.rmtree(OUTPUT, ignore_errors=True)
    _stage("convert", seconds, ["convert_data.py", "--profile", "demo"])
    tuned = _stage("fine_tune", seconds, ["fine_tune.py", "--profile", "demo", f"evaluation.require={FLOOR}"])
    _stage("extract", seconds, ["inference.py", "--profile", "demo", "--text", TEXT])
    with _timed("serve", seconds), _service() as address:
        _curl(f"{address}/api/health")
        _curl(f"{address}/api/kg-extract", {"text": TEXT})
    result = json.loads(tuned.splitlines()[-1])
    run = result.pop("run")
    result["seconds"] = {**seconds, "total": round(sum(seconds.values()), 1)}
    result["seconds_in_fine_tune"] = {key: value for key, value in run.items() if key.startswith("seconds_")}
    print(f"\nThe report: {OUTPUT.relative_to(ROOT) / 'evaluation_report.html'} (open it in a browser)")
    print(json.dumps(result, ensure_ascii=False), flush=True)
    return 0


def _installation_seconds() -> dict[str, float]:
    """What the Makefile measured, when it has just made the virtual environment."""
    measured = os.environ.get("KGTUNE_INSTALL_SECONDS", "")
    return {"install": float(measured)} if measured else {}


def _stage(name: str, seconds: dict[str, float], command: list[str]) -> str:
    """Run one script; show its result on stdout as it stands, and return it."""
    with _timed(name, seconds):
        print(f"\n$ python {' '.join(_quoted(part) for part in command)}", flush=True)
        done = subprocess.run(  # noqa: S603  our own scripts
            [sys.executable, *command], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
        )
        print(done.stdout, end="", flush=True)
    if done.returncode != 0 and name != "extract":  # an unreadable answer is a result, and was printed
        raise UserError(f"{command[0]} ended with exit code {done.returncode}; its messages stand above.")
    return done.stdout


@contextlib.contextmanager
def _timed(name: str, seconds: dict[str, float]) -> Iterator[None]:
    started = time.monotonic()
    yield
    seconds[name] = round(time.monotonic() - started, 1)


@contextlib.contextmanager
def _service() -> Iterator[str]:
    """Start serve.py on a free port, wait until it is healthy, and stop it again as a supervisor would."""
    port = _free_port()
    command = ["serve.py", "--profile", "demo", "--port", str(port)]
    print(f"\n$ python {' '.join(command)} &", flush=True)
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT)  # noqa: S603  our own script
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_until_healthy(address, process)
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def _wait_until_healthy(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if urllib.request.urlopen(f"{address}/api/health", timeout=5).status == 200:  # noqa: S310 - loopback
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    raise UserError(f"serve.py was not healthy within {START_TIMEOUT_S:.0f} s; its messages stand above.")


def _curl(url: str, body: dict[str, Any] | None = None) -> None:
    """Call the service with curl where there is one, as a user would, else by the standard library."""
    data = json.dumps(body, ensure_ascii=False) if body else None
    options = ["-H", "Content-Type: application/json", "-d", data] if data else []
    print(f"\n$ curl -s {url} {' '.join(_quoted(part) for part in options)}", flush=True)
    if curl := shutil.which("curl"):
        command = [curl, "-sS", "--fail-with-body", url, *options]  # an error answered is a demo that failed
        done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603  loopback only
        print(done.stdout.decode(), flush=True)
        if done.returncode != 0:
            raise UserError(f"curl {url}: {done.stderr.decode().strip()}")
        return
    request = urllib.request.Request(  # noqa: S310 - loopback
        url, data=data.encode() if data else None, headers={"Content-Type": "application/json"}
    )
    print(urllib.request.urlopen(request, timeout=60).read().decode(), flush=True)  # noqa: S310 - loopback


def _quoted(part: str) -> str:
    return f"'{part}'" if any(c in part for c in ' {}"') else part


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


if __name__ == "__main__":
    sys.exit(run_script(main))
