"""What one answer counts, by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kgtune.graph import Entity, Graph, Relationship, dumps
from kgtune.grounding import match_key
from kgtune.ontology import Label, Ontology, RelationType
from kgtune.scoring.documents import judge, judge_graph
from kgtune.scoring.metrics import COUNTERS
from kgtune.scoring.tally import Rules, tally
from tests.scoring.build import ACTOR, EMPTY, GOLD, NOTHING, ONTOLOGY, RIGHT, RULES, TOOL, USE, document, row


def counts(answer, **how):
    return {name: count for name, count in row(answer, **how).counts.items() if count}


def test_the_gold_answer():
    assert counts(RIGHT) == {
        "rows": 1, "rows_with_text": 1, "answers": 1, "json": 1, "shape": 1, "repaired": 1, "schema": 1, "closed": 1,
        "exact_graph": 1, "legal_ends": 1,
        "entity_gold": 2, "entity_predicted": 2, "entity_predicted_after_repair": 2, "entity_checked": 2,
        **{f"entity_hits_{mode}": 2 for mode in ("strict", "relaxed", "type_agnostic", "after_repair")},
        "relationship_gold": 1, "relationship_predicted": 1, "relationship_predicted_after_repair": 1,
        "relationship_checked": 1,
        **{f"relationship_hits_{mode}": 1 for mode in ("strict", "relaxed", "type_agnostic", "after_repair")},
        "name_exact": 2, "evidence_exact": 1, "both_ends": 1,
        "judged_confidences": 1, "squared_error": 2500, "bin9_count": 1, "bin9_right": 1, "bin9_confidence": 950_000,
    }  # fmt: skip


def test_the_confidence_that_users_get_is_counted_beside_the_stated_one():
    judged = replace(judge(document(), RIGHT), probabilities=(0.5,))
    given = {name: count for name, count in tally(judged, replace(RULES, given=lambda one: one / 2)).counts.items()
             if count and name.startswith("given_")}  # fmt: skip
    assert given == {
        "given_judged_confidences": 1, "given_squared_error": 562_500, "given_bin2_count": 1, "given_bin2_right": 1,
        "given_bin2_confidence": 250_000,
    }  # fmt: skip


def test_without_a_rule_what_users_get_is_not_counted():
    counts = tally(replace(judge(document(), RIGHT), probabilities=(0.5,)), RULES).counts
    assert [name for name in counts if name.startswith("given_")] == []


def test_only_known_counters_are_counted():
    for answer in (RIGHT, NOTHING, EMPTY, f"```{RIGHT}```", RIGHT[:-20], "[]"):
        assert set(row(answer).counts) <= set(COUNTERS)


def test_an_unreadable_answer_counts_in_the_denominators_alone():
    assert counts(NOTHING) == {
        "rows": 1, "rows_with_text": 1, "answers": 1, "entity_gold": 2, "entity_omitted": 2, "relationship_gold": 1,
        "relationship_omitted": 1,
    }  # fmt: skip


def test_a_missing_answer_counts_like_an_unreadable_one():
    assert counts(None) == counts(NOTHING)


def test_a_fenced_answer_is_no_hit_before_repair():
    found = counts(f"```json\n{RIGHT}\n```")
    assert "entity_hits_strict" not in found
    assert found["repaired"] == 1
    assert found["entity_hits_after_repair"] == found["entity_predicted_after_repair"] == 2
    assert found["relationship_hits_after_repair"] == 1


def test_json_of_another_shape_parses_and_is_no_graph():
    found = counts("[1]")
    assert (found["json"], found.get("shape"), found.get("repaired")) == (1, None, None)


def test_an_answer_of_a_system_that_hands_out_graphs_says_nothing_about_parsing():
    found = tally(judge_graph(document(), GOLD), RULES).counts
    assert (found["answers"], found["json"], found["shape"], found["entity_hits_strict"]) == (0, 0, 1, 2)
    assert found["judged_confidences"] == found["evidence_exact"] == found["evidence_missing"] == 0


def test_a_dangling_end_breaks_integrity_and_is_hallucinated():
    dangling = Graph((ACTOR, TOOL), (replace(USE, target="e9"),))
    found = counts(dumps(dangling))
    assert found["shape"] == 1
    assert not {"closed", "relationship_hits_strict", "legal_ends", "both_ends"} & found.keys()
    assert found["relationship_hallucinated"] == 1


def test_what_neither_gold_nor_text_knows_is_hallucinated():
    invented = Graph((ACTOR, Entity("Tool", "e2", "NightLoom")), (USE,))
    found = counts(dumps(invented))
    assert (found["entity_hallucinated"], found["relationship_hallucinated"], found["name_none"]) == (1, 1, 1)


def test_a_name_that_gold_has_and_the_text_has_not_is_no_hallucination():
    gold = Graph((Entity("Technique", "e1", "Process Hollowing"),), ())
    found = counts(dumps(gold), doc=document(gold=gold))
    assert (found["name_none"], found.get("entity_hallucinated")) == (1, None)


def test_a_name_that_the_text_has_and_gold_has_not_is_wrong_and_no_hallucination():
    found = counts(dumps(Graph((replace(TOOL, name="March"),))))
    assert found["entity_checked"] == found["name_exact"] == 1
    assert not {"entity_hits_strict", "entity_hits_relaxed", "entity_hallucinated"} & set(found)


def test_repeated_items_are_counted():
    twice = Graph((ACTOR, replace(ACTOR, id="e3"), TOOL), (USE, USE))
    found = counts(dumps(twice))
    assert (found["entity_repeated"], found["relationship_repeated"]) == (1, 1)
    assert "exact_graph" not in found


@pytest.mark.parametrize(
    ("kind", "answer", "expected"),
    [
        ("easy_negative", EMPTY, {"empty": 1, "empty_right": 1, "easy": 1, "easy_right": 1}),
        ("hard_negative", RIGHT, {"empty": 1, "hard": 1}),
        ("hard_negative", NOTHING, {"empty": 1, "hard": 1}),
        ("none", EMPTY, {"empty": 1, "empty_right": 1}),
    ],
)
def test_an_empty_text_is_right_only_when_answered_with_the_empty_graph(kind, answer, expected):
    found = counts(answer, doc=document(gold=Graph(), kind=kind))
    names = ("empty", "empty_right", "easy", "easy_right", "hard", "hard_right")
    assert {name: found[name] for name in names if name in found} == expected


def test_without_a_text_nothing_is_said_about_grounding():
    found = counts(RIGHT, doc=document(text=None))
    assert not [name for name in found if name.startswith(("name_", "evidence_")) or "checked" in name]
    assert found["entity_hits_strict"] == 2


def test_an_end_label_that_the_type_may_not_join_is_not_legal():
    backwards = Graph((ACTOR, TOOL), (replace(USE, source="e2", target="e1"),))
    assert "legal_ends" not in counts(dumps(backwards))


def test_each_confidence_goes_into_its_bin_and_only_the_first_of_two_equal_ones_is_right():
    gold = Graph((ACTOR, TOOL), (USE,))
    edges = tuple(replace(USE, confidence=value) for value in (0.0, 0.1, 0.3, 0.999, 1.0))
    found = counts(dumps(Graph((ACTOR, TOOL), edges)), doc=document(gold=gold))
    bins = {name: count for name, count in found.items() if name.startswith("bin") and name.endswith("count")}
    assert bins == {"bin0_count": 1, "bin1_count": 1, "bin3_count": 1, "bin9_count": 2}
    assert found["bin0_right"] == 1
    assert not [name for name in found if name.endswith("right") and name.startswith("bin") and name != "bin0_right"]


def test_slices_of_the_items_add_up_to_the_whole():
    graph = Graph((ACTOR, replace(TOOL, name="NightLoom"), Entity("Target", "e3", "Halvenport Bank")), (USE,))
    found = row(dumps(graph))
    assert found.cells == {
        ("label", "ThreatOrganization"): (1, 1, 1), ("label", "Tool"): (0, 1, 1), ("label", "Target"): (0, 0, 1),
        ("type", "USE"): (0, 1, 1),
    }  # fmt: skip


def test_names_that_training_has_seen_are_told_from_the_others():
    rules = Rules(ONTOLOGY, known_names=frozenset({match_key("crimson OTTER")}))
    found = row(dumps(Graph((ACTOR,), ())), rules=rules).cells
    assert found[("entity_names", "seen")] == (1, 1, 1)
    assert found[("entity_names", "unseen")] == (0, 1, 0)
    assert found[("relationship_names", "unseen")] == (0, 1, 0)


def test_the_places_of_the_hits_are_kept():
    graph = Graph(
        (Entity("Target", "e1", "x y"), replace(ACTOR, id="e2"), TOOL), (Relationship("USE", "e2", "e2", 1.0),)
    )
    found = row(dumps(graph))
    assert found.hits == {"entities": [1, 2], "relationships": []}
    assert found.f1 == round(4 / 7, 4)


def test_the_f1_of_a_rightly_empty_answer_is_none():
    assert row(EMPTY, doc=document(gold=Graph())).f1 is None
    assert judge(document(), RIGHT).graph == GOLD


def test_a_label_or_type_under_an_alias_of_the_ontology_is_right_in_the_relaxed_sense_alone():
    aliased = Ontology(
        "aliased", 1,
        (Label("ThreatOrganization", zh="威胁组织", aliases=("threat actor",)), Label("Tool", aliases=("malware",))),
        (RelationType("USE", pairs=(("ThreatOrganization", "Tool"),), aliases=("deploys",)),),
    )  # fmt: skip
    graph = Graph(
        (replace(ACTOR, labels="Threat_Actor"), replace(TOOL, labels="Malware")), (replace(USE, type="deploys"),)
    )
    other = Graph((replace(ACTOR, labels="Wizard"), TOOL), (USE,))

    def hits(answer):
        found = tally(judge(document(), dumps(answer)), Rules(aliased)).counts
        return [found[f"{thing}_hits_{mode}"] for thing in ("entity", "relationship") for mode in ("strict", "relaxed")]

    assert hits(graph) == [0, 2, 0, 1]
    assert hits(other) == [1, 1, 0, 0]
    assert hits(GOLD) == [2, 2, 1, 1]
