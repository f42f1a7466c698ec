"""Scores by name, on answers small enough to count by hand."""

from __future__ import annotations

import pytest

from kgtune import graph as graphs
from kgtune import ontology, scoring
from kgtune.graph import Entity, Graph, Relationship

ACTOR = Entity("ThreatOrganization", "e1", "Crimson Otter")
TOOL = Entity("Tool", "e2", "VelkaRAT")
GOLD = Graph((ACTOR, TOOL), (Relationship("USE", "e1", "e2", 0.95, "x"),))
ONTOLOGY = ontology.load("threat_event")


def judged(answer: str, gold: Graph = GOLD, lang: str = "en") -> scoring.Judged:
    return scoring.judge("d", lang, gold, answer)


def test_the_gold_answer_scores_one_everywhere() -> None:
    result = scoring.score([judged(graphs.dumps(GOLD))], ONTOLOGY)

    for key in ("strict_parse_rate", "contract_shape_rate", "schema_valid_rate", "referential_integrity_rate"):
        assert result[key]["rate"] == 1.0
    assert result["entities"]["f1"] == result["relationships"]["f1"] == 1.0


def test_ids_do_not_matter_and_names_are_folded() -> None:
    renamed = Graph(
        (Entity("Tool", "a", "velkarat"), Entity("ThreatOrganization", "b", "Ｃｒｉｍｓｏｎ  Otter")),
        (Relationship("USE", "b", "a", 0.1, ""),),
    )

    result = scoring.score([judged(graphs.dumps(renamed))], ONTOLOGY)

    assert (result["entities"]["f1"], result["relationships"]["f1"]) == (1.0, 1.0)


def test_a_swapped_direction_is_no_hit() -> None:
    swapped = Graph(GOLD.entities, (Relationship("USE", "e2", "e1", 0.95, "x"),))

    assert scoring.score([judged(graphs.dumps(swapped))], ONTOLOGY)["relationships"]["f1"] == 0.0


def test_a_repeated_entity_counts_against_precision() -> None:
    twice = Graph((ACTOR, Entity("ThreatOrganization", "e3", "Crimson Otter"), TOOL), ())

    result = scoring.score([judged(graphs.dumps(twice))], ONTOLOGY)["entities"]

    assert (result["num_hits"], result["num_predicted"], result["num_gold"]) == (2, 3, 2)
    assert (result["precision"], result["recall"], result["f1"]) == (0.6667, 1.0, 0.8)


def test_an_unreadable_answer_counts_in_every_denominator() -> None:
    result = scoring.score([judged(graphs.dumps(GOLD)), judged("Sure! Here is the graph")], ONTOLOGY)

    assert result["strict_parse_rate"]["rate"] == 0.5
    assert result["entities"]["recall"] == 0.5
    assert result["failure_reasons"] == {"not_json": 1}


def test_json_of_another_shape_parses_but_is_no_graph() -> None:
    result = scoring.score([judged('[{"n":1}]')], ONTOLOGY)

    assert (result["strict_parse_rate"]["rate"], result["contract_shape_rate"]["rate"]) == (1.0, 0.0)
    assert result["failure_reasons"] == {"json_but_no_graph:array_root": 1}


def test_a_dangling_end_breaks_integrity_and_earns_no_relationship() -> None:
    dangling = Graph((ACTOR, TOOL), (Relationship("USE", "e1", "e9", 0.95, "x"),))

    result = scoring.score([judged(graphs.dumps(dangling))], ONTOLOGY)

    assert result["referential_integrity_rate"]["rate"] == 0.0
    assert result["relationships"]["num_hits"] == 0


def test_empty_texts_are_right_only_when_answered_with_the_empty_graph() -> None:
    result = scoring.score(
        [judged(graphs.EMPTY_TEXT, Graph()), judged(graphs.dumps(GOLD), Graph()), judged("{", Graph())], ONTOLOGY
    )

    assert (result["empty_text_accuracy"]["count"], result["empty_text_accuracy"]["of"]) == (1, 3)


def test_a_label_outside_the_ontology_is_not_schema_valid() -> None:
    foreign = Graph((Entity("Wizard", "e1", "Crimson Otter"),), ())

    assert scoring.score([judged(graphs.dumps(foreign))], ONTOLOGY)["schema_valid_rate"]["rate"] == 0.0


def test_a_rate_over_nothing_is_none_not_one() -> None:
    assert scoring.rate(0, 0)["rate"] is None
    assert scoring.f1([judged(graphs.EMPTY_TEXT, Graph())], scoring.entity_keys)["f1"] is None


@pytest.mark.parametrize(
    ("count", "total", "low", "high"), [(10, 10, 0.7225, 1.0), (0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634)]
)
def test_wilson_interval_agrees_with_published_values(count: int, total: int, low: float, high: float) -> None:
    result = scoring.rate(count, total)

    assert (result["low"], result["high"]) == (low, high)


def test_languages_are_scored_on_their_own() -> None:
    result = scoring.score_by_language([judged(graphs.dumps(GOLD)), judged("{", lang="zh")], ONTOLOGY)

    assert {lang: part["strict_parse_rate"]["rate"] for lang, part in result.items()} == {"en": 1.0, "zh": 0.0}
