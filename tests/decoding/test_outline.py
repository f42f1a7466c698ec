"""The outline of a growing answer: items, places to close it, loops, and the string that is open."""

from __future__ import annotations

import json
import random

import pytest

from kgtune import graph
from kgtune.decoding.outline import Outline
from kgtune.graph import Entity, Graph, Relationship

SOME = Graph(
    (Entity("Tool", "e1", 'Night "Loom" \\ {x}', "d]}"), Entity("目标", "e2", "北风银行")),
    (Relationship("USE", "e1", "e2", 0.95, 'ev"}]'), Relationship("USE", "e2", "e1", 0.5, "")),
)
ANSWER = graph.dumps(SOME).encode()


def pieces(answer: bytes, rng: random.Random | None = None) -> list[bytes]:
    """Cut an answer into tokens: single bytes, or runs of random length, in the middle of characters too."""
    if rng is None:
        return [bytes([byte]) for byte in answer]
    cut = []
    while answer:
        length = rng.randint(1, 9)
        cut.append(answer[:length])
        answer = answer[length:]
    return cut


def read(tokens: list[bytes], source: bytes = b"") -> Outline:
    outline = Outline(source)
    assert [token for token in tokens if outline.feed(token)] == []
    return outline


@pytest.mark.parametrize("seed", range(40))
def test_closed_at_any_boundary_an_answer_is_the_graph_of_the_items_before_it(seed: int) -> None:
    tokens = pieces(ANSWER, random.Random(seed))
    outline = read(tokens)

    closed = [b"".join(tokens[: place.num_tokens]) + place.rest for place in outline.boundaries]

    wanted = [Graph(), Graph(SOME.entities[:1]), Graph(SOME.entities)]
    wanted += [Graph(SOME.entities, SOME.relationships[:1]), SOME]
    assert [text.decode() for text in closed] == [graph.dumps(one) for one in wanted]
    assert [place.num_entities for place in outline.boundaries] == [0, 1, 2, 2, 2]


def test_items_are_read_as_they_are() -> None:
    outline = read(pieces(ANSWER))

    assert [*outline.entities] == json.loads(ANSWER)["entities"]
    assert [*outline.relationships] == json.loads(ANSWER)["relationships"]
    assert outline.section == "relationships"


@pytest.mark.parametrize(
    ("written", "field", "string"),
    [
        ('{"entities":[{"labels":"To', None, b"To"),
        ('{"entities":[{"labels":"Tool","id":"e1","name":"', "name", b""),
        ('{"entities":[{"labels":"Tool","id":"e1","name":"Ni\\"gh', "name", b'Ni\\"gh'),
        ('{"entities":[{"labels":"Tool","id":"e1","name":"N","description":"so', "description", b"so"),
        ('{"entities":[{"labels":"Tool","id":"e1","name":"N"', None, b"N"),
        (ANSWER.decode().partition('ev\\"')[0] + "ev", "evidence", b"ev"),
        ('{"enti', None, b"enti"),
    ],
)
def test_the_open_string_and_what_it_is_the_value_of(written: str, field: str | None, string: bytes) -> None:
    outline = read(pieces(written.encode()))

    assert outline.open_field == field
    if field is not None:
        assert outline.open_string == string


def test_the_open_item_is_read_up_to_its_open_string() -> None:
    outline = read(pieces(ANSWER.partition(b'ev\\"')[0] + b"so far"))

    assert outline.open_item == {"type": "USE", "source": "e1", "target": "e2", "confidence": 0.95, "evidence": ""}


def test_a_fork_reads_on_without_the_outline_that_it_comes_from() -> None:
    half = len(ANSWER) // 2
    outline = read([ANSWER[:half]])
    fork = outline.fork()
    fork.feed(ANSWER[half:])

    assert (len(outline.relationships), len(fork.relationships)) == (0, 2)
    assert outline.written == ANSWER[:half]


def repeats(graph_: Graph) -> int | None:
    """The number of items after which an answer is said to repeat itself."""
    outline = Outline(b"")
    for token in pieces(graph.dumps(graph_).encode()):
        if outline.feed(token):
            return len(outline.boundaries) - 1
    return None


def test_an_entity_may_stand_twice_and_not_three_times() -> None:
    twice = (
        Entity("Tool", "e1", "A"),
        Entity("Tool", "e2", "A"),
        Entity("Target", "e3", "A"),
        Entity("Tool", "e4", "B"),
    )

    assert repeats(Graph(twice)) is None
    assert repeats(Graph((*twice, Entity("Tool", "e5", "A")))) == 4


def test_an_equal_relationship_may_stand_once_and_one_with_other_evidence_four_times() -> None:
    ends = (Entity("Tool", "e1", "A"), Entity("Tool", "e2", "B"))
    edges = [Relationship("USE", "e1", "e2", 0.9, f"evidence {n}") for n in range(5)]

    assert repeats(Graph(ends, (*edges[:4], Relationship("USE", "e2", "e1", 0.9, "evidence 0")))) is None
    assert repeats(Graph(ends, (edges[0], Relationship("USE", "e1", "e2", 0.1, "evidence 0")))) == 3
    assert repeats(Graph(ends, tuple(edges))) == 6


@pytest.mark.parametrize("ngram", ["a", "ab", "the cat ", "暗影", "0123456789abcdefghij"])
def test_a_string_that_goes_round_is_a_loop_unless_the_text_says_so(ngram: str) -> None:
    written = '{"entities":[{"labels":"Tool","id":"e1","name":"x' + ngram * 60
    tokens = pieces(written.encode())

    def loops(source: str) -> list[int]:
        outline = Outline(source.encode())
        return [number for number, token in enumerate(tokens) if outline.feed(token)]

    num_before = len(tokens) - 60 * len(ngram.encode())
    assert 48 <= loops("")[0] + 1 - num_before <= 100
    assert loops("x" + ngram * 60) == []


def test_a_long_string_without_a_round_is_no_loop() -> None:
    name = "".join(f"part {n} of it, " for n in range(60))

    assert read(pieces(f'{{"entities":[{{"labels":"Tool","id":"e1","name":"{name}'.encode())).open_field == "name"
