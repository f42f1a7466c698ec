"""One text's way through the service: checked, queued, waited for, answered.

Knows nothing about HTTP frameworks; it speaks of failures in RefusalErrors.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator, Callable, Collection
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from kgtune.document import Source
from kgtune.errors import UserError
from kgtune.extraction.extractor import Extraction
from kgtune.service import answering, refusals
from kgtune.service.answering import Answer, Asked
from kgtune.service.bodies import Wishes
from kgtune.service.engine import Engine
from kgtune.service.jobs import EngineError, Job
from kgtune.service.metrics import Metrics
from kgtune.service.refusals import RefusalError
from kgtune.service.unfolding import Shown, Unfolding
from kgtune.settings import Config
from kgtune.spelling import suggestion

T = TypeVar("T")

THREADED_CHARS = 2000  # from here on, holding a graph against its text takes longer than a switch of threads
HASH_CHARS = 12
_WIDE = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")


def estimate_tokens(text: str) -> int:
    """Guess a text's tokens without a tokenizer: one for a Chinese character, one for three others.

    Qwen's tokenizer takes fewer for both (about 0.7, and one for 3.5 to 4): a bound should err on the safe side.
    """
    num_wide = len(_WIDE.findall(text))
    return num_wide + -(-(len(text) - num_wide) // 3)


@dataclass(frozen=True, slots=True)
class Exchange:
    """The parts of a running service that a text passes."""

    engine: Engine
    cfg: Config
    metrics: Metrics

    def asked(self, text: str, wishes: Wishes, source: Source, *, where: str, format_: str = "json") -> Asked:
        """Check what a caller asks for; raise a RefusalError that says where it is at fault."""
        self.check_wishes(wishes)
        answering.check_format(format_, stats=wishes.stats, offsets=wishes.offsets)
        usable, num_replaced = refusals.usable_text(text, self.cfg.service.max_text_chars, where)
        wanted = replace(
            wishes.wanted(self.cfg.output.id_style),
            ungrounded=self.cfg.output.ungrounded,
            unanchored=ontology.unanchored if (ontology := self.engine.ontology) else frozenset(),
        )
        return Asked(usable, wanted, wishes.stats, format_, source.document(), self.engine.ontology, num_replaced)

    def check_wishes(self, wishes: Wishes) -> None:
        """Refuse an empty list and a name that the model's ontology does not have: either would withhold everything."""
        for key, names in (("labels", wishes.labels), ("types", wishes.types)):
            if names is not None and not names:
                what = f"body.{key}: is empty, which would keep nothing. Leave the key out to keep all {key}."
                raise RefusalError(422, "invalid", what)
        if (ontology := self.engine.ontology) is not None:
            _check_names("body.labels", wishes.labels, ontology.label_names)
            _check_names("body.types", wishes.types, ontology.type_names)

    def submit(self, asked: Asked, timeout_s: float | None = None, *, is_watched: bool = False) -> Job:
        """Put a text into the queue. Whoever submits asks for the `extraction`, or lets the engine `leave` it."""
        limit_s = self.cfg.service.timeout_s if timeout_s is None else timeout_s
        try:
            return self.engine.submit(asked.text, timeout_s=limit_s, is_watched=is_watched)
        except EngineError as error:
            raise self._refusal(error) from None

    async def extraction(self, job: Job) -> Extraction:
        """Wait for a submitted text."""
        try:
            extraction = await self.engine.result(job)
        except (EngineError, UserError) as error:
            raise self._refusal(error) from None
        if extraction.finish_reason == "cancelled":
            raise refusals.not_ready("stopping")
        return extraction

    async def answer(self, asked: Asked, timeout_s: float | None = None) -> tuple[Answer, Extraction]:
        """Take one text all the way."""
        job = self.submit(asked, timeout_s)
        extraction = await self.extraction(job)
        return await self.shown(extraction, job, asked), extraction

    async def shown(self, extraction: Extraction, job: Job, asked: Asked) -> Answer:
        """Make the answer of an extraction."""
        answer = await _beside(asked.text, lambda: answering.answer(extraction, job, asked))
        self.metrics.selected(answer.selection)
        return answer

    async def unfold(self, job: Job, unfolding: Unfolding) -> AsyncGenerator[Shown | Extraction]:
        """Yield the items of a watched text as they are decoded, and at last its extraction."""
        grown = job.grown
        assert grown is not None, "nobody watches this text"
        waiting = asyncio.ensure_future(self.extraction(job))
        waiting.add_done_callback(lambda _: grown.set())
        try:
            while not waiting.done():
                await grown.wait()
                grown.clear()
                for shown in await _beside(unfolding.text, partial(unfolding.read, job.so_far)):
                    yield shown
            extraction = await waiting
            for shown in await _beside(unfolding.text, partial(unfolding.finish, extraction)):
                yield shown
            yield extraction
        finally:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    def _refusal(self, error: Exception) -> RefusalError:
        timeout_s, retry_after_s = self.cfg.service.timeout_s, self.engine.retry_after_s()
        return refusals.of_engine(error, timeout_s=timeout_s, retry_after_s=retry_after_s)


async def _beside(text: str, work: Callable[[], T]) -> T:
    """Do work that grows with a text: on a thread where the text is long, since the event loop must go on."""
    return work() if len(text) < THREADED_CHARS else await asyncio.to_thread(work)


def _check_names(where: str, names: Collection[str] | None, known: Collection[str]) -> None:
    for name in names or ():
        if name not in known:
            what = f'{where}: the model\'s ontology has no "{name}".'
            raise RefusalError(422, "unknown_name", f"{what} {suggestion(name, known)} Or leave it out.")


def noted(text: str) -> dict[str, Any]:
    """What the log says of a text: its length and its hash, and no more."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return {"chars": len(text), "sha256": digest[:HASH_CHARS]}
