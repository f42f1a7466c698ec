"""What the planner says of memory, counted: on the trainer's own graph, and on weights that were really quantised."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kgtune.planning import memory
from kgtune.planning.memory import Setup
from kgtune.planning.shapes import Shape
from tests import tiny

pytestmark = pytest.mark.tiny

MODULES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
TOKENS = 64


def shape_with(num_layers: int) -> Shape:
    return Shape("tiny", 128, num_layers, 384, 8, 4, 16, tiny.VOCABULARY, is_tied=True)


def model_of(shape: Shape, folder: Path, setup: Setup) -> Any:
    """A bf16 model of that shape with a LoRA adapter, over 4-bit weights where the setup asks for them."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from kgtune import model as models
    from kgtune.training import answer_loss

    torch.manual_seed(0)
    made = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=shape.vocab_size, hidden_size=shape.hidden_size, num_hidden_layers=shape.num_layers,
            intermediate_size=shape.intermediate_size, num_attention_heads=shape.num_heads,
            num_key_value_heads=shape.num_kv_heads, tie_word_embeddings=True,
        )
    )  # fmt: skip
    made.to(torch.bfloat16).save_pretrained(str(folder))
    base = models.load_weights(folder, load_in_4bit=setup.load_in_4bit, precision="bf16")
    adapted = get_peft_model(
        base,
        LoraConfig(
            r=setup.lora_r, lora_alpha=4, lora_dropout=setup.lora_dropout, target_modules=list(setup.target_modules),
            task_type="CAUSAL_LM",
        ),
    )  # fmt: skip
    if setup.load_in_4bit:  # as the trainer has it
        for parameter in adapted.parameters():
            parameter.data = parameter.data.bfloat16() if parameter.requires_grad else parameter.data
    adapted.train()
    adapted.enable_input_require_grads()
    answer_loss.add_answer_loss(adapted)
    return adapted


def kept_bytes(model: Any, setup: Setup) -> int:
    """Bytes that a forward pass of a training step keeps for its backward pass, weights aside."""
    import torch

    from kgtune.training import fused_adapter, passes

    num_rows, shared = 4, 8 if setup.batching == "shared" else 0
    own = (TOKENS - shared) // num_rows
    front = tuple(range(5, 5 + shared))
    rows = [((*front, *range(9 + i, 9 + i + own - 4)), (1, 2, 3, 4)) for i in range(num_rows)]
    one = passes.collate(rows, setup.batching, shared)
    assert one["input_ids"].numel() == TOKENS
    weights = {t.untyped_storage().data_ptr() for t in [*model.parameters(), *model.buffers()]}
    seen: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage().data_ptr() not in weights:
            seen[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with ExitStack() as stack:
        stack.enter_context(torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor))
        stack.enter_context(torch.autocast("cpu", torch.bfloat16))
        stack.enter_context(passes.rows_kept_apart(model.config))
        stack.enter_context(fused_adapter.fused(fused_adapter.adapted(model)))
        model(**one, attention_mask=dict.fromkeys(("full_attention", "sliding_attention")))
    return sum(tensor.untyped_storage().nbytes() for tensor in seen.values())


def setup_with(*, load_in_4bit: bool, dropout: float, batching: Any, modules: tuple[str, ...] = MODULES) -> Setup:
    return Setup(
        load_in_4bit=load_in_4bit, lora_r=2, lora_dropout=dropout, target_modules=modules, batch_size=1,
        sequence_length=TOKENS, evaluation_batch_size=1, adapter_bytes=2 if load_in_4bit else 4, batching=batching,
        mask_bytes=2,  # a CPU keeps a dropout's mask in the dropped input's format
    )  # fmt: skip


def measured_and_planned(folder: Path, setup: Setup) -> tuple[float, float]:
    """Bytes that one layer keeps for a token: the difference that two more layers make, and what is planned for one."""
    counts = [kept_bytes(model_of(shape_with(n), folder / str(n), setup), setup) for n in (1, 3)]
    return (counts[1] - counts[0]) / 2 / TOKENS, memory.layer_activations(shape_with(1), setup)


@pytest.mark.parametrize("batching", ["packed", "padded"])
@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("load_in_4bit", [True, False])
def test_a_layer_keeps_what_is_planned(tmp_path: Path, batching: str, dropout: float, load_in_4bit: bool) -> None:
    setup = setup_with(load_in_4bit=load_in_4bit, dropout=dropout, batching=batching)
    measured, planned = measured_and_planned(tmp_path, setup)

    assert planned == pytest.approx(measured, rel=0.04)


def test_layers_between_checkpoints_keep_what_is_planned(tmp_path: Path) -> None:
    """Every second of four layers is checkpointed; its input is held by torch's checkpoint, out of the hooks' sight."""
    setup = setup_with(load_in_4bit=True, dropout=0.1, batching="packed")
    counts = []
    for num_layers in (2, 4):
        model = model_of(shape_with(num_layers), tmp_path / str(num_layers), setup)
        model.activation_checkpointing_enable(every_n_layers=2)
        counts.append(kept_bytes(model, setup))
    half = replace(setup, checkpoint_every=2)
    two, four = (memory.kept_activations(shape_with(n), half) for n in (2, 4))
    inputs = TOKENS * 128 * setup.compute_bytes

    assert four - two - inputs == pytest.approx(counts[1] - counts[0], rel=0.04)


def test_two_modules_keep_what_is_planned(tmp_path: Path) -> None:
    setup = setup_with(load_in_4bit=True, dropout=0.0, batching="packed", modules=("q_proj", "down_proj"))
    measured, planned = measured_and_planned(tmp_path, setup)

    assert planned == pytest.approx(measured, rel=0.04)


def test_rows_behind_a_shared_beginning_keep_no_more_than_is_planned(tmp_path: Path) -> None:
    setup = setup_with(load_in_4bit=True, dropout=0.1, batching="shared")
    measured, planned = measured_and_planned(tmp_path, setup)

    assert 0.85 * planned < measured <= planned


def test_quantised_weights_take_what_is_planned(tmp_path: Path) -> None:
    import bitsandbytes as bnb

    setup = setup_with(load_in_4bit=True, dropout=0.0, batching="packed")
    shape = shape_with(2)
    linears = [m for m in model_of(shape, tmp_path, setup).modules() if isinstance(m, bnb.nn.Linear4bit)]
    taken = 0
    for module in linears:
        state = module.weight.quant_state
        tensors = [module.weight, state.absmax, state.state2.absmax]
        taken += sum(tensor.numel() * tensor.element_size() for tensor in tensors)

    assert len(linears) == 14
    assert taken == pytest.approx(shape.num_linear_weights * memory.NF4_BYTES, rel=0.01)


def test_the_tile_of_the_loss_is_the_planners() -> None:
    from kgtune.training import answer_loss

    assert answer_loss.TILE_LOGITS == memory.TILE_LOGITS
