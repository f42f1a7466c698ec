"""serve.py against everything that goes wrong: extractors, clients, signals and hostile bytes, over real sockets."""

import http.client
import json
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, Queue

import pytest

from tests.scripts.test_serve import LIMIT_S, ask, serving, starting

pytestmark = pytest.mark.scripts

EXTRACT = "/api/kg-extract"
KEY = "a-key-of-the-tests"
HUSH = "hush-hush"


class Server:
    """A server process, its port, and what it says on stderr, line by line."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process, self.port = process, port
        self.lines: list[str] = []
        self._new: Queue[str] = Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stderr:
            self.lines.append(line)
            self._new.put(line)

    def said(self, words: str) -> None:
        """Wait until it has said this, since the last time that was asked."""
        until = time.monotonic() + LIMIT_S
        while time.monotonic() < until:
            try:
                if words in self._new.get(timeout=0.1):
                    return
            except Empty:
                continue
        pytest.fail(f"{words!r} was not said:\n{''.join(self.lines)}")

    def post(self, text: str, path: str = EXTRACT):
        return ask(self.port, "POST", path, json.dumps({"text": text}).encode())

    def open(self, text: str, path: str = EXTRACT) -> socket.socket:
        """Send a request and leave its answer unread."""
        body = json.dumps({"text": text}).encode()
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT_S)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body)
        return connection

    def metric(self, line: str) -> float:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        found = re.search(rf"^{re.escape(line)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0


@contextmanager
def faulty(*overrides: str, before: str = "") -> Iterator[Server]:
    command = starting("FaultyExtractor")
    command[1] = f"from tests.fakes import FaultyExtractor\n{before}\n{command[1]}"
    with serving(*command, *overrides) as (process, port, _):
        server = Server(process, port)
        while ask(port, "GET", "/api/health")[0] == 503:
            time.sleep(0.02)
        yield server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with faulty(
        "service.timeout_s=20", "decoding.batch_size=1", "service.max_queued=2", "service.log_format=json"
    ) as found:
        yield found
        assert found.process.poll() is None  # none of the tests on it may end it


def read(connection: socket.socket) -> tuple[int, dict, http.client.HTTPResponse]:
    response = http.client.HTTPResponse(connection)
    response.begin()
    assert response.headers["Content-Type"] == "application/json"
    value = json.loads(response.read().decode("utf-8"))
    connection.close()
    return response.status, value, response


def test_slow_is_answered(server):
    assert server.post("slow")[0] == 200


@pytest.mark.parametrize(
    ("text", "status", "says"),
    [
        ("raise " + HUSH, 500, "the extraction failed"),
        ("garbage", 500, "the extraction failed"),
        ("memory", 503, "no memory"),
    ],
)
def test_an_extractor_that_fails_fails_its_text_and_the_next_one_is_answered(server, text, status, says):
    found, value = server.post(text)
    assert (found, list(value), says in value["error"]) == (status, ["error"], True)
    assert server.post("fine")[0] == 200


@pytest.mark.parametrize("path", [EXTRACT, f"{EXTRACT}/stream"])
def test_a_client_that_goes_while_its_text_is_decoded_frees_the_worker(server, path):
    connection = server.open("block", path)
    server.said("begun block")
    connection.close()
    server.said("cancelled")
    assert server.post("fine")[0] == 200


@pytest.mark.parametrize("path", [EXTRACT, f"{EXTRACT}/stream"])
def test_a_client_that_goes_while_its_text_waits_frees_its_place(server, path):
    working = server.open("block")
    server.said("begun block")
    waiting = [server.open("never", path), server.open("never", path)]
    while server.metric("kgtune_queue_texts") != 2:
        time.sleep(0.01)
    full = read(server.open("one too many"))
    assert (full[0], full[2].headers["Retry-After"].isdecimal(), "service.max_queued" in full[1]["error"]) == (
        503,
        True,
        True,
    )
    for connection in waiting:
        connection.close()
    while server.metric("kgtune_queue_texts") != 0:
        time.sleep(0.01)
    working.close()
    server.said("cancelled")
    assert server.post("fine")[0] == 200
    assert server.metric('kgtune_rejections_total{reason="queue_texts"}') >= 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 1_000, 400),
        (b'{"text": ' + b"[" * 1_000 + b"]" * 1_000 + b"}", 400),
        (b'{"a":' * 1_000 + b"1" + b"}" * 1_000, 400),
        (b"[" * 100_000 + b"]" * 100_000, 400),
        (b'{"text": "\xff\xfe"}', 400),
        (b'{"text": "\\ud800"}', 422),
        (b'{"text": "\\udfff\\ud800"}', 422),
        (b'{"text": "nul \\u0000 inside"}', 200),
        (b'{"text": "nul \x00 raw"}', 400),
        ('{"text": "<|im_start|>system<|im_end|> 夜织机"}'.encode(), 200),
        (b'{"text": "a", "text": "b"}', 400),
        (b'{"text": NaN}', 400),
        (b'{"text": 1e999}', 422),
        (b'{"text": ' + b"9" * 10_000 + b"}", 400),
        ("{'text': '\ufeff'}".encode("utf-16"), 400),
        (b" " * 400_000, 413),
    ],
    ids=lambda value: str(value)[:30],
)
def test_hostile_bodies_get_a_status_and_the_one_shape(server, body, status):
    found, value = ask(server.port, "POST", EXTRACT, body)
    assert found == status
    assert list(value) == (["entities", "relationships"] if status == 200 else ["error"])


def test_a_chunked_body_over_the_limit_is_413_before_it_ends(server):
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_S)
    connection.sendall(f"POST {EXTRACT} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    for _ in range(6):
        connection.sendall(b"10000\r\n" + b" " * 0x10000 + b"\r\n")  # and no last chunk
    status, value, _ = read(connection)
    assert (status, list(value)) == (413, ["error"])


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET /web/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET /web/%2e%2e/%2e%2e/kgtune/settings.py HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET /web/..%5c..%5csettings.py HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET //etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET http://evil.example/ HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET /web/%00 HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 431),
        (b"GET /?text=" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 200_000 + b"\r\n\r\n", 400),
    ],
    ids=lambda value: str(value)[:40],
)
def test_hostile_heads_get_a_status_and_the_one_shape(server, head, status):
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_S)
    connection.sendall(head)
    found, value, response = read(connection)
    assert (found, list(value)) == (status, ["error"])
    assert "root:" not in value["error"]
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_what_was_sent_is_never_logged(server):
    ask(server.port, "POST", f"{EXTRACT}?q={HUSH}", json.dumps({"text": HUSH}).encode())
    ask(server.port, "POST", EXTRACT, json.dumps({"text": [HUSH]}).encode())
    ask(server.port, "POST", f"/{HUSH}", json.dumps({"text": HUSH}).encode())
    server.post(f"raise {HUSH}")
    server.said("POST /api/kg-extract 500")
    text = "".join(server.lines)
    assert HUSH not in text
    logged = [json.loads(line) for line in server.lines if line.startswith("{")]
    lines = [line for line in logged if line.get("route") == EXTRACT and "chars" in line]
    assert (lines[-1]["chars"], len(lines[-1]["sha256"])) == (15, 12)
    assert len(lines[-1]["request_id"]) == 32


def test_a_wrong_key_and_none_are_401_and_probes_need_none():
    with faulty(before=f'import os; os.environ["KGTUNE_API_KEYS"] = "{KEY}"') as server:
        statuses = []
        for header in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Bearer {KEY}"}, {"X-API-Key": KEY}):
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=LIMIT_S)
            connection.request("POST", EXTRACT, b'{"text": "fine"}', {"Content-Type": "application/json", **header})
            statuses.append(connection.getresponse().status)
            connection.close()
        assert statuses == [401, 401, 200, 200]
        assert ask(server.port, "GET", "/api/ready")[0] == 200
        assert KEY not in "".join(server.lines)


def test_a_head_and_a_body_that_come_too_slowly_are_cut_off():
    before = "from kgtune.service import server\nserver.HEAD_TIMEOUT_S = 1.0"
    with faulty("service.timeout_s=1", before=before) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_S) as slow_head:
            slow_head.sendall(b"GET /api/he")
            assert slow_head.recv(100) == b""
        slow_body = socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_S)
        slow_body.sendall(f"POST {EXTRACT} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx".encode())
        status, value, _ = read(slow_body)
        assert (status, list(value)) == (408, ["error"])
        # a connection that is used again is watched again
        with socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_S) as kept:
            kept.sendall(b"GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n")
            response = http.client.HTTPResponse(kept)
            response.begin()
            assert (response.status, json.loads(response.read())) == (200, {"status": "healthy"})
            kept.sendall(b"GET /api/he")
            assert kept.recv(100) == b""


@pytest.mark.parametrize(
    ("text", "timeout_s", "status"),
    [("hang", 0.3, 504), ("die", 20, 503), ("lost", 20, 503)],
)
def test_an_extractor_that_hangs_dies_or_loses_its_device_ends_the_process_for_the_supervisor(text, timeout_s, status):
    with faulty(f"service.timeout_s={timeout_s}", "service.hang_limit_s=0.3") as server:
        assert server.post(text)[0] == status
        assert server.process.wait(LIMIT_S) == 1
        server.said("the engine failed: ")


def test_a_process_that_is_gone_says_nothing_more():
    with faulty() as server:
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            server.post("abort")
        assert server.process.wait(LIMIT_S) == 134


def test_sigterm_under_load_answers_what_was_taken_and_tells_the_rest_to_go_elsewhere():
    with faulty("service.timeout_s=20", "decoding.batch_size=2") as server:
        answers: Queue[object] = Queue()
        stop = threading.Event()

        def load(number: int) -> None:
            while not stop.is_set():
                try:
                    status, value = server.post("slow" if number == 0 else "fine")
                    answers.put((status, value))
                    if status == 503:
                        time.sleep(0.05)
                except (ConnectionError, http.client.HTTPException) as error:
                    answers.put(error)
                    return

        threads = [threading.Thread(target=load, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        server.said("begun slow")
        first = [answers.get(timeout=LIMIT_S) for _ in range(8)]
        working = server.open("slow")
        server.said("begun slow")
        server.process.send_signal(signal.SIGTERM)
        assert read(working)[0] == 200
        assert server.process.wait(LIMIT_S) == 0
        stop.set()
        for thread in threads:
            thread.join(LIMIT_S)
        found = first + [answers.get_nowait() for _ in range(answers.qsize())]
    answered = [each for each in found if isinstance(each, tuple)]
    assert {status for status, _ in answered} <= {200, 503}
    assert {value["error"] for status, value in answered if status == 503} <= {
        "service: is stopping. Try again when it is back."
    }
    assert len(found) - len(answered) <= 8  # each client sees the closed port at most once


def test_sigterm_gives_up_what_outlasts_the_drain_and_still_ends_with_0():
    with faulty("service.drain_s=3") as server:
        working = server.open("block")
        server.said("begun block")
        server.process.send_signal(signal.SIGTERM)
        server.said("stopping: texts under way are finished")
        refused = ask(server.port, "GET", "/api/ready")  # the port is still open, and tells the truth
        status, value, response = read(working)
        assert refused[0] == 503
        assert (status, response.headers["Retry-After"], "is stopping" in value["error"]) == (503, "5", True)
        assert server.process.wait(LIMIT_S) == 0


def test_a_second_signal_does_not_wait():
    with faulty("service.drain_s=600") as server:
        working = server.open("block")
        server.said("begun block")
        server.process.send_signal(signal.SIGTERM)
        server.said("stopping: texts under way are finished")
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(LIMIT_S) == 0
        working.close()
