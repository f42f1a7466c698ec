"""The evaluation's own alarm: each way to cheat is built in here, and a check must go off.

A check first passes on the real code and then fails on the sabotaged one; one that can't fail proves nothing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kgtune.errors import DataError
from kgtune.evaluation import evaluation
from kgtune.examples import Example
from kgtune.extraction.extractor import ScriptedExtractor
from kgtune.graph import Graph, dumps
from kgtune.scoring import leakage, matching, sample, tally
from kgtune.scoring.column import column
from kgtune.scoring.leakage import Identity, Trained
from kgtune.scoring.matching import Named
from tests.scoring.build import ACTOR, GOLD, HALF, NOTHING, ONTOLOGY, QUICK, RIGHT, TEXT, TOOL, USE, document
from tests.scoring.build import sample as sampled


def f1(answer, gold=GOLD):
    found = column(sampled(answer, docs=[document(gold=gold)]), QUICK)["metrics"]
    return found["entity_f1"]["value"], found["relationship_f1"]["value"]


def names_count_and_ids_do_not():
    renumbered = Graph((replace(TOOL, id="x9"), replace(ACTOR, id="x1")), (replace(USE, source="x1", target="x9"),))
    assert f1(dumps(renumbered)) == (1.0, 1.0)
    same_ids = Graph((replace(ACTOR, name="Silent Karvost"), replace(TOOL, name="NightLoom")), (USE,))
    assert f1(dumps(same_ids)) == (0.0, 0.0)


def test_a_scorer_that_matches_by_id_is_caught(monkeypatch):
    names_count_and_ids_do_not()

    def by_id(graph):
        return Named(
            tuple((e.labels, e.id) for e in graph.entities),
            tuple((r.type, "", r.source, "", r.target) for r in graph.relationships),
        )

    monkeypatch.setattr(tally, "named", by_id)
    with pytest.raises(AssertionError):
        names_count_and_ids_do_not()


def test_a_scorer_that_matches_relationships_by_id_alone_is_caught(monkeypatch):
    names_count_and_ids_do_not()

    def by_id(graph):
        view = matching.named(graph)
        return Named(view.entities, tuple((r.type, "", r.source, "", r.target) for r in graph.relationships))

    monkeypatch.setattr(tally, "named", by_id)
    with pytest.raises(AssertionError):
        names_count_and_ids_do_not()


def width(docs, answers):
    found = column(sampled(*answers, docs=docs), QUICK)
    metric = found["metrics"]["entity_f1"]
    return metric["high"] - metric["low"], found["num_documents"]


def rows_of_one_document_prove_no_more_than_the_document():
    """Eight documents, and the same eight cut into ten equal windows each: as sure, not three times as sure."""
    whole = [document(n, doc_id=f"d{n}") for n in range(8)]
    windows = [document(10 * n + w, doc_id=f"d{n}") for n in range(8) for w in range(10)]
    answers = [RIGHT if n % 2 else HALF for n in range(8)]
    once, num_documents = width(whole, answers)
    tenfold, num_still = width(windows, [answer for answer in answers for _ in range(10)])
    assert (num_documents, num_still) == (8, 8)
    assert once > 0.1
    assert tenfold == pytest.approx(once)


def test_a_bootstrap_that_resamples_rows_is_caught(monkeypatch):
    rows_of_one_document_prove_no_more_than_the_document()
    monkeypatch.setattr(sample, "summed_by", lambda groups, matrix: np.array(matrix))
    with pytest.raises(AssertionError):
        rows_of_one_document_prove_no_more_than_the_document()


def test_a_bootstrap_that_takes_row_ids_for_documents_is_caught(monkeypatch):
    rows_of_one_document_prove_no_more_than_the_document()
    monkeypatch.setattr("kgtune.scoring.documents.Document.unit", property(lambda self: self.id))
    with pytest.raises(AssertionError):
        rows_of_one_document_prove_no_more_than_the_document()


def a_train_document_is_refused_among_the_measured():
    trained = Trained()
    trained.add(Identity("t1", "report-1", "g1", TEXT), GOLD)
    for leaked in (
        Identity("t1"),
        Identity("m", "report-1"),
        Identity("m", "x", "g1"),
        Identity("m", text=TEXT.upper()),
    ):
        with pytest.raises(DataError) as refused:
            leakage.refuse(trained, [leaked])
        assert {problem.code for problem in refused.value.problems} == {"E-LEAK"}


@pytest.mark.parametrize("blind", ["id", "doc_id", "group_id", "text"])
def test_a_split_that_leaks_is_caught(monkeypatch, blind):
    a_train_document_is_refused_among_the_measured()
    seeing = Identity.marks
    monkeypatch.setattr(Identity, "marks", lambda self: {k: v for k, v in seeing(self).items() if k != blind})
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        a_train_document_is_refused_among_the_measured()


def a_model_that_learnt_is_better_after_and_not_before():
    rows = [Example(f"r{n}", f"d{n}", f"g{n}", "test", "en", "", f"{TEXT} {n}", GOLD) for n in range(20)]
    untrained = evaluation.measure(ScriptedExtractor(default=NOTHING), rows)
    tuned = evaluation.measure(ScriptedExtractor({row.text: RIGHT for row in rows}), rows)
    facts = {"run": {}, "base_model": "", "device": "", "git_sha": "", "date": "", "max_new_tokens": 1}
    result = evaluation.results({"before": untrained, "after": tuned}, ONTOLOGY, facts)
    assert result["columns"]["before"]["metrics"]["strict_parse_rate"]["value"] == 0.0
    assert result["columns"]["after"]["metrics"]["strict_parse_rate"]["value"] == 1.0
    (change,) = result["comparisons"]
    assert (change["first"], change["second"]) == ("before", "after")
    assert change["metrics"]["strict_parse_rate"]["difference"] == 1.0
    assert change["metrics"]["strict_parse_rate"]["verdict"] == "better"
    assert {d["answers"]["before"]["answer"] for d in result["documents"]} == {NOTHING}
    assert "0.000 (0/20" in evaluation.table(result).splitlines()[2].split(" | ")[1]


def test_a_swapped_before_and_after_is_caught(monkeypatch):
    a_model_that_learnt_is_better_after_and_not_before()
    real = evaluation.Scoreboard.add
    monkeypatch.setattr(
        evaluation.Scoreboard, "add",
        lambda self, doc, answers: real(self, doc, dict(zip(answers, reversed(answers.values()), strict=True))),
    )  # fmt: skip
    with pytest.raises(AssertionError):
        a_model_that_learnt_is_better_after_and_not_before()


def test_a_difference_taken_the_wrong_way_round_is_caught(monkeypatch):
    a_model_that_learnt_is_better_after_and_not_before()
    from kgtune.scoring import comparison

    real = comparison.compare
    monkeypatch.setattr(comparison, "compare", lambda first, second, bootstrap: real(second, first, bootstrap))
    with pytest.raises(AssertionError):
        a_model_that_learnt_is_better_after_and_not_before()
