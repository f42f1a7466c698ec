"""An adapter's product added where the frozen layer's result stands, instead of in three more sweeps over it.

Knows nothing about rows or losses. The numbers are PEFT's up to rounding; it holds for training alone, where exactly
one adapter is on and none is merged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from torch.nn.functional import linear


def adapted(model: Any) -> list[Any]:
    """The layers that plain LoRA adapts, in the model's order."""
    return [module for module in model.modules() if isinstance(module, LoraLayer)]


def forward(layer: Any, x: torch.Tensor) -> torch.Tensor:
    """Base(x) + scaling * B(A(dropout(x))). The scaling meets r numbers a token here, PEFT has it meet the output."""
    [name] = layer.active_adapters
    down, up = layer.lora_A[name].weight, layer.lora_B[name].weight
    low = linear(layer.lora_dropout[name](x).to(down.dtype), down) * layer.scaling[name]
    out = layer.base_layer(x)
    return torch.addmm(out.flatten(0, -2), low.flatten(0, -2).to(out.dtype), up.to(out.dtype).T).view(out.shape)


@contextmanager
def fused(layers: Sequence[Any]) -> Iterator[None]:
    """Let the layers compute so, for forward and backward pass, and PEFT's way again afterwards."""
    for layer in layers:
        layer.forward = partial(forward, layer)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward
