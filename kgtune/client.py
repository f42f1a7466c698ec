"""A small typed client of the service, for pipelines: a text in, a Graph out, with timeouts and retries.

Knows nothing about how the service makes a graph; it checks what comes back all the same.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import httpx2

from kgtune import graph as graphs
from kgtune.errors import ServiceError
from kgtune.graph import Graph
from kgtune.settings import ClientSettings

RETRIED_STATUSES = (502, 503, 504)
RETRIED_ERRORS = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.RemoteProtocolError)
MAX_PAUSE_S = 30.0


class KgClient:
    """A connection to one service; use it as a context manager, or call `close`.

    `retries` are tries after the first. `timeout_s` bounds each try. `transport`, `sleep` and `rng` are
    for tests.
    """

    def __init__(
        self,
        base_url: str,
        timeout_s: float = 120.0,
        retries: int = 3,
        transport: httpx2.BaseTransport | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        rng: random.Random | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._retries = retries
        self._sleep = sleep
        self._rng = rng or random.Random()
        self._http = httpx2.Client(base_url=self._base_url, timeout=timeout_s, transport=transport)

    @classmethod
    def from_config(cls, settings: ClientSettings, transport: httpx2.BaseTransport | None = None) -> Self:
        """Make the client that the section `client` of config.yaml describes."""
        return cls(settings.base_url, settings.timeout_s, settings.retries, transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def extract(self, text: str) -> Graph:
        """Return the graph of a text. Raises ServiceError, when need be after retries."""
        # ASCII escapes: a text with half a character is then refused by the service, not by the encoder.
        response = self._post("/api/kg-extract", json.dumps({"text": text}).encode("ascii"))
        where = f"{self._base_url}/api/kg-extract"
        if response.status_code != 200:
            raise ServiceError(f"{where}: {response.status_code}: {_reason(response)}", status=response.status_code)
        graph, problems = graphs.from_object(_json(response), where="answer")
        problems = problems or graphs.reference_problems(graph or Graph(), where="answer")
        if graph is None or problems:
            what = f"{where}: the answer is no graph: {problems[0]}"
            raise ServiceError(f"{what} Check that client.base_url is this service.", status=200)
        return graph

    def health(self) -> bool:
        """Tell whether the service takes texts now; one try."""
        try:
            return self._http.get("/api/health").status_code == 200
        except httpx2.TransportError:
            return False

    def _post(self, path: str, content: bytes) -> httpx2.Response:
        """Post, again after a pause where that can help, and return the last response."""
        headers = {"Content-Type": "application/json"}
        for number in range(self._retries + 1):
            is_last = number == self._retries
            asked_s = 0.0
            try:
                response = self._http.post(path, content=content, headers=headers)
                if is_last or not _may_pass(response):
                    return response
                asked_s = _retry_after_s(response)
            except httpx2.TransportError as error:
                if is_last or not isinstance(error, RETRIED_ERRORS):
                    raise self._unreachable(error, number + 1) from error
            self._sleep(self._pause_s(number, asked_s))
        raise AssertionError(f"{self._retries} retries: the last try neither returned nor raised")

    def _pause_s(self, number: int, asked_s: float) -> float:
        """Double with each try, never less than the service asked for; jitter keeps clients from returning as one."""
        return min(MAX_PAUSE_S, max(asked_s, 0.5 * 2.0**number)) * self._rng.uniform(1.0, 1.5)

    def _unreachable(self, error: httpx2.TransportError, num_tries: int) -> ServiceError:
        what = f"{self._base_url}: no answer ({type(error).__name__}, {num_tries} tries)."
        if isinstance(error, httpx2.ReadTimeout):
            return ServiceError(f"{what} Raise client.timeout_s, or send shorter texts.")
        return ServiceError(f"{what} Check client.base_url, and that serve.py runs there.")


def _may_pass(response: httpx2.Response) -> bool:
    """Whether trying again can help. An unreadable answer comes back the same: decoding is greedy."""
    return response.status_code in RETRIED_STATUSES and "x-unreadable" not in response.headers


def _retry_after_s(response: httpx2.Response) -> float:
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdecimal() else 0.0


def _json(response: httpx2.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _reason(response: httpx2.Response) -> str:
    body = _json(response)
    if isinstance(body, dict) and isinstance(body.get("error"), str):
        return str(body["error"])
    return "no {error} in the answer. Check that client.base_url is this service."
