"""The routes: what each takes, asks of the engine, and answers.

Knows nothing about weights, sizes of bodies or keys. Nothing here blocks the event loop, and no text is logged.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from fastapi.routing import APIRoute
from fastapi.sse import EventSourceResponse, ServerSentEvent

from kgtune import export
from kgtune.document import Source
from kgtune.extraction.extractor import Extraction
from kgtune.extraction.selection import Selection
from kgtune.parsing import loads_strict
from kgtune.service import answering, chat, docs_page, exchange, refusals
from kgtune.service.answering import Asked
from kgtune.service.bodies import (
    BatchBody,
    BatchItem,
    BatchRequest,
    ErrorBody,
    ExtractRequest,
    GraphBody,
    HealthBody,
    ReadyBody,
    StreamRequest,
    Wishes,
)
from kgtune.service.edge import note
from kgtune.service.exchange import Exchange
from kgtune.service.jobs import Job
from kgtune.service.metrics import CONTENT_TYPE
from kgtune.service.refusals import RefusalError
from kgtune.service.unfolding import Unfolding

T = TypeVar("T")

WEB = Path(__file__).resolve().parent / "web"


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": ErrorBody} for status in statuses}


def _errors_as_json(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Document errors of a route whose answer is no JSON; FastAPI would give them its media type."""
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


ANY_ERRORS = (414, 431, 500, 503)
EXTRACT_STATUSES = (400, 401, 408, 413, 415, 422, 502, 504, *ANY_ERRORS)
EXTRACT_ERRORS = _errors(*EXTRACT_STATUSES)
# What the formats beside JSON are; their shapes are other standards'.
FORMATS: dict[int | str, dict[str, Any]] = {
    200: {"content": {format_.media_type: {} for format_ in export.FORMATS.values() if format_.suffix != ".json"}}
}


class StrictRequest(Request):
    """Reads JSON as the model's answers are read: a key that stands twice, NaN and Infinity are refused."""

    async def json(self) -> Any:
        return loads_strict((await self.body()).decode("utf-8"))


class StrictRoute(APIRoute):
    """Gives its route a StrictRequest."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive))

        return strictly


router = APIRouter(route_class=StrictRoute)


def _exchange(request: Request) -> Exchange:
    found: Exchange = request.app.state.exchange
    return found


def _require_ready(request: Request) -> Exchange:
    found = _exchange(request)
    if (state := found.engine.state) != "ready":
        raise refusals.not_ready(state)
    return found


@router.get("/api/health", responses=_errors(*ANY_ERRORS))
async def health(request: Request) -> HealthBody:
    """Tell whether texts are taken: 200 when the model is loaded, else 503 and why not."""
    _require_ready(request)
    return HealthBody()


@router.get("/api/ready", responses=_errors(*ANY_ERRORS))
async def ready(request: Request) -> ReadyBody:
    """Tell whether texts are taken, and how many wait. 503 while loading, once stopping, and after a fault."""
    found = _require_ready(request)
    return ReadyBody(num_waiting=found.engine.num_waiting, max_queued=found.cfg.service.max_queued)


@router.get(
    "/metrics",
    response_class=Response,
    responses=_errors(401, *ANY_ERRORS) | {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request) -> Response:
    """Count what the service does, in Prometheus' text format."""
    return Response(_exchange(request).metrics.text(), media_type=CONTENT_TYPE)


@router.get("/", include_in_schema=False)
async def page() -> FileResponse:
    """Show the page: a text in, its graph as it is decoded."""
    return FileResponse(WEB / "index.html", media_type="text/html")


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> HTMLResponse:
    """Show the API to a person, from the same document that machines read."""
    return HTMLResponse(docs_page.render(request.app.openapi()))


@router.get("/openapi.json", include_in_schema=False)
async def openapi(request: Request) -> JSONResponse:
    """Describe the API to machines."""
    return JSONResponse(request.app.openapi())


@router.post("/api/kg-extract", response_model=GraphBody, responses=EXTRACT_ERRORS | FORMATS)
async def kg_extract(request: Request, body: ExtractRequest) -> Response:
    """Extract the graph of a text.

    `X-Dropped` counts what was taken out so that every reference holds (relationships to entities that do not
    exist, entities with an id that is taken) and nothing stands there twice (entities of equal label and name,
    whatever its spelling, and relationships of equal type and ends); `X-Truncated: true` marks an answer that
    reached the token limit; `X-Control-Characters` counts those that were read as spaces; `X-Export-Findings`
    counts and names what the format has no place for, or had to write otherwise.
    """
    note(request.scope, **exchange.noted(body.text))
    found = _exchange(request)
    asked = found.asked(body.text, body, body, where="body.text", format_=body.format)
    answer, _ = await _unless_gone(request, found.answer(asked))
    return Response(answer.content, headers=answer.headers, media_type=answer.media_type)


async def _admitted(request: Request, body: StreamRequest) -> AsyncIterator[tuple[Asked, Job]]:
    """Queue a streamed text before its answer begins, so that a refusal still has a status of its own."""
    note(request.scope, **exchange.noted(body.text))
    found = _exchange(request)
    asked = found.asked(body.text, body, body, where="body.text")
    job = found.submit(asked, is_watched=True)
    try:
        yield asked, job
    finally:
        found.engine.leave(job)  # the client may have gone


@router.post(
    "/api/kg-extract/stream",
    response_class=EventSourceResponse,
    responses=_errors_as_json(*EXTRACT_STATUSES),
)
async def kg_extract_stream(
    request: Request, admitted: Annotated[tuple[Asked, Job], Depends(_admitted)]
) -> AsyncIterator[ServerSentEvent]:
    """Extract the graph of a text as events: `entity` and `relationship` with one item each, then `done`.

    An item comes as soon as the model has written it, and a relationship after the entities at its ends. `error`
    comes instead of `done` where the answer can't be finished; its data has the `status` that the whole answer would
    have had.
    """
    found = _exchange(request)
    asked, job = admitted
    unfolding = Unfolding(asked.text, asked.wanted)
    try:
        async with aclosing(found.unfold(job, unfolding)) as items:
            async for item in items:
                if isinstance(item, Extraction):
                    yield _event("done", _end_of_stream(found, item, job, asked, unfolding.selection))
                else:
                    yield _event("relationship" if "type" in item else "entity", item)
    except RefusalError as error:
        found.metrics.refused(error.reason)
        yield _event("error", {"error": error.message, "status": error.status})


def _event(name: str, value: dict[str, Any]) -> ServerSentEvent:
    return ServerSentEvent(event=name, raw_data=answering.dumps(value).decode("utf-8"))


def _end_of_stream(
    found: Exchange, extraction: Extraction, job: Job, asked: Asked, selection: Selection
) -> dict[str, Any]:
    if extraction.graph is None:
        raise refusals.unreadable(extraction)
    found.metrics.selected(selection)
    summary: dict[str, Any] = {
        "num_entities": len(selection.entities),
        "num_relationships": len(selection.relationships),
        "num_dropped": selection.dropped.total(),
        "num_control_characters": asked.num_control_characters,
        "is_truncated": extraction.finish_reason == "length",
    }
    if lost := answering.unplaced(asked):
        summary["export_findings"] = dict(lost)
    return summary | ({"stats": answering.statistics(extraction, job, selection)} if asked.stats else {})


@router.post("/api/kg-extract/batch", response_model=BatchBody, responses=EXTRACT_ERRORS)
async def kg_extract_batch(request: Request, body: BatchRequest) -> Response:
    """Extract the graph of each of several texts; one that fails has its error and does not fail the others.

    Each result has the `status` that its text would have had alone. All together have the time of one request.
    """
    found = _require_ready(request)
    found.check_wishes(body)
    _check_batch(found, body)
    note(request.scope, texts=len(body.items), chars=sum(len(item.text) for item in body.items))
    deadline_s = time.monotonic() + found.cfg.service.timeout_s
    # No more at once than are worked on at once: the rest of the queue belongs to others.
    places = asyncio.Semaphore(found.cfg.decoding.batch_size)

    async def result(index: int, item: BatchItem) -> dict[str, Any]:
        async with places:
            return await _result(found, index, item, body, deadline_s - time.monotonic())

    results = await _unless_gone(request, _all([result(i, item) for i, item in enumerate(body.items)]))
    value = {"results": results, "num_failed": sum("error" in each for each in results)}
    return Response(answering.dumps(value), media_type="application/json")


async def _all(coroutines: list[Coroutine[Any, Any, T]]) -> list[T]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each) for each in coroutines]
    return [task.result() for task in tasks]


def _check_batch(found: Exchange, body: BatchRequest) -> None:
    settings = found.cfg.service
    if len(body.items) > settings.max_batch_texts:
        what = f"body.items: has {len(body.items)} texts; the limit is {settings.max_batch_texts}"
        raise RefusalError(413, "batch_too_large", f"{what} (service.max_batch_texts). Send several batches.")
    num_chars = sum(len(item.text) for item in body.items)
    if num_chars > settings.max_batch_chars:
        what = f"body.items: have {num_chars} characters; the limit is {settings.max_batch_chars}"
        raise RefusalError(413, "batch_too_large", f"{what} (service.max_batch_chars). Send several batches.")


async def _result(found: Exchange, index: int, item: BatchItem, wishes: Wishes, timeout_s: float) -> dict[str, Any]:
    """Extract one text of a batch and say how it went."""
    result: dict[str, Any] = {"index": index} | ({} if item.id is None else {"id": item.id})
    try:
        asked = found.asked(item.text, wishes, item, where=f"body.items[{index}].text")
        answer, extraction = await found.answer(asked, timeout_s)
    except RefusalError as error:
        found.metrics.refused(error.reason)
        after = {"retry_after_s": int(error.headers["Retry-After"])} if "Retry-After" in error.headers else {}
        return result | {"status": error.status, "error": error.message} | after
    faults: dict[str, Any] = {"is_truncated": True} if extraction.finish_reason == "length" else {}
    faults |= {"num_dropped": answer.selection.dropped.total()} if answer.selection.dropped else {}
    faults |= {"num_control_characters": asked.num_control_characters} if asked.num_control_characters else {}
    faults |= {"export_findings": dict(lost)} if (lost := answering.unplaced(asked)) else {}
    return result | {"status": 200, "graph": json.loads(answer.content)} | faults


@router.get("/v1/models", responses=_errors(401, *ANY_ERRORS))
async def models(request: Request) -> dict[str, Any]:
    """List the one model, as the OpenAI API does."""
    return chat.model_list(_require_ready(request).engine.name)


@router.post(
    "/v1/chat/completions",
    response_model=dict[str, Any],
    responses=EXTRACT_ERRORS | {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def chat_completions(request: Request, body: chat.ChatRequest) -> Response:
    """Answer the last user message with its graph as JSON text, as the OpenAI API answers a chat.

    A system message is ignored, and `X-System-Message: ignored` says so. `max_tokens`, `temperature`, `top_p`, `stop`,
    `seed` and all other keys that are not listed here have no effect, and `X-Ignored-Keys` names those that were sent:
    decoding is greedy, and the cap of an answer is the service's (`decoding.max_new_tokens`). With `stream` the
    content comes piece by piece; a refusal comes before that, with a status of its own.
    """
    if reason := chat.refusal(body):
        raise RefusalError(400, "chat", reason)
    found = _exchange(request)
    text = chat.document(body, prefix=found.cfg.service.chat_prefix, suffix=found.cfg.service.chat_suffix)
    note(request.scope, **exchange.noted(text))
    asked = found.asked(text, Wishes(), Source(), where="body.messages: the last user message")
    answer, extraction = await _unless_gone(request, found.answer(asked))
    headers = answer.headers | ({"X-System-Message": "ignored"} if chat.has_system_message(body) else {})
    headers |= {"X-Ignored-Keys": ignored} if (ignored := chat.ignored_keys(body)) else {}
    model, id_, created = found.engine.name, f"chatcmpl-{uuid.uuid4().hex}", int(time.time())
    if body.stream:
        values = chat.chunks(extraction, answer.graph, body, model=model, id_=id_, created=created)
        events = [f"data: {answering.dumps(value).decode('utf-8')}\n\n" for value in values]
        return Response("".join([*events, "data: [DONE]\n\n"]), headers=headers, media_type="text/event-stream")
    content = answer.content.decode("utf-8")
    return JSONResponse(chat.completion(extraction, content, model=model, id_=id_, created=created), headers=headers)


async def _unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Wait for the work; cancel it when the client goes away first."""
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_disconnect(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise refusals.client_gone()
        return task.result()
    finally:
        task.cancel()
        gone.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
