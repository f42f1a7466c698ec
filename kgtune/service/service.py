"""The HTTP service: the app, its parts and its edge, and `{"error": ...}` for whatever goes wrong.

Knows nothing about weights: `create_app` is given a function that loads an extractor, and tests give it
one that answers from a table.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from kgtune import document
from kgtune.parsing import DuplicateKeyError
from kgtune.service.admission import Bounds
from kgtune.service.edge import Edge, error_body
from kgtune.service.engine import Engine, Load
from kgtune.service.exchange import Exchange, estimate_tokens
from kgtune.service.gate import Gate, Policy
from kgtune.service.keys import Keys
from kgtune.service.metrics import Gauge, Metrics
from kgtune.service.refusals import RefusalError
from kgtune.service.routes import WEB, router
from kgtune.settings import Config

API_VERSION = "1"
NUM_ERRORS_SHOWN = 5
# A JSON string spends at most 12 bytes on a character (two \uXXXX); the rest is the frame around it.
BYTES_PER_CHAR, FRAME_BYTES = 12, 65_536
PROBES = frozenset({"/api/health", "/api/ready", "/metrics"})
# A probe can't always show a key, and a page must be there before a person can type one into it. What these show,
# everybody may know: they hold no text and no graph.
KEYLESS = frozenset({"/", "/api/health", "/api/ready", "/docs", "/openapi.json", "/web/"})
BODIES = {
    "/api/kg-extract": '{"text": "..."} and what /docs shows beside it',
    "/api/kg-extract/stream": '{"text": "..."} and what /docs shows beside it',
    "/api/kg-extract/batch": '{"items": [{"text": "..."}]} and what /docs shows beside it',
    "/v1/chat/completions": '{"messages": [{"role": "user", "content": "..."}]}',
}


def create_app(load: Load, cfg: Config, keys: Keys | None = None, *, address: str = "") -> FastAPI:
    """Return the app. Its lifespan starts the worker thread, which calls `load`; one app serves once.

    `address` is where it will be reached: it is logged as soon as texts are taken.
    """
    metrics = Metrics()
    worker = Engine(load, _bounds(cfg), metrics, address=address)
    gate = Gate(policy(cfg, keys or Keys()), metrics)
    metrics.watch(_gauges(worker, gate))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        worker.start()
        try:
            yield
        finally:
            await asyncio.to_thread(worker.stop)

    app = FastAPI(
        title="kgtune",
        summary="Threat-intelligence text in, knowledge graph out.",
        version=API_VERSION,
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        openapi_url=None,  # a route of ours, which the log and the metrics know by its path
        redoc_url=None,
        # FastAPI's OpenTelemetry spans and logs would carry validation errors, and with them texts.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.engine, app.state.exchange = worker, Exchange(worker, cfg, metrics)
    app.include_router(router)
    app.mount("/web", StaticFiles(directory=WEB))
    _give_errors_one_shape(app)
    if cfg.service.cors_origins:
        _let_in_origins(app, cfg.service.cors_origins)
    app.add_middleware(Edge, gate=gate)  # the last one added is the first that a request meets
    return app


def _bounds(cfg: Config) -> Bounds:
    """Return how much work the engine takes and holds, as the configuration has it."""
    settings = cfg.service
    return Bounds(
        batch_size=cfg.decoding.batch_size,
        max_queued=settings.max_queued,
        max_queued_tokens=settings.max_queued_tokens,
        estimate_tokens=estimate_tokens,
        hang_limit_s=settings.hang_limit_s,
    )


def _give_errors_one_shape(app: FastAPI) -> None:
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(RefusalError, _on_refusal)


def _let_in_origins(app: FastAPI, origins: Sequence[str]) -> None:
    app.add_middleware(
        JsonCors,
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type", "X-API-Key", "X-Request-Id"],
        expose_headers=["Retry-After", "X-Dropped", "X-Export-Findings", "X-Request-Id", "X-Truncated"],
    )


def policy(cfg: Config, keys: Keys) -> Policy:
    """Return the bounds of a request, as the configuration has them."""
    settings = cfg.service
    return Policy(
        max_body_bytes=FRAME_BYTES + BYTES_PER_CHAR * settings.max_text_chars,
        body_bytes_by_path={"/api/kg-extract/batch": FRAME_BYTES + BYTES_PER_CHAR * settings.max_batch_chars},
        max_header_bytes=settings.max_header_bytes,
        max_concurrent=settings.max_concurrent,
        receive_timeout_s=settings.timeout_s,
        keys=keys,
        keyless=KEYLESS,
        probes=PROBES,
    )


def _gauges(worker: Engine, gate: Gate) -> list[Gauge]:
    return [
        Gauge("ready", "1 while texts are taken.", lambda: worker.state == "ready"),
        Gauge("queue_texts", "Texts that wait.", lambda: worker.num_waiting),
        Gauge("queue_tokens", "Tokens of the texts that wait, estimated.", lambda: worker.num_waiting_tokens),
        Gauge("batch_size", "Texts worked on together at most, now.", lambda: worker.batch_size),
        Gauge("requests_inside", "Requests under way.", lambda: gate.num_inside),
    ]


class JsonCors(CORSMiddleware):
    """Starlette's, but a preflight that is refused gets the error shape of everything else."""

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code == 200:
            return response
        fix = "Add the origin to service.cors_origins in config.yaml, or ask for a method and headers of the API."
        return _error_response(400, f"Origin: this cross-origin request is not allowed. {fix}")


def _error_response(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return Response(error_body(message), status, headers, media_type="application/json")


async def _on_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusalError), error
    request.app.state.exchange.metrics.refused(error.reason)
    return _error_response(error.status, error.message, error.headers)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), error
    where = f"{request.method} {request.url.path}"
    headers = dict(error.headers or {})
    if error.status_code == 404:
        message = f"{where}: no such route. The routes are on /docs."
    elif error.status_code == 405:
        message = f"{where}: the method does not fit. Use {headers.get('Allow', 'another one')}."
    elif error.status_code == 400:
        why = f" ({error.__cause__})" if isinstance(error.__cause__, DuplicateKeyError) else ""
        message = f"{where}: the body can't be read{why}. Send JSON as UTF-8, not deeply nested, each key once."
    else:
        message = f"{where}: {error.detail}. See /docs."
    request.app.state.exchange.metrics.refused(f"http_{error.status_code}")
    return _error_response(error.status_code, message, headers)


async def _on_validation_error(request: Request, error: Exception) -> Response:
    """Say what is wrong with a body, without quoting it."""
    assert isinstance(error, RequestValidationError), error
    fix = f"Send {BODIES.get(request.url.path, 'what /docs shows')}, with Content-Type: application/json."
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    refused = request.app.state.exchange.metrics.refused
    if content_type != "application/json" and not content_type.endswith("+json"):
        refused("content_type")
        return _error_response(415, f"Content-Type: is {content_type or 'missing'}. {fix}")
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        refused("no_json")
        return _error_response(400, f"body: is no JSON ({first['ctx']['error']}, character {first['loc'][-1]}). {fix}")
    refused("invalid")
    places = [document.told(one) for one in error.errors()]
    more = f"; and {len(places) - NUM_ERRORS_SHOWN} more" if len(places) > NUM_ERRORS_SHOWN else ""
    return _error_response(422, f"{'; '.join(places[:NUM_ERRORS_SHOWN])}{more}. {fix}")
