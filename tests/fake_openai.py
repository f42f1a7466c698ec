"""A server of the shape that vLLM documents for /v1/models and /v1/chat/completions, on a port of its own.

Knows nothing about extractors. It checks what it is asked as the real one does: an unknown model is 404, a grammar
that does not compile 400. Its answer is a function's; each request's body and headers are kept.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LIMIT_S = 10.0


@dataclass
class Answer:
    """What the server says to one request; `status` other than 200 is an error with `headers`."""

    text: str = ""
    finish_reason: str | None = "stop"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    wait: threading.Event | None = None  # the second piece comes when it is set
    breaks_off: bool = False


@dataclass
class FakeServer:
    """A running server; `answer` is called with the body of each request."""

    answer: Callable[[dict[str, Any]], Answer]
    owned_by: str = "vllm"
    models: tuple[str, ...] = ("kg", "base")
    takes_lark: bool = True
    api_key: str | None = None
    models_status: int = 200
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    hung_up: threading.Event = field(default_factory=threading.Event)
    base_url: str = ""

    def list_models(self) -> dict[str, Any]:
        data = [{"id": name, "object": "model", "created": 0, "owned_by": self.owned_by} for name in self.models]
        return {"object": "list", "data": data}

    def fault(self, body: dict[str, Any]) -> int | None:
        """The status with which the real one would refuse a body."""
        if body.get("model") not in self.models:
            return 404
        if grammar := (body.get("structured_outputs") or {}).get("grammar"):
            import llguidance

            if not self.takes_lark:
                return 400
            found = llguidance.LLMatcher.validate_grammar(llguidance.LLMatcher.grammar_from_lark(grammar))
            return 400 if found else None
        wanted = body.get("response_format")
        if wanted is not None:
            import llguidance

            schema = wanted["json_schema"]["schema"]
            found = llguidance.LLMatcher.validate_grammar(llguidance.LLMatcher.grammar_from_json_schema(schema))
            return 400 if found or wanted["type"] != "json_schema" else None
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        fake: FakeServer = self.server.fake
        if self.path != "/v1/models":
            self._json(404, {"detail": "Not Found"})
        elif not self._is_allowed(fake):
            self._json(401, {"error": "Unauthorized"})
        else:
            self._json(fake.models_status, fake.list_models() if fake.models_status == 200 else {"error": "busy"})

    def do_POST(self) -> None:
        fake: FakeServer = self.server.fake
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fake.bodies.append(body)
        fake.headers.append(dict(self.headers))
        if self.path != "/v1/chat/completions":
            self._json(404, {"detail": "Not Found"})
        elif not self._is_allowed(fake):
            self._json(401, {"error": "Unauthorized"})
        elif status := fake.fault(body):
            self._json(status, {"error": {"message": "refused", "type": "BadRequestError", "code": status}})
        else:
            answer = fake.answer(body)
            if answer.status != 200:
                self._json(answer.status, {"error": {"message": "no"}}, answer.headers)
            else:
                self._stream(body, answer, fake)

    def _is_allowed(self, fake: FakeServer) -> bool:
        return fake.api_key is None or self.headers.get("Authorization") == f"Bearer {fake.api_key}"

    def _json(self, status: int, value: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        for name, text in {
            "Content-Type": "application/json",
            "Content-Length": str(len(data)),
            **(headers or {}),
        }.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, body: dict[str, Any], answer: Answer, fake: FakeServer) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        frame = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": body["model"]}
        middle = len(answer.text) // 2
        try:
            self._event(
                frame
                | {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]}
            )
            self._event(
                frame | {"choices": [{"index": 0, "delta": {"content": answer.text[:middle]}, "finish_reason": None}]}
            )
            if answer.wait is not None:
                self._wait(answer.wait)
            if answer.breaks_off:
                return
            self._event(
                frame
                | {
                    "choices": [
                        {"index": 0, "delta": {"content": answer.text[middle:]}, "finish_reason": answer.finish_reason}
                    ]
                }
            )
            usage = {"prompt_tokens": 70, "completion_tokens": 30, "total_tokens": 100}
            self._event(frame | {"choices": [], "usage": usage})
            self.wfile.write(b"data: [DONE]\n\n")
        except OSError:
            fake.hung_up.set()

    def _wait(self, event: threading.Event) -> None:
        """Write comments till the event is set, as a keep-alive: only so is a closed connection noticed."""
        until = time.monotonic() + LIMIT_S
        while not event.wait(0.02) and time.monotonic() < until:
            self.wfile.write(b": waiting\n\n")
            self.wfile.flush()

    def _event(self, value: dict[str, Any]) -> None:
        self.wfile.write(b"data: " + json.dumps(value, ensure_ascii=False).encode("utf-8") + b"\n\n")
        self.wfile.flush()


@contextmanager
def serving(answer: Callable[[dict[str, Any]], Answer] | None = None, **settings: Any) -> Iterator[FakeServer]:
    """Run a server on a free port for as long as the block lasts."""
    fake = FakeServer(answer or (lambda _: Answer('{"entities":[],"relationships":[]}')), **settings)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.fake = fake  # type: ignore[attr-defined]
    fake.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join(LIMIT_S)
