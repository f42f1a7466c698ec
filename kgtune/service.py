"""The HTTP service: routes, their checks, and `{"error": ...}` for whatever goes wrong.

Knows nothing about weights: `create_app` is given a function that loads an extractor, and tests give it
one that answers from a table. Nothing here blocks the event loop, and no text is logged.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from kgtune import chat, engine
from kgtune import graph as graphs
from kgtune.bodies import ErrorBody, ExtractRequest, GraphBody, HealthBody
from kgtune.edge import Edge, error_body
from kgtune.errors import UserError
from kgtune.extractor import Extraction
from kgtune.settings import Config

API_VERSION = "1"
NUM_ERRORS_SHOWN = 5
# A JSON string spends at most 12 bytes on a character (two \uXXXX); the rest is the frame around it.
BYTES_PER_CHAR, FRAME_BYTES = 12, 65_536
CLIENT_GONE = 499  # as nginx has it: nobody reads this answer, but the log line shows it


class RefusalError(Exception):
    """A request that gets no graph: its status, and what, where and what to do."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class Answer:
    """A graph as JSON text, what it came from, and the headers that tell of its faults."""

    content: str
    extraction: Extraction
    headers: dict[str, str]


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": ErrorBody} for status in statuses}


EXTRACT_ERRORS = _errors(400, 413, 415, 422, 500, 502, 503, 504)
BODIES = {
    "/api/kg-extract": '{"text": "..."} and nothing else',
    "/v1/chat/completions": '{"messages": [{"role": "user", "content": "..."}]}',
}
router = APIRouter()


def create_app(load: engine.Load, cfg: Config) -> FastAPI:
    """Return the app. Its lifespan starts the worker thread, which calls `load`; one app serves once."""
    worker = engine.Engine(load, batch_size=cfg.decoding.batch_size, max_queued=cfg.service.max_queued)

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
        redoc_url=None,
        # FastAPI's OpenTelemetry spans and logs would carry validation errors, and with them texts.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.engine, app.state.cfg = worker, cfg
    app.include_router(router)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(RefusalError, _on_refusal)
    app.add_middleware(Edge, max_body_bytes=FRAME_BYTES + BYTES_PER_CHAR * cfg.service.max_text_chars)
    return app


@router.get("/api/health", responses=_errors(500, 503))
async def health(request: Request) -> HealthBody:
    """Tell whether texts are taken: 200 when the model is loaded, else 503 and why not."""
    if (state := request.app.state.engine.state) != "ready":
        raise _not_ready(state)
    return HealthBody()


@router.post("/api/kg-extract", response_model=GraphBody, responses=EXTRACT_ERRORS)
async def kg_extract(request: Request, body: ExtractRequest) -> Response:
    """Extract the graph of a text.

    `X-Dropped` counts what was taken out so that every reference holds (relationships to entities that
    do not exist, entities with an id that is taken); `X-Truncated: true` marks an answer that reached
    the token limit.
    """
    answer = await _answer(request, body.text, where="body.text")
    return Response(answer.content, headers=answer.headers, media_type="application/json")


@router.get("/v1/models", responses=_errors(500, 503))
async def models(request: Request) -> dict[str, Any]:
    """List the one model, as the OpenAI API does."""
    if (state := request.app.state.engine.state) != "ready":
        raise _not_ready(state)
    return chat.model_list(request.app.state.engine.name)


@router.post("/v1/chat/completions", response_model=dict[str, Any], responses=EXTRACT_ERRORS)
async def chat_completions(request: Request, body: chat.ChatRequest) -> Response:
    """Answer the last user message with its graph as JSON text, as the OpenAI API answers a chat.

    A system message is ignored, and `X-System-Message: ignored` says so.
    """
    if reason := chat.refusal(body):
        raise RefusalError(400, reason)
    settings = request.app.state.cfg.service
    text = chat.document(body, prefix=settings.chat_prefix, suffix=settings.chat_suffix)
    answer = await _answer(request, text, where="body.messages: the last user message")
    if chat.has_system_message(body):
        answer.headers["X-System-Message"] = "ignored"
    result = chat.completion(
        answer.extraction,
        answer.content,
        model=request.app.state.engine.name,
        id_=f"chatcmpl-{uuid.uuid4().hex}",
        created=int(time.time()),
    )
    return JSONResponse(result, headers=answer.headers)


async def _answer(request: Request, text: str, *, where: str) -> Answer:
    """Check the text, extract its graph, and close it over its references."""
    cfg: Config = request.app.state.cfg
    _check_text(text, cfg.service.max_text_chars, where)
    extraction = await _extract(request, text, cfg.service.timeout_s)
    headers = {"X-Truncated": "true"} if extraction.finish_reason == "length" else {}
    if extraction.graph is None:
        raise _unreadable(extraction, headers)
    graph, dropped = graphs.closed(extraction.graph)
    if dropped:
        headers["X-Dropped"] = str(dropped.total())
    return Answer(graphs.dumps(graphs.with_ids(graph, cfg.output.id_style)), extraction, headers)


def _check_text(text: str, max_chars: int, where: str) -> None:
    if not text.strip():
        raise RefusalError(422, f"{where}: is empty. Send the text of a report.")
    if graphs.HALF_CHARACTER.search(text):
        raise RefusalError(422, f"{where}: holds half a character (a lone surrogate, \\ud800 to \\udfff). Remove it.")
    if len(text) > max_chars:
        what = f"{where}: has {len(text)} characters; the limit is {max_chars} (service.max_text_chars)."
        raise RefusalError(413, f"{what} Split the text, or raise the limit in config.yaml.")


async def _extract(request: Request, text: str, timeout_s: float) -> Extraction:
    """Extract with the engine, and say its refusals in HTTP's terms."""
    worker: engine.Engine = request.app.state.engine
    try:
        extraction = await _unless_gone(request, worker.extract(text, timeout_s=timeout_s))
    except engine.NotReadyError as error:
        raise _not_ready(error.state) from None
    except engine.QueueFullError as error:
        headers = {"Retry-After": str(error.retry_after_s)}
        what = f"queue: {error.num_waiting} texts wait already (service.max_queued)."
        raise RefusalError(503, f"{what} Try again in {error.retry_after_s} s.", headers) from None
    except engine.DeadlineError:
        fix = "Send a shorter text, try when the service is less busy, or raise service.timeout_s."
        raise RefusalError(504, f"model: no answer within {timeout_s:g} s (service.timeout_s). {fix}") from None
    except engine.ExtractionError:
        fix = "The server's log has the stack; please report it."
        raise RefusalError(500, f"model: the extraction failed. {fix}") from None
    except UserError as error:  # the extractor refuses this text, in words meant for the user
        raise RefusalError(422, str(error)) from None
    if extraction.finish_reason == "cancelled":
        raise _not_ready("stopping")
    return extraction


async def _unless_gone(request: Request, work: Coroutine[Any, Any, Extraction]) -> Extraction:
    """Wait for the extraction; cancel it when the client goes away first."""
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_disconnect(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise RefusalError(CLIENT_GONE, "client: went away before its answer was there.")
        return task.result()
    finally:
        task.cancel()
        gone.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _not_ready(state: engine.State) -> RefusalError:
    if state == "loading":
        return RefusalError(503, "model: is loading. Try again in a few seconds.", {"Retry-After": "5"})
    if state == "stopping":
        return RefusalError(503, "service: is stopping. Try again when it is back.", {"Retry-After": "5"})
    fix = "The server's log says why: mend it, then start the service again."
    return RefusalError(503, f"model: could not be loaded, or its worker died. {fix}")


def _unreadable(extraction: Extraction, headers: dict[str, str]) -> RefusalError:
    reason = extraction.reason or "unknown"
    if extraction.finish_reason == "length":
        fix = "It was cut at the token limit: send a shorter text, or raise decoding.max_new_tokens."
    else:
        fix = "Send the text in smaller parts; if it happens often, train on more data."
    message = f"model: its answer is no graph ({reason}). {fix}"
    # A 502 of a gateway may go away when tried again. This one will not: decoding is greedy.
    return RefusalError(502, message, {**headers, "X-Unreadable": reason})


def _error_response(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return Response(error_body(message), status, headers, media_type="application/json")


async def _on_refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, RefusalError), error
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
        message = f"{where}: the body can't be read. Send JSON as UTF-8, not deeply nested."
    else:
        message = f"{where}: {error.detail}. See /docs."
    return _error_response(error.status_code, message, headers)


async def _on_validation_error(request: Request, error: Exception) -> Response:
    """Say what is wrong with a body, without quoting it."""
    assert isinstance(error, RequestValidationError), error
    fix = f"Send {BODIES.get(request.url.path, 'what /docs shows')}, with Content-Type: application/json."
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json" and not content_type.endswith("+json"):
        return _error_response(415, f"Content-Type: is {content_type or 'missing'}. {fix}")
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return _error_response(400, f"body: is no JSON ({first['ctx']['error']}, character {first['loc'][-1]}). {fix}")
    places = [".".join(str(part)[:60] for part in e["loc"]) + f": {e['msg']}" for e in error.errors()]
    more = f"; and {len(places) - NUM_ERRORS_SHOWN} more" if len(places) > NUM_ERRORS_SHOWN else ""
    return _error_response(422, f"{'; '.join(places[:NUM_ERRORS_SHOWN])}{more}. {fix}")
