"""The typed client: against the real app in process, and against services that fail in every known way."""

import json
import random

import httpx2
import pytest
from starlette.testclient import TestClient

from kgtune.client import KgClient
from kgtune.errors import ServiceError
from kgtune.extractor import CANNED_ANSWER, ScriptedExtractor, scripted
from kgtune.graph import EMPTY_TEXT, Entity, Graph
from kgtune.service import create_app
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

    def client(self, retries: int = 3) -> KgClient:
        transport = httpx2.MockTransport(self)
        return KgClient("http://kg.test/", 1.0, retries, transport, sleep=self.pauses_s.append, rng=random.Random(0))


def error(status: int, message: str = "queue: is full. Try again.", **headers: str) -> httpx2.Response:
    return httpx2.Response(
        status, json={"error": message}, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


def test_a_text_becomes_a_graph_through_the_real_app():
    app = create_app(scripted, Config())
    with TestClient(app) as service, KgClient.from_config(ClientSettings(), service._transport) as client:
        app.state.engine.wait_loaded(LIMIT_S)
        graph = client.extract("GlassViper used NightLoom. 夜织机")
        is_healthy = client.health()
    assert is_healthy is True
    assert graph.entities[1] == Entity("Tool", "tool--night-loom", "NightLoom")
    assert [r.type for r in graph.relationships] == ["USE", "ATTACK"]


@pytest.mark.parametrize(("text", "says"), [(" ", "body.text: is empty"), ("\ud800", "half a character")])
def test_a_refusal_of_the_real_app_is_a_service_error_in_its_words(text, says):
    app = create_app(ScriptedExtractor, Config())
    with TestClient(app) as service, KgClient("http://testserver", transport=service._transport) as client:
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
    with KgClient.from_config(settings, httpx2.MockTransport(service)) as client:
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
