"""Which documents are shown, and what counts as found in them."""

from __future__ import annotations

from kgtune import graph as graphs
from kgtune.evaluation import cases
from kgtune.graph import Entity, Graph, Relationship
from tests.evaluation import build


def document(name, f1, gold="{}", text="x"):
    return {"id": name, "text": text, "gold": gold, "answers": {"after": {"f1": f1}}}


def chosen(documents, each=2):
    return [(kind, one["id"]) for kind, one in cases.choose(documents, "after", each=each)]


def test_best_median_and_worst_are_picked_by_f1_and_none_twice():
    documents = [document(f"d{n}", n / 10) for n in range(10)]

    assert chosen(documents) == [
        ("best", "d9"), ("best", "d8"), ("median", "d5"), ("median", "d4"), ("worst", "d0"), ("worst", "d1"),
    ]  # fmt: skip
    assert chosen(documents[:1]) == [("best", "d0")]
    assert chosen([]) == []


def test_of_equals_the_larger_gold_graph_is_shown_and_then_the_first_id():
    documents = [document("b", 1.0, "small"), document("a", 1.0, "small"), document("c", 1.0, "much larger")]

    assert chosen(documents, each=1)[0] == ("best", "c")
    assert chosen(documents[:2], each=1)[0] == ("best", "a")


def test_a_document_without_an_f1_or_a_text_is_not_shown():
    assert chosen([document("a", None), document("b", 0.5, text=None)]) == []


def shown(gold, answer, reason=None, raw="raw"):
    one = {"id": "d", "lang": "en", "text": "t", "gold": graphs.dumps(gold),
           "answers": {"after": {"answer": raw, "graph": answer and graphs.dumps(answer), "reason": reason, "f1": 0.5}}}  # fmt: skip
    return cases.case("best", one, ["after"])


def test_items_are_compared_by_name_and_each_gold_item_once():
    gold = Graph((Entity("Tool", "e1", "VelkaRAT"), Entity("Tool", "e2", "Noxkit")),
                 (Relationship("USE", "e1", "e2", 0.9),))  # fmt: skip
    answer = Graph((Entity("Tool", "e7", "velkarat"), Entity("Tool", "e8", "VelkaRAT"), Entity("Asset", "e9", "Noxkit")),
                   (Relationship("USE", "e7", "e9", 0.9),))  # fmt: skip
    made = shown(gold, answer)

    (side,) = made.sides
    assert [one.is_shared for one in side.entities] == [True, False, False]
    assert [one.is_shared for one in made.gold.entities] == [True, False]
    assert [(one.source, one.target, one.is_shared) for one in side.relationships] == [("velkarat", "Noxkit", False)]


def test_an_answer_that_only_the_tolerant_reader_takes_is_shown_and_finds_nothing():
    made = shown(build.graph(1), build.graph(1), reason="code_fence")

    assert [one.is_shared for one in made.sides[0].entities] == [True] * 3
    assert [one.is_shared for one in made.gold.entities] == [False] * 3
    assert made.sides[0].reason == "code_fence"


def test_an_unreadable_answer_is_shown_as_its_words_and_says_how_much_is_left_out():
    (side,) = shown(build.graph(1), None, reason="loop", raw="x" * 2000).sides

    assert (side.graph, side.reason) == (None, "loop")
    assert (len(side.answer), side.num_hidden) == (1500, 500)


def test_an_end_that_no_entity_has_is_named_by_its_id():
    (side,) = shown(Graph(), Graph((), (Relationship("USE", "e1", "e2", 0.9),))).sides

    assert (side.relationships[0].source, side.relationships[0].is_shared) == ("e1", False)
