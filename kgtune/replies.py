"""What a client makes of the service's replies: a typed result, another try, or a ServiceError.

Knows nothing about connections; the clients that wait and those that await share it.
"""

from __future__ import annotations

import email.utils
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2

from kgtune import graph as graphs
from kgtune.errors import ServiceError
from kgtune.graph import Graph

RETRIED_STATUSES = (502, 503, 504)
RETRIED_ERRORS = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.RemoteProtocolError)
MAX_BACKOFF_S = 30.0
MAX_ASKED_S = 600.0  # a service that asks for a longer pause is as good as away

Outcome = httpx2.Response | httpx2.TransportError


@dataclass(frozen=True, slots=True)
class Extracted:
    """A graph and what its answer said of it. `num_dropped` counts what led nowhere or was there twice."""

    graph: Graph
    is_truncated: bool = False
    num_dropped: int = 0
    request_id: str = ""


@dataclass
class Tries:
    """The tries of one request: which of them is the last, and how long to pause before the next."""

    base_url: str
    num_retries: int
    rng: random.Random
    num_done: int = field(default=0, init=False)

    def pause_s(self, outcome: Outcome) -> float | None:
        """Return the pause before another try; None for a response to take as it is. Raises what can't pass."""
        self.num_done += 1
        is_last = self.num_done > self.num_retries
        if isinstance(outcome, httpx2.Response):
            asked_s = retry_after_s(outcome)
            if is_last or not _may_pass(outcome) or asked_s > MAX_ASKED_S:
                return None
        else:
            asked_s = 0.0
            if is_last or not isinstance(outcome, RETRIED_ERRORS):
                raise self._unreachable(outcome) from outcome
        # It doubles with each try and never undercuts what was asked for; jitter keeps clients from returning as one.
        backoff_s = min(MAX_BACKOFF_S, 0.5 * 2.0 ** (self.num_done - 1))
        return max(asked_s, backoff_s) * self.rng.uniform(1.0, 1.5)

    def _unreachable(self, error: httpx2.TransportError) -> ServiceError:
        what = f"{self.base_url}: no answer ({type(error).__name__}, {self.num_done} tries)."
        if isinstance(error, httpx2.ReadTimeout):
            return ServiceError(f"{what} Raise client.timeout_s, or send shorter texts.")
        return ServiceError(f"{what} Check client.base_url, and that serve.py runs there.")


def _may_pass(response: httpx2.Response) -> bool:
    """Whether trying again can help. An unreadable answer comes back the same: decoding is greedy."""
    return response.status_code in RETRIED_STATUSES and "x-unreadable" not in response.headers


def retry_after_s(response: httpx2.Response) -> float:
    """Read Retry-After, in seconds or as a date as gateways write it; 0 where there is none that can be read."""
    value = response.headers.get("retry-after", "")
    if value.isascii() and value.isdecimal():
        return float(value[:9])
    try:
        when = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    return max(0.0, (when.astimezone(UTC) - datetime.now(UTC)).total_seconds())


def extracted(response: httpx2.Response, where: str) -> Extracted:
    """Read the reply of /api/kg-extract."""
    value = _value(response, where)
    graph = _graph(value, where)
    headers = response.headers
    dropped = headers.get("x-dropped", "0")
    num_dropped = int(dropped) if dropped.isascii() and dropped.isdecimal() else 0
    return Extracted(graph, headers.get("x-truncated") == "true", num_dropped, headers.get("x-request-id", ""))


def batch(response: httpx2.Response, where: str, num_texts: int) -> list[Extracted | ServiceError]:
    """Read the reply of /api/kg-extract/batch: for each text its result, or the error that it alone got."""
    value = _value(response, where)
    results = value.get("results") if isinstance(value, dict) else None
    if not isinstance(results, list) or len(results) != num_texts:
        raise _stranger(where, f"{num_texts} texts have no results of the same number.")
    request_id = response.headers.get("x-request-id", "")
    return [_result(result, f"{where}: text {number}", request_id) for number, result in enumerate(results)]


def _result(result: Any, where: str, request_id: str) -> Extracted | ServiceError:
    if isinstance(result, dict) and isinstance(result.get("error"), str):
        return ServiceError(f"{where}: {result.get('status')}: {result['error']}", status=result.get("status"))
    if not isinstance(result, dict) or "graph" not in result:
        raise _stranger(where, "the result has neither graph nor error.")
    is_truncated, num_dropped = result.get("is_truncated") is True, result.get("num_dropped", 0)
    return Extracted(_graph(result["graph"], where), is_truncated, num_dropped, request_id)


def _value(response: httpx2.Response, where: str) -> Any:
    value = _json(response)
    if response.status_code == 200:
        return value
    said = value.get("error") if isinstance(value, dict) else None
    reason = said if isinstance(said, str) else "no {error} in the answer. Check that client.base_url is this service."
    request_id = response.headers.get("x-request-id")
    named = f" (request {request_id})" if request_id else ""
    raise ServiceError(f"{where}: {response.status_code}: {reason}{named}", status=response.status_code)


def _graph(value: Any, where: str) -> Graph:
    graph, problems = graphs.from_object(value, where="answer")
    problems = problems or graphs.reference_problems(graph or Graph(), where="answer")
    if graph is None or problems:
        raise _stranger(where, f"the answer is no graph: {problems[0]}")
    return graph


def _stranger(where: str, what: str) -> ServiceError:
    return ServiceError(f"{where}: {what} Check that client.base_url is this service.", status=200)


def _json(response: httpx2.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None
