"""The process around the app: a bound port, signals, and uvicorn.

Knows nothing about routes, models or graphs.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import time
from types import FrameType
from typing import Any, Protocol

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from kgtune.errors import UserError
from kgtune.service.edge import SECURITY_HEADERS, App, error_body

logger = logging.getLogger(__name__)

FLUSH_S = 5.0  # for answers that are on their way out once nothing is worked on any more
HEAD_TIMEOUT_S = 20.0  # from the opening of a connection, or the first byte after an answer, to a whole head


class Worker(Protocol):
    """Whoever does the work behind the app."""

    @property
    def is_failed(self) -> bool: ...

    @property
    def is_idle(self) -> bool: ...

    def close(self) -> None:
        """Take no more work; what was taken is finished."""
        ...

    def abandon(self) -> None:
        """Give up what is not finished."""
        ...


def listen(host: str, port: int) -> socket.socket:
    """Bind and listen, so that an address that can't be had is a user's error and not uvicorn's exit."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise UserError(
            f"service.host={host}, service.port={port}: can't be listened on: {error.strerror}. "
            "Stop what uses the port, or choose another one (0 takes any free one)."
        ) from error
    # asyncio sets this on the connections of sockets that it made itself. Without it a kept-alive client waits
    # 40 ms for the second packet of each answer: the kernel holds that back until the first is acknowledged.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def address(listener: socket.socket) -> str:
    """Return the address to give to curl."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_open(listener: socket.socket) -> bool:
    """Whether other machines can reach it."""
    host = str(listener.getsockname()[0])
    return not (host.startswith("127.") or host == "::1")


def run(app: App, listener: socket.socket, worker: Worker, *, drain_s: float, max_header_bytes: int) -> None:
    """Serve until the worker fails, or until SIGTERM or SIGINT and what was taken then is answered."""
    config = uvicorn.Config(
        app,
        http=JsonH11Protocol,
        h11_max_incomplete_event_size=max_header_bytes,
        ws="none",
        lifespan="on",
        log_config=None,
        # uvicorn's access log has query strings, and a query string may have a text.
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=int(FLUSH_S),
    )
    server = DrainingServer(config, worker, drain_s)
    # When it has stopped, uvicorn raises the signal again for whoever listened before it. By default
    # that kills the process with 143; so the one who listened is uvicorn itself, and the exit is 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.handle_exit)
    server.run(sockets=[listener])


class DrainingServer(uvicorn.Server):
    """uvicorn's server, but a signal first closes the worker, and the port once the worker is idle.

    Till then whoever asks is told at once, in JSON, to go elsewhere; a closed port says nothing.
    """

    def __init__(self, config: uvicorn.Config, worker: Worker, drain_s: float) -> None:
        super().__init__(config)
        self._worker = worker
        self._drain_s = drain_s
        self._is_asked_to_stop = False
        self._drain_until_s: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note the signal; a second one does not wait for anything."""
        if self._is_asked_to_stop:
            super().handle_exit(sig, frame)
        else:
            # Only noted: a handler runs between any two instructions, and the worker has a lock.
            self._is_asked_to_stop = True
            self._captured_signals.append(sig)

    async def on_tick(self, counter: int) -> bool:
        if self._worker.is_failed:
            self.should_exit = True
        elif self._is_asked_to_stop:
            self._drain()
        return await super().on_tick(counter)

    def _drain(self) -> None:
        now = time.monotonic()
        if self._drain_until_s is None:
            logger.info("stopping: texts under way are finished, for %g s at most", self._drain_s)
            self._worker.close()
            self._drain_until_s = now + self._drain_s
        elif now > self._drain_until_s:
            logger.warning("stopping: texts are given up that were not finished within %g s", self._drain_s)
            self.should_exit = True
        if self._worker.is_idle:
            self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Refuse what is not finished by now, so that whoever waits for it is told, and close the port."""
        self._worker.close()
        self._worker.abandon()
        await super().shutdown(sockets)


class JsonH11Protocol(H11Protocol):
    """uvicorn's protocol, but what is no HTTP gets the error shape of everything else, and a slow head is cut off.

    Without that a client that sends a byte now and then holds a connection, and so a file of the process, for ever.
    """

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._head_timer is None and self._is_between_requests():
            self._await_head()
        super().data_received(data)
        if not self._is_between_requests():
            self._stop_waiting()

    def _is_between_requests(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._cut_off)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _cut_off(self) -> None:
        self._head_timer = None
        if self._is_between_requests() and not self.transport.is_closing():
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        body = error_body("request: is no valid HTTP/1.1. Check the request line and the size of the headers.")
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode("ascii")),
            (b"connection", b"close"),
            *SECURITY_HEADERS,
        ]
        for event in (h11.Response(status_code=400, headers=headers), h11.Data(data=body), h11.EndOfMessage()):
            if output := self.conn.send(event):
                self.transport.write(output)
        self.transport.close()
