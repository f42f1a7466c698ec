"""The edge: the body limit, the error shape, and the boundary, as plain ASGI."""

import asyncio
import json

import pytest

from kgtune.service import logs
from kgtune.service.edge import Edge, error_body, note
from kgtune.service.gate import Gate, Policy


def call(
    app, *messages: dict, headers: list[tuple[bytes, bytes]] = (), max_body_bytes: int = 10, gate: Gate | None = None
):
    """Send a request through an Edge; return what was answered and how many messages were left unread."""
    pending, sent = list(messages), []

    async def receive():
        return pending.pop(0)

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/x", "headers": list(headers)}
    asyncio.run(Edge(app, gate=gate or Gate(Policy(max_body_bytes=max_body_bytes)))(scope, receive, send))
    return sent, len(pending)


def part(body: bytes, *, more: bool = False) -> dict:
    return {"type": "http.request", "body": body, "more_body": more}


async def echo(scope, receive, send):
    """Answer with what was received, up to and with the first message that ends it."""
    bodies = []
    while (message := await receive())["type"] == "http.request":
        bodies.append(message["body"])
        if not message["more_body"]:
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"|".join(bodies)})


def test_a_body_is_passed_on_as_it_came():
    sent, _ = call(echo, part(b"abc", more=True), part(b"defg", more=True), part(b"hij"))
    assert sent[1]["body"] == b"abc|defg|hij"


def test_an_announced_length_over_the_limit_is_refused_unread():
    sent, num_unread = call(echo, part(b"x" * 11), headers=[(b"Content-Length", b"11")])
    assert (sent[0]["status"], num_unread) == (413, 1)
    assert json.loads(sent[1]["body"])["error"].startswith("POST /x: the body has more than 10 bytes.")
    assert (b"connection", b"close") in sent[0]["headers"]


def test_a_length_of_any_number_of_digits_is_read():
    sent, _ = call(echo, part(b""), headers=[(b"content-length", b"9" * 10_000)])
    assert sent[0]["status"] == 413


def test_a_body_without_length_is_refused_at_the_byte_that_is_too_much():
    messages = [part(b"x" * 5, more=True) for _ in range(100)]
    sent, num_unread = call(echo, *messages)
    assert (sent[0]["status"], num_unread) == (413, 97)


def test_a_disconnect_while_the_body_comes_reaches_the_app():
    sent, _ = call(echo, part(b"abc", more=True), {"type": "http.disconnect"})
    assert sent[1]["body"] == b"abc"


def test_what_comes_behind_the_body_reaches_the_app():
    seen = []

    async def app(scope, receive, send):
        seen.extend([(await receive())["type"], (await receive())["type"]])

    call(app, part(b"abc"), {"type": "http.disconnect"})
    assert seen == ["http.request", "http.disconnect"]


def test_an_exception_before_the_answer_is_500_in_the_one_shape():
    async def app(scope, receive, send):
        raise KeyError("hush")

    sent, _ = call(app, part(b""))
    assert sent[0]["status"] == 500
    assert list(json.loads(sent[1]["body"])) == ["error"]
    assert b"hush" not in sent[1]["body"]


def test_an_exception_in_mid_answer_sends_no_second_one():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise KeyError("hush")

    sent, _ = call(app, part(b""))
    assert [message["type"] for message in sent] == ["http.response.start"]


def test_what_is_not_http_passes_untouched():
    seen = []

    async def app(scope, receive, send):
        seen.append((scope["type"], receive, send))

    asyncio.run(Edge(app, gate=Gate(Policy()))({"type": "lifespan"}, "receive", "send"))
    assert seen == [("lifespan", "receive", "send")]


@pytest.mark.parametrize(
    ("message", "body"),
    [
        ('夜 "x"\n', '{"error":"夜 \\"x\\"\\n"}'),
        ("half \ud83d.", '{"error":"half ?."}'),
    ],
)
def test_an_error_is_utf8_whatever_it_quotes(message, body):
    assert error_body(message).decode("utf-8") == body


def answered(sent: list[dict]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in sent[0]["headers"]}


def test_every_answer_has_the_security_headers_and_an_id():
    for app in (echo, None):
        sent, _ = call(app, part(b"x" * (11 if app is None else 1)))
        headers = answered(sent)
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; ")
        assert "unsafe" not in headers["content-security-policy"]
        assert len(headers["x-request-id"]) == 32


def test_a_header_that_the_app_has_set_stays_as_it_is():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"Cache-Control", b"max-age=60")]})

    headers = [value for name, value in call(app, part(b""))[0][0]["headers"] if name.lower() == b"cache-control"]
    assert headers == [b"max-age=60"]


@pytest.mark.parametrize(
    ("given", "is_taken"),
    [(b"abc-123_x.Y", True), (b"x" * 64, True), (b"x" * 65, False), (b"", False), (b"a b", False), (b"a\nb", False),
     (b"\xff", False), (b"../etc", False)],
)  # fmt: skip
def test_an_id_that_can_be_logged_is_taken_over(given, is_taken):
    sent, _ = call(echo, part(b""), headers=[(b"X-Request-Id", given)])
    assert (answered(sent)["x-request-id"].encode() == given) == is_taken


def test_what_the_gate_refuses_is_answered_unread():
    gate = Gate(Policy(max_header_bytes=5))
    sent, num_unread = call(echo, part(b""), headers=[(b"name", b"value")], gate=gate)
    assert (sent[0]["status"], num_unread, gate.num_inside) == (431, 1, 0)


def test_who_is_inside_is_counted_and_leaves_whatever_happens():
    gate, inside = Gate(Policy()), []

    async def app(scope, receive, send):
        inside.append(gate.num_inside)
        raise KeyError

    call(app, part(b""), gate=gate)
    assert (inside, gate.num_inside) == ([1], 0)


def test_a_body_that_does_not_come_is_408():
    async def receive():
        await asyncio.Event().wait()

    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/x", "headers": []}
    gate = Gate(Policy(receive_timeout_s=0.01))
    asyncio.run(Edge(echo, gate=gate)(scope, receive, send))
    assert (sent[0]["status"], list(json.loads(sent[1]["body"]))) == (408, ["error"])
    assert gate.num_inside == 0


def test_the_log_line_has_notes_and_the_request_id_as_fields(caplog):
    async def app(scope, receive, send):
        note(scope, chars=5, sha256="abc", nothing=None)
        await echo(scope, receive, send)

    with caplog.at_level("INFO", logger="kgtune.service.edge"):
        call(app, part(b"hush"))
    record = caplog.records[-1]
    assert record.getMessage().startswith("POST (no route) 200 ")
    assert record.getMessage().endswith(" chars=5 sha256=abc")
    assert {key: record.fields[key] for key in ("status", "chars", "sha256")} == {
        "status": 200,
        "chars": 5,
        "sha256": "abc",
    }
    assert "hush" not in caplog.text


def test_the_request_id_is_there_while_the_app_works():
    seen = []

    async def app(scope, receive, send):
        seen.append(logs.REQUEST_ID.get())
        await echo(scope, receive, send)

    call(app, part(b""), headers=[(b"x-request-id", b"mine")])
    assert (seen, logs.REQUEST_ID.get()) == (["mine"], "")
