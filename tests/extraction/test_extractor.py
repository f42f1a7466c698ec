"""The seam: what an extraction holds, and the extractor that answers from a table."""

import threading

from kgtune.extraction.extractor import CANNED_ANSWER, Extraction, ScriptedExtractor, read_answer, scripted
from kgtune.graph import EMPTY_TEXT, Graph, reference_problems


def test_a_readable_answer_has_a_graph_and_no_reason():
    assert read_answer(EMPTY_TEXT, "stop", 7, 5) == Extraction(Graph(), EMPTY_TEXT, "stop", 7, 5, None)


def test_an_unreadable_answer_has_a_reason_and_no_graph():
    assert read_answer("{", "length", 7, 5) == Extraction(None, "{", "length", 7, 5, "cut_off")


def test_the_scripted_extractor_answers_in_order_from_its_table():
    extractor = ScriptedExtractor({"a": "no graph"})
    found = extractor.extract(["b", "a", "夜织机"])
    assert [(e.raw_text, e.reason) for e in found] == [(EMPTY_TEXT, None), ("no graph", "not_json"), (EMPTY_TEXT, None)]
    assert [(e.num_prompt_tokens, e.num_answer_tokens) for e in found] == [(1, 34), (1, 8), (3, 34)]


def test_the_scripted_extractor_heeds_cancel():
    cancel = threading.Event()
    cancel.set()
    found = ScriptedExtractor().extract(["a", "b"], cancel=cancel)
    assert [(e.finish_reason, e.graph) for e in found] == [("cancelled", None)] * 2


def test_the_canned_answer_is_a_closed_graph():
    extraction = scripted().extract(["any"])[0]
    assert extraction.raw_text == CANNED_ANSWER
    assert extraction.graph is not None
    assert (len(extraction.graph.entities), reference_problems(extraction.graph)) == (3, [])
