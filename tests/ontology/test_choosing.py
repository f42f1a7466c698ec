"""Which shipped ontology the data means, what of it is a slip of the pen, and what is told about the choice."""

from __future__ import annotations

from collections import Counter

import pytest

from kgtune import ontology
from kgtune.ontology.choosing import fit, slip_of

LABELS = Counter({"ThreatOrganization": 11, "ThreatOrganisation": 1, "工具": 4, "Target": 3})
TYPES = Counter({"USE": 8, "attack": 3})


def test_one_misspelt_label_does_not_cost_the_data_its_ontology():
    found = ontology.choice("auto", LABELS, TYPES)
    assert (found.ontology.name, found.is_derived) == ("threat_event", False)
    assert [(miss.kind, miss.name, miss.number, miss.nearest) for miss in found.fit.misses] == [
        ("label", "ThreatOrganisation", 1, "ThreatOrganization")
    ]


def test_a_misspelt_type_is_a_near_miss_as_well():
    found = ontology.choice("auto", {"ThreatOrganization": 9}, {"ATTACK": 6, "ATTTACK": 2})
    assert (found.ontology.name, found.told(near=True)) == ("threat_event", '"ATTTACK" -> ATTACK (2)')


def test_a_label_of_its_own_derives_an_ontology_and_its_number_and_the_nearest_shipped_one_are_told():
    found = ontology.choice("auto", LABELS + Counter({"Satellite": 2}), TYPES)
    assert (found.is_derived, found.fit.ontology.name) == (True, "threat_event")
    told = ontology.reason(found)
    assert told.startswith("ontology: derived from the data")
    assert 'threat_event came nearest and does not have "Satellite" (2); near misses: "ThreatOrganisation"' in told


def test_where_most_names_are_only_near_the_data_has_a_vocabulary_of_its_own():
    found = ontology.choice("auto", {"Toool": 5, "Tool": 4}, {})
    assert (found.is_derived, ontology.choice("auto", {"Toool": 4, "Tool": 4}, {}).is_derived) == (True, False)
    assert 'near misses: "Toool" -> Tool (5)' in ontology.reason(found)


def test_an_ontology_that_has_all_names_goes_before_one_that_lacks_a_letter():
    labels = {"Tool": 9, "malware": 1, "indicator": 1}
    found = ontology.choice("auto", labels, {"indicates": 1})
    assert (found.ontology.name, found.fit.misses) == ("stix21", ())


def test_an_ontology_that_was_set_has_no_other_reason():
    found = ontology.choice("stix21", LABELS, TYPES)
    assert (found.fit, ontology.reason(found)) == (None, "ontology: stix21, as set")


def test_a_choice_that_fits_says_so():
    found = ontology.choice("auto", {"Tool": 1}, {})
    assert ontology.reason(found) == "ontology: threat_event (auto: it has all labels and types of the data)"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ThreatOrganisation", "ThreatOrganization"),
        ("threat organiztion", "ThreatOrganization"),
        ("Teccnique", "Technique"),
        ("Tehcnique", "Technique"),
        ("Targt", "Target"),
        ("Tol", "Tool"),
        ("APT祖织", "ThreatOrganization"),
        ("具工", ""),
        ("攻击组件", ""),
        ("Satellite", ""),
        ("Malware", ""),
        ("AP", ""),
    ],
)
def test_a_slip_is_a_letter_or_two_and_no_other_word(name, meant):
    assert slip_of(name, ontology.load("threat_event").label_spellings) == meant


@pytest.mark.parametrize("name", ["had", "attach-it", "eats", "alias_of", "hosts-at"])
def test_another_verb_is_no_slip(name):
    assert slip_of(name, ontology.load("threat_event").type_spellings) == ""


def test_a_name_in_another_spelling_is_no_miss_at_all():
    found = fit(ontology.load("threat_event"), {"threat_organization": 1, "威胁组织": 2}, {"使用": 1})
    assert (found.misses, found.num_names) == ((), 4)


def test_many_names_are_told_up_to_eight():
    found = ontology.choice("auto", {f"Oddity{chr(97 + n) * 4}": 9 - n for n in range(9)}, {})
    assert found.told(near=False).endswith('"Oddityhhhh" (2) and 1 more')
