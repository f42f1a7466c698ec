"""Copying exercises on random tokens: whole repeats, and short spans quoted out of order.

Knows nothing about texts. Repeats teach that a token's last occurrence tells what follows; spans over few different
tokens teach that one token of context is often not enough, as it isn't in a text whose names share their syllables.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional
from transformers import Qwen2ForCausalLM

from kgtune.demo.tokenizer import SPECIALS

_SPAN_LENGTHS = (3, 14)
_SPAN_CONTEXT = 2  # the first tokens of a span could stand anywhere: they are not scored
_ALPHABETS = (24, 600)


def copy_rows(half: int, generator: torch.Generator, vocab_size: int, num_tokens: int = 4096) -> Tensor:
    """Draw random tokens and repeat them: shape (rows, 2 * half)."""
    first = torch.randint(len(SPECIALS), vocab_size, (num_tokens // (2 * half), half), generator=generator)
    return torch.cat([first, first], dim=1)


def copy_loss(model: Qwen2ForCausalLM, ids: Tensor) -> tuple[Tensor, float]:
    """Score the repeat alone: its loss, and the share of its tokens that are guessed."""
    half = ids.shape[1] // 2
    hidden = model.model(input_ids=ids).last_hidden_state[:, half:-1]
    logits = model.lm_head(hidden).flatten(0, 1)
    targets = ids[:, half + 1 :].flatten()
    return functional.cross_entropy(logits, targets), (logits.argmax(-1) == targets).float().mean().item()


@torch.no_grad()
def copy_accuracy(model: Qwen2ForCausalLM, half: int = 64) -> float:
    """Measure copying of 64 random tokens on repeats that training never drew."""
    ids = copy_rows(half, torch.Generator().manual_seed(987_654), model.config.vocab_size, 16_384)
    return copy_loss(model, ids)[1]


@dataclass(frozen=True)
class Spans:
    """Token ids and which of them are scored, both of shape (rows, length)."""

    ids: Tensor
    is_scored: Tensor


def span_rows(rows: int, length: int, generator: torch.Generator, vocab_size: int) -> Spans:
    """Draw rows of random tokens from a small alphabet each, the second half quoting spans of the first.

    Spans begin anywhere and are split by one or two marks that are the row's own; a span's first two tokens and the
    marks are not scored.
    """
    ids = torch.empty((rows, length), dtype=torch.long)
    is_scored = torch.zeros((rows, length), dtype=torch.bool)
    for row in range(rows):
        size = int(torch.randint(*_ALPHABETS, (1,), generator=generator))
        drawn = torch.randperm(vocab_size - len(SPECIALS), generator=generator)[: size + 2] + len(SPECIALS)
        marks, alphabet = drawn[:2], drawn[2:]
        half = length // 2
        source = alphabet[torch.randint(size, (half,), generator=generator)]
        ids[row, :half] = source
        at = half
        while at < length:
            num_marks = int(torch.randint(1, 3, (1,), generator=generator))
            span = int(torch.randint(*_SPAN_LENGTHS, (1,), generator=generator))
            begin = int(torch.randint(half - span, (1,), generator=generator))
            piece = torch.cat([marks[:num_marks], source[begin : begin + span]])[: length - at]
            ids[row, at : at + len(piece)] = piece
            is_scored[row, at + num_marks + _SPAN_CONTEXT : at + len(piece)] = True
            at += len(piece)
    return Spans(ids, is_scored)


def span_loss(model: Qwen2ForCausalLM, spans: Spans) -> tuple[Tensor, float]:
    """Score the spans: their loss, and the share of their tokens that are guessed."""
    hidden = model.model(input_ids=spans.ids).last_hidden_state[:, :-1]
    chosen = spans.is_scored[:, 1:]
    logits, targets = model.lm_head(hidden[chosen]), spans.ids[:, 1:][chosen]
    return functional.cross_entropy(logits, targets), (logits.argmax(-1) == targets).float().mean().item()
