"""Other spellings of labels and types: which name each one stands for."""

from __future__ import annotations

import pytest

from kgtune import ontology
from kgtune.ontology import Label, Ontology, RelationType


@pytest.mark.parametrize(
    ("name", "spelling", "expected"),
    [
        ("threat_event", "ThreatOrganization", "ThreatOrganization"),
        ("threat_event", "threat-organization", "ThreatOrganization"),
        ("threat_event", "THREAT_ORGANIZATION", "ThreatOrganization"),
        ("threat_event", "Ｔｏｏｌ", "Tool"),
        ("threat_event", "threat organization", "ThreatOrganization"),  # a gloss
        ("threat_event", "威胁组织", "ThreatOrganization"),  # a gloss
        ("threat_event", "threat-actor", "ThreatOrganization"),  # an alias
        ("threat_event", "Threat Actor", "ThreatOrganization"),
        ("threat_event", "malware", None),  # narrower than Tool: to merge the two would lose something
        ("stix21", "Malware", "malware"),
        ("stix21", "恶意软件", "malware"),
        ("stix21", "IPv4 Addr", "ipv4-addr"),
        ("stix21", "virus", None),
        ("stix21", "", None),
    ],
)
def test_a_label_is_known_by_its_other_spellings(name, spelling, expected):
    assert ontology.load(name).canonical_label(spelling) == expected


@pytest.mark.parametrize(
    ("name", "spelling", "expected"),
    [
        ("threat_event", "uses", "USE"),
        ("threat_event", "使用", "USE"),
        ("threat_event", "belongs_to", "BELONG"),
        ("threat_event", "uses it", None),
        ("stix21", "USES", "uses"),
        ("stix21", "Attributed To", "attributed-to"),
        ("stix21", "攻击", "targets"),
    ],
)
def test_a_type_is_known_by_its_other_spellings(name, spelling, expected):
    assert ontology.load(name).canonical_type(spelling) == expected


def test_every_spelling_that_a_shipped_file_lists_leads_to_its_name():
    number = 0
    for name in ontology.SHIPPED:
        found = ontology.load(name)
        for canonical, items in ((found.canonical_label, found.labels), (found.canonical_type, found.types)):
            for item in items:
                for spelling in (item.name, item.zh, item.en, *item.aliases):
                    number += 1
                    assert canonical(spelling) == item.name, spelling
    assert number > 300


def test_a_name_wins_over_an_alias_and_an_alias_over_a_gloss():
    found = Ontology(
        "o",
        1,
        (Label("tool", en="malware"), Label("software", aliases=("malware",)), Label("MALWARE2", zh="tool")),
        (RelationType("r"),),
    )
    assert found.canonical_label("Malware") == "software"
    assert found.canonical_label("TOOL") == "tool"


def test_a_spelling_that_two_names_share_stands_for_neither():
    found = Ontology("o", 1, (Label("a-b"), Label("ab"), Label("x", zh="同"), Label("y", zh="同")), ())
    assert (found.canonical_label("a-b"), found.canonical_label("ab")) == ("a-b", "ab")
    assert found.canonical_label("a_b") is None
    assert found.canonical_label("同") is None


def test_an_alias_is_no_second_name():
    found = ontology.load("threat_event")
    assert found.label("threat-actor") is None
    assert not found.is_legal("threat-actor", "USE", "Tool")
    assert found.types_between("ThreatOrganization", "Target") == ("ATTACK",)
