"""The STIX mapping that ships: what each pair of threat_event becomes, held to the standard's own table in stix21."""

from __future__ import annotations

import pytest

from kgtune import ontology

STIX = ontology.load("stix21")
# STIX 2.1: the object types that own a property which holds the other end
OWNERS = {
    "object_refs": {"report", "note", "opinion", "grouping"},
    "kill_chain_phases": {"attack-pattern", "malware", "tool", "infrastructure", "indicator"},
}
ANYTHING = {"related-to", "derived-from", "duplicate-of"}

# Of every legal (source, type, target), with each label's default object type. "no object": an end has none, and
# nothing holds it; "note": STIX lists no verb for the two.
EXPECTED = """
ThreatOrganization LAUNCH AttackEvent      campaign attributed-to intrusion-set
Technique LAUNCH Procedure                 no object
AttackEvent ATTACK Target                  campaign targets identity
AttackEvent ATTACK Asset                   campaign compromises infrastructure
AttackEvent ATTACK Tactic                  no object
AttackEvent ATTACK Technique               campaign uses attack-pattern
AttackEvent ATTACK Procedure               no object
ThreatOrganization ATTACK Target           intrusion-set targets identity
ThreatOrganization ATTACK Asset            intrusion-set compromises infrastructure
ThreatOrganization USE Tool                intrusion-set uses tool
ThreatOrganization USE Technique           intrusion-set uses attack-pattern
ThreatOrganization USE Procedure           no object
ThreatOrganization USE Asset               intrusion-set uses infrastructure
AttackEvent USE Tool                       campaign uses tool
AttackEvent USE Technique                  campaign uses attack-pattern
AttackEvent USE Procedure                  no object
AttackEvent USE Asset                      campaign uses infrastructure
Procedure USE Tool                         no object
Procedure USE Asset                        no object
Asset USE Procedure                        no object
Tool USE Asset                             tool uses infrastructure
Tool USE Tool                              note
Technique USE Tool                         attack-pattern uses tool
Report BELONG AttackEvent                  report.object_refs
Report BELONG ThreatOrganization           report.object_refs
Asset BELONG ThreatOrganization            intrusion-set owns infrastructure
Asset BELONG Target                        note
Asset BELONG AttackEvent                   campaign uses infrastructure
Tool BELONG ThreatOrganization             intrusion-set uses tool
Technique BELONG Tactic                    attack-pattern.kill_chain_phases
Procedure BELONG Technique                 no object
AttackEvent BELONG ThreatOrganization      campaign attributed-to intrusion-set
Tactic HAS Technique                       attack-pattern.kill_chain_phases
ThreatOrganization HAS Asset               intrusion-set owns infrastructure
ThreatOrganization HAS Tool                intrusion-set uses tool
Target HAS Asset                           note
AttackEvent HAS Tactic                     no object
AttackEvent HAS Technique                  campaign uses attack-pattern
AttackEvent HAS Procedure                  no object
Tool HAS Technique                         note
Procedure IMPLEMENT Technique              no object
Procedure IMPLEMENT Tactic                 no object
Tool IMPLEMENT Technique                   note
Tool IMPLEMENT Procedure                   no object
Technique IMPLEMENT Procedure              no object
Technique IMPLEMENT Tactic                 attack-pattern.kill_chain_phases
"""


def said_in_stix(source, kind, target):
    """Follow the file's own rules for one relationship between objects of the default types."""
    ends = [(label.stix[0] if label.stix else None, label.stix_property) for label in (source, target)]
    for verb in kind.stix:
        (owner, _), (other, other_property) = reversed(ends) if verb.reversed else ends
        holds = other if verb.property == "object_refs" else other_property == verb.property
        if verb.property and owner in OWNERS[verb.property] and holds:
            return f"{owner}.{verb.property}"
        if verb.type and STIX.is_legal(owner, verb.type, other):
            return f"{owner} {verb.type} {other}"
    return "note" if all(object_type for object_type, _ in ends) else "no object"


def test_every_pair_of_threat_event_has_the_listed_counterpart():
    found = ontology.load("threat_event")
    expected = dict(line.rsplit("  ", 1) for line in EXPECTED.strip().splitlines())
    expected = {key.strip(): value.strip() for key, value in expected.items()}
    actual = {
        f"{source} {kind.name} {target}": said_in_stix(found.label(source), kind, found.label(target))
        for kind in found.types
        for source, target in kind.pairs
    }
    assert len(expected) == 46
    assert actual == expected


@pytest.mark.parametrize("name", ontology.SHIPPED)
def test_only_object_types_verbs_and_properties_of_stix_are_named(name):
    found = ontology.load(name)
    assert {kind for label in found.labels for kind in label.stix} <= set(STIX.label_names)
    assert {verb.type for kind in found.types for verb in kind.stix if verb.type} <= set(STIX.type_names)
    assert {verb.property for kind in found.types for verb in kind.stix if verb.property} <= set(OWNERS)
    for label in found.labels:
        assert bool(label.stix) != bool(label.stix_property), label.name


def test_no_verb_of_threat_event_is_idle():
    """A verb that STIX lists for no two objects of any pair would be a promise that no export keeps."""
    found = ontology.load("threat_event")
    for kind in found.types:
        for verb in kind.stix:
            ends = [(found.label(s).stix, found.label(t).stix) for s, t in kind.pairs]
            ends = [(t, s) if verb.reversed else (s, t) for s, t in ends]
            legal = [(s, t) for ss, tt in ends for s in ss for t in tt if STIX.is_legal(s, verb.type, t)]
            owned = [s for ss, _ in ends for s in ss if s in OWNERS.get(verb.property, ())]
            assert legal or owned, (kind.name, verb)


def test_stix21_is_its_own_counterpart():
    assert [label.stix for label in STIX.labels] == [(name,) for name in STIX.label_names]
    assert [[verb.type for verb in kind.stix] for kind in STIX.types] == [[name] for name in STIX.type_names]
    assert not any(verb.reversed for kind in STIX.types for verb in kind.stix)
    assert {kind.name for kind in STIX.types if len(kind.pairs) == 37 * 37} == ANYTHING
