"""However rows are laid out, the loss and the gradient are those of each row alone, as the model itself computes them."""

from __future__ import annotations

import pytest

from tests import tiny

pytestmark = pytest.mark.tiny

PREFIX = tuple(range(5, 25))
ROWS = [
    ((*PREFIX, 30, 31), (40, 41, 42)),
    ((*PREFIX, 33), (50, 51)),
    ((*PREFIX, 34, 35, 36, 37), (60,)),
    ((*PREFIX, 38, 39), (44, 45, 46, 47, 48)),
]
LAYOUTS = [("padded", 0), ("packed", 0), ("shared", 20), ("shared", 7)]


def adapted():
    """A tiny model under an adapter that does something, and the layers of it."""
    import torch
    from peft import LoraConfig, get_peft_model

    from kgtune.training import answer_loss, fused_adapter

    model = get_peft_model(
        tiny.model(initializer_range=0.2),
        LoraConfig(r=4, lora_alpha=8, lora_dropout=0.0, target_modules=["q_proj", "v_proj", "down_proj"]),
    )
    torch.manual_seed(3)
    for name, parameter in model.named_parameters():
        if ".lora_B." in name:
            torch.nn.init.normal_(parameter, std=0.1)
    alone = row_by_row(model)
    answer_loss.add_answer_loss(model)
    return model, fused_adapter.adapted(model), alone


def row_by_row(model):
    """Summed loss and gradient of each row alone, by the model's own attention and loss."""
    import torch

    model.zero_grad()
    total = 0.0
    for prompt, answer in ROWS:
        ids = torch.tensor([prompt + answer])
        labels = torch.tensor([(-100,) * len(prompt) + answer])
        loss = model(input_ids=ids, labels=labels).loss * len(answer)
        loss.backward()
        total += loss.item()
    return total, gradients(model)


def gradients(model):
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def in_one_pass(model, layers, layout, shared):
    from kgtune.training import fused_adapter, passes

    model.zero_grad()
    with passes.rows_kept_apart(model.config), fused_adapter.fused(layers):
        given = passes.collate(ROWS, layout, shared)
        loss = model(**given, attention_mask={"full_attention": None})
        loss.backward()
    return loss.item(), gradients(model)


@pytest.mark.parametrize(("layout", "shared"), LAYOUTS)
def test_loss_and_gradient_are_those_of_the_rows_alone(layout, shared):
    import torch

    model, layers, (loss, wanted) = adapted()
    found, made = in_one_pass(model, layers, layout, shared)

    assert found == pytest.approx(loss, rel=1e-5)
    assert len(wanted) == len(made) == 2 * 2 * 3
    for name, gradient in wanted.items():
        torch.testing.assert_close(made[name], gradient, rtol=1e-3, atol=1e-5)


def test_a_row_does_not_see_its_neighbours():
    import torch

    from kgtune.training import fused_adapter, passes

    model, layers, _ = adapted()
    loss, _ = in_one_pass(model, layers, "packed", 0)

    with passes.rows_kept_apart(model.config), fused_adapter.fused(layers):
        given = passes.collate(ROWS, "packed")
        contaminated = model(
            **{**given, "row_bounds": (0, given["input_ids"].shape[1])}, attention_mask={"full_attention": None}
        )
        shifted = model(
            **{**given, "position_ids": torch.arange(given["input_ids"].shape[1])[None]},
            attention_mask={"full_attention": None},
        )

    assert abs(contaminated.item() - loss) > 0.01
    assert abs(shifted.item() - loss) < 0.01  # rotary positions are relative: a row alone may begin anywhere


def test_positions_and_places_are_those_of_the_row_alone():
    from kgtune.training import passes

    given = passes.collate(ROWS[:2], "shared", 20)

    assert given["input_ids"].tolist() == [[*PREFIX, 30, 31, 40, 41, 42, 33, 50, 51]]
    assert given["position_ids"].tolist() == [[*range(20), 20, 21, 22, 23, 24, 20, 21, 22]]
    assert given["row_bounds"] == (20, 25, 28)
    assert given["answer_places"].tolist() == [21, 22, 23, 25, 26]
    assert given["answer_labels"].tolist() == [40, 41, 42, 50, 51]


def test_the_models_own_attention_and_adapters_are_back_afterwards():
    model, layers, (loss, _) = adapted()
    in_one_pass(model, layers, "shared", 20)

    assert model.config._attn_implementation == "sdpa"
    assert "forward" not in vars(layers[0])
    assert row_by_row(model)[0] == pytest.approx(loss, rel=1e-6)
