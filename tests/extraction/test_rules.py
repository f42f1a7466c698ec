"""What of an answer keeps to the rules, where a server may not have held it to them."""

import pytest

from kgtune import ontology as ontologies
from kgtune.decoding.grammar import Rules
from kgtune.extraction import rules as held
from kgtune.graph import Entity, Graph, Relationship
from kgtune.prompt import Contract
from kgtune.settings import DecodingSettings

RULES = Rules(("Tool", "Target"), ("USE",), verbatim_labels=frozenset({"Tool"}), is_evidence_verbatim=True)
TEXT = "GlassViper used NightLoom."
TOOL, TARGET = Entity("Tool", "e1", "NightLoom"), Entity("Target", "e2", "a bank of no text")
EDGE = Relationship("USE", "e1", "e2", 0.9, "used NightLoom")


def test_what_keeps_to_the_rules_is_kept():
    graph = Graph((TOOL, TARGET), (EDGE,))
    assert held.kept(graph, TEXT, RULES) == (graph, {})


@pytest.mark.parametrize(
    ("entity", "reason"),
    [
        (Entity("Colour", "e3", "NightLoom"), "unknown label"),
        (Entity("Tool", "e3", "VelkaRAT"), "name is not in the text"),
    ],
)
def test_an_entity_that_breaks_them_goes_with_its_relationships(entity, reason):
    graph = Graph((TOOL, TARGET, entity), (EDGE, Relationship("USE", "e1", "e3", 0.9)))
    assert held.kept(graph, TEXT, RULES) == (Graph((TOOL, TARGET), (EDGE,)), {reason: 1, "dangling": 1})


def test_an_unknown_type_goes_and_evidence_that_is_not_in_the_text_is_emptied():
    edges = (Relationship("OWN", "e1", "e2", 0.9), Relationship("USE", "e1", "e2", 0.9, "made up"))
    graph, broken = held.kept(Graph((TOOL, TARGET), edges), TEXT, RULES)
    assert graph.relationships == (Relationship("USE", "e1", "e2", 0.9, ""),)
    assert broken == {"unknown type": 1, "evidence is not in the text": 1}


def test_what_is_free_by_the_rules_is_left_alone():
    free = Rules(("Tool", "Target"), ("USE",), is_closed=False)
    graph = Graph((Entity("Tool", "e1", "VelkaRAT"),), (Relationship("USE", "e1", "e9", 0.9, "made up"),))
    assert held.kept(graph, TEXT, free) == (graph, {})


def test_even_the_least_cap_leaves_room_for_one_entity():
    ontology = ontologies.load("threat_event")
    contract = Contract("base", "system", "brief", ontology.hash, "probe", 200)
    found = [held.rules_for(contract, ontology, DecodingSettings(), cap).max_entities for cap in (1, 400, 10**6)]
    assert (found[0], 1 < found[1] < 999, found[2]) == (1, True, 999)
