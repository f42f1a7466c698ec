"""The loop over a model's forward: token for token what one pass a token under the grammar's mask gives."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest

from kgtune import prompt
from kgtune.decoding import grammar
from kgtune.decoding.grammar import Rules
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
    from kgtune.extraction import generation

    tokenizer: Any = tiny.tokenizer()
    model: Any = tiny.model(hidden_size=16, num_layers=1 + seed % 2, initializer_range=0.3, seed=seed)
    model = model.double().eval()
    return model, tokenizer, generation.vocabulary_of(tokenizer, tiny.VOCABULARY, [tokenizer.eos_token_id])


def prompts(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    return [tokenizer(prompt.render(tokenizer, SYSTEM, text), add_special_tokens=False)["input_ids"] for text in texts]


def masked_greedy(
    model: Any, vocabulary: Any, prompt_ids: list[int], text: str, max_tokens: int, rules: Rules = RULES
) -> list[int]:
    """llguidance as its documentation has it: one forward pass a token, the most probable one under the mask."""
    import torch
    from transformers import DynamicCache

    matching = vocabulary.matching(grammar.lark(rules, prompt.neutralise(text)))
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
    from kgtune.decoding.decoding import Batch, Prefix, Row
    from tests.decoding.test_writing import Uncut

    prefix = Prefix(model, ids[0][:20])
    rows = [
        Row(one, Uncut(vocabulary, RULES, prompt.neutralise(text), limits))
        for one, text in zip(ids, texts, strict=True)
    ]
    Batch(model, prefix, rows).run()
    return rows


@pytest.mark.parametrize("seed", range(8))
def test_answers_are_token_for_token_those_of_masked_greedy_without_drafts(seed: int) -> None:
    from kgtune.decoding.writing import Limits

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


def test_the_shared_prefix_is_run_once_and_no_batch_changes_it() -> None:
    from kgtune.decoding.decoding import Batch, Prefix, Row
    from kgtune.decoding.writing import FreeWriting, Limits

    model, tokenizer, _ = prepared(0)
    texts = [
        "GlassViper used NightLoom.",
        "暗影组织",
        "\n\nstarts with a newline, which may melt into the prompt's own",
    ]
    ids = prompts(tokenizer, texts)
    prefix = Prefix(model, ids[0][:40])
    shared = [prefix.shared_with([one]) for one in ids]

    def answers(parts: list[list[list[int]]]) -> list[list[int]]:
        got = []
        for part in parts:
            rows = [Row(one, FreeWriting(one, [2], Limits(30, 4))) for one in part]
            Batch(model, prefix, rows).run()
            got += [row.writing.tokens for row in rows]
        return got

    assert 20 < min(shared) <= max(shared) <= 40
    assert prefix.shared_with(ids) == min(shared)
    assert answers([ids]) == answers([[one] for one in ids]) == answers([ids[::-1]])[::-1]


def test_a_prompt_that_is_all_prefix_still_feeds_its_last_token() -> None:
    from kgtune.decoding.decoding import Prefix

    model, _, _ = prepared(0)

    assert Prefix(model, [5, 6, 7]).shared_with([[5, 6, 7]]) == 2


def test_dead_columns_of_the_cache_are_moved_out_and_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from kgtune.decoding import decoding
    from kgtune.decoding.writing import Limits

    model, tokenizer, vocabulary = prepared(3)
    rng = random.Random(3)
    texts = [hostile.text(rng)[:60] or "x" for _ in range(6)]
    ids = prompts(tokenizer, texts)
    limits = Limits(120, 16, heeds_loops=False)
    wanted = [row.writing.tokens for row in decoded(model, vocabulary, ids, texts, limits)]
    moves = []
    move = decoding.Batch._move_together

    def counted(self: Any, longest: int) -> None:
        moves.append((self.alive.shape[1], longest))
        move(self, longest)
        assert self.alive.shape[1] == longest == self.cache.get_seq_length()

    monkeypatch.setattr(decoding.Batch, "_move_together", counted)
    monkeypatch.setattr(decoding, "_SLACK", -150)

    assert [row.writing.tokens for row in decoded(model, vocabulary, ids, texts, limits)] == wanted
    assert len(moves) >= 3


def test_a_row_that_is_cancelled_leaves_within_one_pass_and_the_others_go_on() -> None:
    from kgtune.decoding.decoding import Batch, Prefix, Row
    from kgtune.decoding.writing import FreeWriting, Limits

    model, tokenizer, _ = prepared(0)
    ids = prompts(tokenizer, ["one", "two", "three"])
    events = [threading.Event() for _ in ids]
    rows = [Row(one, FreeWriting(one, [], Limits(20, 0)), event) for one, event in zip(ids, events, strict=True)]
    events[0].set()
    passes = 0
    forward = model.forward

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal passes
        passes += 1
        if passes == 6:
            events[1].set()
        return forward(*args, **kwargs)

    prefix = Prefix(model, ids[0][:10])
    model.forward = counted
    Batch(model, prefix, rows).run()

    assert [(row.writing.finish, len(row.writing.tokens)) for row in rows] == [
        ("cancelled", 0),
        ("cancelled", 6),
        ("length", 20),
    ]
    assert [row.writing.statistics.num_forward_passes for row in rows] == [0, 6, 20]
    assert passes == 20


@pytest.mark.parametrize("seed", range(4))
def test_loops_are_left_alike_with_drafts_and_without_in_a_batch_and_alone(seed: int) -> None:
    """A cache that keeps what a loop was would change what comes after it."""
    from kgtune.decoding.decoding import Batch, Prefix, Row
    from kgtune.decoding.writing import GrammarWriting, Limits

    model, tokenizer, vocabulary = prepared(seed)
    rules = Rules(("Tool",), ("USE",), max_entities=40, max_name_chars=200)
    texts = [hostile.text(random.Random(n))[:100] or "x" for n in range(12)]
    ids = prompts(tokenizer, texts)
    prefix = Prefix(model, ids[0][:20])
    got = []
    for draft_tokens, size in ((0, 1), (16, 1), (16, 12)):
        rows = [
            Row(i, GrammarWriting(vocabulary, rules, t, Limits(400, draft_tokens)))
            for i, t in zip(ids, texts, strict=True)
        ]
        for start in range(0, 12, size):
            Batch(model, prefix, rows[start : start + size]).run()
        got.append([(row.writing.tokens, row.writing.finish, row.writing.statistics.num_loops) for row in rows])

    assert got[0] == got[1] == got[2]
    assert sum(loops for _, _, loops in got[0]) >= 1
