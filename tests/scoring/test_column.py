"""One system's numbers as they stand in the results."""

from __future__ import annotations

from kgtune.graph import Graph
from kgtune.grounding import match_key
from kgtune.scoring.column import Cost, column
from kgtune.scoring.metrics import METRICS
from kgtune.scoring.tally import Rules
from tests.scoring.build import EMPTY, HALF, NOTHING, ONTOLOGY, QUICK, RIGHT, alternating, document, sample


def scored(*answers, **more):
    return column(sample(*answers, **more), QUICK)


def value(found, name):
    return found["metrics"][name]["value"]


def test_the_gold_answer_scores_one_everywhere():
    found = scored(RIGHT)
    ones = [name for name, metric in METRICS.items() if metric.better == "higher" and not name.startswith("empty")]
    assert len(ones) == 37
    assert {name: value(found, name) for name in ones} == dict.fromkeys(ones, 1.0)
    assert value(found, "brier_score") == 0.0025


def test_an_unreadable_answer_counts_in_every_denominator():
    found = scored(RIGHT, NOTHING)
    names = ("strict_parse_rate", "contract_shape_rate", "schema_valid_rate", "entity_recall", "exact_graph_rate")
    assert {name: value(found, name) for name in names} == dict.fromkeys(names, 0.5)
    assert value(found, "entity_precision") == 1.0
    assert found["reasons"] == {"not_json": 1}
    assert found["findings"] == {"not_json": {"count": 1, "rows": ["row-1"]}}


def test_json_of_another_shape_parses_but_is_no_graph():
    found = scored('[{"n":1}]')
    assert (value(found, "strict_parse_rate"), value(found, "contract_shape_rate")) == (1.0, 0.0)
    assert found["reasons"] == {"array_root": 1}


def test_a_number_says_what_it_is_made_of():
    found = scored(RIGHT, HALF)["metrics"]
    assert (found["entity_recall"]["count"], found["entity_recall"]["of"]) == (3, 4)
    assert (found["entity_f1"]["count"], found["entity_f1"]["of"], found["entity_f1"]["value"]) == (3, 7, 0.8571)
    assert found["calibration_error"]["count"] is None


def test_every_interval_holds_its_value():
    found = scored(*alternating(40, RIGHT, HALF, every=3))
    told = [one for one in found["metrics"].values() if one["low"] is not None]
    assert len(told) > 40
    assert all(one["low"] <= one["value"] <= one["high"] for one in told)
    assert found["metrics"]["entity_f1"]["interval"] == "bootstrap"


def test_a_rate_over_nothing_is_none_not_one():
    found = scored(EMPTY, docs=[document(gold=Graph())])
    assert found["metrics"]["entity_f1"] == {
        "value": None, "low": None, "high": None, "interval": "none", "count": 0, "of": 0
    }  # fmt: skip
    assert value(found, "empty_text_accuracy") == 1.0


def test_easy_and_hard_empty_texts_are_told_apart():
    docs = [document(n, Graph(), kind=kind) for n, kind in enumerate(["easy_negative"] * 2 + ["hard_negative"] * 3)]
    found = scored(EMPTY, EMPTY, EMPTY, RIGHT, NOTHING, docs=docs)
    rates = [value(found, f"empty_text_accuracy{end}") for end in ("", "_easy", "_hard")]
    assert rates == [0.6, 1.0, 0.3333]


def test_slices_score_their_own_documents():
    docs = [document(n, lang="zh" if n % 2 else "en", source="feed") for n in range(12)]
    found = scored(*[RIGHT, NOTHING] * 6, docs=docs)["slices"]
    assert {lang: part["metrics"]["strict_parse_rate"]["value"] for lang, part in found["language"].items()} == {
        "en": 1.0, "zh": 0.0
    }  # fmt: skip
    assert found["source"]["feed"]["num_documents"] == 12
    assert list(found["length"]) == ["under 200"]


def test_slices_of_the_items_are_scored_alone():
    rules = Rules(ONTOLOGY, known_names=frozenset({match_key("VelkaRAT")}))
    found = scored(RIGHT, HALF, rules=rules)["slices"]
    assert {label: part["metrics"]["recall"]["value"] for label, part in found["label"].items()} == {
        "ThreatOrganization": 1.0, "Tool": 0.5
    }  # fmt: skip
    assert found["type"]["USE"]["metrics"]["f1"]["value"] == 0.6667
    assert found["entity_names"]["seen"]["metrics"]["recall"]["value"] == 0.5
    assert found["entity_names"]["unseen"]["metrics"]["recall"]["value"] == 1.0
    assert found["relationship_names"]["unseen"]["num_documents"] == 2


def test_without_train_names_nothing_is_seen_or_unseen():
    assert scored(RIGHT)["slices"]["entity_names"] == {}


def test_the_reliability_table_has_ten_bins():
    table = scored(RIGHT, HALF)["reliability"]
    assert [(one["from"], one["to"]) for one in table] == [(n / 10, (n + 1) / 10) for n in range(10)]
    assert table[9] == {"from": 0.9, "to": 1.0, "count": 1, "mean_confidence": 0.95, "share_right": 1.0}
    assert table[0]["mean_confidence"] is None


def test_costs_are_per_row_and_unknown_ones_are_none():
    found = column(sample(RIGHT, HALF), QUICK, Cost(seconds=3.0, num_answer_tokens=101))["cost"]
    assert found == {
        "seconds_per_row": 1.5, "prompt_tokens_per_row": None, "answer_tokens_per_row": 50.5,
        "forward_passes_per_row": None,
    }  # fmt: skip


def test_a_sample_says_in_plain_words_what_it_cannot_show():
    few = scored(RIGHT, HALF)["resolution"]["entity_f1"]
    assert few["words"] == "2 documents say something about entity_f1: too few to compare two systems by it."
    many = scored(*alternating(20, RIGHT, HALF))["resolution"]["entity_f1"]
    assert (
        many["words"]
        == f"With 20 documents you can't see less than {100 * many['least_difference']:.0f} points in entity_f1."
    )
    assert 0.05 < many["least_difference"] < 0.4
    same = scored(*[RIGHT] * 20)["resolution"]["entity_f1"]
    assert same["words"] == "All 20 documents agree in entity_f1: how small a difference would show can't be said."


def test_more_documents_show_smaller_differences():
    least = [scored(*alternating(n, RIGHT, HALF))["resolution"]["entity_f1"]["least_difference"] for n in (20, 80, 320)]
    assert least[0] > 1.7 * least[1] > 2.9 * least[2]
