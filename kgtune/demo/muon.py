"""Muon: momentum, then orthogonalised updates for weight matrices (https://kellerjordan.github.io/posts/muon/).

Knows nothing about models. torch.optim.Muon works in bfloat16, which two plain CPU cores run about 20 times slower.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor

# Coefficients of the quintic Newton-Schulz step, from the post above; five steps bring singular values near 1.
_A, _B, _C = 3.4445, -4.7750, 2.0315
_STEPS = 5
# Scales an orthogonal update to the root mean square of an AdamW update, so that one learning rate suits both.
_RMS_MATCH = 0.2


class Muon:
    """The optimizer's state: one momentum buffer per matrix."""

    def __init__(
        self, matrices: Iterable[torch.nn.Parameter], momentum: float = 0.95, weight_decay: float = 0.01
    ) -> None:
        self.matrices = list(matrices)
        self.momentum = momentum
        self.weight_decay = weight_decay
        self._buffers = [torch.zeros_like(matrix) for matrix in self.matrices]

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Move every matrix along its orthogonalised momentum; equal shapes are handled as one batch."""
        by_shape: dict[torch.Size, list[tuple[torch.nn.Parameter, Tensor]]] = defaultdict(list)
        for matrix, buffer in zip(self.matrices, self._buffers, strict=True):
            if matrix.grad is None:
                continue
            buffer.lerp_(matrix.grad, 1 - self.momentum)
            by_shape[matrix.shape].append((matrix, matrix.grad.lerp(buffer, self.momentum)))
            matrix.grad = None
        for shape, pairs in by_shape.items():
            updates = orthogonalised(torch.stack([update for _, update in pairs]))
            scale: float = _RMS_MATCH * max(shape) ** 0.5
            for (matrix, _), update in zip(pairs, updates, strict=True):
                matrix.mul_(1 - learning_rate * self.weight_decay).add_(update, alpha=-learning_rate * scale)


def orthogonalised(batch: Tensor) -> Tensor:
    """Give the nearly orthogonal matrices closest to a batch of matrices, shape (n, rows, columns)."""
    is_tall = batch.shape[-2] > batch.shape[-1]
    x: Tensor = batch.mT if is_tall else batch
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(_STEPS):
        gram = x @ x.mT
        x = _A * x + (_B * gram + _C * gram @ gram) @ x
    return x.mT if is_tall else x
