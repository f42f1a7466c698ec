"""A load generator small enough to share two cores with the service that it measures: raw sockets, one event loop.

Knows nothing about graphs. A closed loop has so many clients, each of which asks again when it is answered; an
open loop asks at a rate, whether answered or not, as the world does.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

SAME_GROUP_S = 0.05  # answers of one batch come within this


@dataclass
class Measured:
    """What came back in a stretch of time. Latencies are those of 200s, in seconds."""

    seconds: float
    latencies_s: list[float] = field(default_factory=list)
    answered_at_s: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)  # 0: no answer

    @property
    def per_s(self) -> float:
        """Answered with 200 per second, from the first group of answers to the last.

        Answers come in batches. Counted over the clock's window, one batch more or less is a third of the result.
        """
        times = sorted(self.answered_at_s)
        if not times or times[-1] - times[0] < SAME_GROUP_S:
            return self.statuses[200] / self.seconds
        num_first = sum(time_s - times[0] < SAME_GROUP_S for time_s in times)
        return (len(times) - num_first) / (times[-1] - times[0])

    @property
    def num_failed(self) -> int:
        """Neither answered nor told to come back."""
        return sum(count for status, count in self.statuses.items() if status not in (200, 503))

    def percentile_ms(self, share: float) -> float:
        if not self.latencies_s:
            return float("nan")
        ordered = sorted(self.latencies_s)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def note(self, status: int, latency_s: float, now_s: float) -> None:
        self.statuses[status] += 1
        if status == 200:
            self.latencies_s.append(latency_s)
            self.answered_at_s.append(now_s)


class Connection:
    """One kept-alive connection that asks and reads, one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> int:
        """Send a request and return the status of its answer; 0 where there was none."""
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            reader, writer = self._streams
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            headers = head.lower()
            length = int(headers.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            await reader.readexactly(length)
            if b"connection: close" in headers:
                self.close()
            return int(head[9:12])
        except (OSError, EOFError, ValueError, asyncio.IncompleteReadError):
            self.close()
            return 0

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def post(path: str, body: object) -> bytes:
    """Return the bytes of a request."""
    content = json.dumps(body, ensure_ascii=False).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def closed_loop(
    port: int, requests: Sequence[bytes], clients: int, *, seconds: float = 0.0, count: int = 0, warm_s: float = 0.0
) -> Measured:
    """Let so many clients ask for `seconds` after `warm_s`, or until `count` answers are there."""
    return asyncio.run(_closed(port, requests, clients, seconds or float("inf"), count, warm_s))


async def _closed(
    port: int, requests: Sequence[bytes], clients: int, seconds: float, count: int, warm_s: float
) -> Measured:
    measured, next_request = Measured(0.0), itertools.cycle(requests)
    begin = time.perf_counter() + warm_s
    end = begin + seconds
    done = asyncio.Event()

    async def client() -> None:
        connection = Connection(port)
        try:
            while not done.is_set():
                started = time.perf_counter()
                status = await connection.ask(next(next_request))
                now = time.perf_counter()
                if begin <= now < end:
                    measured.note(status, now - started, now)
                if now >= end or (count and measured.statuses.total() >= count):
                    done.set()
                if status != 200:
                    await asyncio.sleep(0.05)
        finally:
            connection.close()

    tasks = [asyncio.create_task(client()) for _ in range(clients)]
    await _first(done, None if seconds == float("inf") else warm_s + seconds)
    measured.seconds = min(time.perf_counter(), end) - begin
    await _end(tasks)
    return measured


def open_loop(port: int, requests: Sequence[bytes], rate_per_s: float, seconds: float, *, wait_s: float) -> Measured:
    """Ask at a rate for `seconds`, then wait for what is under way, `wait_s` at most.

    Latency counts from when a request was due: a generator that falls behind must not flatter the service.
    """
    return asyncio.run(_open(port, requests, rate_per_s, seconds, wait_s))


async def _open(port: int, requests: Sequence[bytes], rate_per_s: float, seconds: float, wait_s: float) -> Measured:
    measured, next_request = Measured(seconds), itertools.cycle(requests)
    idle: list[Connection] = []

    async def one(due: float) -> None:
        connection = idle.pop() if idle else Connection(port)
        status = await connection.ask(next(next_request))
        now = time.perf_counter()
        measured.note(status, now - due, now)
        idle.append(connection)

    begin, tasks = time.perf_counter(), []
    for number in range(int(rate_per_s * seconds)):
        due = begin + number / rate_per_s
        if (pause := due - time.perf_counter()) > 0:
            await asyncio.sleep(pause)
        tasks.append(asyncio.create_task(one(due)))
    _, late = await asyncio.wait(tasks, timeout=wait_s)
    measured.statuses[0] += len(late)
    await _end(list(late))
    for connection in idle:
        connection.close()
    return measured


async def _first(done: asyncio.Event, limit_s: float | None) -> None:
    try:
        async with asyncio.timeout(limit_s):
            await done.wait()
    except TimeoutError:
        done.set()


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def wait_until(is_true: Callable[[], bool], limit_s: float) -> None:
    """Ask again and again until it is so."""
    end = time.perf_counter() + limit_s
    while not is_true():
        if time.perf_counter() > end:
            raise TimeoutError(f"not within {limit_s} s")
        time.sleep(0.05)
