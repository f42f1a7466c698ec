"""The typed client: against the real app in process, and against services that fail in every known way."""

import asyncio
import email.utils
import importlib.util
import json
import random
import re
import socket
import sys
import textwrap
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import httpx2
import pytest
import uvicorn
from starlette.testclient import TestClient

import kgtune.client
from kgtune import yaml_file
from kgtune.client import AsyncKnowledgeGraphClient, KnowledgeGraphClient
from kgtune.errors import ServiceError
from kgtune.extraction.extractor import CANNED_ANSWER, ScriptedExtractor, scripted
from kgtune.graph import EMPTY_TEXT, Entity, Graph
from kgtune.replies import Extracted
from kgtune.service.service import create_app
from kgtune.settings import ClientSettings, Config
from tests.fakes import LIMIT_S

EMPTY = httpx2.Response(200, json=json.loads(EMPTY_TEXT))


class Service:
    """Gives the answers of a list, one a request; an exception among them is raised."""

    def __init__(self, *answers: httpx2.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx2.Request] = []
        self.pauses_s: list[float] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(self, retries: int = 3) -> KnowledgeGraphClient:
        transport = httpx2.MockTransport(self)
        return KnowledgeGraphClient(
            "http://kg.test/", 1.0, retries, transport, sleep=self.pauses_s.append, rng=random.Random(0)
        )


def error(status: int, message: str = "queue: is full. Try again.", **headers: str) -> httpx2.Response:
    return httpx2.Response(
        status, json={"error": message}, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


def test_a_text_becomes_a_graph_through_the_real_app():
    app = create_app(scripted, Config())
    with TestClient(app) as service, KnowledgeGraphClient.from_config(ClientSettings(), service._transport) as client:
        app.state.engine.wait_loaded(LIMIT_S)
        graph = client.extract("GlassViper used NightLoom. 夜织机")
        is_healthy = client.health()
    assert is_healthy is True
    assert graph.entities[1] == Entity("Tool", "tool--night-loom", "NightLoom")
    assert [r.type for r in graph.relationships] == ["USE", "ATTACK"]


@pytest.mark.parametrize(("text", "says"), [(" ", "body.text: is empty"), ("\ud800", "half a character")])
def test_a_refusal_of_the_real_app_is_a_service_error_in_its_words(text, says):
    app = create_app(ScriptedExtractor, Config())
    with TestClient(app) as service, KnowledgeGraphClient("http://testserver", transport=service._transport) as client:
        app.state.engine.wait_loaded(LIMIT_S)
        with pytest.raises(ServiceError, match=says) as caught:
            client.extract(text)
    assert caught.value.status == 422


def test_health_is_false_while_loading_and_when_nobody_answers():
    assert Service(error(503)).client().health() is False
    assert Service(httpx2.ConnectError("refused")).client().health() is False


def test_settings_of_the_configuration_are_used():
    service = Service(EMPTY)
    settings = ClientSettings(base_url="http://kg.test:9000", timeout_s=7.0, retries=0)
    with KnowledgeGraphClient.from_config(settings, httpx2.MockTransport(service)) as client:
        client.extract("a")
    request = service.requests[0]
    assert str(request.url) == "http://kg.test:9000/api/kg-extract"
    assert set(request.extensions["timeout"].values()) == {7.0}
    assert json.loads(request.content) == {"text": "a"}


@pytest.mark.parametrize(
    "failure",
    [error(502), error(503), error(504), httpx2.ConnectError("refused"), httpx2.ConnectTimeout("slow")],
    ids=["502", "503", "504", "refused", "connect-timeout"],
)
def test_what_may_pass_is_tried_again(failure):
    service = Service(failure, failure, EMPTY)
    assert service.client().extract("a") == Graph()
    assert len(service.requests) == 3


@pytest.mark.parametrize(
    "failure",
    [error(400), error(413), error(415), error(422), error(500), error(502, x_unreadable="cut_off")],
    ids=["400", "413", "415", "422", "500", "unreadable"],
)
def test_what_can_not_pass_is_not_tried_again(failure):
    service = Service(failure)
    with pytest.raises(ServiceError, match=f"http://kg.test/api/kg-extract: {failure.status_code}: queue") as caught:
        service.client().extract("a")
    assert (caught.value.status, service.pauses_s) == (failure.status_code, [])


def test_a_read_timeout_is_not_tried_again_and_says_what_to_raise():
    service = Service(httpx2.ReadTimeout("slow"))
    with pytest.raises(ServiceError, match=r"client\.timeout_s") as caught:
        service.client().extract("a")
    assert (caught.value.status, len(service.requests)) == (None, 1)


def test_retries_end_with_the_last_error():
    service = Service(*[error(503)] * 3)
    with pytest.raises(ServiceError, match="503: queue: is full"):
        service.client(retries=2).extract("a")
    assert len(service.requests) == 3


def test_no_service_says_where_and_how_often_it_was_tried():
    service = Service(*[httpx2.ConnectError("refused")] * 2)
    with pytest.raises(ServiceError, match=r"http://kg.test: no answer \(ConnectError, 2 tries\).*client.base_url"):
        service.client(retries=1).extract("a")


def test_pauses_grow_with_jitter_and_never_undercut_retry_after():
    service = Service(error(503), error(503), error(503, retry_after="9"), error(503, retry_after="soon"), EMPTY)
    service.client(retries=4).extract("a")
    bounds = [(0.5, 0.75), (1.0, 1.5), (9.0, 13.5), (4.0, 6.0)]
    assert len(service.pauses_s) == len(bounds)
    assert [low <= pause <= high for pause, (low, high) in zip(service.pauses_s, bounds, strict=True)] == [True] * 4
    assert len({round(pause / low, 6) for pause, (low, _) in zip(service.pauses_s, bounds, strict=True)}) == 4


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (httpx2.Response(200, text="<html>"), "is null, not an object"),
        (httpx2.Response(200, json={"graph": {}}), "answer.entities: is missing"),
        (httpx2.Response(200, text=CANNED_ANSWER.replace('"target":"e3"', '"target":"e7"')), "unknown entity"),
        (httpx2.Response(404, text="not found"), "no {error} in the answer"),
    ],
)
def test_an_answer_of_some_other_service_is_told_apart(answer, says):
    with pytest.raises(ServiceError, match=says) as caught:
        Service(answer).client().extract("a")
    assert "client.base_url" in str(caught.value)


def test_a_key_is_shown_where_there_is_one(monkeypatch):
    service = Service(EMPTY, EMPTY, EMPTY)
    monkeypatch.setenv("KGTUNE_API_KEY", "from-the-environment")
    for client in (
        KnowledgeGraphClient("http://kg.test", transport=httpx2.MockTransport(service), api_key="given"),
        KnowledgeGraphClient.from_config(ClientSettings(), httpx2.MockTransport(service)),
        KnowledgeGraphClient.from_config(ClientSettings(api_key_env="UNSET"), httpx2.MockTransport(service)),
    ):
        with client:
            client.extract("a")
    shown = [request.headers.get("authorization") for request in service.requests]
    assert shown == ["Bearer given", "Bearer from-the-environment", None]


def test_wishes_are_sent_and_heeded_through_the_real_app():
    app = create_app(scripted, Config())
    with TestClient(app) as service, KnowledgeGraphClient("http://testserver", transport=service._transport) as client:
        app.state.engine.wait_loaded(LIMIT_S)
        tools = client.extract("a", labels={"Tool"})
        attacks = client.extract("a", types=["ATTACK"], min_confidence=0.5)
        with pytest.raises(ServiceError, match="Did you mean"):
            client.extract("a", labels=["Tol"])
    assert [entity.name for entity in tools.entities] == ["NightLoom"]
    assert [edge.type for edge in attacks.relationships] == ["ATTACK"]


def test_what_an_answer_says_of_its_graph_is_kept():
    headers = {"X-Truncated": "true", "X-Dropped": "3", "X-Request-Id": "abc"}
    service = Service(httpx2.Response(200, json=json.loads(EMPTY_TEXT), headers=headers), EMPTY)
    with service.client() as client:
        assert client.extract_fully("a") == Extracted(Graph(), is_truncated=True, num_dropped=3, request_id="abc")
        assert client.extract_fully("a") == Extracted(Graph())


def test_a_batch_gives_each_text_its_result_or_its_error():
    app = create_app(lambda: ScriptedExtractor({"bad": "no graph"}), Config())
    with TestClient(app) as service, KnowledgeGraphClient("http://testserver", transport=service._transport) as client:
        app.state.engine.wait_loaded(LIMIT_S)
        first, second, third = client.extract_batch(["good", "bad", ""])
    assert isinstance(first, Extracted)
    assert first.graph == Graph()
    assert [(type(each), each.status) for each in (second, third)] == [(ServiceError, 502), (ServiceError, 422)]
    assert "text 1: 502: model: its answer is no graph" in str(second)


@pytest.mark.parametrize("value", [{}, {"results": []}, {"results": [{}]}, {"results": [7]}, [], None])
def test_a_batch_of_some_other_service_is_told_apart(value):
    with pytest.raises(ServiceError, match=r"client\.base_url"):
        Service(httpx2.Response(200, json=value)).client().extract_batch(["a"])


def test_the_id_of_a_refused_request_is_in_the_error():
    with pytest.raises(ServiceError, match=r"queue: is full\. Try again\. \(request abc\)$"):
        Service(error(422, x_request_id="abc")).client().extract("a")


def test_a_pause_that_is_asked_for_is_kept_however_long_up_to_where_it_makes_no_sense():
    service = Service(error(503, retry_after="60"), EMPTY)
    service.client().extract("a")
    assert 60.0 <= service.pauses_s[0] <= 90.0
    service = Service(error(503, retry_after="86400"))
    with pytest.raises(ServiceError, match="503"):
        service.client().extract("a")
    assert service.pauses_s == []


def test_a_pause_may_be_asked_for_as_a_date():
    when = email.utils.format_datetime(datetime.now(UTC) + timedelta(seconds=40))
    past = email.utils.format_datetime(datetime.now(UTC) - timedelta(seconds=40))
    service = Service(error(503, retry_after=when), error(503, retry_after=past), EMPTY)
    service.client().extract("a")
    assert 38.0 <= service.pauses_s[0] <= 60.0
    assert 1.0 <= service.pauses_s[1] <= 1.5


def empty() -> httpx2.Response:
    """An answer of its own: one that was read by a client that waits can't be awaited."""
    return httpx2.Response(200, json=json.loads(EMPTY_TEXT))


class AsyncService(Service):
    """The same, awaited."""

    async def pause(self, seconds: float) -> None:
        self.pauses_s.append(seconds)

    def async_client(self, retries: int = 3) -> AsyncKnowledgeGraphClient:
        transport = httpx2.MockTransport(self)
        rng = random.Random(0)
        return AsyncKnowledgeGraphClient("http://kg.test/", 1.0, retries, transport, sleep=self.pause, rng=rng)


def test_the_async_client_tries_pauses_and_reads_as_the_other_does():
    failures = [error(503, retry_after="9"), httpx2.ConnectError("refused"), error(502, x_unreadable="cut_off")]
    batch = httpx2.Response(200, json={"results": [{"graph": json.loads(EMPTY_TEXT)}], "num_failed": 0})

    async def scenario():
        service = AsyncService(
            *failures[:2], empty(), empty(), batch, failures[2], httpx2.Response(200), httpx2.ReadTimeout("slow")
        )
        async with service.async_client() as client:
            found = [await client.extract("a"), await client.extract_fully("a"), await client.extract_batch(["a"])]
            with pytest.raises(ServiceError, match="502"):
                await client.extract("a")
            found += [await client.health(), await client.health()]
        return found, service.pauses_s

    found, pauses_s = asyncio.run(scenario())
    assert found == [Graph(), Extracted(Graph()), [Extracted(Graph())], True, False]
    assert (len(pauses_s), 9.0 <= pauses_s[0] <= 13.5, 1.0 <= pauses_s[1] <= 1.5) == (2, True, True)


def test_the_async_client_is_made_from_the_configuration():
    service = Service(empty())

    async def scenario():
        settings = ClientSettings(base_url="http://kg.test:9000", timeout_s=7.0, retries=0)
        async with AsyncKnowledgeGraphClient.from_config(settings, httpx2.MockTransport(service)) as client:
            await client.extract("a")

    asyncio.run(scenario())
    assert str(service.requests[0].url) == "http://kg.test:9000/api/kg-extract"
    assert set(service.requests[0].extensions["timeout"].values()) == {7.0}


@contextmanager
def listening():
    """Serve the canned extractor on a real port, as the examples need it."""
    app = create_app(scripted, Config())
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    app.state.engine.wait_loaded(LIMIT_S)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(LIMIT_S)


def example(language: str, number: int) -> str:
    """One of the examples in the module's docstring."""
    blocks = re.findall(rf"\.\. code-block:: {language}\n\n((?:    .*\n|\n)+)", kgtune.client.__doc__)
    return textwrap.dedent(blocks[number])


def test_the_example_adapter_and_its_yaml_work():
    with listening() as address:
        settings = yaml_file.parse(example("yaml", 0).replace("http://127.0.0.1:8000", address), where="example").values
        names: dict = {}
        exec(example("python", 0), names)
        extractor = names["KnowledgeGraphExtractor"](settings)
        client = extractor._client
        taken = (client._http.base_url, client._http.timeout.read, client._retries)
        extracted = extractor.extract("GlassViper used NightLoom.")
        extractor.close()
    assert taken == (address, 120, 3)
    assert set(settings["knowledge_graph"]) == {"base_url", "timeout_s", "retries"}
    assert list(extracted) == ["entities", "relationships"]
    assert extracted["entities"][1]["name"] == "NightLoom"


class StandIn:
    """Speaks the HTTP of openai's client, where that is not installed: the same path, header, body and reading."""

    def __init__(self, *, base_url: str, api_key: str, timeout: float, max_retries: int) -> None:
        headers = {"Authorization": f"Bearer {api_key}"}
        self._http = httpx2.Client(base_url=base_url, headers=headers, timeout=timeout)
        self.chat = SimpleNamespace(completions=SimpleNamespace(create=self.create))
        self.close = self._http.close

    def create(self, **body):
        response = self._http.post("/chat/completions", json=body).raise_for_status()
        return json.loads(response.text, object_hook=lambda value: SimpleNamespace(**value))


def test_the_example_of_a_manager_works(monkeypatch):
    if importlib.util.find_spec("openai") is None:
        monkeypatch.setitem(sys.modules, "openai", SimpleNamespace(OpenAI=StandIn))
    with listening() as address:
        code = example("python", 1).replace("http://127.0.0.1:8000", address)
        names = {"report": "GlassViper used NightLoom."}
        exec(code, names)
        names["client"].close()
    assert json.loads(names["answer"])["entities"][1]["name"] == "NightLoom"
    assert len(re.findall(r"# was: ", example("python", 1))) == 2
