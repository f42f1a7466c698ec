"""Answers from a model: the forward passes of a batch, its key-value cache, and the choices read from them.

Knows nothing about graphs, grammars or tokenizers: a `Writing` says what is fed, and is told what the model chose.

This is a loop over the model's own forward. transformers' `custom_generate` hook would call it with one cache, one
list of processors and one stopping rule for the whole batch, and take back a tensor of tokens. Here each row has
its own constraint, cap and cancellation, rows leave when they are done, the cache begins with the system
message's, and statistics come back: of what the hook prepares, nothing would be left in use.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from transformers import DynamicCache

from kgtune.decoding.writing import Writing

# Columns of the cache that may be dead before the living ones are moved together.
_SLACK = 64


@dataclass(slots=True, eq=False)
class Row:
    """One answer of a batch. `fed` are the tokens of the answer that the cache holds; `watch` sees it grow.

    `noise` is added to the logits before the best token is taken: with Gumbel's, that draws from the distribution.
    """

    prompt: Sequence[int]
    writing: Writing
    cancel: threading.Event | None = None
    noise: Callable[[torch.Tensor], torch.Tensor] | None = None
    watch: Callable[[Writing], None] | None = None
    fed: list[int] = field(default_factory=list)
    is_prompt_fed: bool = False

    def is_going_on(self) -> bool:
        """Bring the answer to where the model must be asked; False when it is finished."""
        if self.cancel is not None and self.cancel.is_set():
            self.writing.finish = "cancelled"
        if self.writing.finish is None:
            self.writing.prepare()
        return self.writing.finish is None

    def forget(self) -> int:
        """Forget what was fed and is not in the answer, refused drafts or a loop; say how many tokens stay.

        An answer that was cut back to what is fed feeds its last token again: the model is asked behind it.
        """
        tokens = self.writing.tokens
        del self.fed[min(num_alike(self.fed, tokens), max(len(tokens) - 1, 0)) :]
        return len(self.prompt) + len(self.fed)

    def feed(self, num_shared: int) -> list[int]:
        """Return what the cache lacks, and the draft; from now on they count as fed."""
        prompt = [] if self.is_prompt_fed else self.prompt[num_shared:]
        fresh = self.writing.tokens[len(self.fed) :] + self.writing.draft
        self.fed += fresh
        self.is_prompt_fed = True
        return [*prompt, *fresh]


class Prefix:
    """The beginning that all prompts share, run through the model once."""

    def __init__(self, model: Any, ids: Sequence[int]) -> None:
        self.ids = list(ids)
        cache = DynamicCache()
        with torch.inference_mode():
            inputs = torch.tensor([self.ids], device=model.device)
            model(input_ids=inputs, past_key_values=cache, use_cache=True, logits_to_keep=1)
        layers: list[Any] = cache.layers
        self._layers = [(layer.keys, layer.values) for layer in layers]

    def shared_with(self, prompts: Sequence[Sequence[int]]) -> int:
        """How many tokens of it begin every prompt; the last token of a prompt must be fed, and never counts."""
        return num_alike(self.ids, *(prompt[:-1] for prompt in prompts))

    def cache(self, length: int, num_rows: int) -> DynamicCache:
        """Make a cache that holds the first `length` tokens, once for each row."""
        size = (num_rows, -1, -1, -1)
        return DynamicCache(
            [(k[..., :length, :].expand(size), v[..., :length, :].expand(size)) for k, v in self._layers]
        )


class Batch:
    """Rows that go through the model together. `alive` says which columns of the cache are a row's own tokens."""

    def __init__(self, model: Any, prefix: Prefix, rows: Sequence[Row]) -> None:
        self.model = model
        self.rows = list(rows)
        self.num_shared = prefix.shared_with([row.prompt for row in rows])
        assert self.num_shared > 0, "prompts begin alike; a row of padding alone would be all NaN"
        self.cache = prefix.cache(self.num_shared, len(rows))
        self.alive = torch.ones(len(rows), self.num_shared, dtype=torch.bool)

    def run(self) -> None:
        """Finish every row."""
        with torch.inference_mode():
            while self._select():
                self._forget()
                self._step()

    def _select(self) -> bool:
        """Let go of the rows that are finished."""
        going = [number for number, row in enumerate(self.rows) if row.is_going_on()]
        if len(going) < len(self.rows):
            kept = torch.tensor(going, dtype=torch.long)
            self.rows = [self.rows[number] for number in going]
            self.alive = self.alive[kept]
            self.cache.batch_select_indices(kept.to(self.model.device))
        return bool(self.rows)

    def _forget(self) -> None:
        """Take what rows forgot out of the cache: crop it where all did, else let the columns die."""
        for alive, row in zip(self.alive, self.rows, strict=True):
            alive[alive.nonzero()[row.forget() :]] = False
        num_columns = int(self.alive.any(dim=0).nonzero()[-1]) + 1
        self.cache.crop(num_columns - self.alive.shape[1])
        self.alive = self.alive[:, :num_columns]
        longest = int(self.alive.sum(dim=1).max())
        if num_columns > 2 * longest + _SLACK:
            self._move_together(longest)

    def _move_together(self, longest: int) -> None:
        """Move each row's living columns to the right end of the cache, in their order, and cut off the rest."""
        order = self.alive.int().argsort(dim=1, stable=True)[:, -longest:]
        self.alive = self.alive.gather(1, order)
        layers: list[Any] = self.cache.layers
        for layer in layers:
            _, num_heads, _, head_size = layer.keys.shape
            index = order.to(layer.keys.device)[:, None, :, None].expand(-1, num_heads, -1, head_size)
            layer.keys, layer.values = layer.keys.gather(2, index), layer.values.gather(2, index)

    def _step(self) -> None:
        """One forward pass: new tokens and drafts, flush right, since the logits of the last ones are read."""
        blocks = [row.feed(self.num_shared) for row in self.rows]
        ids = torch.zeros(len(blocks), max(map(len, blocks)), dtype=torch.long)
        positions, fresh = torch.zeros_like(ids), torch.zeros_like(ids, dtype=torch.bool)
        for number, (block, start) in enumerate(zip(blocks, self.alive.sum(dim=1).tolist(), strict=True)):
            at = ids.shape[1] - len(block)
            ids[number, at:] = torch.tensor(block)
            positions[number, at:] = torch.arange(start, start + len(block))
            fresh[number, at:] = True
        self.alive = torch.cat([self.alive, fresh], dim=1)
        device = self.model.device
        logits = self.model(
            input_ids=ids.to(device),
            position_ids=positions.to(device),
            attention_mask=None if bool(self.alive.all()) else self.alive.to(device),
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1 + max(len(row.writing.draft) for row in self.rows),
        ).logits
        choices = logits.argmax(dim=-1).tolist()
        for row, chosen, of_row in zip(self.rows, choices, logits, strict=True):
            first = len(chosen) - len(row.writing.draft) - 1
            asked = drawn = of_row[first:]
            if row.noise is not None:
                drawn = asked.float() + row.noise(asked)
                chosen[first:] = drawn.argmax(dim=-1).tolist()
            row.writing.settle(chosen[first:], partial(_best, drawn), partial(_likelihood, asked))
            if row.watch is not None:
                row.watch(row.writing)


def num_alike(first: Sequence[int], *others: Sequence[int]) -> int:
    """Return with how many tokens all of these begin alike."""
    length = min(len(first), *map(len, others))
    if all(other[:length] == first[:length] for other in others):
        return length
    return next(number for number in range(length) if any(other[number] != first[number] for other in others))


def _best(logits: torch.Tensor, position: int, allowed: bytes) -> int:
    """The most probable of the allowed tokens."""
    return int(_masked(logits[position], allowed).argmax())


def _likelihood(logits: torch.Tensor, position: int, allowed: bytes, token: int) -> float:
    """The probability of a token among the allowed ones."""
    return float(_masked(logits[position].float(), allowed).softmax(dim=-1)[token])


def _masked(logits: torch.Tensor, allowed: bytes) -> torch.Tensor:
    """Rule out what is not allowed; `allowed` has one bit for each token, the lowest bit first."""
    octets = torch.frombuffer(bytearray(allowed), dtype=torch.uint8).to(logits.device)
    bits = octets[:, None].bitwise_right_shift(torch.arange(8, device=logits.device, dtype=torch.uint8)) & 1
    refused = bits.flatten()[: logits.shape[-1]] == 0
    return logits.masked_fill(refused, float("-inf"))


def gumbel(seed: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """Noise that makes the best of the noised logits a draw from the distribution, masked or not."""
    generator = torch.Generator().manual_seed(seed)

    def noise(logits: torch.Tensor) -> torch.Tensor:
        exponential = torch.empty(logits.shape, dtype=torch.float32).exponential_(generator=generator)
        return -exponential.clamp_min(1e-20).log().to(logits.device)

    return noise
