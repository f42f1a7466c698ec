"""Every promise of the API: statuses, shapes, headers, and what is never said or logged."""

import json
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import get_type_hints

import anyio
import pytest
from pydantic import BaseModel
from starlette.testclient import TestClient

from kgtune import graph
from kgtune.errors import ModelError
from kgtune.extraction.extractor import CANNED_ANSWER, ScriptedExtractor, read_answer, scripted
from kgtune.extraction.long_texts import LongTextExtractor
from kgtune.graph import EMPTY_TEXT
from kgtune.service import bodies
from kgtune.service.keys import Keys
from kgtune.service.service import create_app
from kgtune.settings import Config, DecodingSettings, OutputSettings, ServiceSettings
from tests.fakes import LIMIT_S, CallingExtractor, GatedExtractor

EXTRACT = "/api/kg-extract"
CHAT = "/v1/chat/completions"
JSON = {"Content-Type": "application/json"}


@contextmanager
def serving(load=ScriptedExtractor, cfg: Config | None = None, known: Keys | None = None) -> Iterator[TestClient]:
    app = create_app(load, cfg or Config(), known)
    # An exception that gets past the app's own boundary would be raised here, and fail the test.
    with TestClient(app) as client:
        app.state.engine.wait_loaded(LIMIT_S)
        yield client


def answering(answer: str, finish_reason="stop"):
    return lambda: CallingExtractor(lambda texts: [read_answer(answer, finish_reason, 7, 5) for _ in texts])


def noting(seen: list[str]):
    return lambda: CallingExtractor(lambda texts: seen.extend(texts) or ScriptedExtractor().extract(texts))


def limited(**service) -> Config:
    return Config(service=ServiceSettings(**service), decoding=DecodingSettings(batch_size=1))


def error_of(response) -> str:
    """Return the error of an answer that has the promised shape, and fail on any other."""
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert list(body) == ["error"]
    assert body["error"].endswith(".")
    return body["error"]


@pytest.fixture(scope="module")
def plain() -> Iterator[TestClient]:
    """One service for the tests of what never reaches the extractor."""
    with serving() as client:
        yield client


def test_a_text_comes_back_as_exactly_the_graph_with_slug_ids():
    with serving(scripted) as client:
        response = client.post(EXTRACT, json={"text": "GlassViper used NightLoom against Northwind Bank."})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    viper, loom, bank = "threat-organization--glass-viper", "tool--night-loom", "target--northwind-bank"
    assert response.json() == {
        "entities": [
            {"labels": "ThreatOrganization", "id": viper, "name": "GlassViper", "description": ""},
            {"labels": "Tool", "id": loom, "name": "NightLoom", "description": ""},
            {"labels": "Target", "id": bank, "name": "Northwind Bank", "description": ""},
        ],
        "relationships": [
            {
                "type": "USE",
                "source": viper,
                "target": loom,
                "confidence": 0.95,
                "evidence": "GlassViper used NightLoom",
            },
            {
                "type": "ATTACK",
                "source": viper,
                "target": bank,
                "confidence": 0.9,
                "evidence": "against Northwind Bank",
            },
        ],
    }
    always = {"x-content-type-options", "x-frame-options", "x-request-id"}
    assert {name for name in response.headers if name.startswith("x-")} == always


def test_ids_are_numbered_when_the_configuration_says_so():
    with serving(scripted, Config(output=OutputSettings(id_style="numbered"))) as client:
        response = client.post(EXTRACT, json={"text": "a"})
    assert response.text == CANNED_ANSWER


def test_chinese_comes_back_unescaped():
    answer = '{"entities":[{"labels":"Tool","id":"e1","name":"夜织机","description":""}],"relationships":[]}'
    with serving(answering(answer)) as client:
        response = client.post(EXTRACT, json={"text": "夜织机"})
    assert '"name":"夜织机"' in response.content.decode("utf-8")
    assert response.json()["entities"][0]["id"] == "tool--夜织机"


def test_health_is_503_while_loading_and_200_once_loaded():
    gate = threading.Event()

    def load():
        gate.wait(LIMIT_S)
        return ScriptedExtractor()

    app = create_app(load, Config())
    with TestClient(app) as client:
        loading = [client.get("/api/health"), client.post(EXTRACT, json={"text": "a"}), client.get("/v1/models")]
        gate.set()
        app.state.engine.wait_loaded(LIMIT_S)
        ready = client.get("/api/health")
    assert [response.status_code for response in loading] == [503, 503, 503]
    assert {error_of(response) for response in loading} == {"model: is loading. Try again in a few seconds."}
    assert [response.headers["retry-after"] for response in loading] == ["5", "5", "5"]
    assert (ready.status_code, ready.json()) == (200, {"status": "healthy"})


def test_a_model_that_can_not_be_loaded_is_503_without_its_secrets():
    def load():
        raise ModelError("/srv/secret-place: no weights")

    with serving(load) as client:
        responses = [client.get("/api/health"), client.post(EXTRACT, json={"text": "a"})]
    assert [response.status_code for response in responses] == [503, 503]
    assert all("could not be loaded" in error_of(response) for response in responses)
    assert not any("secret-place" in response.text or "retry-after" in response.headers for response in responses)


def test_health_is_503_once_the_service_stops():
    with serving() as client:
        client.app.state.engine.stop()
        response = client.get("/api/health")
    assert (response.status_code, "stopping" in error_of(response)) == (503, True)


@pytest.mark.parametrize(
    ("content", "headers", "status", "says"),
    [
        (b'{"text": ""}', JSON, 422, "body.text: is empty"),
        (b'{"text": " \\n\\t\\u3000"}', JSON, 422, "body.text: is empty"),
        (b'{"text": "\\ud800"}', JSON, 422, "half a character"),
        (b'{"text": 7}', JSON, 422, "body.text: Input should be a valid string"),
        (b'{"text": null}', JSON, 422, "body.text: Input should be a valid string"),
        (b'{"text": ["a"]}', JSON, 422, "body.text: Input should be a valid string"),
        (b"{}", JSON, 422, "body.text: Field required"),
        (b"[]", JSON, 422, "body: Input should be"),
        (b'"a"', JSON, 422, "body: Input should be"),
        (b"null", JSON, 422, "body: Input should be"),
        (b"", JSON, 422, "body: Field required"),
        (b'{"text": "a", "more": 1}', JSON, 422, "body.more: Extra inputs are not permitted"),
        (b'{"text": "a", "\\ud800": 1}', JSON, 422, "Send {"),
        (b'{"text": "a"', JSON, 400, "body: is no JSON (Expecting ',' delimiter, character 12)"),
        (b"{'text': 'a'}", JSON, 400, "body: is no JSON"),
        (b"\xff\xfe\xfd", JSON, 400, "can't be read"),
        (b'{"text": "\xff"}', JSON, 400, "can't be read"),
        (b"[" * 100_000, JSON, 400, "can't be read"),
        (b'{"text": "a"}', {}, 415, "Content-Type: is missing"),
        (b'{"text": "a"}', {"Content-Type": "text/plain"}, 415, "Content-Type: is text/plain"),
        (b"text=a", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "Content-Type: is application/x-www"),
    ],
)
def test_a_body_that_can_not_be_used_is_refused_in_words(plain, content, headers, status, says):
    response = plain.post(EXTRACT, content=content, headers=headers)
    assert response.status_code == status
    assert says in error_of(response)


def test_a_body_of_many_faults_names_the_first_few_and_counts_the_rest():
    with serving() as client:
        response = client.post(EXTRACT, json={"text": "a"} | {f"key{i}": i for i in range(300)})
    assert response.status_code == 422
    assert "and 295 more" in error_of(response)
    assert len(response.text) < 1_000


def test_a_text_at_the_limit_passes_and_one_character_more_is_413():
    with serving(cfg=limited(max_text_chars=10)) as client:
        fits = client.post(EXTRACT, json={"text": "织" * 10})
        long = client.post(EXTRACT, json={"text": "织" * 11})
    assert (fits.status_code, long.status_code) == (200, 413)
    assert "has 11 characters; the limit is 10 (service.max_text_chars)" in error_of(long)


def test_the_longest_text_passes_in_its_longest_spelling():
    with serving(cfg=limited(max_text_chars=20_000)) as client:
        body = json.dumps({"text": "\U0001f40d" * 20_000}).encode("ascii")
        response = client.post(EXTRACT, content=body, headers=JSON)
    assert len(body) > 12 * 20_000
    assert response.status_code == 200


def test_a_body_over_the_limit_is_413_with_and_without_a_length():
    size = 200_000
    with serving(cfg=limited(max_text_chars=10)) as client:
        announced = client.post(EXTRACT, content=b" " * size, headers=JSON)
        chunked = client.post(EXTRACT, content=(b" " * 1_000 for _ in range(size // 1_000)), headers=JSON)
    assert "content-length" not in chunked.request.headers
    for response in (announced, chunked):
        assert response.status_code == 413
        assert "the body has more than 65656 bytes" in error_of(response)


def test_a_chunked_body_within_the_limit_is_read_whole():
    seen = []
    with serving(noting(seen)) as client:
        response = client.post(EXTRACT, content=iter([b'{"te', b'xt": "a ', b'b"}']), headers=JSON)
    assert (response.status_code, seen) == (200, ["a b"])


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/nowhere", 404, None),
        ("POST", "/api/kg-extract/", 404, None),
        ("GET", "/api/../etc/passwd", 404, None),
        ("GET", "/api/kg-extract", 405, "POST"),
        ("POST", "/api/health", 405, "GET"),
        ("DELETE", "/v1/models", 405, "GET"),
    ],
)
def test_an_unknown_path_or_method_is_refused_in_words(plain, method, path, status, allow):
    response = plain.request(method, path)
    assert (response.status_code, response.headers.get("allow")) == (status, allow)
    assert error_of(response).startswith(f"{method} /")


def test_a_text_that_takes_too_long_is_504_and_its_work_is_cancelled():
    extractor = GatedExtractor()
    with serving(lambda: extractor, limited(timeout_s=0.05)) as client:
        response = client.post(EXTRACT, json={"text": "a"})
        assert extractor.ended.acquire(timeout=LIMIT_S)
    assert response.status_code == 504
    assert "no answer within 0.05 s (service.timeout_s)" in error_of(response)
    assert extractor.cancelled == [["a"]]


def test_a_full_queue_is_503_with_retry_after():
    extractor = GatedExtractor()
    with serving(lambda: extractor, limited(max_queued=1)) as client, ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.post, EXTRACT, json={"text": "running"})
        assert extractor.entered.acquire(timeout=LIMIT_S)
        second = pool.submit(client.post, EXTRACT, json={"text": "waiting"})
        while not client.app.state.engine._waiting:
            client.get("/api/health")
        third = client.post(EXTRACT, json={"text": "one too many"})
        healthy = client.get("/api/health").status_code
        extractor.release.set()
        statuses = [first.result(LIMIT_S).status_code, second.result(LIMIT_S).status_code]
    assert (third.status_code, third.headers["retry-after"].isdecimal()) == (503, True)
    assert "service.max_queued" in error_of(third)
    assert (healthy, statuses) == (200, [200, 200])


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "empty"),
        ("I can't help.", "not_json"),
        (EMPTY_TEXT[:-5], "cut_off"),
        ("[]", "array_root"),
        ('{"entities":[]}', "schema"),
        (f"```json\n{EMPTY_TEXT}\n```", "code_fence"),
        (EMPTY_TEXT.replace("[]", "[NaN]"), "not_json"),
        (
            '{"entities":[{"labels":"Tool","id":"e1","name":"\\ud800","description":""}],"relationships":[]}',
            "schema",
        ),
    ],
)
def test_an_answer_that_is_no_graph_is_502_with_the_reason(answer, reason):
    with serving(answering(answer)) as client:
        response = client.post(EXTRACT, json={"text": "a"})
    assert (response.status_code, response.headers["x-unreadable"]) == (502, reason)
    assert error_of(response).startswith(f"model: its answer is no graph ({reason}).")


def test_an_unreadable_answer_at_the_token_limit_says_what_to_raise():
    with serving(answering(EMPTY_TEXT[:-5], "length")) as client:
        response = client.post(EXTRACT, json={"text": "a"})
    assert (response.status_code, response.headers["x-truncated"]) == (502, "true")
    assert "decoding.max_new_tokens" in error_of(response)


def test_a_readable_answer_at_the_token_limit_is_marked():
    with serving(answering(EMPTY_TEXT, "length")) as client:
        response = client.post(EXTRACT, json={"text": "a"})
    assert (response.status_code, response.headers["x-truncated"]) == (200, "true")


def test_dangling_relationships_and_taken_ids_are_dropped_and_counted():
    entity = {"labels": "Tool", "id": "e1", "name": "NightLoom", "description": ""}
    edge = {"type": "USE", "source": "e1", "target": "e1", "confidence": 1, "evidence": ""}
    raw = {"entities": [entity, entity | {"name": "Other"}], "relationships": [edge, edge | {"target": "e9"}]}
    with serving(answering(json.dumps(raw))) as client:
        response = client.post(EXTRACT, json={"text": "a"})
    assert response.headers["x-dropped"] == "2"
    body = response.json()
    assert [e["name"] for e in body["entities"]] == ["NightLoom"]
    assert [(r["source"], r["target"]) for r in body["relationships"]] == [("tool--night-loom", "tool--night-loom")]


def test_an_extractor_that_raises_is_500_and_neither_answer_nor_log_has_the_text(caplog):
    def answer(texts):
        raise ValueError(f"can't cope with {texts[0]}")

    with caplog.at_level(logging.DEBUG), serving(lambda: CallingExtractor(answer)) as client:
        response = client.post(EXTRACT, json={"text": "hush-hush"})
        again = client.get("/api/health")
    assert (response.status_code, again.status_code) == (500, 200)
    assert "the extraction failed" in error_of(response)
    assert "hush-hush" not in response.text + caplog.text
    assert "extraction failed: ValueError" in caplog.text


def test_a_user_error_of_the_extractor_is_422_in_its_own_words():
    def answer(texts):
        raise ModelError("text: has 3000 tokens, the model reads 2048. Split it.")

    with serving(lambda: CallingExtractor(answer)) as client:
        response = client.post(EXTRACT, json={"text": "a"})
    assert (response.status_code, error_of(response)) == (422, "text: has 3000 tokens, the model reads 2048. Split it.")


def test_an_unhandled_exception_is_500_and_neither_answer_nor_log_has_its_words(caplog, monkeypatch):
    def broken(*_):
        raise LookupError("hush" + "-hush")

    monkeypatch.setattr("kgtune.service.answering.select", broken)
    with caplog.at_level(logging.INFO), serving() as client:
        response = client.post(EXTRACT, json={"text": "a"})
    assert response.status_code == 500
    assert error_of(response).startswith("POST /api/kg-extract: the service failed.")
    assert "unhandled LookupError" in caplog.text
    assert "hush-hush" not in response.text + caplog.text


def test_texts_queries_and_unknown_paths_are_never_logged(caplog):
    with caplog.at_level(logging.DEBUG, logger="kgtune"), serving() as client:
        client.post(f"{EXTRACT}?q=hush-hush", json={"text": "hush-hush"})
        client.post(EXTRACT, json={"text": ["hush-hush"]})
        client.post(CHAT, json={"messages": [{"role": "user", "content": "hush-hush"}]})
        client.get("/hush-hush")
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("kgtune")]
    assert len([line for line in lines if line.startswith(("POST", "GET"))]) == 4
    assert not [line for line in lines if "hush-hush" in line]


@pytest.mark.anyio
@pytest.mark.parametrize("is_queued", [False, True], ids=["working", "queued"])
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_client_that_goes_away_frees_its_place(is_queued, caplog):
    caplog.set_level(logging.INFO)
    extractor = GatedExtractor()
    app = create_app(lambda: extractor, limited(max_queued=1))
    engine = app.state.engine
    async with app.router.lifespan_context(app):
        await anyio.to_thread.run_sync(engine.wait_loaded, LIMIT_S)
        async with anyio.create_task_group() as group:
            if is_queued:
                group.start_soon(_request, app, b'{"text": "first"}', anyio.Event())
                await anyio.to_thread.run_sync(extractor.entered.acquire)
            gone = anyio.Event()
            group.start_soon(_request, app, b'{"text": "gone"}', gone)
            if is_queued:
                with anyio.fail_after(LIMIT_S):
                    while not engine._waiting:
                        await anyio.lowlevel.checkpoint()
            else:
                await anyio.to_thread.run_sync(extractor.entered.acquire)
            gone.set()
            if is_queued:
                with anyio.fail_after(LIMIT_S):
                    while engine._waiting:
                        await anyio.lowlevel.checkpoint()
            else:
                await anyio.to_thread.run_sync(extractor.ended.acquire)
            extractor.release.set()
    assert caplog.text.count("POST /api/kg-extract 499") == 1
    assert (extractor.batches, extractor.cancelled) == (([["first"]], []) if is_queued else ([["gone"]], [["gone"]]))


async def _request(app, body: bytes, gone: anyio.Event, path: str = EXTRACT) -> None:
    """Post to the app as a server does, and go away when told."""
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive():
        if message := next(messages, None):
            return message
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        pass

    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "scheme": "http"}
    await app(scope | {"headers": [(b"content-type", b"application/json")]}, receive, send)


def test_openapi_shows_the_error_shape_and_no_other():
    with serving() as client:
        document = client.get("/openapi.json").json()
        docs = client.get("/docs")
    assert (docs.status_code, docs.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "HTTPValidationError" not in json.dumps(document)
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len(operations) == 8
    errors = [
        response["content"]["application/json"]["schema"]["$ref"]
        for operation in operations
        for status, response in operation["responses"].items()
        if status != "200"
    ]
    assert len(errors) == 4 * 12 + 2 * 4 + 2 * 5
    assert set(errors) == {"#/components/schemas/ErrorBody"}


@pytest.mark.parametrize(
    ("body", "record", "keys"),
    [
        (bodies.EntityBody, graph.Entity, graph.ENTITY_KEYS),
        (bodies.RelationshipBody, graph.Relationship, graph.RELATIONSHIP_KEYS),
    ],
)
def test_the_documented_graph_is_the_graph(body: type[BaseModel], record, keys):
    assert tuple(body.model_fields) == keys == tuple(get_type_hints(record))
    assert {key: field.annotation for key, field in body.model_fields.items()} == get_type_hints(record)


def chat(*messages: tuple[str, object], **more):
    return {"model": "any", "messages": [{"role": role, "content": content} for role, content in messages]} | more


def test_a_chat_is_answered_with_the_graph_as_json_text():
    with serving(scripted) as client:
        response = client.post(CHAT, json=chat(("user", "NightLoom"), temperature=0.3, max_tokens=99))
    body = response.json()
    assert response.status_code == 200
    assert body["object"] == "chat.completion"
    assert body["model"] == "scripted"
    assert body["id"].startswith("chatcmpl-")
    assert [(c["index"], c["finish_reason"], c["message"]["role"]) for c in body["choices"]] == [
        (0, "stop", "assistant")
    ]
    assert json.loads(body["choices"][0]["message"]["content"])["entities"][1]["id"] == "tool--night-loom"
    num_answer = len(CANNED_ANSWER)
    assert body["usage"] == {"prompt_tokens": 9, "completion_tokens": num_answer, "total_tokens": 9 + num_answer}
    assert "x-system-message" not in response.headers


@pytest.mark.parametrize("role", ["system", "developer"])
def test_a_system_message_is_ignored_and_a_header_says_so(role):
    seen = []
    with serving(noting(seen)) as client:
        response = client.post(CHAT, json=chat((role, "You are a pirate."), ("user", "the report")))
    assert (response.status_code, response.headers["x-system-message"]) == (200, "ignored")
    assert seen == ["the report"]


def test_the_text_of_a_chat_is_the_last_user_message_without_the_pipelines_frame():
    seen = []
    cfg = limited(chat_prefix="\nExtract a graph from:\n", chat_suffix="\nAnswer with JSON.\n")
    framed = "  Extract a graph from:\n\nGlassViper\r\nis back.\nAnswer with JSON.\n"
    parts = [{"type": "text", "text": "two"}, {"type": "text", "text": "parts"}]
    with serving(noting(seen), cfg) as client:
        for content in (framed, "bare", parts):
            client.post(CHAT, json=chat(("user", "an older one"), ("assistant", "{}"), ("user", content)))
    assert seen == ["GlassViper\r\nis back.", "bare", "two\nparts"]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (chat(("user", " "), stream=True), 422, "the last user message: is empty"),
        (chat(("user", "a"), n=2), 400, "body.n: is not 1"),
        (chat(("system", "a")), 400, "no message of role"),
        (chat(), 400, "no message of role"),
        (chat(("user", " ")), 422, "the last user message: is empty"),
        (chat(("user", None)), 422, "the last user message: is empty"),
        (chat(("user", "a" * 20_001)), 413, "has 20001 characters"),
        (chat(("user", [{"type": "image_url", "image_url": {"url": "x"}}])), 422, "Input should be 'text'"),
        ({"messages": "a"}, 422, "body.messages: Input should be a valid list"),
        ({}, 422, "body.messages: Field required"),
    ],
)
def test_a_chat_that_can_not_be_answered_is_refused_in_words(plain, body, status, says):
    response = plain.post(CHAT, json=body)
    assert response.status_code == status
    assert says in error_of(response)


def test_a_chat_tells_of_faults_as_the_extract_route_does():
    with serving(answering("no graph")) as client:
        unreadable = client.post(CHAT, json=chat(("user", "a")))
    with serving(answering(EMPTY_TEXT, "length")) as client:
        cut = client.post(CHAT, json=chat(("user", "a")))
    assert (unreadable.status_code, error_of(unreadable)[:5]) == (502, "model")
    assert (cut.headers["x-truncated"], cut.json()["choices"][0]["finish_reason"]) == ("true", "length")


def test_the_one_model_is_listed():
    with serving() as client:
        response = client.get("/v1/models")
    model = {"id": "scripted", "object": "model", "created": 0, "owned_by": "kgtune"}
    assert response.json() == {"object": "list", "data": [model]}


HALVES = {
    "Tidal Fox used Vexa.": (
        '{"entities":[{"labels":"Org","id":"e1","name":"Tidal Fox","description":""},'
        '{"labels":"Tool","id":"e2","name":"Vexa","description":""}],"relationships":'
        '[{"type":"USE","source":"e1","target":"e2","confidence":0.9,"evidence":"Tidal Fox used Vexa"}]}'
    ),
    "Later Vexa called 198.51.100[.]7.": (
        '{"entities":[{"labels":"Tool","id":"e1","name":"Vexa","description":""},'
        '{"labels":"Asset","id":"e2","name":"198.51.100.7","description":""},'
        '{"labels":"Asset","id":"e3","name":"nowhere.example","description":""}],"relationships":'
        '[{"type":"CALL","source":"e1","target":"e3","confidence":0.4,"evidence":"Vexa called"}]}'
    ),
}


def in_windows():
    """Answer every text of more than five words in windows, behind the guard that serve.py puts before it."""
    return LongTextExtractor(ScriptedExtractor(HALVES), lambda text: len(text.split()), 5, 0)


def test_a_text_over_the_window_is_answered_window_by_window_in_one_request():
    text = " ".join(HALVES)
    with serving(in_windows) as client:
        plain = client.post(EXTRACT, json={"text": text})
        told = client.post(EXTRACT, json={"text": text, "offsets": True, "stats": True}).json()
        events = client.post(f"{EXTRACT}/stream", json={"text": text}).text

    assert plain.status_code == 200
    assert list(plain.json()) == ["entities", "relationships"]
    assert [entity["name"] for entity in plain.json()["entities"]] == [
        "Tidal Fox", "Vexa", "198.51.100.7", "nowhere.example",
    ]  # fmt: skip
    assert (plain.headers["X-Windows"], plain.headers["X-Ungrounded"]) == ("2", "1")
    assert [text[m["start"] : m["end"]] for m in told["entities"][1]["mentions"]] == ["Vexa", "Vexa"]
    assert [m["window"] for m in told["entities"][1]["mentions"]] == [0, 1]
    assert told["entities"][2]["mentions"][0]["level"] == "refanged"
    assert told["stats"]["windows"] == [{"start": 0, "end": 20}, {"start": 21, "end": 54}]
    assert events.count("event: entity") == 4
    assert events.count("event: relationship") == 2


def test_what_the_text_does_not_hold_is_left_out_where_the_configuration_says_so():
    cfg = Config(output=OutputSettings(ungrounded="drop"))
    with serving(in_windows, cfg) as client:
        response = client.post(EXTRACT, json={"text": " ".join(HALVES)})
    assert [entity["name"] for entity in response.json()["entities"]] == ["Tidal Fox", "Vexa", "198.51.100.7"]
    assert [edge["type"] for edge in response.json()["relationships"]] == ["USE"]


def test_a_stream_filters_by_the_confidence_that_counts_and_not_by_the_models_word():
    [extraction] = ScriptedExtractor(HALVES).extract(["Tidal Fox used Vexa."])
    edge = replace(extraction.graph.relationships[0], confidence=0.3)
    unsure = replace(extraction, graph=replace(extraction.graph, relationships=(edge,)))
    with serving(lambda: CallingExtractor(lambda texts: [unsure for _ in texts])) as client:
        body = {"text": "Tidal Fox used Vexa.", "min_confidence": 0.5}
        events = client.post(f"{EXTRACT}/stream", json=body).text
        whole = client.post(EXTRACT, json=body).json()
    assert (events.count("event: entity"), events.count("event: relationship")) == (2, 0)
    assert whole["relationships"] == []
