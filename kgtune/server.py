"""The process around the app: a bound port, signals, and uvicorn.

Knows nothing about routes, models or graphs.
"""

from __future__ import annotations

import math
import signal
import socket
from collections.abc import Callable

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from kgtune.edge import App, error_body
from kgtune.errors import UserError


def listen(host: str, port: int) -> socket.socket:
    """Bind and listen, so that an address that can't be had is a user's error and not uvicorn's exit."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise UserError(
            f"service.host={host}, service.port={port}: can't be listened on: {error.strerror}. "
            "Stop what uses the port, or choose another one (0 takes any free one)."
        ) from error


def address(listener: socket.socket) -> str:
    """Return the address to give to curl."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_open(listener: socket.socket) -> bool:
    """Whether other machines can reach it."""
    host = str(listener.getsockname()[0])
    return not (host.startswith("127.") or host == "::1")


def run(app: App, listener: socket.socket, *, timeout_s: float, is_failed: Callable[[], bool]) -> None:
    """Serve until SIGTERM, SIGINT or `is_failed`; requests under way are finished, for at most `timeout_s`."""

    async def leave_when_failed() -> None:
        server.should_exit = server.should_exit or is_failed()

    config = uvicorn.Config(
        app,
        http=JsonH11Protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        # uvicorn's access log has query strings, and a query string may have a text.
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=math.ceil(timeout_s) + 1,
        callback_notify=leave_when_failed,
        timeout_notify=1,
    )
    server = uvicorn.Server(config)
    # When it has stopped, uvicorn raises the signal again for whoever listened before it. By default
    # that kills the process with 143; so the one who listened is uvicorn itself, and the exit is 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.handle_exit)
    server.run(sockets=[listener])


class JsonH11Protocol(H11Protocol):
    """uvicorn's protocol, but what is no HTTP gets the error shape of everything else."""

    def send_400_response(self, msg: str) -> None:
        body = error_body("request: is no valid HTTP/1.1. Check the request line and the size of the headers.")
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode("ascii")),
            (b"connection", b"close"),
        ]
        for event in (h11.Response(status_code=400, headers=headers), h11.Data(data=body), h11.EndOfMessage()):
            if output := self.conn.send(event):
                self.transport.write(output)
        self.transport.close()
