"""The comparison: what is written, and that a failing model can't look good in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kgtune import graph as graphs
from kgtune import ontology
from kgtune.examples import Example
from kgtune.extraction.extractor import ScriptedExtractor, Statistics, read_answer
from kgtune.graph import Entity, Graph, Relationship
from kgtune.scoring import tables

pytestmark = pytest.mark.tiny

GRAPH = Graph(
    (Entity("ThreatOrganization", "e1", "Crimson Otter"), Entity("Tool", "e2", "VelkaRAT")),
    (Relationship("USE", "e1", "e2", 0.95, "x"),),
)
EXAMPLES = [
    Example("en-1", "d1", "g1", "test", "en", "", "Crimson Otter used VelkaRAT.", GRAPH),
    Example("zh-1", "d2", "g2", "test", "zh", "", "天气很好。", Graph()),
]
FACTS = {
    "base_model": "base", "device": "cpu", "git_sha": "abc", "date": "2026-01-01", "max_new_tokens": 100,
    "run": {"num_steps": 1, "losses": []},
}  # fmt: skip


def result() -> dict:
    from kgtune.evaluation import evaluation

    good = ScriptedExtractor({EXAMPLES[0].text: graphs.dumps(GRAPH)})
    columns = {
        "before": evaluation.measure(ScriptedExtractor(default="I can't do that."), EXAMPLES),
        "after": evaluation.measure(good, EXAMPLES),
    }
    return evaluation.results(columns, ontology.load("threat_event"), FACTS)


def test_both_columns_are_measured_on_the_same_documents() -> None:
    measured = result()

    assert [d["id"] for d in measured["documents"]] == ["en-1", "zh-1"]
    assert [column["num_documents"] for column in measured["columns"].values()] == [2, 2]
    assert [d["answers"]["before"]["answer"] for d in measured["documents"]] == ["I can't do that."] * 2
    assert measured["documents"][0]["answers"]["after"]["answer"] == graphs.dumps(GRAPH)


@pytest.mark.parametrize("answer", [graphs.dumps(GRAPH), graphs.dumps(GRAPH)[:40]], ids=["whole", "cut"])
def test_answers_that_ended_at_the_cap_are_counted_as_truncated_and_others_are_not(answer: str) -> None:
    from kgtune.evaluation import evaluation

    class Capped:
        """Ends the first answer at the cap, and the second one by itself."""

        name = "capped"

        def extract(self, texts, *, cancel=None):
            return [
                read_answer(answer, "length", 1, 9),
                read_answer('{"entities":[],"relationships":[]}', "stop", 1, 9),
            ]

    measured = evaluation.measure(Capped(), EXAMPLES)
    written = evaluation.results({"before": measured}, ontology.load("threat_event"), FACTS)

    assert [one.is_truncated for one in measured.judged] == [True, False]
    assert [d["answers"]["before"]["is_truncated"] for d in written["documents"]] == [True, False]
    assert written["columns"]["before"]["metrics"]["truncation_rate"]["value"] == 0.5


def test_the_table_has_every_rate_and_every_language() -> None:
    from kgtune.evaluation import evaluation

    table = evaluation.table(result())

    assert "| JSON parses, strictly | 0.000 (0/2; 0.00-0.66) | 1.000 (2/2; 0.34-1.00) |" in table
    assert (
        "| entities: F1 (precision / recall; 95 % interval) | 0.000 (- / 0.000; 0.00-0.79) | "
        "1.000 (1.000 / 1.000; 0.21-1.00) | +1.000 (+1.00 to +1.00), too few documents |"
    ) in table
    assert "| en: relationships F1 |" in table
    assert "| zh: entities F1 | - (- / -) | - (- / -) |" in table


def test_the_headline_is_flat_numbers() -> None:
    from kgtune.evaluation import evaluation

    headline = evaluation.headline(result(), Path("out"))

    assert headline["before"]["strict_parse_rate"] == 0.0
    assert headline["after"]["entity_f1"] == headline["after"]["relationship_f1"] == 1.0
    assert headline["after"]["empty_text_accuracy"] == 1.0
    assert headline["run"] == {"num_steps": 1}
    assert headline["report"] == "out/evaluation_report.html"


def test_what_the_grammar_makes_of_it_is_a_third_column() -> None:
    from kgtune.evaluation import evaluation

    good = ScriptedExtractor({EXAMPLES[0].text: graphs.dumps(GRAPH)})
    columns = {which: evaluation.measure(good, EXAMPLES) for which in ("before", "after", "after_constrained")}
    measured = evaluation.results(columns, ontology.load("threat_event"), FACTS)

    head = evaluation.table(measured).splitlines()[0]
    assert head == "| 2 held-out documents | before | after | after_constrained | change from before to after |"
    assert evaluation.headline(measured, Path("out"))["after_constrained"]["entity_f1"] == 1.0
    assert tables.notes(measured)[2] == "- after_constrained: none"


class Counting:
    """Answers as a model does that counts its passes, or as one that counts those of some answers only."""

    name = "counting"

    def __init__(self, *passes: int | None) -> None:
        self.passes = passes

    def extract(self, texts, *, cancel=None):
        plain = ScriptedExtractor().extract(texts)
        return [
            replace(one, statistics=None if passes is None else Statistics(num_forward_passes=passes))
            for one, passes in zip(plain, self.passes, strict=True)
        ]


def test_forward_passes_are_summed_where_every_answer_counts_them() -> None:
    from kgtune.evaluation import evaluation

    assert evaluation.measure(Counting(3, 4), EXAMPLES).cost.num_forward_passes == 7
    assert evaluation.measure(Counting(3, None), EXAMPLES).cost.num_forward_passes is None
    assert evaluation.measure(ScriptedExtractor(), EXAMPLES).cost.num_forward_passes is None


def test_the_table_shows_the_change_from_the_bare_base_though_a_shown_one_is_compared_too() -> None:
    from kgtune.evaluation import evaluation

    good = ScriptedExtractor({EXAMPLES[0].text: graphs.dumps(GRAPH)})
    bad = ScriptedExtractor(default="no")
    columns = {"before": evaluation.measure(bad, EXAMPLES), "few_shot": evaluation.measure(good, EXAMPLES),
               "after": evaluation.measure(good, EXAMPLES)}  # fmt: skip
    measured = evaluation.results(columns, ontology.load("threat_event"), FACTS)

    assert [(one["first"], one["second"]) for one in measured["comparisons"]][-1] == ("few_shot", "after")
    head, first, *_ = evaluation.table(measured).splitlines()[::2]
    assert head.endswith("| before | few_shot | after | change from before to after |")
    assert "| +1.000" in first
