"""One pass through the model: rows of token ids as tensors, and attention that keeps each row to itself.

Knows nothing about which rows belong together. Packed rows stand end to end; each sees its own tokens and, where there
is one, the beginning that all share, which stands once in front. Positions are those that the row alone would have.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

from kgtune.training.batching import Layout, Row

ATTENTION = "kgtune_rows"


def collate(rows: Sequence[Row], layout: Layout, shared: int = 0) -> dict[str, Any]:
    """Lay rows out as the keyword arguments of one forward pass."""
    return _padded(rows) if layout == "padded" else _end_to_end(rows, shared)


def _padded(rows: Sequence[Row]) -> dict[str, Any]:
    """Rows one below the other. Padding stands behind, where a causal model can't see it, so no mask is needed."""
    width = max(len(prompt) + len(answer) for prompt, answer in rows)
    ids = torch.zeros((len(rows), width), dtype=torch.long)
    places: list[int] = []
    for number, (prompt, answer) in enumerate(rows):
        ids[number, : len(prompt) + len(answer)] = torch.tensor(prompt + answer)
        first = number * width + len(prompt) - 1
        places += range(first, first + len(answer))
    return {"input_ids": ids, **_answers(rows, places)}


def _end_to_end(rows: Sequence[Row], shared: int) -> dict[str, Any]:
    ids: list[int] = list(rows[0][0][:shared])
    positions: list[int] = list(range(shared))
    places: list[int] = []
    bounds = [shared]
    for prompt, answer in rows:
        own = (prompt + answer)[shared:]
        first = len(ids) + len(prompt) - shared - 1
        places += range(first, first + len(answer))
        ids += own
        positions += range(shared, shared + len(own))
        bounds.append(len(ids))
    return {
        "input_ids": torch.tensor([ids]),
        "position_ids": torch.tensor([positions]),
        "row_bounds": tuple(bounds),
        **_answers(rows, places),
    }


def _answers(rows: Sequence[Row], places: list[int]) -> dict[str, torch.Tensor]:
    labels = [token for _, answer in rows for token in answer]
    return {"answer_places": torch.tensor(places), "answer_labels": torch.tensor(labels)}


def attend(
    _module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    _mask: torch.Tensor | None,
    *,
    scaling: float | None = None,
    row_bounds: tuple[int, ...] | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Attend packed rows, (1, heads, tokens, d), each alone behind the shared beginning; unbounded: causal."""

    def causal(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        grouped = q.shape[1] != k.shape[1]
        return scaled_dot_product_attention(q, k, v, is_causal=True, scale=scaling, enable_gqa=grouped)

    if row_bounds is None:
        return causal(query, key, value).transpose(1, 2).contiguous(), None
    shared = row_bounds[0]
    sizes = [end - start for start, end in itertools.pairwise(row_bounds)]
    # split, whose gradient is one concatenation: that of a slice is a whole tensor of zeros, for every row
    queries, keys, values = (states.split([shared, *sizes], dim=2) for states in (query, key, value))
    parts = [causal(queries[0], keys[0], values[0])] if shared else []
    for q, k, v in zip(queries[1:], keys[1:], values[1:], strict=True):
        if not shared:
            parts.append(causal(q, k, v))
            continue
        # The shared queries are attended once more per row and dropped: no mask, so the fast kernel stays.
        front = (torch.cat(pair, dim=2) for pair in ((queries[0], q), (keys[0], k), (values[0], v)))
        parts.append(causal(*front)[:, :, shared:])
    return torch.cat(parts, dim=2).transpose(1, 2).contiguous(), None


AttentionInterface.register(ATTENTION, attend)


@contextmanager
def rows_kept_apart(config: Any) -> Iterator[None]:
    """Give a model the attention above for forward and backward pass, and its own one back for everything else."""
    own = config._attn_implementation  # noqa: SLF001  transformers has a setter and no getter
    config._attn_implementation = ATTENTION  # noqa: SLF001
    try:
        yield
    finally:
        config._attn_implementation = own  # noqa: SLF001
