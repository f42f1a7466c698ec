"""One request to a server: what is tried again, and what each failure is called."""

import asyncio
import json
import logging
import random
import threading

import pytest

from kgtune.errors import ModelError, ServiceError
from kgtune.extraction.interruption import BackendError
from kgtune.extraction.upstream import RefusedError, Upstream
from kgtune.settings import OpenaiSettings
from tests.fake_openai import LIMIT_S, Answer, serving

BODY = {"model": "kg", "messages": [{"role": "user", "content": "a secret text"}], "stream": True}


class Pauses(list):
    """A sleep that only notes how long."""

    async def __call__(self, seconds):
        self.append(seconds)


def upstream(fake, **settings):
    values = {"base_url": fake.base_url, "retries": 2, "timeout_s": LIMIT_S, **settings}
    return Upstream(OpenaiSettings(**values), sleep=Pauses(), rng=random.Random(0))


def complete(server, body=None):
    async def ask():
        async with server.client() as client:
            return await server.complete(client, body or BODY)

    return asyncio.run(ask())


def replies(*answers):
    """Answer one after the other, the last one for ever."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def test_a_streamed_answer_is_joined():
    with serving(lambda _: Answer("用“NightLoom”\n攻击")) as fake:
        reply = complete(upstream(fake))
    assert (reply.text, reply.finish_reason, reply.num_prompt_tokens, reply.num_answer_tokens) == (
        "用“NightLoom”\n攻击", "stop", 70, 30
    )  # fmt: skip


def test_the_key_is_shown_and_a_wrong_one_is_told_by_the_name_of_its_variable():
    with serving(api_key="secret") as fake:
        server = upstream(fake)
        with pytest.raises(BackendError, match="does not take our key .401.. Set KGTUNE_OPENAI_API_KEY") as caught:
            complete(server)
        assert caught.value.status == 502
        server.api_key = "secret"
        assert complete(server).finish_reason == "stop"


@pytest.mark.parametrize("status", [429, 502, 503])
def test_what_may_pass_is_tried_again_after_a_growing_pause(status):
    with serving(replies(Answer(status=status), Answer(status=status), Answer("ok"))) as fake:
        server = upstream(fake)
        assert complete(server).text == "ok"
    assert [0.5 <= server.sleep[0] <= 0.75, 1.0 <= server.sleep[1] <= 1.5] == [True, True]


def test_retry_after_is_honoured():
    with serving(replies(Answer(status=503, headers={"Retry-After": "4"}), Answer("ok"))) as fake:
        server = upstream(fake)
        complete(server)
    assert 4.0 <= server.sleep[0] <= 6.0


def test_no_pause_goes_beyond_the_deadline():
    with serving(replies(Answer(status=503, headers={"Retry-After": "60"}), Answer("ok"))) as fake:
        server = upstream(fake)
        with pytest.raises(BackendError) as caught:
            complete(server)
    assert (caught.value.status, caught.value.retry_after_s, server.sleep, len(fake.bodies)) == (503, 60, [], 1)


def test_the_last_failure_is_told():
    with (
        serving(lambda _: Answer(status=503)) as fake,
        pytest.raises(BackendError, match=r"is busy \(503\)") as caught,
    ):
        complete(upstream(fake))
    assert (caught.value.status, len(fake.bodies)) == (503, 3)


@pytest.mark.parametrize("status", [500, 504, 404, 418])
def test_what_will_not_pass_is_not_tried_again(status):
    with serving(lambda _: Answer(status=status)) as fake, pytest.raises(BackendError) as caught:
        complete(upstream(fake))
    assert (caught.value.status, len(fake.bodies)) == (502, 1)


@pytest.mark.parametrize("status", [400, 422])
def test_a_request_that_is_refused_is_a_case_of_its_own(status):
    with serving(lambda _: Answer(status=status)) as fake, pytest.raises(RefusedError):
        complete(upstream(fake))


@pytest.mark.parametrize(
    "answer", [Answer("{", breaks_off=True), Answer("{", finish_reason="abort"), Answer("{", finish_reason=None)]
)
def test_an_answer_without_its_end_is_asked_for_again(answer):
    with serving(replies(answer, Answer("ok"))) as fake:
        assert complete(upstream(fake)).text == "ok"
    assert len(fake.bodies) == 2


def test_an_answer_that_takes_too_long_is_504_and_not_tried_again():
    with serving(lambda _: Answer("ok", wait=threading.Event())) as fake:
        with pytest.raises(BackendError, match=r"no answer within 0.2 s \(openai.timeout_s\)") as caught:
            complete(upstream(fake, timeout_s=0.2))
        assert (caught.value.status, len(fake.bodies)) == (504, 1)
        assert fake.hung_up.wait(LIMIT_S)


def test_a_server_that_is_not_there_is_503():
    with serving() as fake:
        server = upstream(fake)
    with pytest.raises(BackendError, match=r"no answer \(ConnectError\). Check openai.base_url") as caught:
        complete(server)
    assert (caught.value.status, len(server.sleep)) == (503, 2)


def test_the_probe_says_who_lists_the_model():
    with serving(owned_by="sglang") as fake:
        assert asyncio.run(upstream(fake).owner()) == "sglang"


def test_a_model_that_is_not_listed_is_refused_with_those_that_are():
    with serving(models=("base", "other")) as fake, pytest.raises(ModelError) as caught:
        asyncio.run(upstream(fake).owner())
    assert 'does not serve a model "kg". It lists: base, other. Set openai.model' in str(caught.value)


def test_a_probe_waits_for_a_server_that_is_busy():
    with serving(models_status=503) as fake:
        server = upstream(fake)
        with pytest.raises(ServiceError, match="is busy"):
            asyncio.run(server.owner())
    assert len(server.sleep) == 2


def test_an_address_without_v1_is_told():
    with serving() as fake:
        fake.base_url = fake.base_url.removesuffix("/v1")
        with pytest.raises(ServiceError, match="answered 404. Check openai.base_url"):
            asyncio.run(upstream(fake).owner())


def test_no_message_and_no_log_line_holds_the_text(caplog):
    caplog.set_level(logging.DEBUG, "kgtune")
    messages = []
    for answer in (Answer(status=400), Answer(status=500), Answer(status=503), Answer("x", finish_reason="abort")):
        with serving(lambda _, answer=answer: answer) as fake:
            with pytest.raises((BackendError, RefusedError)) as caught:
                complete(upstream(fake))
            messages.append(str(caught.value))
            assert "secret" in json.dumps(fake.bodies)
    assert [text for text in [*messages, caplog.text] if "secret" in text] == []


def test_no_proxy_of_the_environment_sees_a_text(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with serving(lambda _: Answer("{}")) as fake:
        assert complete(upstream(fake, retries=0)).text == "{}"
