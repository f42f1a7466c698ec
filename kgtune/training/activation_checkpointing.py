"""Which layers compute their activations again, in the words of transformers: the choice, the arguments, the switch.

Knows nothing about how memory is planned. Every n-th layer from the first one on keeps its input alone; losses are the
same whichever layers those are.
"""

from __future__ import annotations

from typing import Any

from kgtune import hub
from kgtune.planning import checkpointing, shapes
from kgtune.planning.checkpointing import Choice
from kgtune.planning.memory import EVERY_LAYER, NO_CHECKPOINTING
from kgtune.settings import Config
from kgtune.training.batching import Batching

_EVERY = "every_n_layers"


def choose(cfg: Config, card_gib: float, batching: Batching | None, *, world: int) -> Choice:
    """Choose for the longest pass that the rows really make; None where they could not be rendered."""
    folder = hub.local_folder(cfg.model.model_id)
    shape = shapes.shape_of(str(folder) if folder else cfg.model.model_id)
    longest = batching.longest_pass(cfg.training.max_steps, world=world) if batching else None
    return checkpointing.choose(cfg, shape, card_gib, longest)


def arguments(every: int) -> dict[str, Any]:
    """Arguments of a trainer for every n-th layer, 0 for none."""
    return {
        "activation_checkpointing": every != NO_CHECKPOINTING,
        "activation_checkpointing_kwargs": {_EVERY: every} if every > EVERY_LAYER else None,
    }


def every_of(args: Any) -> int:
    """Read the policy off a trainer's arguments."""
    if not args.activation_checkpointing:
        return NO_CHECKPOINTING
    return int((args.activation_checkpointing_kwargs or {}).get(_EVERY, EVERY_LAYER))


def ask_for(args: Any, every: int) -> None:
    """Change the policy of a trainer that has not begun; what else its arguments say of checkpointing stays."""
    others = {key: value for key, value in (args.activation_checkpointing_kwargs or {}).items() if key != _EVERY}
    asked = arguments(every)
    args.activation_checkpointing = asked["activation_checkpointing"]
    args.activation_checkpointing_kwargs = {**others, **(asked["activation_checkpointing_kwargs"] or {})} or None


def switch_on(model: Any, args: Any) -> None:
    """Do what the trainer itself does when it begins: every_n_layers is no argument of torch's checkpoint."""
    kwargs = dict(args.activation_checkpointing_kwargs or {})
    kwargs.pop(_EVERY, None)
    if every := every_of(args):
        model.activation_checkpointing_enable(activation_checkpointing_kwargs=kwargs or None, every_n_layers=every)


def counted(model: Any) -> tuple[int, int]:
    """Count the layers that say that they are checkpointed, and all layers."""
    layers = [m for m in model.modules() if type(m).__name__.endswith("DecoderLayer")]
    return sum(1 for layer in layers if getattr(layer, "gradient_checkpointing", False)), len(layers)
