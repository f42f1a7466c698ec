"""Names that the ontology does not have, each told with its place, and no more of them kept than asked for."""

from __future__ import annotations

from dataclasses import replace

from kgtune import ontology
from kgtune.graph import Entity, Graph, Relationship
from kgtune.lint import strangers
from kgtune.lint.strangers import Strangers
from kgtune.sources import Partial, RawDocument

ONTOLOGY = ontology.load("threat_event")
GRAPH = Graph(
    (Entity("Spaceship", "s", "Vexa"), Entity("tool", "t", "Latch"), Entity("", "u", "Umber")),
    (Relationship("ORBITS", "s", "t", 0.9, ""), Relationship("uses", "s", "t", 0.9, "")),
)
DOCUMENT = RawDocument("r1", "r1", "Vexa used Latch.", GRAPH, "en", where="none.json:4: item 2 (id=r1)")


def told(found: Strangers) -> list[tuple[str, str]]:
    return [(problem.code, problem.where) for problem in found.problems]


def test_spellings_and_labels_that_can_not_be_read_are_no_strangers() -> None:
    found = Strangers(ONTOLOGY)
    found.look(DOCUMENT)
    assert told(found) == [
        ("E-UNKNOWN-LABEL", "none.json:4: item 2 (id=r1): entities[0].labels"),
        ("E-UNKNOWN-TYPE", "none.json:4: item 2 (id=r1): relationships[0].type"),
    ]


def test_the_places_of_an_item_with_problems_are_its_own() -> None:
    found = Strangers(ONTOLOGY)
    entities = tuple(f"none.json:4: item 2 (id=r1): entities[{n}]" for n in (3, 4, 5))
    edges = tuple(f"none.json:4: item 2 (id=r1): relationships[{n}]" for n in (6, 7))
    found.look_at_part(Partial(DOCUMENT, entities, edges))
    assert [where.rpartition(": ")[2] for _, where in told(found)] == ["entities[3].labels", "relationships[6].type"]


def test_more_than_can_be_told_are_counted() -> None:
    found = Strangers(ONTOLOGY, most_kept=3)
    for number in range(4):
        found.look(replace(DOCUMENT, where=f"none.json:{number}: item {number + 1} (id=r{number})"))
    assert (len(found.problems), found.num_untold) == (3, 5)
    assert found.counts == {"E-UNKNOWN-LABEL": 4, "E-UNKNOWN-TYPE": 4}


def test_a_graph_is_dropped_for_its_first_stranger() -> None:
    assert strangers.reason(GRAPH, ONTOLOGY) == "E-UNKNOWN-LABEL"
    assert strangers.reason(Graph(GRAPH.entities[1:2]), ONTOLOGY) == ""
    assert strangers.reason(Graph(GRAPH.entities[1:], (replace(GRAPH.relationships[0], source="u"),)), ONTOLOGY) == (
        "E-UNKNOWN-TYPE"
    )
