from __future__ import annotations

from typing import Any

import pytest

from kgtune import ontology
from kgtune.sources import misp_objects
from kgtune.sources.misp_objects import from_tag, references, things


@pytest.mark.parametrize(
    ("kind", "value", "label", "name"),
    [
        ("domain", "evil.example", "domain-name", "evil.example"),
        ("domain|ip", "evil.example|192.0.2.1", "domain-name", "evil.example"),
        ("ip-dst", "192.0.2.1", "ipv4-addr", "192.0.2.1"),
        ("ip-src|port", "2001:db8::1|80", "ipv6-addr", "2001:db8::1"),
        ("filename|sha256", "a.exe|00ff", "file", "a.exe"),
        ("sha256", "00ff", "file", "00ff"),
        ("regkey|value", "HKLM\\x|1", "windows-registry-key", "HKLM\\x"),
        ("vulnerability", "CVE-2024-1234", "vulnerability", "CVE-2024-1234"),
        ("comment", "hello", "", "hello"),
        ("user-agent", "curl/8", "user-agent", "curl/8"),
    ],
)
def test_an_attribute_gets_stixs_label_where_there_is_one(kind: str, value: str, label: str, name: str) -> None:
    (thing,) = things({"Attribute": [{"uuid": "u", "type": kind, "value": value}]})
    assert (thing.uuid, thing.label, thing.names, thing.is_deleted) == ("u", label, (name,), False)


def test_an_object_is_called_by_the_attribute_that_names_it_and_shares_its_deletion() -> None:
    inside = [{"uuid": "s", "type": "size-in-bytes", "object_relation": "size", "value": "7"},
              {"uuid": "f", "type": "filename", "object_relation": "filename", "value": "a.exe"}]  # fmt: skip
    found = list(things({"Object": [{"uuid": "o", "name": "file", "deleted": "1", "Attribute": inside}]}))
    assert [(thing.uuid, thing.label, thing.names) for thing in found] == [
        ("o", "file", ("a.exe",)), ("s", "", ("7",)), ("f", "file", ("a.exe",)),
    ]  # fmt: skip
    assert all(thing.is_deleted for thing in found)


def test_a_cluster_is_called_by_its_value_without_its_number_and_by_its_synonyms() -> None:
    cluster = {
        "uuid": "c",
        "type": "mitre-attack-pattern",
        "value": "Night Courier - T1047.001",
        "meta": {"synonyms": ["NC"]},
    }
    (thing,) = things({"Galaxy": [{"GalaxyCluster": [cluster]}]})
    assert (thing.label, thing.names) == ("attack-pattern", ("Night Courier", "NC"))


@pytest.mark.parametrize(
    ("tag", "label", "name"),
    [
        ('misp-galaxy:threat-actor="Vex"', "threat-actor", "Vex"),
        ('misp-galaxy:mitre-malware="Latch - S0123"', "malware", "Latch"),
        ('misp-galaxy:360net="雾隼 - APT-C-99"', "threat-actor", "雾隼"),
        ("tlp:clear", "", "tlp:clear"),
    ],
)
def test_a_tag_of_a_galaxy_names_a_cluster(tag: str, label: str, name: str) -> None:
    thing = from_tag(tag)
    assert (thing.label, thing.names) == (label, (name,))


def test_references_are_read_but_deleted_and_unnamed_ones() -> None:
    given: list[dict[str, Any]] = [
        {"relationship_type": "drops", "referenced_uuid": "b"},
        {"relationship_type": "drops", "referenced_uuid": "b", "deleted": True},
        {"referenced_uuid": "b"},
    ]
    assert list(references({"Object": [{"uuid": "a", "ObjectReference": given}]})) == [("a", "drops", "b")]


def test_the_tables_give_labels_of_the_shipped_stix_ontology() -> None:
    known = set(ontology.load("stix21").label_names)
    tables = (misp_objects._ATTRIBUTES, misp_objects._OBJECTS, misp_objects._GALAXIES)
    assert [sorted(set(table.values()) - known) for table in tables] == [[], [], []]
    assert sum(map(len, tables)) > 80
