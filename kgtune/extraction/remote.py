"""The `Extractor` over an OpenAI-compatible server: the same prompt, constraint and checks as with a model of our own.

Knows nothing about torch. It reads contract and ontology from the model's folder, which is needed here too; the
weights may be elsewhere. No answer is trusted: what breaks the rules is taken out, counted and logged.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path

import httpx2

from kgtune import model_folder, prompt
from kgtune.errors import UserError
from kgtune.extraction import rules as held
from kgtune.extraction.asking import Asking, Grammar
from kgtune.extraction.extractor import Cancel, Extraction, read_answer
from kgtune.extraction.incremental import AnswerReader
from kgtune.extraction.interruption import PartlyFailedError
from kgtune.extraction.upstream import RefusedError, Reply, Upstream
from kgtune.graph import Entity, Graph, Relationship
from kgtune.ontology import Ontology
from kgtune.settings import Config

log = logging.getLogger(__name__)

_LOOK_S = 0.05  # between two looks at the flag that says that nobody waits any more


@dataclass
class RemoteExtractor:
    """Asks a server for graphs, `batch_size` texts at once."""

    upstream: Upstream
    asking: Asking
    way: Grammar
    batch_size: int
    name: str
    ontology: Ontology | None = None

    def extract(self, texts: Sequence[str], *, cancel: Cancel | None = None) -> list[Extraction]:
        """Extract a graph from each text. `cancel` is one event for all, or one for each; it closes the connection."""
        events = cancel if isinstance(cancel, Sequence) else list(repeat(cancel, len(texts)))
        outcomes = asyncio.run(self._all(texts, events))
        failures = [outcome for outcome in outcomes if isinstance(outcome, UserError)]
        if failures and len(texts) > 1:
            raise PartlyFailedError(f"{len(failures)} of {len(texts)} texts failed: {failures[0]}", outcomes)
        if failures:
            raise failures[0]
        return [outcome for outcome in outcomes if isinstance(outcome, Extraction)]

    async def _all(
        self, texts: Sequence[str], events: Sequence[threading.Event | None]
    ) -> list[Extraction | UserError]:
        places = asyncio.Semaphore(self.batch_size)
        async with self.upstream.client() as client, asyncio.TaskGroup() as group:

            async def one(text: str, cancel: threading.Event | None) -> Extraction | UserError:
                async with places:
                    return await self._one(client, text, cancel)

            tasks = [group.create_task(one(text, event)) for text, event in zip(texts, events, strict=True)]
        return [task.result() for task in tasks]

    async def _one(
        self, client: httpx2.AsyncClient, text: str, cancel: threading.Event | None
    ) -> Extraction | UserError:
        """Wait for one text, or until nobody waits for it; then the connection is closed, and the server stops."""
        task = asyncio.ensure_future(self._extraction(client, text))
        try:
            while not task.done():
                if cancel is not None and cancel.is_set():
                    return read_answer("", "cancelled", 0, 0)
                await asyncio.wait({task}, timeout=_LOOK_S)
            return task.result()
        except UserError as error:
            return error
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _extraction(self, client: httpx2.AsyncClient, text: str) -> Extraction:
        try:
            return self._read(text, await self.upstream.complete(client, self.asking.body(text, self.way)))
        except RefusedError as error:
            if self.way != "lark":
                raise _refused(error) from None
        try:
            reply = await self.upstream.complete(client, self.asking.body(text, "json_schema"))
        except RefusedError as error:  # it was not the grammar
            raise _refused(error) from None
        if self.way == "lark":
            log.warning("the server does not take our grammar; from here on it is asked by json_schema")
            self.way = "json_schema"
        return self._read(text, reply)

    def _read(self, text: str, reply: Reply) -> Extraction:
        raw = prompt.restore(reply.text, text)
        read = read_answer(raw, reply.finish_reason, reply.num_prompt_tokens, reply.num_answer_tokens)
        if self.asking.rules is None:
            return read
        if read.graph is None and reply.finish_reason == "length":
            read = replace(read, graph=_whole_items(raw), reason=None)
        if read.graph is None:
            return read
        graph, broken = held.kept(read.graph, text, self.asking.rules)
        if broken:
            log.warning("an answer broke the rules, and what did was taken out: %s", dict(broken))
        return replace(read, graph=graph)


def _whole_items(raw: str) -> Graph | None:
    """Return what was complete when the tokens ran out; None where not even the frame was right."""
    reader = AnswerReader()
    items = reader.feed(raw)
    if reader.is_broken:
        return None
    entities = tuple(item for item in items if isinstance(item, Entity))
    return Graph(entities, tuple(item for item in items if isinstance(item, Relationship)))


def _refused(error: RefusedError) -> UserError:
    fix = "Send a shorter one, or see the server's log."
    return UserError(f"model: its server does not take this text ({error.status}). {fix}")


def load(folder: Path, cfg: Config, upstream: Upstream | None = None) -> RemoteExtractor:
    """Read what belongs to a model, and probe the server that has it."""
    contract = model_folder.read_contract(folder)
    ontology = model_folder.read_ontology(folder, contract)
    cap = held.answer_cap(cfg.decoding, contract.max_answer_tokens)
    server = upstream or Upstream(cfg.openai, os.environ.get(cfg.openai.api_key_env))
    owner = asyncio.run(server.owner())
    rules = held.rules_for(contract, ontology, cfg.decoding, cap)
    way: Grammar = "none" if rules is None else _way(cfg, owner)
    log.info("%s: serves %s; constraint: %s", cfg.openai.base_url, cfg.openai.model, way)
    asking = Asking(cfg.openai.model, contract.system, cap, rules)
    return RemoteExtractor(server, asking, way, cfg.decoding.batch_size, cfg.openai.model, ontology)


def _way(cfg: Config, owner: str) -> Grammar:
    if cfg.openai.grammar != "auto":
        return cfg.openai.grammar
    return "lark" if owner == "vllm" else "json_schema"
