"""Batches of encoded lessons, bucketed by length, made in a process of their own and in an order the seed fixes.

Knows nothing about models or optimizers.
"""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from kgtune.demo.corpus import documents
from kgtune.demo.lessons import Lesson, lessons

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PAD, PASSAGE, ANSWER = 0, 1, 2
_WINDOW = 1024
_ENDLESS = 10**9


@dataclass(frozen=True)
class Batch:
    """Token ids and roles (PAD, PASSAGE, ANSWER), both of shape (rows, length), and the documents read so far."""

    ids: np.ndarray[Any, np.dtype[np.int64]]
    roles: np.ndarray[Any, np.dtype[np.int8]]
    num_documents: int
    num_lessons: int
    num_dropped: int


def batches(
    tokenizer: PreTrainedTokenizerFast, seed: int, tokens_per_batch: int, max_tokens: int, *, is_short: bool = False
) -> Iterator[Batch]:
    """Give batches of about `tokens_per_batch` tokens without end; lessons above `max_tokens` are dropped and counted."""
    stream = lessons(documents(seed, _ENDLESS, pool="pretrain", is_short=is_short), seed)
    num_documents, num_lessons, num_dropped = 0, 0, 0
    while window := list(islice(stream, _WINDOW)):
        num_documents += sum(lesson.num_documents for lesson in window)
        encoded = sorted(_encode(tokenizer, window), key=lambda row: len(row[0]))
        kept = [row for row in encoded if len(row[0]) <= max_tokens]
        num_lessons += len(kept)
        num_dropped += len(encoded) - len(kept)
        groups = _grouped(kept, tokens_per_batch)
        random.Random(f"order/{seed}/{num_documents}").shuffle(groups)
        for group in groups:
            yield Batch(*_padded(group), num_documents, num_lessons, num_dropped)


def batches_from_process(
    tokenizer: PreTrainedTokenizerFast, seed: int, tokens_per_batch: int, max_tokens: int, *, is_short: bool = False
) -> Iterator[Batch]:
    """Give the same batches from a process of its own, so that generating never holds up training."""
    context = multiprocessing.get_context("spawn")
    queue: Any = context.Queue(maxsize=64)
    worker = context.Process(
        target=_fill, args=(queue, tokenizer, seed, tokens_per_batch, max_tokens, is_short), daemon=True
    )
    worker.start()
    try:
        while True:
            yield queue.get()
    finally:
        worker.terminate()


def _fill(
    queue: Any,
    tokenizer: PreTrainedTokenizerFast,
    seed: int,
    tokens_per_batch: int,
    max_tokens: int,
    is_short: bool,  # noqa: FBT001 - a process takes its arguments by place
) -> None:
    for batch in batches(tokenizer, seed, tokens_per_batch, max_tokens, is_short=is_short):
        queue.put(batch)


def _encode(tokenizer: PreTrainedTokenizerFast, window: Sequence[Lesson]) -> list[tuple[list[int], list[int]]]:
    """Encode part by part, so that an answer starts on a token of its own, as it does in fine-tuning."""
    parts = [part for lesson in window for part in lesson.parts]
    encoded = iter(tokenizer([part.text for part in parts])["input_ids"])
    rows = []
    for lesson in window:
        ids: list[int] = []
        roles: list[int] = []
        for part in lesson.parts:
            piece = next(encoded)
            ids += piece
            roles += [ANSWER if part.is_answer else PASSAGE] * len(piece)
        rows.append((ids, roles))
    return rows


def _grouped(
    rows: Sequence[tuple[list[int], list[int]]], tokens_per_batch: int
) -> list[list[tuple[list[int], list[int]]]]:
    groups: list[list[tuple[list[int], list[int]]]] = [[]]
    for row in rows:
        if groups[-1] and (len(groups[-1]) + 1) * len(row[0]) > tokens_per_batch:
            groups.append([])
        groups[-1].append(row)
    return groups


def _padded(rows: Sequence[tuple[list[int], list[int]]]) -> tuple[Any, Any]:
    length = max(len(ids) for ids, _ in rows)
    ids = np.zeros((len(rows), length), dtype=np.int64)
    roles = np.zeros((len(rows), length), dtype=np.int8)
    for i, (row_ids, row_roles) in enumerate(rows):
        ids[i, : len(row_ids)] = row_ids
        roles[i, : len(row_roles)] = row_roles
    return ids, roles
