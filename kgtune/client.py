'''Typed clients of the service, for pipelines: a text in, a Graph out, with timeouts and retries.

Knows nothing about how the service makes a graph; it checks what comes back all the same.

Examples
--------
A pipeline's own extractor class, with the service behind it. Its settings, in the pipeline's YAML:

.. code-block:: yaml

    knowledge_graph:
      base_url: "http://127.0.0.1:8000"
      timeout_s: 120    # not below the service's service.timeout_s
      retries: 3        # 502, 503 and 504, and where nobody answers; Retry-After is honoured

.. code-block:: python

    from kgtune import graph
    from kgtune.client import KnowledgeGraphClient

    class KnowledgeGraphExtractor:
        """Extracts a chunk's graph as the plain dicts that the pipeline stores."""

        def __init__(self, settings):
            self._client = KnowledgeGraphClient(**settings["knowledge_graph"])

        def extract(self, chunk):
            return graph.to_object(self._client.extract(chunk))

        def close(self):
            self._client.close()

A manager that speaks to the OpenAI API needs two other values and no other code:

.. code-block:: python

    from openai import OpenAI

    client = OpenAI(
        base_url="http://127.0.0.1:8000/v1",  # was: the provider's address
        api_key="unused",                     # was: the provider's key; here one of KGTUNE_API_KEYS, if any
        timeout=120,
        max_retries=3,
    )
    completion = client.chat.completions.create(model="kgtune", messages=[{"role": "user", "content": report}])
    answer = completion.choices[0].message.content
'''

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from types import TracebackType
from typing import Any, Self, TypedDict, Unpack

import httpx2

from kgtune import replies
from kgtune.errors import ServiceError
from kgtune.graph import Graph
from kgtune.replies import Extracted, Tries
from kgtune.settings import ClientSettings

EXTRACT, BATCH, HEALTH = "/api/kg-extract", "/api/kg-extract/batch", "/api/health"


class Wishes(TypedDict, total=False):
    """Which items of the graph are wanted; without any, all."""

    labels: Collection[str]
    types: Collection[str]
    min_confidence: float


class KnowledgeGraphClient:
    """A connection to one service; use it as a context manager, or call `close`. Threads may share it.

    `retries` are tries after the first. `timeout_s` bounds each try. `transport`, `sleep` and `rng` are
    for tests.
    """

    def __init__(  # noqa: PLR0913 - three are for tests
        self,
        base_url: str,
        timeout_s: float = 120.0,
        retries: int = 3,
        transport: httpx2.BaseTransport | None = None,
        *,
        api_key: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
        rng: random.Random | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._retries = retries
        self._sleep = sleep
        self._rng = rng or random.Random()
        headers = _headers(api_key)
        self._http = httpx2.Client(base_url=self._base_url, timeout=timeout_s, transport=transport, headers=headers)

    @classmethod
    def from_config(cls, settings: ClientSettings, transport: httpx2.BaseTransport | None = None) -> Self:
        """Make the client that the section `client` of config.yaml describes."""
        key = os.environ.get(settings.api_key_env)
        return cls(settings.base_url, settings.timeout_s, settings.retries, transport, api_key=key)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def extract(self, text: str, **wishes: Unpack[Wishes]) -> Graph:
        """Return the graph of a text, of the wanted items alone. Raises ServiceError, when need be after retries."""
        return self.extract_fully(text, **wishes).graph

    def extract_fully(self, text: str, **wishes: Unpack[Wishes]) -> Extracted:
        """Return the graph of a text with what its answer said of it. Raises as `extract` does."""
        body = {"text": text} | _wished(wishes)
        return replies.extracted(self._post(EXTRACT, body), self._base_url + EXTRACT)

    def extract_batch(self, texts: Sequence[str], **wishes: Unpack[Wishes]) -> list[Extracted | ServiceError]:
        """Return each text's result, or the error that it alone got. Raises where the batch as a whole fails."""
        body = {"items": [{"text": text} for text in texts]} | _wished(wishes)
        return replies.batch(self._post(BATCH, body), self._base_url + BATCH, len(texts))

    def health(self) -> bool:
        """Tell whether the service takes texts now; one try."""
        try:
            return self._http.get(HEALTH).status_code == 200
        except httpx2.TransportError:
            return False

    def _post(self, path: str, body: dict[str, Any]) -> httpx2.Response:
        """Post, again after a pause where that can help, and return the last response."""
        tries, content = Tries(self._base_url, self._retries, self._rng), _content(body)
        while True:
            outcome: replies.Outcome
            try:
                outcome = self._http.post(path, content=content)
            except httpx2.TransportError as error:
                outcome = error
            pause_s = tries.pause_s(outcome)
            if pause_s is None:
                assert isinstance(outcome, httpx2.Response), outcome
                return outcome
            self._sleep(pause_s)


class AsyncKnowledgeGraphClient:
    """The same for pipelines on an event loop; use it as an async context manager, or call `aclose`."""

    def __init__(  # noqa: PLR0913 - three are for tests
        self,
        base_url: str,
        timeout_s: float = 120.0,
        retries: int = 3,
        transport: httpx2.AsyncBaseTransport | None = None,
        *,
        api_key: str | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rng: random.Random | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._retries = retries
        self._sleep = sleep
        self._rng = rng or random.Random()
        headers = _headers(api_key)
        self._http = httpx2.AsyncClient(
            base_url=self._base_url, timeout=timeout_s, transport=transport, headers=headers
        )

    @classmethod
    def from_config(cls, settings: ClientSettings, transport: httpx2.AsyncBaseTransport | None = None) -> Self:
        """Make the client that the section `client` of config.yaml describes."""
        key = os.environ.get(settings.api_key_env)
        return cls(settings.base_url, settings.timeout_s, settings.retries, transport, api_key=key)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._http.aclose()

    async def extract(self, text: str, **wishes: Unpack[Wishes]) -> Graph:
        """Return the graph of a text, of the wanted items alone. Raises ServiceError, when need be after retries."""
        found = await self.extract_fully(text, **wishes)
        return found.graph

    async def extract_fully(self, text: str, **wishes: Unpack[Wishes]) -> Extracted:
        """Return the graph of a text with what its answer said of it. Raises as `extract` does."""
        body = {"text": text} | _wished(wishes)
        return replies.extracted(await self._post(EXTRACT, body), self._base_url + EXTRACT)

    async def extract_batch(self, texts: Sequence[str], **wishes: Unpack[Wishes]) -> list[Extracted | ServiceError]:
        """Return each text's result, or the error that it alone got. Raises where the batch as a whole fails."""
        body = {"items": [{"text": text} for text in texts]} | _wished(wishes)
        return replies.batch(await self._post(BATCH, body), self._base_url + BATCH, len(texts))

    async def health(self) -> bool:
        """Tell whether the service takes texts now; one try."""
        try:
            return (await self._http.get(HEALTH)).status_code == 200
        except httpx2.TransportError:
            return False

    async def _post(self, path: str, body: dict[str, Any]) -> httpx2.Response:
        tries, content = Tries(self._base_url, self._retries, self._rng), _content(body)
        while True:
            outcome: replies.Outcome
            try:
                outcome = await self._http.post(path, content=content)
            except httpx2.TransportError as error:
                outcome = error
            pause_s = tries.pause_s(outcome)
            if pause_s is None:
                assert isinstance(outcome, httpx2.Response), outcome
                return outcome
            await self._sleep(pause_s)


def _headers(api_key: str | None) -> dict[str, str]:
    shown = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    return {"Content-Type": "application/json"} | shown


def _wished(wishes: Wishes) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, Collection) else value for key, value in wishes.items()}


def _content(body: dict[str, Any]) -> bytes:
    # ASCII escapes: a text with half a character is then refused by the service, not by the encoder.
    return json.dumps(body).encode("ascii")
