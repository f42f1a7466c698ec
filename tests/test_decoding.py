"""The loop over a model's forward: token for token what one pass a token under the grammar's mask gives."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest

from kgtune import grammar, prompt
from kgtune.grammar import Rules
from tests import hostile, tiny

pytestmark = pytest.mark.tiny

SYSTEM = "Knowledge graph as JSON."
RULES = Rules(
    ("Tool", "Target", "目标"), ("USE", "ATTACK"),
    verbatim_labels=frozenset({"Tool", "目标"}), is_evidence_verbatim=True, max_entities=20, max_name_chars=40, max_evidence_chars=60,
)  # fmt: skip


def prepared(seed: int) -> tuple[Any, Any, Any]:
    """A model with random weights, its tokenizer and vocabulary.

    In 64-bit numbers: a sum over a batch is rounded otherwise than one over a row, and a random model's first and
    second choice can lie closer than a 32-bit rounding.
    """
    from kgtune import generation

    tokenizer: Any = tiny.tokenizer()
    model: Any = tiny.model(hidden_size=16, num_layers=1 + seed % 2, initializer_range=0.3, seed=seed)
    model = model.double().eval()
    return model, tokenizer, generation.vocabulary_of(tokenizer, tiny.VOCABULARY, [tokenizer.eos_token_id])


def prompts(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    return [tokenizer(prompt.render(tokenizer, SYSTEM, text), add_special_tokens=False)["input_ids"] for text in texts]


def masked_greedy(model: Any, vocabulary: Any, prompt_ids: list[int], text: str, max_tokens: int) -> list[int]:
    """llguidance as its documentation has it: one forward pass a token, the most probable one under the mask."""
    import torch
    from transformers import DynamicCache

    matching = vocabulary.matching(grammar.lark(RULES, prompt.neutralise(text)))
    cache = DynamicCache()
    tokens: list[int] = []
    feed = prompt_ids
    while len(tokens) < max_tokens and not matching.is_complete:
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([feed]), past_key_values=cache, use_cache=True).logits[0, -1]
        allowed = matching.allowed()
        refused = torch.tensor([not allowed[token // 8] >> token % 8 & 1 for token in range(len(logits))])
        token = int(logits.masked_fill(refused, float("-inf")).argmax())
        matching.take(token)
        tokens.append(token)
        feed = [token]
    return tokens


def decoded(model: Any, vocabulary: Any, ids: list[list[int]], texts: list[str], limits: Any) -> list[Any]:
    """Decode all texts as one batch; an answer at its cap stays as it stands."""
    from kgtune.decoding import Batch, Prefix, Row
    from tests.test_writing import Uncut

    prefix = Prefix(model, ids[0][:20])
    rows = [
        Row(one, Uncut(vocabulary, RULES, prompt.neutralise(text), limits)) for one, text in zip(ids, texts, strict=True)
    ]
    Batch(model, prefix, rows).run()
    return rows


@pytest.mark.parametrize("seed", range(8))
def test_answers_are_token_for_token_those_of_masked_greedy_without_drafts(seed: int) -> None:
    from kgtune.writing import Limits

    model, tokenizer, vocabulary = prepared(seed)
    rng = random.Random(seed)
    texts = [hostile.text(rng)[:200] or "x" for _ in range(28)]
    ids = prompts(tokenizer, texts)
    cap = 60
    wanted = [masked_greedy(model, vocabulary, one, text, cap) for one, text in zip(ids, texts, strict=True)]
    assert len({tuple(tokens) for tokens in wanted}) > 5

    for batch_size, draft_tokens in ((28, 12), (5, 3), (1, 16)):
        limits = Limits(cap, draft_tokens, heeds_loops=False)
        got = []
        for start in range(0, len(texts), batch_size):
            part = slice(start, start + batch_size)
            got += [row.writing.tokens for row in decoded(model, vocabulary, ids[part], texts[part], limits)]
        assert got == wanted, (batch_size, draft_tokens)
