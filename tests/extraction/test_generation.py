"""The extractor over a model: what it asks, what it holds an answer to, and how it ends."""

from __future__ import annotations

import json
import os
import random
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kgtune import examples, graph, ontology, prompt, sources
from kgtune.decoding.grammar import Rules
from kgtune.errors import UserError
from kgtune.extraction.incremental import AnswerReader
from kgtune.graph import Entity, Graph, Relationship
from kgtune.ontology import Label, Ontology, RelationType
from kgtune.prompt import Contract
from kgtune.settings import DecodingSettings
from kgtune.training import supervision
from tests import hostile, tiny

pytestmark = pytest.mark.tiny

SYSTEM = "Knowledge graph as JSON."
BASE = Path("kgtune/demo/base")
LABELS = ("Tool", "Target", "目标", 'odd "label"')
RULES = Rules(
    LABELS, ("USE", "ATTACK"), verbatim_labels=frozenset({"Tool", "目标"}), is_evidence_verbatim=True,
    max_entities=30, max_name_chars=40, max_evidence_chars=80,
)  # fmt: skip
# 300 in `make test`; KGTUNE_PAIRS=10000 for the figure in the README
NUM_PAIRS = int(os.environ.get("KGTUNE_PAIRS", "300"))
NUM_BASE_TEXTS = int(os.environ.get("KGTUNE_BASE_TEXTS", "40"))


def extractor(seed: int = 0, **fields: Any) -> Any:
    from kgtune.extraction import generation

    model: Any = tiny.model(hidden_size=16, num_layers=1, initializer_range=0.3, seed=seed)
    given = {"max_new_tokens": 120, "batch_size": 8, "name": "tiny", "rules": RULES, "draft_tokens": 12, **fields}
    return generation.TransformersExtractor(model.eval(), tiny.tokenizer(), SYSTEM, **given)


def fickle(one: Any, seed: int) -> Any:
    """Make a model change its mind at every step: a random one says the same few things about every text."""
    import torch

    chance = torch.Generator().manual_seed(seed)

    def shaken(module: Any, args: Any, logits: Any) -> Any:
        return logits + torch.empty_like(logits).normal_(0.0, 3.0, generator=chance)

    one.model.lm_head.register_forward_hook(shaken)
    return one


def least(one: Any) -> int:
    """Tokens of the empty graph."""
    return len(one._vocabulary.encode(graph.EMPTY_TEXT.encode()))


def faults(out: Any, text: str) -> list[str]:
    """List what an answer should never be, whatever model and text."""
    try:
        value = json.loads(out.raw_text)
    except json.JSONDecodeError as error:
        return [f"no JSON: {error}"]
    read, problems = graph.from_object(value)
    if read is None:
        return [str(problem) for problem in problems]
    found = [str(problem) for problem in graph.reference_problems(read)]
    found += [f"label {e.labels}" for e in read.entities if e.labels not in LABELS]
    found += [f"type {r.type}" for r in read.relationships if r.type not in RULES.types]
    found += [f"name {e.name!r}" for e in read.entities if e.labels in RULES.verbatim_labels and e.name not in text]
    found += [f"evidence {r.evidence!r}" for r in read.relationships if r.evidence not in text]
    return found + (["not the graph"] if read != out.graph else [])


def test_random_models_at_random_caps_give_valid_grounded_graphs_of_random_and_hostile_texts() -> None:
    size = 10  # texts with one cap
    ends: dict[str, int] = {}
    num_items = 0
    for number in range(NUM_PAIRS // size):
        rng = random.Random(number)
        texts = [hostile.text(rng) or "x" for _ in range(size)]
        one = fickle(extractor(number, rules=replace(RULES, has_descriptions=number % 3 == 0)), number)
        one.max_new_tokens = rng.randint(least(one), rng.choice([least(one) + 3, 400, 400]))
        for text, out in zip(texts, one.extract(texts), strict=True):
            assert faults(out, text) == [], (number, text)
            assert out.num_answer_tokens <= one.max_new_tokens
            ends[out.finish_reason] = ends.get(out.finish_reason, 0) + 1
            num_items += len(out.graph.entities) + len(out.graph.relationships)

    print(f"{NUM_PAIRS} pairs: {ends}, {num_items} items")  # noqa: T201 - the figures of a longer run
    assert sum(ends.values()) == NUM_PAIRS
    assert ends.keys() == {"stop", "length"}
    assert num_items > NUM_PAIRS / 2


def test_a_cap_that_holds_no_graph_is_refused_with_the_least_one_that_does() -> None:
    number = least(extractor())

    extractor(max_new_tokens=number)
    with pytest.raises(
        UserError, match=rf"decoding.max_new_tokens={number - 1}: the empty graph alone takes {number} "
    ):
        extractor(max_new_tokens=number - 1)
    extractor(max_new_tokens=1, rules=None)


def test_results_come_back_in_the_order_of_the_texts_whatever_the_batches() -> None:
    texts = [hostile.text(random.Random(n)) or "x" for n in range(9)]
    alone = [extractor(1, batch_size=1).extract([text])[0] for text in texts]

    together = extractor(1, batch_size=4).extract(texts)

    assert [out.raw_text for out in together] == [out.raw_text for out in alone]
    assert [out.num_prompt_tokens for out in together] == [out.num_prompt_tokens for out in alone]


def test_statistics_add_up() -> None:
    for draft_tokens in (0, 12):
        for out in extractor(1, draft_tokens=draft_tokens).extract(
            [hostile.text(random.Random(n)) or "x" for n in range(9)]
        ):
            counts = out.statistics
            assert counts.num_accepted_tokens <= counts.num_drafted_tokens
            assert (counts.num_drafted_tokens == 0) == (draft_tokens == 0) or draft_tokens
            if out.finish_reason == "stop" and not counts.num_loops:
                asked = counts.num_forward_passes + counts.num_accepted_tokens
                assert asked + counts.num_forced_tokens == out.num_answer_tokens


def test_progress_is_told_after_each_batch() -> None:
    told: list[tuple[int, int]] = []

    extractor(batch_size=2, progress=lambda done, total: told.append((done, total))).extract(["a", "b", "c"])

    assert told == [(2, 3), (3, 3)]


def test_an_answer_spells_a_control_token_as_its_text_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """The prompt shows a neutralised text, and the answer copies from that; who reads it has the text itself."""
    from kgtune.extraction import generation

    text = "say <|im_end|> and then ‹|im_end|> to end"
    shown = prompt.neutralise(text)
    written = graph.dumps(
        Graph(
            (
                Entity("Tool", "e1", "‹|im_end|> and"),
                Entity("Tool", "e2", "then ‹|im_end|>"),
                Entity("Tool", "e3", shown),
            ),
            (Relationship("USE", "e1", "e2", 0.5, "say ‹|im_end|>"),),
        )
    )

    class Scripted:
        def __init__(self, model: Any, prefix: Any, rows: list[Any]) -> None:
            [self.row] = rows

        def run(self) -> None:
            self.row.writing.tokens = one._vocabulary.encode(written.encode())
            self.row.writing.finish = "stop"

    one = extractor()
    monkeypatch.setattr(generation, "Batch", Scripted)
    [out] = one.extract([text])

    assert [e.name for e in out.graph.entities] == ["<|im_end|> and", "then ‹|im_end|>", text]
    assert [r.evidence for r in out.graph.relationships] == ["say <|im_end|>"]
    assert faults(out, text) == []


def test_half_a_character_is_refused_and_not_passed_to_the_tokenizer() -> None:
    with pytest.raises(UserError, match="half a character"):
        extractor().extract(["x \ud83d"])


def test_one_event_cancels_all_texts_and_a_list_cancels_each() -> None:
    everything = threading.Event()
    everything.set()
    assert [out.finish_reason for out in extractor().extract(["a", "b"], cancel=everything)] == ["cancelled"] * 2

    events = [threading.Event() for _ in range(3)]
    events[1].set()
    reasons = [out.finish_reason for out in extractor().extract(["a", "b", "c"], cancel=events)]
    assert reasons[1] == "cancelled"
    assert "cancelled" not in (reasons[0], reasons[2])


def test_an_event_set_while_a_model_runs_ends_all_within_one_pass() -> None:
    one = extractor(rules=None, draft_tokens=0, batch_size=2)
    event = threading.Event()
    forward = one.model.forward
    passes = 0

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal passes
        passes += 1
        if passes == 4:
            event.set()
        return forward(*args, **kwargs)

    one.model.forward = counted
    outs = one.extract(["one", "two", "three"], cancel=event)

    assert [out.finish_reason for out in outs] == ["cancelled"] * 3
    assert passes == 4


def test_without_rules_the_answer_is_transformers_own_greedy_one() -> None:
    import torch

    one = extractor(1, rules=None, draft_tokens=8, max_new_tokens=40)
    one.model.double()
    texts = ["GlassViper used NightLoom against Northwind Bank.", "暗影组织使用了维卡木马。" * 4, "x"]
    wanted = []
    for text in texts:
        ids = one.tokenizer(prompt.render(one.tokenizer, SYSTEM, text), add_special_tokens=False, return_tensors="pt")
        with torch.inference_mode():
            out = one.model.generate(input_ids=ids["input_ids"], attention_mask=ids["attention_mask"], do_sample=False, max_new_tokens=40)  # fmt: skip
        wanted.append(one.tokenizer.decode(out[0, ids["input_ids"].shape[1] :], skip_special_tokens=True))

    assert [out.raw_text for out in one.extract(texts)] == wanted


ONTOLOGY = Ontology(
    "x",
    1,
    (Label("Tool"), Label("Target", anchored="warn"), Label("Technique", anchored="allow")),
    (RelationType("USE"),),
)
CONTRACT = Contract(
    "base", SYSTEM, "brief", "hash", "probe", 100, has_descriptions=False, verbatim_evidence=0.99,
    verbatim_names={"Tool": 1.0, "Target": 0.5, "Technique": 1.0},
)  # fmt: skip


def rules_for(contract: Contract = CONTRACT, **keys: Any) -> Any:
    from kgtune.extraction import generation

    return generation.rules_for(contract, ONTOLOGY, DecodingSettings(**keys), 400)


def test_what_was_trained_verbatim_is_held_to_the_text_and_the_rest_is_said(caplog: pytest.LogCaptureFixture) -> None:
    rules = rules_for()

    assert (rules.labels, rules.types) == (("Tool", "Target", "Technique"), ("USE",))
    assert rules.verbatim_labels == {"Tool"}
    assert (rules.is_closed, rules.is_evidence_verbatim, rules.has_descriptions) == (True, True, False)
    assert (rules.max_entities, rules.max_name_chars, rules.max_evidence_chars) == (50, 200, 1000)
    [said] = caplog.messages
    assert "decoding.grounded_floor=98% of what the model was trained on" in said
    assert said.endswith("word for word: names of Target (50.0%)")


def test_a_higher_floor_leaves_evidence_free(caplog: pytest.LogCaptureFixture) -> None:
    rules = rules_for(grounded_floor=1.0)

    assert (rules.is_evidence_verbatim, rules.verbatim_labels) == (False, {"Tool"})
    assert "evidence (99.0%)" in caplog.text


def test_a_model_that_records_no_shares_is_held_to_references_alone(caplog: pytest.LogCaptureFixture) -> None:
    old = replace(CONTRACT, has_descriptions=True, verbatim_evidence=None, verbatim_names={})
    rules = rules_for(old)

    assert rules.is_closed
    assert (rules.is_evidence_verbatim, rules.verbatim_labels, rules.has_descriptions) == (False, frozenset(), True)
    assert "evidence (not recorded)" in caplog.text


def test_the_shape_alone_and_no_rules_at_all(caplog: pytest.LogCaptureFixture) -> None:
    shape = rules_for(constraint="schema")

    assert (shape.is_closed, shape.is_evidence_verbatim, shape.verbatim_labels) == (False, False, frozenset())
    assert shape.has_descriptions
    assert rules_for(constraint="none") is None
    assert caplog.messages == []


def test_forced_tokens_are_those_that_training_saw_and_every_trained_answer_is_let_through() -> None:
    """On the demo's tokenizer, whose merges reach over quotes and brackets; answers as supervision renders them."""
    from kgtune import model
    from kgtune.decoding import grammar
    from kgtune.extraction import generation

    tokenizer = model.load_tokenizer(BASE)
    vocabulary = generation.vocabulary_of(tokenizer, len(tokenizer), [tokenizer.eos_token_id])
    files = [Path("fine_tune_input/raw_graph_example.json"), BASE.parent / "corpus.jsonl"]
    num_answers = num_forced = num_tokens = 0
    for document in [
        d
        for file in files
        for d in sources.read_raw([file], source_format="auto", default_confidence=0.9).documents[:60]
    ]:
        example = examples.from_raw(document, drop_descriptions=num_answers % 2 == 0)
        shares = supervision.verbatim_shares([supervision.Sample(example, "", "", (), ())])
        rules = Rules(
            labels=tuple({e.labels for e in example.graph.entities}),
            types=tuple({r.type for r in example.graph.relationships}),
            verbatim_labels=frozenset(label for label, share in shares[1].items() if share == 1.0),
            is_evidence_verbatim=shares[0] == 1.0,
            has_descriptions=any(e.description for e in example.graph.entities),
        )
        matching = vocabulary.matching(grammar.lark(rules, prompt.neutralise(example.text)))
        left = tokenizer(supervision.answer_content(example), add_special_tokens=False)["input_ids"]
        num_answers += 1
        num_tokens += len(left)
        while left:
            forced = matching.forced()
            assert left[: len(forced)] == forced, example.id
            num_forced += len(forced)
            for token in forced or left[:1]:
                assert matching.allows(token), example.id
                matching.take(token)
            left = left[len(forced or left[:1]) :]
        assert matching.is_complete, example.id
    assert num_answers >= 70
    assert num_forced > 0.3 * num_tokens


@pytest.mark.slow
def test_the_embedded_base_says_token_for_token_what_masked_greedy_says() -> None:
    """Trained weights, and a tokenizer whose tokens reach over quotes, brackets and both scripts."""
    from kgtune import model
    from kgtune.decoding.decoding import Batch, Prefix, Row
    from kgtune.decoding.writing import Limits
    from kgtune.extraction import generation
    from tests.decoding.test_decoding import masked_greedy
    from tests.decoding.test_writing import Uncut

    tokenizer = model.load_tokenizer(BASE)
    weights = model.load_weights(BASE, load_in_4bit=False, precision="fp32").double().eval()
    known = ontology.load("threat_event")
    system = prompt.system_message(known, "brief")
    rules = Rules(
        known.label_names, known.type_names, verbatim_labels=frozenset(known.label_names), is_evidence_verbatim=True
    )
    vocabulary = generation.vocabulary_of(tokenizer, weights.config.vocab_size, [tokenizer.eos_token_id])
    rng = random.Random(0)
    texts = [hostile.text(rng)[:120] or "x" for _ in range(NUM_BASE_TEXTS)]
    ids = [tokenizer(prompt.render(tokenizer, system, text), add_special_tokens=False)["input_ids"] for text in texts]
    prefix = Prefix(weights, ids[0][:60])
    rows = [
        Row(one, Uncut(vocabulary, rules, prompt.neutralise(text), Limits(60, 16, heeds_loops=False)))
        for one, text in zip(ids, texts, strict=True)
    ]
    for start in range(0, len(rows), 8):
        Batch(weights, prefix, rows[start : start + 8]).run()

    wanted = [masked_greedy(weights, vocabulary, one, text, 60, rules) for one, text in zip(ids, texts, strict=True)]
    assert [row.writing.tokens for row in rows] == wanted
    assert sum(row.writing.statistics.num_accepted_tokens for row in rows) > NUM_BASE_TEXTS // 2


def test_the_confidence_of_a_relationship_is_the_probability_of_its_type_and_ends() -> None:
    """Counted again one forward pass at a time, without drafts, from the mask over the whole vocabulary."""
    import torch

    texts = [hostile.text(random.Random(n)) or "x" for n in range(12)]
    checked = 0
    for seed in range(8):
        one = extractor(
            seed, rules=replace(RULES, has_descriptions=False), max_new_tokens=300, confidence="probability"
        )
        for text, out in zip(texts, one.extract(texts), strict=True):
            assert len(out.probabilities) == len(out.graph.relationships)
            for edge, probability in zip(out.graph.relationships, out.probabilities, strict=True):
                assert edge.confidence == graph.round_confidence(probability)
            # an answer that was led out of a loop, or cut, is not what the model would write next each time
            if out.probabilities and out.finish_reason == "stop" and not out.statistics.num_loops and checked < 12:
                expected = counted_again(one, torch, text, out.raw_text)
                assert list(out.probabilities) == pytest.approx(expected, rel=1e-3)
                checked += len(expected)
    assert checked >= 4


def test_the_models_own_word_is_kept_where_it_is_asked_for() -> None:
    texts = [hostile.text(random.Random(n)) or "x" for n in range(12)]
    sure, stated = (
        [out for seed in range(6) for out in extractor(seed, confidence=confidence).extract(texts)]
        for confidence in ("probability", "stated")
    )
    assert [out.raw_text for out in stated] == [out.raw_text for out in sure]
    for out in stated:
        assert [r.confidence for r in out.graph.relationships] == [
            r["confidence"] for r in json.loads(out.raw_text)["relationships"]
        ]
    assert [out.graph for out in stated] != [out.graph for out in sure]


def counted_again(one: Any, torch: Any, text: str, answer: str) -> list[float]:
    from kgtune.decoding import grammar

    known = one._vocabulary
    matching = known.matching(grammar.lark(one.rules, prompt.neutralise(text)))
    ids, written, probabilities, at = one._ids(text), b"", [], 1.0
    left = answer.encode()
    while left:
        forced = matching.forced()
        token = forced[0] if forced else next(t for t in known.encode(left)[:1])
        allowed = matching.allowed()
        with torch.inference_mode():
            logits = one.model(input_ids=torch.tensor([ids])).logits[0, -1]
        can = torch.tensor([bool(allowed[t // 8] >> t % 8 & 1) for t in range(len(logits))])
        if not forced:
            token = int(logits.masked_fill(~can, float("-inf")).argmax())
        before = written.partition(b'"relationships":[')[2]
        item = before.rpartition(b'{"type"')
        if item[1] and item[2].count(b'"') < 11 and not forced:
            at *= float(logits.masked_fill(~can, float("-inf")).softmax(-1)[token])
        matching.take(token)
        piece = known.spell([token])
        if item[1] and item[2].count(b'"') < 11 <= (item[2] + piece).count(b'"'):
            probabilities.append(at)
            at = 1.0
        written += piece
        assert left.startswith(piece)
        left = left[len(piece) :]
        ids = [*ids, token]
    return probabilities


def test_a_calibration_turns_probability_into_confidence() -> None:
    from kgtune.extraction.calibration import Calibration

    half = Calibration("platt", ((0.0, 0.0), (1.0, 0.5)), 1, 30, 0.5, 0.2, 0.1)
    seen = 0
    texts = [hostile.text(random.Random(n)) or "x" for n in range(12)]
    for seed in range(6):
        bare = extractor(seed, confidence="probability").extract(texts)
        calibrated = extractor(seed, confidence="probability", calibration=half).extract(texts)
        halves = [graph.round_confidence(p / 2) for out in bare for p in out.probabilities]
        assert [r.confidence for out in calibrated for r in out.graph.relationships] == halves
        seen += len(halves)
    assert seen >= 5


def test_drawn_answers_differ_stay_valid_and_are_the_same_again() -> None:
    texts = [hostile.text(random.Random(n)) or "x" for n in range(12)]
    one = extractor(5, max_new_tokens=200)
    drawn = [one._extracted(texts, None, seed) for seed in (0, 1)]
    for outs in drawn:
        assert [faults(out, text) for text, out in zip(texts, outs, strict=True)] == [[]] * 12
    assert sum(a.raw_text != b.raw_text for a, b in zip(*drawn, strict=True)) >= 6
    alone = [replace(one, batch_size=1)._extracted([text], None, 0)[0].raw_text for text in texts]
    assert [out.raw_text for out in drawn[0]] == alone


def test_drawing_follows_the_model_s_probabilities() -> None:
    import torch

    from kgtune.decoding.decoding import gumbel

    logits = torch.tensor([0.0, 1.0, 2.0, -1.0]).expand(20_000, 4)
    drawn = (logits + gumbel(0)(logits)).argmax(-1)
    shares = torch.bincount(drawn, minlength=4) / len(drawn)
    assert shares.tolist() == pytest.approx(logits[0].softmax(-1).tolist(), abs=0.01)


def test_self_consistency_is_asked_for_by_samples() -> None:
    texts = [hostile.text(random.Random(n)) or "x" for n in range(10)]
    plain = [out for seed in range(4) for out in extractor(seed).extract(texts)]
    voted = [out for seed in range(4) for out in extractor(seed, num_samples=4).extract(texts)]
    assert [out.raw_text for out in voted] == [out.raw_text for out in plain]
    confidences = {r.confidence for out in voted for r in out.graph.relationships}
    assert confidences <= {0.0, 0.25, 0.5, 0.75, 1.0}
    assert len(confidences) >= 1


def test_a_watched_answer_grows_item_by_item_into_the_one_that_is_returned() -> None:
    """Whatever the cap: an item that is shown is never dropped for want of room, nor as a loop."""
    texts = ["Tool used 目标 on <|im_end|> sites.", "say it again", "third"]
    num_shown, ends = 0, set()
    for seed in range(24):
        shown: list[list[str]] = [[] for _ in texts]
        one = fickle(extractor(seed, max_new_tokens=random.Random(seed).choice([40, 80, 160, 400])), seed)
        outs = one.extract_watched(texts, [shown[0].append, None, shown[2].append])
        assert shown[1] == []
        for out, answers in zip(outs, shown, strict=True):
            assert [answer for answer in answers if not out.raw_text.startswith(answer)] == []
            assert [answer for answer in answers if not answer.endswith('"}')] == []
            assert [len(answer) for answer in answers] == sorted({len(answer) for answer in answers})
            num_shown += len(answers)
            ends.add(out.finish_reason)
    assert num_shown > 20
    assert ends == {"stop", "length"}


def test_what_is_shown_has_the_confidence_that_the_graph_will_have() -> None:
    from kgtune.extraction.calibration import Calibration

    half = Calibration("platt", ((0.0, 0.0), (1.0, 0.5)), 9, 90, 0.25, 0.2, 0.1)
    num_shown = 0
    for seed in range(24):
        shown: list[str] = []
        one = fickle(extractor(seed, max_new_tokens=400, confidence="probability", calibration=half), seed)
        [out] = one.extract_watched(["Tool used 目标."], [shown.append])
        items = AnswerReader().feed(shown[-1]) if shown else []
        edges = [item for item in items if isinstance(item, Relationship)]
        if out.graph is None:
            continue
        num_shown += len(edges)
        assert edges == list(out.graph.relationships[: len(edges)])
    assert num_shown >= 2


def test_confidence_that_is_a_share_of_several_answers_is_shown_to_nobody_before_the_last() -> None:
    shown: list[str] = []
    [out] = extractor(3, num_samples=2, max_new_tokens=400).extract_watched(["Tool used 目标."], [shown.append])
    assert out.graph is not None
    assert shown == []


def test_all_items_were_shown_by_the_pass_before_the_end() -> None:
    num_checked = 0
    for seed in range(24):
        shown: list[str] = [""]
        [out] = fickle(extractor(seed, max_new_tokens=400), seed).extract_watched(["Tool used 目标."], [shown.append])
        if out.finish_reason == "stop" and not out.statistics.num_loops and out.graph.entities:
            num_checked += 1
            missing = len(out.graph.entities) + len(out.graph.relationships) - shown[-1].count('"}')
            assert missing <= 1, seed
    assert num_checked >= 2


def test_a_free_answer_is_shown_up_to_the_end_of_an_item_and_not_into_a_string(monkeypatch: pytest.MonkeyPatch) -> None:
    from kgtune.extraction import generation

    first, second = '{"entities":[{"name":"夜织 \\"}"}', ',{"name":"a}b"}'

    class Scripted:
        def __init__(self, model: Any, prefix: Any, rows: list[Any]) -> None:
            [self.row] = rows

        def run(self) -> None:
            for token in one.tokenizer(first + second + '],"rel', add_special_tokens=False)["input_ids"]:
                self.row.writing.tokens.append(token)
                self.row.watch(self.row.writing)
            self.row.writing.finish = "length"

    one = extractor(rules=None)
    shown: list[str] = []
    monkeypatch.setattr(generation, "Batch", Scripted)
    one.extract_watched(["夜织"], [shown.append])
    assert shown == [first, first + second]


def test_a_text_whose_client_left_is_given_up_within_one_pass_and_its_neighbour_goes_on() -> None:
    """From the engine's `leave` to the row: what stands between must hand each text's own flag on."""
    import asyncio

    from kgtune.extraction.device import GuardedExtractor
    from kgtune.service.admission import Bounds
    from kgtune.service.engine import Engine

    one = extractor(rules=None, draft_tokens=0, max_new_tokens=30)
    forward, rows_per_pass, left = one.model.forward, [], threading.Event()
    fifth = threading.Event()

    def counted(*args: Any, **kwargs: Any) -> Any:
        rows_per_pass.append(len(kwargs["input_ids"]))
        if len(rows_per_pass) == 6:  # the system message's pass is the first
            fifth.set()
            assert left.wait(10)
        return forward(*args, **kwargs)

    one.model.forward = counted
    guarded = GuardedExtractor(one, ontology.load("threat_event"), "guarded")

    async def scenario() -> tuple[str, int, bool]:
        engine = Engine(lambda: guarded, Bounds(2, 8))
        engine.start()
        engine.wait_loaded(10)
        with engine._changed:  # so that the two are one batch
            jobs = [engine.submit(text, timeout_s=60, is_watched=text == "gone") for text in ("gone", "stays")]
        await asyncio.to_thread(fifth.wait, 10)
        engine.leave(jobs[0])
        left.set()
        stays = await engine.result(jobs[1])
        gone = await jobs[0].future
        engine.stop()
        return stays.finish_reason, stays.num_answer_tokens, gone.finish_reason == "cancelled"

    assert asyncio.run(scenario()) == ("length", 30, True)
    assert rows_per_pass == [1] + [2] * 5 + [1] * 25
