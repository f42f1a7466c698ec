from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kgtune import ontology
from kgtune.sources import RawSet, read_raw


def ref(kind: str, number: int) -> str:
    return f"{kind}--00000000-0000-4000-8000-{number:012d}"


def thing(kind: str, number: int, name: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "id": ref(kind, number), "name": name} | more


def edge(
    number: int, source: dict[str, Any], target: dict[str, Any], text: str | None = None, **more: Any
) -> dict[str, Any]:
    item = {"type": "relationship", "id": ref("relationship", number), "relationship_type": "uses"}
    item |= {"source_ref": source["id"], "target_ref": target["id"]}
    return item | ({} if text is None else {"description": text}) | more


def report(number: int, text: str, *inside: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "report",
        "id": ref("report", number),
        "description": text,
        "object_refs": [one["id"] for one in inside],
    } | more


VEX, LATCH = thing("intrusion-set", 1, "Vex", aliases=["Vexa"]), thing("malware", 2, "Latch")
COURIER = thing("attack-pattern", 3, "Night Courier")


def read(tmp_path: Path, *objects: dict[str, Any], spec: str | None = None) -> RawSet:
    path = tmp_path / "bundle.json"
    head = {"type": "bundle", "id": ref("bundle", 0)} | ({} if spec is None else {"spec_version": spec})
    path.write_text(json.dumps(head | {"objects": list(objects)}, indent=1), encoding="utf-8")
    return read_raw([path])


def names(raw_set: RawSet) -> list[list[str]]:
    return [[entity.name for entity in document.graph.entities] for document in raw_set.documents]


def reasons(raw_set: RawSet, prefix: str = "dropped: ") -> dict[str, int]:
    return {key.removeprefix(prefix): n for key, n in raw_set.counts.items() if key.startswith(prefix)}


def test_a_relationships_description_becomes_a_text_with_it(tmp_path: Path) -> None:
    (document,) = read(tmp_path, VEX, LATCH, edge(1, VEX, LATCH, "Vex sent Latch by mail.", confidence=40)).documents
    assert (document.id, document.text) == (ref("relationship", 1), "Vex sent Latch by mail.")
    assert [(e.labels, e.name) for e in document.graph.entities] == [("intrusion-set", "Vex"), ("malware", "Latch")]
    assert [(e.type, e.confidence, e.evidence) for e in document.graph.relationships] == [("uses", 0.4, document.text)]


@pytest.mark.parametrize(
    ("source", "target", "text", "found"),
    [
        (VEX, LATCH, "Vexa sent LATCH by mail.", [["Vexa", "LATCH"]]),
        (VEX, COURIER, "Vex writes at night.", [["Vex", "Night Courier"]]),
        (VEX, LATCH, "Vex writes at night.", []),
        (VEX, COURIER, "It writes at night.", []),
        (VEX, COURIER, "Vex.", []),
        (VEX, LATCH, "http://vex.example/Latch is up.", []),
    ],
    ids=["alias", "technique in other words", "unnamed malware", "no name", "only a name", "inside a URL"],
)
def test_a_description_must_bear_its_relationship_out(
    tmp_path: Path, source: dict[str, Any], target: dict[str, Any], text: str, found: list[list[str]]
) -> None:
    raw_set = read(tmp_path, VEX, LATCH, COURIER, edge(1, source, target, text))
    assert names(raw_set) == found
    assert reasons(raw_set) == ({} if found else {"STIX relationship whose description does not bear it out": 1})


def test_relationships_of_one_description_are_one_document(tmp_path: Path) -> None:
    text = "Vex writes at night, with Latch."
    raw_set = read(
        tmp_path, VEX, LATCH, COURIER, edge(1, VEX, LATCH, text), edge(2, VEX, COURIER, text + "(Citation: X)")
    )
    assert [len(document.graph.relationships) for document in raw_set.documents] == [2]
    assert (raw_set.counts["read"], raw_set.counts["used"]) == (1, 1)


def test_a_report_becomes_a_text_with_those_of_its_objects_that_it_names(tmp_path: Path) -> None:
    wax = thing("tool", 4, "Wax")
    edges = [edge(1, VEX, LATCH), edge(2, VEX, wax), edge(3, LATCH, COURIER)]
    text = "In May [Vexa](https://a.example/g) came back. It brought Latch.(Citation: Z)"
    raw_set = read(tmp_path, VEX, LATCH, COURIER, wax, *edges, report(9, text, VEX, LATCH, wax, *edges))
    (document,) = raw_set.documents
    assert document.text == "In May Vexa came back. It brought Latch."
    assert names(raw_set) == [["Vexa", "Latch"]]
    assert [(e.type, e.evidence) for e in document.graph.relationships] == [("uses", document.text)]
    assert reasons(raw_set, "note: ")["object of a report that its description does not name, left out"] == 1
    assert reasons(raw_set) == {"STIX relationship without a description": 3}


def test_evidence_is_the_sentence_where_both_ends_stand_closest(tmp_path: Path) -> None:
    joined = edge(1, VEX, LATCH)
    text = "Vex is old. Latch is new. Nobody knew that Vex had Latch. Latch is gone."
    (document,) = read(tmp_path, VEX, LATCH, joined, report(9, text, VEX, LATCH, joined)).documents
    assert document.graph.relationships[0].evidence == "Nobody knew that Vex had Latch."


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ([edge(1, VEX, LATCH, "Vex has Latch.", revoked=True)], "STIX relationship revoked or deprecated"),
        ([edge(1, VEX, LATCH, "Vex has Latch.", x_mitre_deprecated=True)], "STIX relationship revoked or deprecated"),
        ([edge(1, VEX, LATCH)], "STIX relationship without a description"),
        ([edge(1, VEX, LATCH, "(Citation: X)")], "STIX relationship without a description"),
        (
            [edge(1, VEX, thing("tool", 8, "Wax"), "Vex has Wax.")],
            "STIX relationship with an end that is not in the file",
        ),
        (
            [edge(1, VEX, thing("tool", 7, "Old"), "Vex has Old.")],
            "STIX relationship with an end that is revoked or deprecated",
        ),
        (
            [edge(1, VEX, LATCH, "Vex has Latch.", relationship_type=None)],
            "STIX relationship without a relationship_type",
        ),
        ([report(9, "Vex came.", VEX, revoked=True)], "STIX report revoked or deprecated"),
        ([report(9, "", VEX)], "STIX report without a description"),
        ([report(9, "Nobody came.", VEX)], "STIX report whose description names none of its objects"),
        ([report(9, "Old came.", thing("tool", 7, "Old"))], "STIX report whose description names none of its objects"),
    ],
)
def test_every_text_that_is_not_used_has_its_reason(tmp_path: Path, objects: list[dict[str, Any]], reason: str) -> None:
    old = thing("tool", 7, "Old", revoked=True)
    raw_set = read(tmp_path, VEX, LATCH, old, *objects, edge(20, VEX, LATCH, "Vex used Latch."))
    assert (raw_set.counts["read"], raw_set.counts["used"], reasons(raw_set)) == (2, 1, {reason: 1})


def test_the_newest_version_of_an_object_is_taken(tmp_path: Path) -> None:
    old = thing("malware", 2, "Latch", modified="2020-01-01T00:00:00Z")
    new = thing("malware", 2, "Hook", modified="2021-01-01T00:00:00Z")
    for objects in ([old, new], [new, old]):
        raw_set = read(tmp_path, VEX, *objects, edge(1, VEX, old, "Vex has Hook."))
        assert names(raw_set) == [["Vex", "Hook"]]
        assert reasons(raw_set, "note: ")["older version of a STIX object left out"] == 1


def test_version_2_0_and_custom_properties_are_read_alike(tmp_path: Path) -> None:
    custom = {"x_opencti_id": "u", "x_mitre_version": "1", "external_references": "['text']", "extensions": {"e": {}}}
    objects = [VEX | custom, LATCH | custom, edge(1, VEX, LATCH, "Vex has Latch.") | custom]
    assert names(read(tmp_path, *objects, spec="2.0")) == names(read(tmp_path, *objects)) == [["Vex", "Latch"]]


def test_a_list_of_objects_lines_of_objects_and_lines_of_bundles_are_read_too(tmp_path: Path) -> None:
    objects = [VEX, LATCH, edge(1, VEX, LATCH, "Vex has Latch.")]
    bundles = [{"type": "bundle", "id": ref("bundle", n), "objects": [one]} for n, one in enumerate(objects)]
    path = tmp_path / "a.json"
    for text in (json.dumps(objects), "\n".join(map(json.dumps, objects)), "\n".join(map(json.dumps, bundles))):
        path.write_text(text, encoding="utf-8")
        assert names(read_raw([path])) == [["Vex", "Latch"]]


def test_what_is_no_object_is_a_problem_with_its_line(tmp_path: Path) -> None:
    raw_set = read(tmp_path, VEX, LATCH, {"type": "tool"}, edge(1, VEX, LATCH, "Vex has Latch."))
    assert [(p.code, p.where) for p in raw_set.problems] == [("E-STIX", f"{tmp_path / 'bundle.json'}:18: objects[2]")]
    assert (raw_set.counts["read"], raw_set.counts["used"]) == (2, 1)


def test_the_shipped_ontology_covers_what_is_read_from_standard_objects(tmp_path: Path) -> None:
    raw_set = read(
        tmp_path, VEX, LATCH, COURIER, edge(1, VEX, LATCH, "Vex has Latch."), edge(2, VEX, COURIER, "Vex writes.")
    )
    labels = {entity.labels for document in raw_set.documents for entity in document.graph.entities}
    types = {one.type for document in raw_set.documents for one in document.graph.relationships}
    assert ontology.load("stix21").covers(labels, types)
    assert len(labels) == 3
