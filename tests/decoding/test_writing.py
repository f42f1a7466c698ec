"""An answer in the making, with a made-up model: guesses change nothing, caps and loops leave a valid graph."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from functools import cache

import pytest

from kgtune import graph
from kgtune.decoding import grammar
from kgtune.decoding.grammar import Rules
from kgtune.decoding.writing import FreeWriting, GrammarWriting, Limits
from kgtune.extraction.extractor import FinishReason
from kgtune.graph import Entity, Graph, Relationship
from tests import hostile, letters

RULES = Rules(
    ("Tool", "Target", "目标"), ("USE", "ATTACK"),
    verbatim_labels=frozenset({"Tool", "目标"}), is_evidence_verbatim=True, max_entities=20, max_name_chars=30, max_evidence_chars=60,
)  # fmt: skip
TEXT = "GlassViper used NightLoom against Northwind Bank. 暗影组织使用了维卡木马。"
WANTED = Graph(
    (Entity("Tool", "e1", "NightLoom"), Entity("Target", "e2", "Northwind"), Entity("目标", "e3", "维卡木马")),
    (
        Relationship("USE", "e1", "e2", 0.95, "GlassViper used NightLoom against Northwind Bank."),
        Relationship("ATTACK", "e1", "e3", 0.9, "暗影组织使用了维卡木马。"),
    ),
)


@cache
def orders(seed: int) -> list[list[int]]:
    """Return orders of preference among the tokens; what can be read comes first."""
    rng = random.Random(seed)
    made = []
    for _ in range(61):
        order = [*range(letters.STOP + 1)]
        rng.shuffle(order)
        made.append(sorted(order, key=lambda token: not 32 <= token < 127))
    return made


class MadeUpModel:
    """Likes each token by chance, the same ones in the same place; `answer`'s next byte best, where it knows one.

    `error_rate` is how often it likes another one better than that.
    """

    def __init__(self, seed: int, answer: str = "", error_rate: float = 0.0) -> None:
        self.orders = orders(seed)
        self.answer = answer.encode()
        self.error_rate = error_rate

    def ranked(self, tokens: list[int]) -> list[int]:
        mark = hash((tuple(tokens[-6:]), len(tokens)))
        order = self.orders[mark % len(self.orders)]
        is_known = len(tokens) < len(self.answer) and bytes(tokens) == self.answer[: len(tokens)]
        if is_known and mark // 61 % 1000 >= 1000 * self.error_rate:
            return [self.answer[len(tokens)], *order]
        return order

    def best(self, tokens: list[int], allowed: bytes) -> int:
        return next(token for token in self.ranked(tokens) if allowed[token // 8] >> token % 8 & 1)


class Uncut(GrammarWriting):
    """Shows an answer as it stands when its cap is reached."""

    def _close(self, finish: FinishReason) -> None:
        self.finish = "length"


def write(
    model: MadeUpModel, text: str, limits: Limits, rules: Rules = RULES, kind: type[GrammarWriting] = GrammarWriting
) -> GrammarWriting:
    """Run an answer to its end, as decoding does."""
    writing = kind(letters.vocabulary(), rules, text, limits)
    for _ in range(10_000):
        writing.prepare()
        if writing.finish is not None:
            return writing
        fed = [[*writing.tokens, *writing.draft[:number]] for number in range(len(writing.draft) + 1)]
        choices = [model.ranked(tokens)[0] for tokens in fed]
        writing.settle(choices, lambda position, allowed, fed=fed: model.best(fed[position], allowed))
    raise AssertionError("the answer does not end")


def one_by_one(model: MadeUpModel, text: str, max_tokens: int, rules: Rules = RULES) -> list[int]:
    """Masked greedy as llguidance gives it: the most probable token under the mask, one at a time."""
    matching = letters.vocabulary().matching(grammar.lark(rules, text))
    tokens: list[int] = []
    while len(tokens) < max_tokens and not matching.is_complete:
        token = model.best(tokens, matching.allowed())
        matching.take(token)
        tokens.append(token)
    return tokens


def graph_of(writing: GrammarWriting) -> Graph:
    read, problems = graph.from_object(json.loads(bytes(writing.tokens)))
    assert problems == []
    assert read is not None
    return read


@pytest.mark.property
@pytest.mark.parametrize("seed", range(40))
def test_guesses_and_forced_tokens_change_no_token_of_a_random_models_answer(seed: int) -> None:
    rng = random.Random(seed)
    text = hostile.text(rng) or "x"
    model = MadeUpModel(seed)
    limits = Limits(400, rng.choice([1, 3, 16, 64]), heeds_loops=False)

    writing = write(model, text, limits, kind=Uncut)

    assert writing.tokens == one_by_one(model, text, 400)


@pytest.mark.parametrize("error_rate", [0.0, 0.02, 0.2])
@pytest.mark.parametrize("draft_tokens", [0, 1, 5, 40])
def test_guesses_change_no_token_of_a_model_that_knows_an_answer(error_rate: float, draft_tokens: int) -> None:
    for seed in range(5):
        model = MadeUpModel(seed, graph.dumps(WANTED), error_rate)
        writing = write(model, TEXT, Limits(900, draft_tokens, heeds_loops=False), kind=Uncut)

        assert writing.tokens == one_by_one(model, TEXT, 900)
        assert error_rate or graph_of(writing) == WANTED


def test_guesses_save_forward_passes_and_are_counted() -> None:
    model = MadeUpModel(0, graph.dumps(WANTED))
    plain = write(model, TEXT, Limits(2000, 0)).statistics
    drafted = write(model, TEXT, Limits(2000, 16)).statistics

    num_asked = len(graph.dumps(WANTED).encode()) - plain.num_forced_tokens
    assert plain.num_forward_passes == num_asked
    assert (plain.num_drafted_tokens, plain.num_accepted_tokens, plain.num_overruled_tokens) == (0, 0, 0)
    assert drafted.num_forward_passes < 0.6 * num_asked
    assert 0 < drafted.num_accepted_tokens < drafted.num_drafted_tokens
    assert drafted.num_forward_passes + drafted.num_accepted_tokens + drafted.num_forced_tokens == len(
        graph.dumps(WANTED).encode()
    )


def test_what_the_grammar_overruled_is_counted() -> None:
    """This model wants a label that there is not; the grammar lets it have the beginning."""
    wrong = graph.dumps(WANTED).replace('"labels":"Tool"', '"labels":"Weapon"')

    assert write(MadeUpModel(0, graph.dumps(WANTED)), TEXT, Limits(2000, 8)).statistics.num_overruled_tokens == 0
    assert write(MadeUpModel(0, wrong), TEXT, Limits(2000, 8)).statistics.num_overruled_tokens >= 1


@pytest.mark.parametrize("draft_tokens", [0, 16])
def test_at_every_cap_the_answer_is_the_whole_items_that_fit(draft_tokens: int) -> None:
    model = MadeUpModel(0, graph.dumps(WANTED))
    whole = len(graph.dumps(WANTED).encode())
    shorter = [Graph(WANTED.entities[:number], WANTED.relationships[: max(0, number - 3)]) for number in range(6)]
    edges = [len(graph.dumps(one).encode()) for one in shorter]
    caps = sorted({at + step for at in edges for step in (-1, 0, 1, 17)} - {len(graph.EMPTY_TEXT) - 1})
    assert len(caps) >= 18
    for cap in caps:
        writing = write(model, TEXT, Limits(cap, draft_tokens))

        fitting = [one for one in shorter if len(graph.dumps(one).encode()) <= cap]
        assert graph_of(writing) == fitting[-1], cap
        assert writing.finish == ("stop" if cap >= whole else "length")
        assert len(writing.tokens) <= cap


@pytest.mark.property
@pytest.mark.parametrize("seed", range(40))
def test_a_random_models_answer_is_a_valid_grounded_graph_at_any_cap(seed: int) -> None:
    rng = random.Random(1000 + seed)
    text = hostile.text(rng) or "x"
    cap = rng.randint(len(graph.EMPTY_TEXT), 700)

    writing = write(MadeUpModel(seed), text, Limits(cap, 16))

    read = graph_of(writing)
    assert len(writing.tokens) <= cap
    assert graph.dumps(read) == bytes(writing.tokens).decode()
    assert graph.reference_problems(read) == []
    assert [e.name for e in read.entities if e.labels in RULES.verbatim_labels and e.name not in text] == []
    assert [edge.evidence for edge in read.relationships if edge.evidence not in text] == []


class Looping(MadeUpModel):
    """Says `start`, then `round` for ever."""

    def __init__(self, start: str, round_: str) -> None:
        super().__init__(0)
        self.start, self.round = start.encode(), round_.encode()

    def ranked(self, tokens: list[int]) -> list[int]:
        at = len(tokens)
        wanted = self.start[at] if at < len(self.start) else self.round[(at - len(self.start)) % len(self.round)]
        return [wanted, *super().ranked(tokens)]


def entity(number: int, name: str = "Bank") -> str:
    return f'{{"labels":"Target","id":"e{number}","name":"{name}","description":""}}'


EDGE = '{"type":"USE","source":"e1","target":"e1","confidence":0.5,"evidence":"Bank"}'
ROUND_OF_ENTITIES = [f'{{"entities":[{entity(1)},', *(f"{entity(number)}," for number in range(2, 20))]


@pytest.mark.parametrize("draft_tokens", [0, 16])
def test_entities_that_repeat_end_their_list_and_the_relationships_follow(draft_tokens: int) -> None:
    rules = replace(RULES, has_descriptions=False)
    model = MadeUpModel(0, "".join(ROUND_OF_ENTITIES))

    writing = write(model, TEXT, Limits(3000, draft_tokens), rules)

    assert [e.name for e in graph_of(writing).entities] == ["Bank", "Bank"]
    assert writing.statistics.num_loops >= 1
    assert writing.finish in ("stop", "length")


@pytest.mark.parametrize("draft_tokens", [0, 16])
def test_relationships_that_repeat_end_the_answer(draft_tokens: int) -> None:
    model = Looping(f'{{"entities":[{entity(1)}],"relationships":[{EDGE}', f",{EDGE}")

    writing = write(model, TEXT, Limits(3000, draft_tokens))

    assert bytes(writing.tokens).decode() == f'{{"entities":[{entity(1)}],"relationships":[{EDGE}]}}'
    assert (writing.finish, writing.statistics.num_loops) == ("stop", 1)


@pytest.mark.parametrize("draft_tokens", [0, 16])
def test_a_string_that_goes_round_takes_its_item_with_it(draft_tokens: int) -> None:
    rules = replace(RULES, max_name_chars=1000, types=())
    first = entity(1)
    model = Looping(f'{{"entities":[{first},{{"labels":"Target","id":"e2","name":"', "over and over ")

    writing = write(model, TEXT, Limits(3000, draft_tokens), rules)

    assert bytes(writing.tokens).decode() == f'{{"entities":[{first}],"relationships":[]}}'
    assert (writing.finish, writing.statistics.num_loops) == ("stop", 1)


def test_the_same_loops_are_left_at_the_same_place_with_guesses_and_without() -> None:
    found = 0
    for seed in range(24):
        model = Looping('{"entities":[', entity(1)[:-1].replace("Bank", "ab" * (seed % 4 + 1)) + "},")
        text = hostile.text(random.Random(seed)) or "x"
        plain, drafted = (write(model, text, Limits(600, number)) for number in (0, 16))

        assert plain.tokens == drafted.tokens
        assert plain.statistics.num_loops == drafted.statistics.num_loops
        found += plain.statistics.num_loops
    assert found >= 12


def test_a_cap_that_holds_no_graph_is_a_bug_of_the_caller() -> None:
    with pytest.raises(AssertionError, match="does not hold the empty graph"):
        write(MadeUpModel(0), TEXT, Limits(5, 0))


def test_a_matcher_that_gives_up_leaves_the_graph_so_far(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from kgtune.decoding.constraint import Matching, StuckError

    taken = Matching.take
    model = MadeUpModel(0, graph.dumps(WANTED))
    behind = len(graph.dumps(Graph(WANTED.entities[:2])).encode())

    def take(self: Matching, token: int) -> None:
        self.number = getattr(self, "number", 0) + 1
        if self.number > behind:
            raise StuckError("a limit")
        taken(self, token)

    monkeypatch.setattr(Matching, "take", take)
    writing = write(model, TEXT, Limits(2000, 0))

    assert graph_of(writing) == Graph(WANTED.entities[:2])
    assert writing.finish == "length"
    assert "an answer was closed before its end: a limit" in caplog.text


def test_a_text_too_long_for_the_matcher_leaves_its_strings_free(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import llguidance

    from kgtune.decoding import constraint

    text = "".join(chr(0x4E00 + number % 20_000) for number in range(20_000))
    monkeypatch.setattr(constraint, "_LIMITS", llguidance.LLParserLimits(initial_lexer_fuel=20_000))
    writing = GrammarWriting(letters.vocabulary(), RULES, text, Limits(100, 4))

    writing.prepare()
    assert bytes(writing.tokens) == b'{"entities":['
    assert "names and evidence of a text of 20000 characters are free" in caplog.text


def test_a_free_answer_ends_at_a_stop_token_or_at_its_cap_and_its_guesses_change_nothing() -> None:
    prompt_ids = list(b"the quick brown fox jumps over the lazy dog")
    wanted = list(b"the quick brown fox jumps over it and over it")
    for cap, draft_tokens in [(9, 0), (9, 8), (1, 8), (500, 0), (500, 8), (45, 8), (46, 8)]:
        writing = FreeWriting(prompt_ids, [letters.STOP], Limits(cap, draft_tokens))
        passes = 0
        while writing.finish is None:
            writing.prepare()
            fed = [len(writing.tokens) + number for number in range(len(writing.draft) + 1)]
            ok = [wanted[: len(writing.tokens) + n] == [*writing.tokens, *writing.draft[:n]] for n in range(len(fed))]
            choices = [
                ([*wanted, letters.STOP][at] if good and at <= len(wanted) else 0)
                for at, good in zip(fed, ok, strict=True)
            ]
            writing.settle(choices, lambda position, allowed: 0)
            passes += 1

        assert writing.tokens == wanted[:cap]
        assert writing.finish == ("stop" if cap > len(wanted) else "length")
        assert passes == writing.statistics.num_forward_passes
        assert draft_tokens == 0 or cap < 10 or passes < 30


def test_the_probability_of_a_relationship_is_that_of_its_type_and_ends() -> None:
    answer = graph.dumps(WANTED)
    writing = GrammarWriting(letters.vocabulary(), replace(RULES, has_descriptions=False), TEXT, Limits(2000, 8))
    model = MadeUpModel(1, answer)
    asked: list[str] = []

    def likelihood(position: int, allowed: bytes, token: int) -> float:
        assert allowed[token // 8] >> token % 8 & 1
        if sum(byte.bit_count() for byte in allowed) == 1:
            return 1.0
        asked.append(chr(token))
        return 0.5

    while writing.prepare() is None and writing.finish is None:
        fed = [writing.tokens + writing.draft[:n] for n in range(len(writing.draft) + 1)]
        choices = [model.ranked(tokens)[0] for tokens in fed]
        writing.settle(choices, lambda position, allowed, fed=fed: model.best(fed[position], allowed), likelihood)

    assert bytes(writing.tokens).decode() == answer
    # type: U or A; source and target: 1 of e1 to e3, each; all else is forced or not asked about
    assert asked == ["U", "1", "2", "A", "1", "3"]
    assert writing.probabilities == [0.125, 0.125]
