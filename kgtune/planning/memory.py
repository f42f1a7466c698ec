"""Memory of a fine-tuning run by term, in bytes of the card, from a shape and what is asked of it.

Knows nothing about configuration files or cards. What it says of activations was counted on the trainer's own
graph (tests/planning/test_memory_measured.py counts again); what it says of a card's own needs is an allowance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from kgtune.planning.shapes import Shape

GIB = 2**30

# nf4 with nested quantisation: half a byte a weight, a byte of scale for every 64 of them, and 4 bytes of a scale
# of scales for every 256 of those.
NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
# The loss meets supervised positions only, in tiles of so many 32-bit logits (training/answer_loss.py); a tile and
# its logarithms are held at once.
TILE_LOGITS = 1 << 27
# Attention of rows behind a shared beginning takes that beginning once more for every row. Where it is no longer than
# a row's own part, that is at most twice what attention keeps anyway.
SHARED_ATTENTION = 3
# What a process takes before it has done anything: the CUDA context, cuBLAS workspaces. An allowance, not a count.
CONTEXT_BYTES = 0.8 * GIB
NO_CHECKPOINTING, EVERY_LAYER = 0, 1


@dataclass(frozen=True, slots=True)
class Setup:
    """What is asked of a model, as far as memory goes."""

    load_in_4bit: bool
    lora_r: int
    lora_dropout: float
    target_modules: tuple[str, ...]
    batch_size: int
    sequence_length: int
    evaluation_batch_size: int
    compute_bytes: int = 2
    """Bytes of a number in the computation: 2 in bf16 and fp16, 4 in fp32."""
    adapter_bytes: int = 2
    """Bytes of an adapter's weight, its gradient and each of its two moments."""
    checkpoint_every: int = EVERY_LAYER
    """Every n-th layer keeps its input only and is computed again; 0: none."""
    batching: Literal["padded", "packed", "shared"] = "shared"
    """How rows stand in a pass."""
    mask_bytes: int = 1
    """Bytes of one place of a dropout's mask: 1 on a card; a CPU keeps it in the dropped input's own format."""
    pass_tokens: int | None = None
    """Tokens of the longest pass, where the rows are known; None: full rows, as many as go in one step."""

    @property
    def num_tokens(self) -> int:
        """Tokens of one step of one card."""
        return self.batch_size * self.sequence_length if self.pass_tokens is None else self.pass_tokens


@dataclass(frozen=True, slots=True)
class Plan:
    """Bytes by term: what is held all along, and what a training step or an answer takes on top."""

    held: Mapping[str, float]
    training: Mapping[str, float]
    answering: Mapping[str, float] = field(default_factory=dict)

    @property
    def training_bytes(self) -> float:
        return sum(self.held.values()) + sum(self.training.values())

    @property
    def answering_bytes(self) -> float:
        return sum(self.held.values()) + sum(self.answering.values())

    @property
    def peak_bytes(self) -> float:
        return max(self.training_bytes, self.answering_bytes)


def plan(shape: Shape, setup: Setup) -> Plan:
    """Add up a run's memory by term."""
    parameters = num_adapter_weights(shape, setup) * setup.adapter_bytes
    linear_bytes = NF4_BYTES if setup.load_in_4bit else setup.compute_bytes
    held = {
        "weights of the layers": shape.num_linear_weights * linear_bytes,
        "embedding and output layer": shape.num_other_weights * float(setup.compute_bytes),
        "adapter": float(parameters),
        "optimizer (gradient, two moments)": 3.0 * parameters,
        "CUDA context (allowance)": CONTEXT_BYTES,
    }
    training = {
        "activations kept": kept_activations(shape, setup),
        "activations of the layer at work": working_activations(shape, setup),
        "logits tile": logits_tile(shape, setup),
        "workspace (a layer's gradients, one dequantised matrix)": workspace(shape, setup),
    }
    return Plan(held, training, answering(shape, setup))


def num_adapter_weights(shape: Shape, setup: Setup) -> int:
    """Weights of the adapter: r times inputs and outputs of each module that gets one."""
    sizes = [shape.linears[name] for name in setup.target_modules if name in shape.linears]
    return shape.num_layers * setup.lora_r * sum(inputs + outputs for inputs, outputs in sizes)


def layer_activations(shape: Shape, setup: Setup) -> float:
    """Bytes that one layer keeps for one token, when nothing of it is computed again.

    Both norms keep their input in 32 bits. The frozen linear modules keep nothing; the adapter keeps its own input:
    once for modules that share it, once for each where dropout or another number format makes it a different tensor.
    """
    hidden, query, wide, width = shape.hidden_size, shape.query_size, shape.intermediate_size, setup.compute_bytes
    norms = 2 * 4 * hidden
    attention = width * (2 * query + 2 * shape.kv_size) + 4 * shape.num_heads
    attention *= SHARED_ATTENTION if setup.batching == "shared" else 1
    mlp = width * 3 * wide
    ranks = width * setup.lora_r * len(setup.target_modules) + 8
    return norms + attention + mlp + ranks + _adapter_inputs(shape, setup)


def _adapter_inputs(shape: Shape, setup: Setup) -> float:
    targets = [name for name in setup.target_modules if name in shape.linears]
    inputs = sum(shape.linears[name][0] for name in targets)
    if setup.lora_dropout > 0:
        return float(inputs * (setup.compute_bytes + setup.mask_bytes))
    if setup.adapter_bytes != setup.compute_bytes:
        return float(inputs * setup.compute_bytes)
    groups = [{"q_proj", "k_proj", "v_proj"}, {"gate_proj", "up_proj"}, {"down_proj"}]
    groups += [] if setup.batching == "padded" else [{"o_proj"}]  # packed, its input is put together from the rows'
    shared = sum(shape.linears[min(group)][0] for group in groups if group & set(targets))
    return float(shared * setup.compute_bytes)


def kept_activations(shape: Shape, setup: Setup) -> float:
    """What is kept from the forward pass to the backward pass, by the checkpointing policy."""
    checkpointed = num_checkpointed(shape.num_layers, setup.checkpoint_every)
    inputs = checkpointed * shape.hidden_size * setup.compute_bytes
    whole = (shape.num_layers - checkpointed) * layer_activations(shape, setup)
    return setup.num_tokens * (inputs + whole)


def num_checkpointed(num_layers: int, every: int) -> int:
    """How many layers keep their input alone: the first of every n; 0: none."""
    return -(-num_layers // every) if every else 0


def working_activations(shape: Shape, setup: Setup) -> float:
    """What a checkpointed layer's second forward pass makes; without checkpointing it is among what is kept."""
    return setup.num_tokens * layer_activations(shape, setup) if setup.checkpoint_every else 0.0


def logits_tile(shape: Shape, setup: Setup) -> float:
    """One tile of logits and its logarithms, and the states and gradients of all places; any may be supervised."""
    tile = min(setup.num_tokens * shape.vocab_size, TILE_LOGITS) * 2 * 4
    return float(tile + 2 * setup.num_tokens * shape.hidden_size * setup.compute_bytes)


def workspace(shape: Shape, setup: Setup) -> float:
    """Gradients under way in one layer: three of the MLP's width and four of the hidden size, and one matrix."""
    gradients = setup.num_tokens * setup.compute_bytes * (3 * shape.intermediate_size + 4 * shape.hidden_size)
    return float(gradients + _largest_matrix(shape, setup))


def answering(shape: Shape, setup: Setup) -> dict[str, float]:
    """What the before and after take: keys and values of a batch of full length, and the pass over its prompts."""
    tokens = setup.evaluation_batch_size * setup.sequence_length
    width = setup.compute_bytes
    passing = tokens * width * (3 * shape.intermediate_size + 6 * shape.hidden_size)
    return {
        "keys and values": float(tokens * width * 2 * shape.num_layers * shape.kv_size),
        "pass over the prompts": float(passing + _largest_matrix(shape, setup)),
        "logits of the next tokens": float(setup.evaluation_batch_size * shape.vocab_size * 8),
    }


def _largest_matrix(shape: Shape, setup: Setup) -> int:
    """A matrix held in 4 bits is written out in the computation's format while it is used."""
    largest = max(inputs * outputs for inputs, outputs in shape.linears.values())
    return largest * setup.compute_bytes if setup.load_in_4bit else 0
