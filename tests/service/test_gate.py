"""Who is let in, by the head of the request alone."""

import pytest

from kgtune.service import keys
from kgtune.service.gate import Gate, Policy

KEY = "a-key-of-the-tests"
KEYS = keys.load({keys.VARIABLE: f"another-key-of-theirs,{KEY}"}, None)


def scope(path: str = "/api/kg-extract", *headers: tuple[bytes, bytes], query: bytes = b"") -> dict:
    return {"path": path, "raw_path": path.encode(), "query_string": query, "headers": list(headers)}


class Counting:
    def __init__(self) -> None:
        self.reasons: list[str] = []

    def refused(self, reason: str) -> None:
        self.reasons.append(reason)

    def answered(self, route, status, seconds) -> None:
        raise AssertionError


def refusal(policy: Policy, request: dict, num_inside: int = 0):
    counts = Counting()
    refused = Gate(policy, counts, num_inside).refusal(request)
    assert counts.reasons == ([refused.reason] if refused else [])
    return refused


@pytest.mark.parametrize(
    "header",
    [
        (b"authorization", f"Bearer {KEY}".encode()),
        (b"Authorization", f"bearer  {KEY} ".encode()),
        (b"X-API-Key", KEY.encode()),
    ],
)
def test_a_key_opens_in_either_header(header):
    assert refusal(Policy(keys=KEYS), scope("/api/kg-extract", header)) is None


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ((), "no_key"),
        (((b"authorization", b""),), "no_key"),
        (((b"authorization", b"Bearer"),), "no_key"),
        (((b"authorization", b"Basic " + KEY.encode()),), "no_key"),
        (((b"authorization", b"Bearer wrong-key-of-the-tests"),), "wrong_key"),
        (((b"authorization", b"Bearer \xff\xfe" + KEY.encode()),), "wrong_key"),
        (((b"authorization", b"Bearer wrong"), (b"x-api-key", KEY.encode())), "wrong_key"),
        (((b"x-api-key", KEY.encode() + b"x"),), "wrong_key"),
    ],
)
def test_no_key_and_a_wrong_one_are_401_without_an_echo(headers, reason):
    refused = refusal(Policy(keys=KEYS), scope("/api/kg-extract", *headers))
    assert (refused.status, refused.reason, refused.headers) == (401, reason, (("WWW-Authenticate", "Bearer"),))
    assert "wrong" not in refused.message.replace("wrong_key", "")


def test_without_keys_everybody_may_come():
    assert refusal(Policy(), scope()) is None


@pytest.mark.parametrize(
    ("path", "is_let_in"),
    [("/", True), ("/api/health", True), ("/web/", True), ("/web/a.css", True), ("/api/kg-extract", False),
     ("/api/health/", False), ("/webs", False), ("//", False), ("", False)],
)  # fmt: skip
def test_keyless_paths_are_exactly_those(path, is_let_in):
    policy = Policy(keys=KEYS, keyless=frozenset({"/", "/api/health", "/web/"}))
    assert (refusal(policy, scope(path)) is None) == is_let_in


def test_a_full_house_refuses_with_retry_after_and_probes_come_in_all_the_same():
    policy = Policy(max_concurrent=2, probes=frozenset({"/api/health"}))
    refused = refusal(policy, scope(), num_inside=2)
    assert (refused.status, refused.reason, refused.headers) == (503, "concurrency", (("Retry-After", "1"),))
    assert refusal(policy, scope("/api/health"), num_inside=2) is None
    assert refusal(policy, scope(), num_inside=1) is None


def test_headers_at_the_limit_pass_and_a_byte_more_is_431():
    policy = Policy(max_header_bytes=100)
    assert refusal(policy, scope("/", (b"name", b"x" * 96))) is None
    refused = refusal(policy, scope("/", (b"name", b"x" * 97)))
    assert (refused.status, refused.reason) == (431, "headers_too_large")
    assert "have 101 bytes; the limit is 100 (service.max_header_bytes)" in refused.message


def test_a_text_in_the_query_is_414():
    refused = refusal(Policy(max_header_bytes=100), scope("/api", query=b"text=" + b"x" * 100))
    assert (refused.status, refused.reason) == (414, "request_line_too_long")
    assert "xxx" not in refused.message


def test_a_request_of_two_lengths_is_400():
    refused = refusal(Policy(), scope("/", (b"Content-Length", b"1"), (b"Transfer-Encoding", b"chunked")))
    assert (refused.status, refused.reason) == (400, "two_lengths")


def test_a_path_may_have_a_body_limit_of_its_own():
    policy = Policy(max_body_bytes=10, body_bytes_by_path={"/batch": 99})
    assert (policy.body_bytes("/one"), policy.body_bytes("/batch"), policy.body_bytes("/batch/")) == (10, 99, 10)
