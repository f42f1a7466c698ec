"""Which object a name becomes, by the types its label allows and by its own shape."""

import json

import pytest

from kgtune import ontology
from kgtune.export import stix_objects
from kgtune.export.places import place

ASSET = ontology.load("threat_event").label("Asset").stix
TOOL = ontology.load("threat_event").label("Tool").stix
TARGET = ontology.load("threat_event").label("Target").stix


@pytest.mark.parametrize(
    ("name", "possible", "types"),
    [
        ("NightLoom", TOOL, ("tool",)),
        ("LanternRAT", TOOL, ("malware",)),
        ("青灯木马", TOOL, ("malware",)),
        ("Democrat", TOOL, ("tool",)),
        ("CVE-2031-10452", TOOL, ("vulnerability",)),
        ("Harbour Bank", TARGET, ("identity",)),
        ("中国", TARGET, ("location",)),
        ("mail server", ASSET, ("infrastructure",)),
        ("evil[.]example", ASSET, ("infrastructure", "domain-name")),
        ("198[.]51[.]100[.]9", ASSET, ("infrastructure", "ipv4-addr")),
        ("2001:db8::1", ASSET, ("infrastructure", "ipv6-addr")),
        ("hxxps://evil[.]example/a.php", ASSET, ("infrastructure", "url")),
        ("me[at]lantern.example", ASSET, ("infrastructure", "email-addr")),
        ("loader.exe", ASSET, ("infrastructure", "file")),
        ("d41d8cd98f00b204e9800998ecf8427e", ASSET, ("infrastructure", "file")),
        ("anything", (), ()),
    ],
)
def test_the_shape_of_a_name_chooses_among_its_labels_types(name, possible, types):
    assert stix_objects.types_of(name, possible) == types


@pytest.mark.parametrize(
    ("type_", "name", "properties"),
    [
        ("malware", "NightLoom", {"name": "NightLoom", "is_family": True}),
        ("location", "德国", {"name": "德国", "country": "DE"}),
        ("location", "Middle East", {"name": "Middle East", "region": "western-asia"}),
        ("location", "Harbour Town", {"name": "Harbour Town", "region": "harbour-town"}),
        ("vulnerability", "cve-2031-10452", {"name": "cve-2031-10452", "external_references": [{"source_name": "cve", "external_id": "CVE-2031-10452"}]}),
        ("attack-pattern", "T1566.001", {"name": "T1566.001", "external_references": [{"source_name": "mitre-attack", "external_id": "T1566.001"}]}),
        ("url", "hxxp://evil[.]example/a", {"value": "http://evil.example/a"}),
        ("ipv4-addr", "198[.]51[.]100[.]9", {"value": "198.51.100.9"}),
        ("ipv4-addr", "198.51.100.9:443", None),
        ("ipv6-addr", "198.51.100.9", None),
        ("domain-name", "not a domain", None),
        ("file", "C:\\Temp\\run.exe", {"name": "run.exe"}),
        ("file", "D41D8CD98F00B204E9800998ECF8427E", {"hashes": {"MD5": "d41d8cd98f00b204e9800998ecf8427e"}}),
        ("autonomous-system", "AS64500", {"number": 64500}),
        ("autonomous-system", "Example Net", None),
        ("mac-addr", "00-11-22-AA-BB-CC", {"value": "00:11:22:aa:bb:cc"}),
        ("indicator", "evil[.]example", {"name": "evil.example", "pattern": "[domain-name:value = 'evil.example']", "pattern_type": "stix"}),
        ("indicator", "http://evil.example/a?b='c'd", {"name": "http://evil.example/a?b='c'd", "pattern": "[url:value = 'http://evil.example/a?b=\\'c\\'d']", "pattern_type": "stix"}),
        ("windows-registry-key", "hklm\\Software\\Run", {"key": "HKEY_LOCAL_MACHINE\\Software\\Run"}),
        ("windows-registry-key", "HKEY_USERS\\x\\HKCU", None),
        ("indicator", "HKCU\\Run", {"name": "HKCU\\Run", "pattern": "[windows-registry-key:key = 'HKEY_CURRENT_USER\\\\Run']", "pattern_type": "stix"}),
        ("indicator", "a strange process", None),
        ("observed-data", "anything", None),
    ],
)  # fmt: skip
def test_a_name_gives_what_the_standard_asks_for_or_nothing(type_, name, properties):
    assert stix_objects.properties(type_, name) == properties


def test_every_label_of_stix21_is_known_or_can_not_be_told_by_a_name():
    known = {*stix_objects.NAMED, *stix_objects._BUILDERS}
    unknown = {"artifact", "malware-analysis", "network-traffic", "observed-data", "opinion", "process"}
    assert set(ontology.load("stix21").label_names) - known == unknown


def test_places_are_known_in_both_languages_and_any_case():
    assert [place(name) for name in ("GERMANY", " 德国 ", "the middle east", "Atlantis")] == [
        {"country": "DE"}, {"country": "DE"}, {"region": "western-asia"}, None
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        "NightLoom",
        "HKLM\\Software\\Run",
        "C:\\a\\b.exe",
        "中国",
        "",
        "'",
        "2001:db8::1",
        "0" * 64,
        "AS64500",
        "\x00",
        "hku",
    ],
)
@pytest.mark.parametrize("label", ontology.load("stix21").label_names)
def test_whatever_a_label_is_put_on_the_bundle_is_valid(label, name):
    """Each type of the standard with names of each shape, which random graphs meet too seldom."""
    from kgtune import export
    from kgtune.export import Document
    from kgtune.graph import Entity, Graph, Relationship
    from tests.export.test_stix import problems

    graph = Graph(
        (Entity(label, "a", name or "x"), Entity("tool", "b", "Latch")), (Relationship("related-to", "a", "b", 0.5),)
    )
    content = export.render(graph, "", "stix", Document(), ontology.load("stix21")).content
    assert problems(json.loads(content))[0] == []
