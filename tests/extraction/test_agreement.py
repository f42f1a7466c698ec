"""Self-consistency: the share of drawn answers that hold a relationship."""

from kgtune.extraction.agreement import agreed
from kgtune.extraction.extractor import Extraction
from kgtune.graph import Entity, Graph, Relationship


def extraction(*triples, ids=("a", "b", "c")):
    names = ("Tidal Fox", "Vexa", "Lumen")
    entities = tuple(Entity("Org", one, name) for one, name in zip(ids, names, strict=True))
    edges = tuple(Relationship(kind, ids[s], ids[t], 0.5, "evidence") for kind, s, t in triples)
    return Extraction(Graph(entities, edges), "", "stop", 1, 1)


UNREADABLE = Extraction(None, "no graph", "stop", 1, 1, "not_json")


def test_confidence_is_the_share_of_answers_that_hold_it_whatever_their_ids():
    found = agreed(
        extraction(("USE", 0, 1), ("USE", 1, 2), ("ATTACK", 0, 2)),
        [
            extraction(("USE", 0, 1), ids=("x", "y", "z")),
            extraction(("USE", 0, 1), ("USE", 2, 1)),
            extraction(("USE", 0, 1), ("USE", 1, 2), ("USE", 0, 2)),
            UNREADABLE,
        ],
    )
    assert [edge.confidence for edge in found.graph.relationships] == [0.75, 0.25, 0.0]


def test_an_answer_that_is_no_graph_stays_as_it_is():
    assert agreed(UNREADABLE, [extraction()]) == UNREADABLE
