"""STIX: clean for the standard's own validator, nothing said that is not meant, the same bytes each time."""

import json
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgtune import export, ontology
from kgtune.export import Document, stix, stix_objects
from kgtune.graph import Entity, Graph, Relationship
from tests.export import golden
from tests.export.graphs import HOSTILE_GRAPH
from tests.export.graphs import graphs as random_graphs

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the validator's own dependencies, at import
    import stix2validator

# uuid-check: the standard recommends random ids, and equal input must give equal bytes. extref-hashes: the page at the
# address is not ours to read.
OPTIONS = stix2validator.ValidationOptions(version="2.1", disabled=["uuid-check", "extref-hashes"])
DOCUMENTS = [
    Document(),
    Document("A title", "https://x.example/r", "2026-11-20", "amber+strict"),
    Document(None, "https://x.example/r", "2026-11-20T08:30:00.5+08:00", "clear"),
    Document("雾隼", None, "2026-11-20T08:30", "red"),
]


DATED = Document(published="2026-11-20")  # nothing to be told about its times


def bundle(graph, document=DATED, known="threat_event"):
    exported = export.render(graph, "", "stix", document, ontology.load(known) if known else None)
    return json.loads(exported.content), exported.findings


def problems(value):
    result = stix2validator.validate_instance(value, OPTIONS)
    return [str(error) for error in result.errors], [str(warning) for warning in result.warnings]


def edge(source, kind, target, evidence="says so", known="threat_event"):
    """Export one relationship between two labels; give the bundle's relationship, notes and findings."""
    (label, name), (other, other_name) = source, target
    graph = Graph(
        (Entity(label, "a", name), Entity(other, "b", other_name)), (Relationship(kind, "a", "b", 0.876, evidence),)
    )
    value, findings = bundle(graph, known=known)
    assert problems(value) == ([], [])
    types = {one["id"]: one["type"] for one in value.get("objects", [])}
    said = [
        (
            types[o["source_ref"]],
            o["relationship_type"],
            types[o["target_ref"]],
            o.get("confidence"),
            o.get("description"),
        )
        for o in value.get("objects", [])
        if o["type"] == "relationship"
    ]
    return said, [o for o in value.get("objects", []) if o["type"] == "note"], dict(findings)


def test_the_golden_bundle_is_clean():
    assert problems(json.loads(golden.render("stix").content)) == ([], [])


def test_a_bundle_whose_times_are_none_says_so_and_one_without_times_does_not():
    tool, told = Graph((Entity("Tool", "a", "Night Loom"),)), {stix.NO_DATE: 1}
    assert [bundle(tool, document)[1] for document in (Document("A title"), DATED)] == [told, {}]
    observable, findings = bundle(Graph((Entity("domain-name", "a", "evil.example"),)), Document(), known="stix21")
    assert (["created" in one for one in observable["objects"]], findings) == ([False], {})


@pytest.mark.parametrize("document", DOCUMENTS)
def test_hostile_names_give_a_valid_bundle(document):
    assert problems(bundle(HOSTILE_GRAPH, document)[0])[0] == []


def test_confidence_is_a_percentage_and_the_evidence_is_kept():
    said, notes, findings = edge(("ThreatOrganization", "GlassViper"), "USE", ("Tool", "NightLoom"))
    assert said == [("intrusion-set", "uses", "tool", 88, "says so")]
    assert (notes, findings) == ([], {})


def test_a_reversed_verb_turns_the_ends_around():
    said, _, _ = edge(("ThreatOrganization", "GlassViper"), "LAUNCH", ("AttackEvent", "Tidefall"))
    assert said == [("campaign", "attributed-to", "intrusion-set", 88, "says so")]


@pytest.mark.parametrize(
    ("source", "kind", "target"),
    [
        (("Asset", "mail server"), "BELONG", ("Target", "Harbour Bank")),
        (("Tool", "NightLoom"), "HAS", ("Technique", "spearphishing")),
        (("Target", "Harbour Bank"), "LAUNCH", ("Tool", "NightLoom")),
    ],
)
def test_an_illegal_pair_is_a_note_and_reported_and_never_related_to(source, kind, target):
    said, notes, findings = edge(source, kind, target)
    where = f"{source[0]} {kind} {target[0]}"
    assert (said, findings) == ([], {f"no STIX relationship: {where}": 1})
    text = f"{source[1]} ({source[0]}) {kind} {target[1]} ({target[0]}): says so"
    assert [(note["abstract"], note["content"], note["confidence"]) for note in notes] == [(where, text, 88)]
    assert len(notes[0]["object_refs"]) == 2


def test_related_to_is_written_where_the_graph_says_it():
    said, _, findings = edge(("malware", "NightLoom"), "related-to", ("tool", "Latch"), known="stix21")
    assert ([one[:3] for one in said], findings) == ([("malware", "related-to", "tool")], {})


def test_no_other_relationship_ever_becomes_related_to():
    known = ontology.load("threat_event")
    found = [edge((s, "one"), kind.name, (t, "two"))[0] for kind in known.types for s, t in kind.pairs]
    assert len(found) == 46
    assert {one[1] for said in found for one in said} == {"attributed-to", "targets", "compromises", "uses", "owns"}


def test_every_relationship_of_a_legal_pair_is_in_the_bundle():
    """As a relationship, as a note, or, where neither end has an object, as a finding."""
    known = ontology.load("threat_event")
    pairs = [(s, kind.name, t) for kind in known.types for s, t in kind.pairs]
    outcomes = [edge((s, "one"), kind, (t, "two")) for s, kind, t in pairs]
    lost = [pair for pair, (said, notes, findings) in zip(pairs, outcomes, strict=True) if not said and not notes]
    assert lost == [("Procedure", "IMPLEMENT", "Tactic")]


def test_a_tactic_is_a_phase_of_the_technique_and_the_evidence_a_note():
    graph = Graph(
        (Entity("Technique", "a", "spearphishing"), Entity("Tactic", "b", "初始访问")),
        (Relationship("BELONG", "a", "b", 0.5, "says so"),),
    )
    value, findings = bundle(graph)
    technique, note = value["objects"]
    assert technique["kill_chain_phases"] == [{"kill_chain_name": "mitre-attack", "phase_name": "initial-access"}]
    assert (note["content"], note["object_refs"]) == (
        "spearphishing (Technique) BELONG 初始访问 (Tactic): says so", [technique["id"]]
    )  # fmt: skip
    assert (problems(value), findings) == (([], []), {})


def test_a_report_holds_its_objects_and_without_any_it_is_left_out():
    said, notes, findings = edge(("Report", "Bulletin 7"), "BELONG", ("AttackEvent", "Tidefall"))
    assert (said, len(notes), findings) == ([], 1, {})
    value, findings = bundle(Graph((Entity("Report", "a", "Bulletin 7"),)))
    assert (value.get("objects"), findings) == (None, {"report left out, it refers to nothing": 1})


def test_an_asset_that_is_an_observable_is_both():
    value, findings = bundle(Graph((Entity("Asset", "a", "evil[.]example"),)))
    kinds = [(one["type"], one.get("name") or one.get("value") or one["relationship_type"]) for one in value["objects"]]
    assert kinds == [
        ("infrastructure", "evil[.]example"),
        ("domain-name", "evil.example"),
        ("relationship", "consists-of"),
    ]
    assert (problems(value), findings) == (([], []), {})


def test_what_has_no_object_is_counted():
    entities = (Entity("Tactic", "a", "persistence"), Entity("Colour", "b", "blue"))
    value, findings = bundle(Graph(entities))
    assert "objects" not in value
    assert findings == {f"entity left out, no STIX object for it: {label}": 1 for label in ("Tactic", "Colour")}


def test_two_spellings_of_one_thing_are_one_object():
    value, findings = bundle(Graph((Entity("Tool", "a", "Night Loom"), Entity("Tool", "b", "night loom", "a loader"))))
    assert [(one["name"], one["description"]) for one in value["objects"]] == [("Night Loom", "a loader")]
    assert findings == {"two entities are one STIX object": 1}


def test_the_document_gives_references_marking_and_times():
    value, _ = bundle(golden.GRAPH, DOCUMENTS[1])
    marking, report, *others = value["objects"]
    assert (marking["name"], report["name"], report["published"]) == (
        "TLP:AMBER+STRICT",
        "A title",
        "2026-11-20T00:00:00.000Z",
    )
    assert report["object_refs"] == [one["id"] for one in others]
    assert {tuple(one["object_marking_refs"]) for one in (report, *others)} == {(marking["id"],)}
    timed = [one for one in others if "created" in one]
    assert {one["modified"] for one in timed} == {"2026-11-20T00:00:00.000Z"}
    reference = {"source_name": "A title", "url": "https://x.example/r"}
    assert all(reference in one["external_references"] for one in timed if one["type"] != "note")


def test_a_time_is_written_in_utc():
    times = {document.published: bundle(golden.GRAPH, document)[0]["objects"][-1]["created"] for document in DOCUMENTS}
    assert times == {
        None: "1970-01-01T00:00:00.000Z",
        "2026-11-20": "2026-11-20T00:00:00.000Z",
        "2026-11-20T08:30:00.5+08:00": "2026-11-20T00:30:00.500Z",
        "2026-11-20T08:30": "2026-11-20T08:30:00.000Z",
    }


def test_one_thing_has_one_id_in_two_documents():
    one, other = (bundle(golden.GRAPH, document)[0]["objects"] for document in DOCUMENTS[:2])
    ids = [{o["id"] for o in objects if o["type"] not in ("report", "marking-definition")} for objects in (one, other)]
    assert ids[0] == ids[1]


def test_labels_of_an_own_ontology_are_told_by_their_spelling():
    derived = ontology.derive({"Threat_Actor": 1, "malicious software": 1}, {"used": 1})
    graph = Graph(
        (Entity("Threat_Actor", "a", "GlassViper"), Entity("malicious software", "b", "NightLoom")),
        (Relationship("used", "a", "b", 0.9),),
    )
    value = json.loads(export.render(graph, "", "stix", Document(), derived).content)
    assert [one["type"] for one in value["objects"]] == ["intrusion-set", "malware", "relationship"]


@pytest.mark.parametrize("known", [None, "threat_event"])
def test_a_graph_without_an_ontology_finds_the_shipped_one(known):
    assert bundle(golden.GRAPH, known=known) == bundle(golden.GRAPH)


def test_nothing_of_the_validator_reaches_for_the_network(monkeypatch):
    import socket

    def refuse(*arguments):
        raise AssertionError(f"a connection to {arguments}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert problems(json.loads(golden.render("stix").content)) == ([], [])


def test_a_broken_bundle_is_seen_by_the_validator():
    value = json.loads(golden.render("stix").content)
    value["objects"][-1]["confidence"] = 101
    del value["objects"][2]["name"]
    assert len(problems(value)[0]) == 2


@pytest.mark.property
@settings(max_examples=60, deadline=None)
@given(random_graphs(), st.sampled_from(DOCUMENTS))
def test_any_graph_gives_a_valid_bundle(graph, document):
    value, _ = bundle(graph, document, known=None)
    assert problems(value)[0] == []
    objects = value.get("objects", [])
    ids = [one["id"] for one in objects]
    assert len(ids) == len(set(ids))
    refs = [ref for o in objects for key in ("source_ref", "target_ref") if (ref := o.get(key))]
    refs += [ref for o in objects for ref in (*o.get("object_refs", ()), *o.get("object_marking_refs", ()))]
    assert set(refs) <= set(ids)
    said = {o["relationship_type"] for o in objects if o["type"] == "relationship"}
    assert "related-to" not in said or any(r.type == "related-to" for r in graph.relationships)


def test_ids_are_of_version_5():
    value, _ = bundle(golden.GRAPH, DOCUMENTS[1])
    ids = [one["id"] for one in value["objects"] if one["type"] != "marking-definition"] + [value["id"]]
    assert {id_.split("--")[1][14] for id_ in ids} == {"5"}
    # the standard's own example of an observable: its namespace, and the JSON of what identifies it
    made = stix_objects.properties("ipv4-addr", "198.51.100.3")
    assert stix_objects.identity("ipv4-addr", "198.51.100.3", made) == "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"


def test_a_relationship_that_stands_twice_is_one_object_and_counted():
    edges = (Relationship("USE", "a", "b", 0.9, "says so"),) * 2
    graph = Graph((Entity("ThreatOrganization", "a", "GlassViper"), Entity("Tool", "b", "NightLoom")), edges)
    value, findings = bundle(graph)
    assert [one["type"] for one in value["objects"]].count("relationship") == 1
    assert +findings == {"relationship given twice": 1}


def test_two_spellings_of_one_thing_have_no_relationship_with_themselves():
    said, notes, findings = edge(("malware", "VelkaRAT"), "uses", ("malware", "velkarat"), known="stix21")
    assert (said, len(notes)) == ([], 1)
    assert findings == {"no STIX relationship: malware uses malware": 1, "two entities are one STIX object": 1}


def test_a_report_does_not_refer_to_itself():
    names = (("Report", "Bulletin 7"), ("Report", "bulletin 7"), ("AttackEvent", "Tidefall"))
    entities = tuple(Entity(label, id_, name) for id_, (label, name) in zip("abc", names, strict=True))
    value, _ = bundle(Graph(entities, (Relationship("BELONG", "a", "b", 0.9), Relationship("BELONG", "a", "c", 0.9))))
    [refs] = [one["object_refs"] for one in value["objects"] if one["type"] == "report"]
    assert refs == [one["id"] for one in value["objects"] if one["type"] == "campaign"]
