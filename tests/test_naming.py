"""Labels and types in the ontology's own spelling, and how often each was seen."""

from __future__ import annotations

from collections import Counter

from kgtune import naming, ontology
from kgtune.graph import Entity, Graph, Relationship

STIX = ontology.load("stix21")


def graph(*labels: str, types: tuple[str, ...] = ()) -> Graph:
    entities = tuple(Entity(label, f"e{n}", f"Name{n}") for n, label in enumerate(labels))
    return Graph(entities, tuple(Relationship(kind, "e0", "e1", 0.9, "seen") for kind in types))


def test_what_graphs_hold_is_counted_by_label_type_and_pair():
    found = naming.seen([graph("a", "b", types=("r", "s")), graph("a", "a", types=("r",)), Graph()])
    assert found.labels == Counter(a=3, b=1)
    assert found.types == Counter(r=2, s=1)
    assert found.pairs == Counter({("a", "r", "b"): 1, ("a", "s", "b"): 1, ("a", "r", "a"): 1})


def test_other_spellings_become_the_name_and_each_is_counted():
    renamed, counts = naming.normalise(graph("恶意软件", "Malware", "malware", types=("Uses",)), STIX)
    assert [entity.labels for entity in renamed.entities] == ["malware"] * 3
    assert [entity.name for entity in renamed.entities] == ["Name0", "Name1", "Name2"]
    assert [edge.type for edge in renamed.relationships] == ["uses"]
    assert counts == Counter(
        {
            'label "恶意软件" written as malware': 1,
            'label "Malware" written as malware': 1,
            'type "Uses" written as uses': 1,
        }
    )


def test_a_graph_in_the_ontologys_words_comes_back_as_it_is_and_unknown_names_stay():
    same = graph("malware", "tool", types=("uses",))
    assert naming.normalise(same, STIX) == (same, Counter())
    odd = graph("virus", "tool", types=("eats",))
    assert naming.normalise(odd, STIX) == (odd, Counter())


def test_normalising_twice_changes_nothing_more():
    once, _ = naming.normalise(graph("Malware", "TOOL", types=("USES",)), STIX)
    assert naming.normalise(once, STIX) == (once, Counter())


def test_relationships_that_only_the_spelling_told_apart_become_one_of_the_higher_confidence():
    spelt = graph("malware", "tool", types=("uses", "USES", "drops"))
    first, second, third = spelt.relationships
    spelt = Graph(spelt.entities, (first, Relationship("USES", "e0", "e1", 0.95, "seen"), third))
    renamed, counts = naming.normalise(spelt, STIX)
    assert [(edge.type, edge.confidence) for edge in renamed.relationships] == [("uses", 0.95), ("drops", 0.9)]
    assert counts == Counter({'type "USES" written as uses': 1, "relationship given twice, merged": 1})
    assert second.type == "USES"
