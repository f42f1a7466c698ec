"""The fused adapter computes what PEFT's does, in 16 and in 4 bits, with and without dropout."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.tiny


def layer(*, in_4bit: bool, dropout: float):
    import bitsandbytes as bnb
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(0)
    inner = (
        bnb.nn.Linear4bit(64, 32, quant_type="nf4", compute_dtype=torch.float32) if in_4bit else torch.nn.Linear(64, 32)
    )
    model = get_peft_model(
        torch.nn.Sequential(inner), LoraConfig(r=4, lora_alpha=12, lora_dropout=dropout, target_modules=["0"])
    ).to("cpu")
    for name, parameter in model.named_parameters():
        if ".lora_" in name:
            torch.nn.init.normal_(parameter)
    return model.train()


@pytest.mark.parametrize("in_4bit", [False, True])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_result_and_gradients_are_pefts(in_4bit, dropout):
    import torch

    from kgtune.training import fused_adapter

    model = layer(in_4bit=in_4bit, dropout=dropout)
    layers = fused_adapter.adapted(model)
    x = torch.randn(2, 5, 64, requires_grad=True)
    trained = [p for p in model.parameters() if p.requires_grad]

    def run():
        torch.manual_seed(7)  # the same inputs are dropped
        out = model(x)
        return out, torch.autograd.grad(out.square().sum(), [x, *trained])

    wanted, wanted_gradients = run()
    with fused_adapter.fused(layers):
        found, gradients = run()

    assert len(layers) == 1
    assert len(trained) == 2
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
    for one, other in zip(gradients, wanted_gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-2)
