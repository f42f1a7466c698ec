"""One request to an OpenAI-compatible server: streamed, tried again where that can help, its failures in our words.

Knows nothing about graphs. Whatever a server says is kept out of messages, since it may quote the text.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx2

from kgtune import replies
from kgtune.errors import ModelError, ServiceError
from kgtune.extraction.interruption import BackendError
from kgtune.settings import OpenaiSettings

_PASSING = (429, 502, 503)
_BAD_GATEWAYS = (500, 504)
_CONNECT_S = 10.0


class RefusedError(Exception):
    """The server does not take the request as it is (400 or 422): its grammar, for example."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's answer, how it ended, and its cost in the server's tokens."""

    text: str
    finish_reason: Literal["stop", "length"]
    num_prompt_tokens: int
    num_answer_tokens: int


@dataclass
class Upstream:
    """A server, as the configuration has it. `sleep` and `rng` are for tests."""

    settings: OpenaiSettings
    api_key: str | None = None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    rng: random.Random = field(default_factory=random.Random)

    def client(self) -> httpx2.AsyncClient:
        """Return a client; it belongs to one event loop."""
        headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        timeout = httpx2.Timeout(self.settings.timeout_s, connect=_CONNECT_S)
        base_url = self.settings.base_url.rstrip("/")
        # Proxies and their like are not for an engine beside this process, and a proxy would see every text.
        return httpx2.AsyncClient(base_url=base_url, timeout=timeout, headers=headers, trust_env=False)

    async def complete(self, client: httpx2.AsyncClient, body: dict[str, Any]) -> Reply:
        """Ask for a chat completion. Raises BackendError, or RefusedError."""
        try:
            async with asyncio.timeout(self.settings.timeout_s):
                return await self._with_retries(client, body)
        except (TimeoutError, httpx2.TimeoutException):
            what = f"{self._url}: no answer within {self.settings.timeout_s:g} s (openai.timeout_s)."
            raise BackendError(f"{what} Raise it, or send shorter texts.", status=504) from None

    async def owner(self) -> str:
        """Probe the server: the model must be in its list. Returns who lists it, "vllm" for example."""
        async with self.client() as client:
            listed = await self._models(client)
        owners = {str(one.get("id")): str(one.get("owned_by", "")) for one in listed if isinstance(one, dict)}
        if self.settings.model not in owners:
            names = ", ".join(sorted(owners)[:10]) or "none"
            raise ModelError(
                f'{self._url}: does not serve a model "{self.settings.model}". It lists: {names}. Set openai.model to '
                "one of these, or start the server with the adapter under that name (deploy/README.md)."
            )
        return owners[self.settings.model]

    @property
    def _url(self) -> str:
        return self.settings.base_url

    async def _models(self, client: httpx2.AsyncClient) -> list[Any]:
        for number in range(self.settings.retries + 1):
            try:
                response = await client.get("/models")
                if response.status_code not in _PASSING or number == self.settings.retries:
                    break
            except httpx2.TransportError as error:
                if number == self.settings.retries:
                    raise self._unreachable(error) from error
            await self.sleep(self._pause_s(number, 0.0))
        if response.status_code != 200:
            raise self._failed(response)
        try:
            listed = response.json()["data"]
        except (ValueError, KeyError, TypeError):
            listed = None
        if not isinstance(listed, list):
            raise ModelError(f"{self._url}/models: is no list of models. Check that openai.base_url ends with /v1.")
        return listed

    async def _with_retries(self, client: httpx2.AsyncClient, body: dict[str, Any]) -> Reply:
        deadline_s = asyncio.get_running_loop().time() + self.settings.timeout_s
        for number in range(self.settings.retries + 1):
            failure: BackendError
            try:
                return await self._once(client, body)
            except httpx2.TimeoutException:
                raise
            except httpx2.TransportError as error:
                failure = self._unreachable(error)
            except BackendError as error:
                if error.status != 503:
                    raise
                failure = error
            pause_s = self._pause_s(number, failure.retry_after_s)
            if number == self.settings.retries or asyncio.get_running_loop().time() + pause_s > deadline_s:
                raise failure
            await self.sleep(pause_s)
        raise AssertionError("the last try returns or raises")

    async def _once(self, client: httpx2.AsyncClient, body: dict[str, Any]) -> Reply:
        content = json.dumps(body, ensure_ascii=False).encode("utf-8")
        headers = {"Content-Type": "application/json"}
        async with client.stream("POST", "/chat/completions", content=content, headers=headers) as response:
            if response.status_code in (400, 422):
                raise RefusedError(response.status_code)
            if response.status_code != 200:
                raise self._failed(response)
            return await self._read(response)

    async def _read(self, response: httpx2.Response) -> Reply:
        pieces: list[str] = []
        finish: str | None = None
        usage: dict[str, int] = {}
        async for event in _events(response):
            if "error" in event:
                raise BackendError(f"{self._url}: the server broke an answer off.", status=502)
            usage = event.get("usage") or usage
            for choice in event.get("choices") or ():
                pieces.append((choice.get("delta") or {}).get("content") or "")
                finish = choice.get("finish_reason") or finish
        if finish not in ("stop", "length"):
            raise BackendError(f"{self._url}: an answer ended as {finish!r:.20}, not with stop or length.", status=503)
        num_prompt, num_answer = usage.get("prompt_tokens", 0), usage.get("completion_tokens", len(pieces))
        return Reply("".join(pieces), "length" if finish == "length" else "stop", num_prompt, num_answer)

    def _failed(self, response: httpx2.Response) -> ServiceError:
        status = response.status_code
        if status in _PASSING:
            wait_s = min(replies.retry_after_s(response), replies.MAX_ASKED_S)
            return BackendError(f"{self._url}: is busy ({status}).", status=503, retry_after_s=int(wait_s))
        if status in _BAD_GATEWAYS:
            return BackendError(f"{self._url}: failed ({status}). Its own log says why.", status=502)
        if status in (401, 403):
            fix = f"Set {self.settings.api_key_env} to a key of that server."
            return BackendError(f"{self._url}: does not take our key ({status}). {fix}", status=502)
        fix = "Check openai.base_url and openai.model."
        return BackendError(f"{self._url}: answered {status}. {fix}", status=502)

    def _unreachable(self, error: httpx2.TransportError) -> BackendError:
        what = f"{self._url}: no answer ({type(error).__name__})."
        return BackendError(f"{what} Check openai.base_url, and that the server runs there.", status=503)

    def _pause_s(self, number: int, asked_s: float) -> float:
        """It doubles with each try and never undercuts what was asked for; jitter keeps texts from returning as one."""
        return max(asked_s, min(replies.MAX_BACKOFF_S, 0.5 * 2.0**number)) * self.rng.uniform(1.0, 1.5)


async def _events(response: httpx2.Response) -> AsyncIterator[dict[str, Any]]:
    """Read the server-sent events of a completion, up to its [DONE]."""
    async for line in response.aiter_lines():
        if not line.startswith("data:"):
            continue
        data = line.removeprefix("data:").strip()
        if data == "[DONE]":
            return
        try:
            event = json.loads(data)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            raise httpx2.RemoteProtocolError("an event is no JSON object")
        yield event
