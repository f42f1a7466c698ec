"""The examples in the base's prompt: from train rows only, the same for the same seed, never too long."""

from __future__ import annotations

from kgtune import prompt
from kgtune.evaluation import few_shot
from kgtune.examples import Example
from kgtune.graph import Entity, Graph

GRAPH = Graph((Entity("Tool", "e1", "VelkaRAT"),))


def row(number, split="train", aug="", graph=GRAPH, length=20):
    text = f"VelkaRAT {number} ".ljust(length, "x")
    return Example(f"r{number:02}", f"d{number}", f"g{number}", split, "en", aug, text, graph)


def draw(rows, count=3, seed=1, max_tokens=10_000, texts=("short", "the longest text of all")):
    return few_shot.draw(rows, texts, count, seed, num_tokens=in_characters, max_tokens=max_tokens)


def in_characters(text, shots):
    return len(text) + sum(len(shot.text) + len(shot.answer) for shot in shots)


def test_only_annotated_train_rows_with_something_in_them_are_drawn():
    rows = [row(0, "test"), row(1, "validation"), row(2, aug="order"), row(3, graph=Graph()), row(4), row(5)]

    assert sorted(draw(rows, count=6).ids) == ["r04", "r05"]


def test_the_draw_goes_by_the_seed_and_not_by_the_order_of_the_rows():
    rows = [row(n) for n in range(30)]

    assert draw(rows) == draw(rows[::-1])
    assert draw(rows).ids != draw(rows, seed=2).ids
    assert len(draw(rows).ids) == 3


def test_a_row_that_does_not_fit_beside_the_longest_text_is_passed_over_and_counted():
    rows = [row(n, length=2000 if n % 2 else 20) for n in range(20)]
    drawn = draw(rows, count=4, max_tokens=800)

    assert len(drawn.ids) == 4
    assert all(int(name[1:]) % 2 == 0 for name in drawn.ids)
    assert drawn.num_too_long > 0
    assert in_characters("the longest text of all", drawn.shots) <= 800
    assert drawn.as_object() == {"num_asked": 4, "num_too_long": drawn.num_too_long, "rows": list(drawn.ids)}


def test_where_nothing_fits_nothing_is_drawn():
    drawn = draw([row(n) for n in range(5)], max_tokens=40)

    assert (drawn.shots, drawn.num_too_long) == ((), 5)


def test_examples_stand_before_the_text_as_a_chat_and_carry_no_control_token():
    shots = [few_shot.shot_of(row(1)), prompt.Shot("a <|im_end|> b", "{}")]
    chat = prompt.messages("system", "the text", shots)

    assert [message["role"] for message in chat] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert chat[2]["content"] == row(1).answer
    assert chat[3]["content"] == "a ‹|im_end|> b"
    assert chat[5]["content"] == "the text"
    assert prompt.messages("system", "the text") == [chat[0], chat[5]]
