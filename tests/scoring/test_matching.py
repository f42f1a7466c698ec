"""Which items are hits: by name, never by id, and one to one."""

from __future__ import annotations

from dataclasses import replace

from kgtune.graph import Entity, Graph, Relationship
from kgtune.scoring.likeness import Aliases
from kgtune.scoring.matching import DANGLING, match_entities, match_relationships, named

ACTOR = Entity("ThreatOrganization", "e1", "Crimson Otter")
TOOL = Entity("Tool", "e2", "VelkaRAT")
USE = Relationship("USE", "e1", "e2", 0.95, "x")
GOLD = Graph((ACTOR, TOOL), (USE,))


def sizes(matches):
    return len(matches.strict), len(matches.relaxed), len(matches.type_agnostic)


def entities(predicted, gold=GOLD, aliases=None):
    return match_entities(named(gold), named(predicted), aliases or Aliases())


def relationships(predicted, gold=GOLD, aliases=None):
    return match_relationships(named(gold), named(predicted), aliases or Aliases())


def test_ids_do_not_matter_and_names_are_folded():
    renamed = Graph(
        (Entity("Tool", "a", "velkarat"), Entity("ThreatOrganization", "b", "Ｃｒｉｍｓｏｎ  Otter")),
        (Relationship("USE", "b", "a", 0.1, ""),),
    )
    assert sizes(entities(renamed)) == (2, 2, 2)
    assert sizes(relationships(renamed)) == (1, 1, 1)


def test_equal_ids_are_no_hit():
    other = Graph((replace(ACTOR, name="Silent Karvost"), replace(TOOL, name="Merrowind")), (USE,))
    assert sizes(entities(other)) == sizes(relationships(other)) == (0, 0, 0)


def test_a_swapped_direction_is_no_hit():
    swapped = Graph(GOLD.entities, (replace(USE, source="e2", target="e1"),))
    assert sizes(relationships(swapped)) == (0, 0, 0)


def test_another_label_is_a_type_agnostic_hit_alone():
    mislabelled = Graph((replace(ACTOR, labels="Target"), TOOL), (USE,))
    assert sizes(entities(mislabelled)) == (1, 1, 2)
    assert sizes(relationships(mislabelled)) == (0, 0, 1)


def test_another_type_is_a_type_agnostic_hit_alone():
    assert sizes(relationships(Graph(GOLD.entities, (replace(USE, type="ATTACK"),)))) == (0, 0, 1)


def test_a_like_name_is_a_relaxed_hit_and_carries_its_relationship():
    longer = Graph((replace(ACTOR, name="Crimson Otter Group"), TOOL), (USE,))
    assert sizes(entities(longer)) == (1, 2, 1)
    assert sizes(relationships(longer)) == (0, 1, 0)


def test_an_alias_is_a_relaxed_hit():
    alias = Graph((replace(ACTOR, name="UNC77"), TOOL), (USE,))
    table = Aliases({"Crimson Otter": ["UNC77"]})
    assert sizes(entities(alias)) == (1, 1, 1)
    assert sizes(entities(alias, aliases=table)) == (1, 2, 1)
    assert sizes(relationships(alias, aliases=table)) == (0, 1, 0)


def test_a_gold_item_is_found_once():
    twice = Graph((ACTOR, replace(ACTOR, id="e3"), replace(ACTOR, id="e4", name="Crimson Otter Group")), ())
    matches = entities(twice)
    assert sizes(matches) == (1, 1, 1)
    assert matches.strict == {0}  # the first of them
    assert matches.like_gold == {0, 1, 2}


def test_two_like_names_share_two_gold_ones_though_one_fits_both():
    gold = Graph((Entity("Tool", "e1", "Velka"), Entity("Tool", "e2", "Velka Loader")), ())
    predicted = Graph((Entity("Tool", "e1", "Velka Loader"), Entity("Tool", "e2", "Loader")), ())
    # the exact pair first would leave "Loader" and "Velka" alone
    assert sizes(entities(predicted, gold)) == (1, 2, 1)


def test_more_pairs_go_before_closer_ones():
    names = ("velkaraton", "velkaratox", "velkaratyx", "velkarazyx")  # each like its neighbours alone
    gold = Graph(tuple(Entity("Tool", f"e{n}", name) for n, name in enumerate(names[:3])), ())
    predicted = Graph(tuple(Entity("Tool", f"e{n}", name) for n, name in enumerate(names[1:])), ())
    # two exact pairs are closer than three like ones, and fewer
    assert sizes(entities(predicted, gold)) == (2, 3, 2)


def test_an_end_that_points_nowhere_earns_nothing_not_even_by_a_name():
    dangling = Graph((TOOL,), (replace(USE, source="crimson otter"),))
    assert named(dangling).relationships[0][1:3] == (DANGLING, "crimson otter")
    assert sizes(relationships(dangling)) == (0, 0, 0)


def test_of_entities_that_share_an_id_the_first_has_it():
    shared = Graph((ACTOR, replace(TOOL, id="e1"), TOOL), (USE,))
    assert sizes(relationships(shared)) == (1, 1, 1)


def test_multiple_equal_relationships_count_each_once():
    assert sizes(relationships(Graph(GOLD.entities, (USE, USE)))) == (1, 1, 1)
    assert sizes(relationships(Graph(GOLD.entities, (USE, USE)), Graph(GOLD.entities, (USE, USE)))) == (2, 2, 2)
