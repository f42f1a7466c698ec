"""The loss of the answers' tokens and of no others: only their positions meet the output layer, in tiles.

Knows nothing about rows or passes. The output layer is frozen, so the gradient is made in the same sweep as the loss
and the logits of a tile are all that ever exists of them.
"""

from __future__ import annotations

import functools
import types
from typing import Any, cast

import torch

from kgtune.errors import ModelError

TILE_LOGITS = 1 << 27  # 512 MiB of 32-bit logits: 882 positions of Qwen's 152,064 tokens


class _SummedLoss(torch.autograd.Function):
    """Summed negative log-likelihood of `labels`, (N, H) hidden states against a frozen (V, H) output layer."""

    @staticmethod
    def forward(ctx: Any, hidden: torch.Tensor, weight: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        total = torch.zeros((), dtype=torch.float32, device=hidden.device)
        gradient = torch.empty_like(hidden)
        size = max(1, TILE_LOGITS // weight.shape[0])
        for start in range(0, len(labels), size):
            part, wanted = hidden[start : start + size], labels[start : start + size]
            chances = torch.log_softmax((part.to(weight.dtype) @ weight.T).float(), dim=-1)
            total -= chances.gather(1, wanted[:, None]).sum()
            chances.exp_()[torch.arange(len(wanted), device=hidden.device), wanted] -= 1.0
            gradient[start : start + size] = chances.to(weight.dtype) @ weight
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, *outer: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return (gradient * outer[0]).to(gradient.dtype), None, None


def summed_loss(hidden: torch.Tensor, weight: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the summed loss as a 32-bit number; only `hidden` gets a gradient."""
    return cast("torch.Tensor", _SummedLoss.apply(hidden, weight, labels))  # type: ignore[no-untyped-call]


def add_answer_loss(model: Any) -> None:
    """Let `model(..., answer_places=P, answer_labels=L)` return the summed loss of the tokens L that follow places P.

    Places count through the flattened batch. Without them the model's own forward runs, as for generation.
    """
    causal = model.get_base_model()
    head = causal.get_output_embeddings()
    if head.bias is not None or any(parameter.requires_grad for parameter in head.parameters()):
        raise ModelError("the output layer has a bias or an adapter. Leave lm_head out of lora.target_modules.")
    own_forward = causal.forward

    @functools.wraps(own_forward)
    def forward(self: Any, *args: Any, answer_places: Any = None, answer_labels: Any = None, **kwargs: Any) -> Any:
        if answer_places is None:
            return own_forward(*args, **kwargs)
        for name in ("labels", "return_dict", "output_attentions", "output_hidden_states"):
            kwargs.pop(name, None)
        states = self.base_model(*args, **kwargs, use_cache=False).last_hidden_state
        return summed_loss(states.flatten(0, 1)[answer_places], head.weight, answer_labels)

    causal.forward = types.MethodType(forward, causal)
