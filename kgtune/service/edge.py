"""The edge of the service: what every HTTP request passes on its way in and every answer on its way out.

Knows nothing about routes, graphs or frameworks: plain ASGI. It is the process boundary, so it holds
the body limit, the last `except Exception`, and the one log line per request, which never has a text.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
import traceback
import uuid
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from kgtune.service import logs
from kgtune.service.gate import Gate, Refused

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
# One policy for everything: pages bring their scripts and styles as files of this service, and nothing else.
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = (
    (b"content-security-policy", CONTENT_POLICY.encode("ascii")),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)


def error_body(message: str) -> bytes:
    """Return ``{"error": message}`` as UTF-8; half characters that a request put there are replaced."""
    clean = message.encode("utf-8", "replace").decode("utf-8")
    return json.dumps({"error": clean}, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def note(scope: Scope, **values: Any) -> None:
    """Add values to the log line of this request. A text is noted by length and hash only."""
    scope.setdefault("kgtune.notes", {}).update(values)


class Edge:
    """ASGI middleware. FastAPI's own `max_body_size` answers text/plain, so the limit stands here.

    A body is read whole before the app sees it; it is bounded, and the app would read it whole anyway.
    """

    def __init__(self, app: App, *, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.monotonic()
        outgoing = _Outgoing(send, _request_id(scope))
        token = logs.REQUEST_ID.set(outgoing.request_id)
        scope.setdefault("kgtune.notes", {})
        try:
            await self._answer(scope, receive, outgoing)
        except Exception as error:  # noqa: BLE001 - process boundary
            # Not the message: it may quote the text, and texts are not logged.
            stack = "".join(traceback.format_tb(error.__traceback__))
            logger.error("unhandled %s\n%s", type(error).__name__, stack)  # noqa: TRY400
            if outgoing.status == 0:
                fix = "The server's log has the stack; please report it."
                what = f"{scope['method']} {scope['path']}: the service failed. {fix}"
                await send_error(outgoing, Refused(500, "failed", what))
        finally:
            self._log(scope, outgoing.status, time.monotonic() - started)
            logs.REQUEST_ID.reset(token)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if refused := self._gate.refusal(scope):
            await send_error(send, refused)
            return
        self._gate.num_inside += 1
        try:
            body = await self._body(scope, receive)
            if isinstance(body, Refused):
                self._gate.count(body)
                await send_error(send, body)
            else:
                await self._app(scope, _replay(body, receive), send)
        finally:
            self._gate.num_inside -= 1

    async def _body(self, scope: Scope, receive: Receive) -> list[Message] | Refused:
        policy = self._gate.policy
        limit = policy.body_bytes(scope["path"])
        where = f"{scope['method']} {scope['path']}"
        if not _announces_more(scope, limit):
            try:
                async with asyncio.timeout(policy.receive_timeout_s):
                    if (messages := await _read(receive, limit)) is not None:
                        return messages
            except TimeoutError:
                what = f"{where}: the body has not come whole within {policy.receive_timeout_s:g} s."
                return Refused(408, "slow_body", f"{what} Send it faster, or in smaller parts.")
        what = f"{where}: the body has more than {limit} bytes."
        return Refused(413, "body_too_large", f"{what} Split the text, or raise service.max_text_chars in config.yaml.")

    def _log(self, scope: Scope, status: int, seconds: float) -> None:
        # The route's pattern, not the path or the query: either may hold anything.
        route = getattr(scope.get("route"), "path", "(no route)")
        if self._gate.counts is not None:
            self._gate.counts.answered(route, status, seconds)
        notes = {key: value for key, value in scope["kgtune.notes"].items() if value is not None}
        said = "".join(f" {key}={value}" for key, value in notes.items())
        values = {"method": scope["method"], "route": route, "status": status, "ms": round(1000 * seconds, 1)}
        line = f"{scope['method']} {route} {status} {1000 * seconds:.0f} ms{said}"
        logger.info("%s", line, extra=logs.fields(**values, **notes))


class _Outgoing:
    """Sends an answer with the headers that every answer has, and remembers its status."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self.request_id = request_id
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", ()))
            present = {name.lower() for name, _ in headers}
            headers += [header for header in SECURITY_HEADERS if header[0] not in present]
            headers.append((b"x-request-id", self.request_id.encode("ascii")))
            message = {**message, "headers": headers}
        await self._send(message)


def _request_id(scope: Scope) -> str:
    """Return the id that the request brings, or a new one where it brings none that can be logged."""
    for name, value in scope["headers"]:
        if name.lower() == b"x-request-id" and REQUEST_ID.fullmatch(value):
            return str(value.decode("ascii"))
    return uuid.uuid4().hex


def _announces_more(scope: Scope, limit: int) -> bool:
    lengths: Iterable[bytes] = [value for name, value in scope["headers"] if name.lower() == b"content-length"]
    return any(value.isdigit() and int(value[:20]) > limit for value in lengths)


async def send_error(send: Send, refused: Refused) -> None:
    """Answer ``{"error": message}`` and close the connection: the request may not have been read."""
    body = error_body(refused.message)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode("ascii")),
        (b"connection", b"close"),
        *((name.lower().encode("ascii"), value.encode("ascii")) for name, value in refused.headers),
    ]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
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
