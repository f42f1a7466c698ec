"""serve.py as a process: what curl sees, how it stops, and what it says when it can't start."""

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

pytestmark = pytest.mark.scripts

LIMIT_S = 60.0


@contextmanager
def serving(*command: str) -> Iterator[tuple[subprocess.Popen[str], int, list[str]]]:
    """Start a server on a free loopback port; give the process, its port and what it said so far."""
    process = subprocess.Popen([sys.executable, *command], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    lines: list[str] = []
    try:
        assert process.stderr is not None
        for line in process.stderr:
            lines.append(line)
            if found := re.search(r"serving on http://127\.0\.0\.1:(\d+)", line):
                break
        else:
            pytest.fail("".join(lines))
        yield process, int(found[1]), lines
    finally:
        process.kill()
        process.communicate()


def ask(port: int, method: str, path: str, body: bytes | None = None, content_type: str = "application/json"):
    """Return status and JSON of an answer, whose type must be JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    connection.request(method, path, body, {"Content-Type": content_type})
    response = connection.getresponse()
    assert response.headers["Content-Type"] == "application/json"
    value = json.loads(response.read().decode("utf-8"))
    connection.close()
    return response.status, value


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving("serve.py", "--scripted", "--port", "0") as (_, number, lines):
        assert "warning" not in "".join(lines)
        while ask(number, "GET", "/api/health")[0] == 503:  # the port opens before the extractor is there
            pass
        yield number


def test_it_says_what_it_loads_and_when_and_where_it_is_ready():
    with serving("serve.py", "--scripted", "--port", "0") as (process, number, _):
        assert process.stderr is not None
        first = next(process.stderr)
        ready = next(line for line in process.stderr if " ready " in line)
    assert first == "loading canned answers ...\n"
    assert re.search(rf" ready in \d+\.\d s on http://127\.0\.0\.1:{number}: scripted\n$", ready)


def test_both_routes_answer(port):
    status, graph = ask(port, "POST", "/api/kg-extract", '{"text": "玻璃蝰蛇使用夜织机。"}'.encode())
    assert (status, list(graph)) == (200, ["entities", "relationships"])
    assert {r["source"] for r in graph["relationships"]} <= {e["id"] for e in graph["entities"]}
    assert ask(port, "GET", "/api/health") == (200, {"status": "healthy"})


@pytest.mark.parametrize(
    ("method", "path", "body", "content_type", "status"),
    [
        ("POST", "/api/kg-extract", b'{"text": ""}', "application/json", 422),
        ("POST", "/api/kg-extract", b'{"text": "a', "application/json", 400),
        ("POST", "/api/kg-extract", b"text=a", "application/x-www-form-urlencoded", 415),
        ("POST", "/api/kg-extract", b" " * 400_000, "application/json", 413),
        ("GET", "/api/kg-extract", None, "application/json", 405),
        ("GET", "/nowhere", None, "application/json", 404),
    ],
)
def test_errors_have_the_one_shape(port, method, path, body, content_type, status):
    found, value = ask(port, method, path, body, content_type)
    assert (found, list(value)) == (status, ["error"])


def test_a_chunked_body_over_the_limit_is_413_before_it_ends(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    connection.putrequest("POST", "/api/kg-extract")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    for _ in range(5):
        connection.send(b"10000\r\n" + b" " * 0x10000 + b"\r\n")  # and no last chunk
    response = connection.getresponse()
    assert (response.status, list(json.loads(response.read()))) == (413, ["error"])
    connection.close()


@pytest.mark.parametrize("request_", [b"no http\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"])
def test_what_is_no_http_gets_the_one_shape_too(port, request_):
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as connection:
        connection.sendall(request_)
        response = http.client.HTTPResponse(connection)
        response.begin()
        body = json.loads(response.read())
    assert (response.status, list(body)) == (400, ["error"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_0(number):
    with serving("serve.py", "--scripted", "--port=0") as (process, port, _):
        assert ask(port, "GET", "/api/health")[0] in {200, 503}
        process.send_signal(number)
        assert process.wait(LIMIT_S) == 0


def starting(load: str) -> list[str]:
    """Return the command of a serve.py whose model is loaded by `load`."""
    code = f"import sys, threading, serve\nserve.guarded = lambda *_: {load}\nsys.exit(serve.errors.run_script(serve.main))"
    return ["-c", code, "--port", "0"]


# An extractor that says over the log when it has begun, and takes its time.
SLOW = """
class Slow:
    name = "slow"
    def extract(self, texts, *, cancel=None):
        print("begun", file=sys.stderr, flush=True)
        threading.Event().wait(0.5)
        from kgtune.extraction.extractor import ScriptedExtractor
        return ScriptedExtractor().extract(texts)
"""


def test_sigterm_finishes_the_request_under_way():
    command = starting("Slow")
    command[1] = command[1].replace("serve.guarded", f"{SLOW}\nserve.guarded", 1)
    with serving(*command) as (process, port, _):
        while ask(port, "GET", "/api/health")[0] != 200:
            pass
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
        connection.request("POST", "/api/kg-extract", b'{"text": "a"}', {"Content-Type": "application/json"})
        assert process.stderr is not None
        assert any(line == "begun\n" for line in iter(process.stderr.readline, ""))
        process.send_signal(signal.SIGTERM)
        response = connection.getresponse()
        assert (response.status, json.loads(response.read())) == (200, {"entities": [], "relationships": []})
        connection.close()
        assert process.wait(LIMIT_S) == 0


def test_the_port_is_open_while_the_model_loads_and_sigterm_ends_it_with_0():
    with serving(*starting("lambda: threading.Event().wait()")) as (process, port, _):
        status, value = ask(port, "GET", "/api/health")
        assert (status, value) == (503, {"error": "model: is loading. Try again in a few seconds."})
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0


def test_a_model_that_can_not_be_loaded_ends_it_with_2_and_the_reason():
    code = "lambda: (_ for _ in ()).throw(serve.errors.ModelError('model: is broken. Mend it.'))"
    result = subprocess.run(
        [sys.executable, *starting(code)], capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1] == "error: model: is broken. Mend it."
    assert "Traceback" not in result.stderr


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "serve.py", *arguments], capture_output=True, text=True, timeout=LIMIT_S, check=False
    )


def test_a_missing_model_is_a_user_error_that_names_what_to_do():
    result = run("--model", "no-such-folder", "--port", "0")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("error: no-such-folder: no such folder. Run fine_tune.py first")


def test_a_taken_port_is_a_user_error_that_names_it(port):
    result = run("--scripted", "--port", str(port))
    assert result.returncode == 2
    assert f"service.port={port}: can't be listened on: Address already in use" in result.stderr


def test_a_wrong_port_is_a_user_error_of_the_configuration():
    result = run("--scripted", "--port", "99999")
    assert result.returncode == 2
    assert "service.port" in result.stderr


def test_it_says_when_other_machines_can_reach_it():
    command = [sys.executable, "serve.py", "--scripted", "--host=0.0.0.0", "--port=0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        warned = any("warning: other machines can reach this address" in line for line in process.stderr)
        process.kill()
    assert warned
