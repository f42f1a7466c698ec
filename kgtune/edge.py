"""The edge of the service: what every HTTP request passes on its way in and every answer on its way out.

Knows nothing about routes, graphs or frameworks: plain ASGI. It is the process boundary, so it holds
the body limit, the last `except Exception`, and the one log line per request, which never has a text.
"""

from __future__ import annotations

import json
import logging
import time
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def error_body(message: str) -> bytes:
    """Return ``{"error": message}`` as UTF-8; half characters that a request put there are replaced."""
    clean = message.encode("utf-8", "replace").decode("utf-8")
    return json.dumps({"error": clean}, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


class Edge:
    """ASGI middleware. FastAPI's own `max_body_size` answers text/plain, so the limit stands here.

    A body is read whole before the app sees it; it is bounded, and the app would read it whole anyway.
    """

    def __init__(self, app: App, *, max_body_bytes: int) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.monotonic()
        status = 0

        async def noting_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._answer(scope, receive, noting_send)
        except Exception as error:  # noqa: BLE001 - process boundary
            # Not the message: it may quote the text, and texts are not logged.
            stack = "".join(traceback.format_tb(error.__traceback__))
            logger.error("unhandled %s\n%s", type(error).__name__, stack)  # noqa: TRY400
            if status == 0:
                fix = "The server's log has the stack; please report it."
                await send_error(noting_send, 500, f"{scope['method']} {scope['path']}: the service failed. {fix}")
        # The route's pattern, not the path or the query: either may hold anything.
        route = getattr(scope.get("route"), "path", "(no route)")
        logger.info("%s %s %d %.0f ms", scope["method"], route, status, 1000 * (time.monotonic() - started))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = None if self._announces_too_much(scope) else await _read(receive, self._max_body_bytes)
        if body is None:
            what = f"{scope['method']} {scope['path']}: the body has more than {self._max_body_bytes} bytes."
            await send_error(send, 413, f"{what} Split the text, or raise service.max_text_chars in config.yaml.")
            return
        await self._app(scope, _replay(body, receive), send)

    def _announces_too_much(self, scope: Scope) -> bool:
        lengths = [value for name, value in scope["headers"] if name.lower() == b"content-length"]
        return any(value.isdigit() and int(value[:20]) > self._max_body_bytes for value in lengths)


async def send_error(send: Send, status: int, message: str) -> None:
    """Answer ``{"error": message}`` and close the connection: the request may not have been read."""
    body = error_body(message)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode("ascii")),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _read(receive: Receive, max_bytes: int) -> list[Message] | None:
    """Read the request to its end, or to the client's going; None when it has more than `max_bytes`."""
    messages, num_bytes = [], 0
    while True:
        message = await receive()
        messages.append(message)
        num_bytes += len(message.get("body", b""))
        if num_bytes > max_bytes:
            return None
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return messages


def _replay(messages: list[Message], receive: Receive) -> Receive:
    """Give the messages again, then go on receiving (the next one tells of a disconnect)."""
    pending = iter(messages)

    async def replayed() -> Message:
        message = next(pending, None)
        return await receive() if message is None else message

    return replayed
