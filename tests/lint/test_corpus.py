"""What only many documents show."""

from __future__ import annotations

import pytest

from kgtune import ontology
from kgtune.graph import Entity, Graph, Relationship
from kgtune.lint.corpus import Corpus
from kgtune.sources import RawDocument


def document(number, entities, edges=(), text=None, confidence=None):
    made = tuple(Entity(label, identity, name) for label, identity, name in entities)
    relationships = tuple(Relationship(kind, s, t, confidence or 0.5 + number / 1000) for kind, s, t in edges)
    where = f"raw.json:{number}: item {number} (id=d{number})"
    return RawDocument(f"d{number}", "x", text or f"text {number}", Graph(made, relationships), "en", where=where)


def told(*documents, by="threat_event"):
    corpus = Corpus(ontology.load(by) if isinstance(by, str) else by)
    for one in documents:
        corpus.add(one)
    return [(f.code, f.place.record, f.place.path, f.value, f.nearest) for _, f in corpus.findings()]


VEXA, LATCH = ("ThreatOrganization", "o", "Vexa"), ("Tool", "t", "Latch")


def test_documents_that_agree_have_no_findings():
    assert told(document(1, [VEXA, LATCH], [("USE", "o", "t")]), document(2, [VEXA, LATCH], [("USE", "o", "t")])) == []


def test_one_name_with_two_labels_is_told_where_the_rarer_one_stands():
    found = told(document(1, [VEXA]), document(2, [("Tool", "t", "VEXA")]), document(3, [VEXA]))
    assert found == [("W-TWO-LABELS", 2, "entities[0].labels", "Tool", "ThreatOrganization")]


def test_two_spellings_of_a_label_are_no_contradiction():
    assert told(document(1, [VEXA]), document(2, [("threat-actor", "o", "Vexa")])) == []


def test_an_id_that_elsewhere_means_another_name_is_told_where_ids_are_the_same_everywhere():
    steady = [("Tool", "tool--latch", "Latch"), ("Asset", "asset--panel", "Panel"), ("Asset", "asset--pad", "Pad")]
    slip = [("Tool", "tool--latch", "Larch"), *steady[1:]]
    found = told(document(1, steady), document(2, steady), document(3, slip))
    assert found == [("W-TWO-NAMES", 3, "entities[0].id", "", "")]


def test_ids_that_number_the_entities_of_each_text_are_no_contradiction():
    documents = [document(n, [("Tool", "e1", f"Latch{n}"), ("Tool", "e2", f"Bolt{n % 2}")]) for n in range(1, 6)]
    assert told(*documents) == []


def test_a_pair_with_another_type_or_the_other_direction_is_told_once():
    use, attack, back = [("USE", "o", "t")], [("ATTACK", "o", "t")], [("USE", "t", "o")]
    documents = [
        document(n, [VEXA, LATCH], edges) for n, edges in enumerate((use, attack, attack, back, back), start=1)
    ]
    assert told(*documents) == [
        ("W-TWO-TYPES", 2, "relationships[0].type", "ATTACK", ""),
        ("W-BOTH-WAYS", 4, "relationships[0].type", "USE", ""),
    ]


def test_two_spellings_of_a_type_are_one_type():
    assert told(document(1, [VEXA, LATCH], [("USE", "o", "t")]), document(2, [VEXA, LATCH], [("uses", "o", "t")])) == []


def test_one_text_with_two_graphs_is_a_warning_and_with_the_same_graph_a_note():
    same = document(2, [("ThreatOrganization", "x", "Vexa")], text="one")
    found = told(document(1, [VEXA], text="one"), same, document(3, [LATCH], text="one"))
    assert [(code, record) for code, record, *_ in found] == [("N-SAME-TEXT", 2), ("W-TWO-GRAPHS", 3)]


@pytest.mark.parametrize(("number", "expected"), [(19, []), (20, [("N-CONFIDENCE-CONSTANT", 0, "", "0.9", "")])])
def test_a_confidence_that_never_varies_is_noted_once_there_are_twenty(number, expected):
    documents = [document(n, [VEXA, LATCH], [("USE", "o", "t")], confidence=0.9) for n in range(1, number + 1)]
    assert told(*documents) == expected
    assert told(*documents, document(99, [VEXA, LATCH], [("USE", "o", "t")], confidence=0.8)) == []


def test_rare_labels_and_types_are_noted_in_a_corpus_of_some_size():
    plenty = [document(n, [VEXA, LATCH], [("USE", "o", "t")]) for n in range(1, 51)]
    rare = document(60, [VEXA, ("Tactic", "k", "Theft")], [("HAS", "o", "k")])
    assert told(*plenty[:20], rare) == []
    assert [(code, record, value) for code, record, _, value, _ in told(*plenty, rare)] == [
        ("N-RARE-LABEL", 60, "Tactic"), ("N-RARE-TYPE", 60, "HAS")
    ]  # fmt: skip


def test_a_stray_name_that_cost_the_data_its_ontology_is_told():
    documents = [document(n, [VEXA, LATCH], [("USE", "o", "t")]) for n in range(1, 9)]
    slip = document(9, [("Gizmo", "t", "Bolt")])
    labels, types = {"ThreatOrganization": 8, "Tool": 8, "Gizmo": 1}, {"USE": 8}
    derived = ontology.choose("auto", labels, types)
    assert derived.name == "derived"
    assert [(code, value, nearest) for code, _, _, value, nearest in told(*documents, slip, by=derived)] == [
        ("W-ONTOLOGY", '"Gizmo" (1)', "threat_event")
    ]
    wanted = [document(n, [VEXA, ("Sector", "s", "Energy")]) for n in range(20, 23)]
    labels["Sector"] = 3
    (found,) = [f for f in told(*documents, *wanted, by=ontology.choose("auto", labels, types)) if "ONTOLOGY" in f[0]]
    assert (found[0], found[3]) == ("N-ONTOLOGY", '"Sector" (3)')
    own = [document(n, [("Badger", "b", "Brock"), ("Sett", "s", "Home")], [("DIGS", "b", "s")]) for n in range(1, 9)]
    assert told(*own, by=ontology.derive({"Badger": 8, "Sett": 8}, {"DIGS": 8})) == []


def test_texts_and_documents_are_not_held():
    import gc
    import weakref

    class Document(RawDocument):
        pass

    corpus = Corpus(ontology.load("threat_event"))
    one = document(1, [VEXA], text="long " * 1000)
    kept = Document(**{name: getattr(one, name) for name in one.__slots__})
    reference = weakref.ref(kept)
    corpus.add(kept)
    del kept, one
    gc.collect()
    assert reference() is None
