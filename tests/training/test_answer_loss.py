"""The tiled loss is the plain one, and so is its gradient."""

from __future__ import annotations

import pytest

from kgtune.errors import ModelError
from tests import tiny

pytestmark = pytest.mark.tiny


@pytest.mark.parametrize("tile", [1, 3, 1000])
def test_loss_and_gradient_are_pytorchs_whatever_the_tile(monkeypatch, tile):
    import torch

    from kgtune.training import answer_loss

    monkeypatch.setattr(answer_loss, "TILE_LOGITS", tile * 50)
    torch.manual_seed(0)
    hidden, weight, labels = torch.randn(7, 8, requires_grad=True), torch.randn(50, 8), torch.randint(50, (7,))
    plain = torch.nn.functional.cross_entropy(hidden @ weight.T, labels, reduction="sum")
    [wanted] = torch.autograd.grad(plain / 5, hidden)
    ours = answer_loss.summed_loss(hidden, weight, labels)
    [found] = torch.autograd.grad(ours / 5, hidden)

    torch.testing.assert_close(ours, plain)
    torch.testing.assert_close(found, wanted)


@pytest.mark.filterwarnings("ignore:Model has `tie_word_embeddings=True`:UserWarning")
def test_an_adapter_on_the_output_layer_is_refused():
    from peft import LoraConfig, get_peft_model

    from kgtune.training import answer_loss

    model = get_peft_model(tiny.model(), LoraConfig(target_modules=["lm_head"]))

    with pytest.raises(ModelError, match="Leave lm_head out of lora.target_modules"):
        answer_loss.add_answer_loss(model)
