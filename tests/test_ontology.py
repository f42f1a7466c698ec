"""The ontologies: what ships, what a user's own file may say, and how `auto` chooses."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest

from kgtune import ontology
from kgtune.errors import ConfigError
from kgtune.ontology import Label, Ontology, RelationType, Seen, StixVerb

LEGAL_THREAT_EVENT = {
    "LAUNCH": {"ThreatOrganization": "AttackEvent", "Technique": "Procedure"},
    "ATTACK": {
        "AttackEvent": "Target Asset Tactic Technique Procedure",
        "ThreatOrganization": "Target Asset",
    },
    "USE": {
        "ThreatOrganization": "Tool Technique Procedure Asset",
        "AttackEvent": "Tool Technique Procedure Asset",
        "Procedure": "Tool Asset",
        "Asset": "Procedure",
        "Tool": "Asset Tool",
        "Technique": "Tool",
    },
    "BELONG": {
        "Report": "AttackEvent ThreatOrganization",
        "Asset": "ThreatOrganization Target AttackEvent",
        "Tool": "ThreatOrganization",
        "Technique": "Tactic",
        "Procedure": "Technique",
        "AttackEvent": "ThreatOrganization",
    },
    "HAS": {
        "Tactic": "Technique",
        "ThreatOrganization": "Asset Tool",
        "Target": "Asset",
        "AttackEvent": "Tactic Technique Procedure",
        "Tool": "Technique",
    },
    "IMPLEMENT": {"Procedure": "Technique Tactic", "Tool": "Technique Procedure", "Technique": "Procedure Tactic"},
}

SMALL = """
name: small
version: 3
labels:
  Person: {zh: 人, en: person, guideline_en: a human, anchored: allow}
  Place:
types:
  LIVES_IN: {pairs: {Person: [Place]}}
  NEAR: {pairs: any}
"""


def refused(text):
    with pytest.raises(ConfigError) as caught:
        ontology.parse(text, where="mine.yaml")
    return str(caught.value)


# what ships


@pytest.fixture(params=ontology.SHIPPED)
def shipped(request):
    return ontology.load(request.param)


def test_every_file_in_the_folder_ships():
    assert sorted(path.stem for path in ontology.FOLDER.glob("*.yaml")) == sorted(ontology.SHIPPED)
    assert len(ontology.SHIPPED) == 2


def test_threat_event_has_its_nine_labels_and_six_types():
    found = ontology.load("threat_event")
    labels = "ThreatOrganization AttackEvent Tool Technique Target Report Tactic Procedure Asset"
    assert found.label_names == tuple(labels.split())
    assert found.type_names == ("LAUNCH", "ATTACK", "USE", "BELONG", "HAS", "IMPLEMENT")


def test_threat_event_allows_exactly_the_listed_pairs():
    found = ontology.load("threat_event")
    expected = {
        (source, kind, target)
        for kind, rows in LEGAL_THREAT_EVENT.items()
        for source, targets in rows.items()
        for target in targets.split()
    }
    every = product(found.label_names, found.type_names, found.label_names)
    assert {triple for triple in every if found.is_legal(*triple)} == expected
    assert len(expected) == 46


def test_stix21_has_every_domain_object_and_the_observables():
    names = set(ontology.load("stix21").label_names)
    assert len(names) == 19 + 18
    assert {"malware", "attack-pattern", "intrusion-set", "threat-actor", "tool", "campaign", "identity"} <= names
    assert {"ipv4-addr", "domain-name", "url", "file", "windows-registry-key"} <= names


@pytest.mark.parametrize(
    ("source", "kind", "target", "expected"),
    [
        ("intrusion-set", "uses", "malware", True),
        ("campaign", "attributed-to", "threat-actor", True),
        ("malware", "exploits", "vulnerability", True),
        ("infrastructure", "consists-of", "x509-certificate", True),
        ("ipv6-addr", "belongs-to", "autonomous-system", True),
        ("course-of-action", "mitigates", "attack-pattern", True),
        ("vulnerability", "related-to", "note", True),
        ("url", "duplicate-of", "url", True),
        ("malware", "derived-from", "tool", True),
        ("malware", "uses", "intrusion-set", False),
        ("vulnerability", "exploits", "malware", False),
        ("tool", "uses", "malware", False),
        ("domain-name", "belongs-to", "autonomous-system", False),
        ("malware", "eats", "tool", False),
        ("virus", "uses", "tool", False),
    ],
)
def test_stix21_pairs(source, kind, target, expected):
    assert ontology.load("stix21").is_legal(source, kind, target) is expected


def test_stix21_types():
    found = ontology.load("stix21")
    assert len(found.type_names) == 35
    restricted = [kind for kind in found.types if len(kind.pairs) < 37 * 37]
    assert sum(len(kind.pairs) for kind in restricted) == 136
    assert {kind.name for kind in found.types} - {kind.name for kind in restricted} == {
        "related-to",
        "derived-from",
        "duplicate-of",
    }


def test_every_shipped_name_is_given_in_both_languages(shipped):
    for item in (*shipped.labels, *shipped.types):
        assert item.zh, item.name
        assert item.en, item.name
        assert bool(item.guideline_zh) == bool(item.guideline_en), item.name


def test_shipped_guidelines_are_short_since_the_prompt_has_400_tokens():
    limits = {"threat_event": (10, 20), "stix21": (4, 10)}
    for name, (words, characters) in limits.items():
        found = ontology.load(name)
        for item in (*found.labels, *found.types):
            assert len(item.guideline_en.split()) <= words, item.name
            assert len(item.guideline_zh) <= characters, item.name


def test_every_threat_event_name_is_explained():
    found = ontology.load("threat_event")
    assert all(item.guideline_en for item in (*found.labels, *found.types))


# reading and writing


def test_what_is_dumped_is_read_back_equal(shipped):
    again = ontology.parse(ontology.dump(shipped), where="final_model/ontology.yaml")
    assert again == shipped
    assert again.hash == shipped.hash


def test_names_that_yaml_would_read_as_something_else_survive():
    odd = Ontology(
        'no: "way" #1',
        1,
        (Label("no", zh="否", anchored="warn"), Label("10"), Label("a: b")),
        (
            RelationType("true", pairs=(("no", "10"), ("a: b", "no")), aliases=("yes", "off", "1e3", "#", "「是」")),
            RelationType("~", pairs=(("10", "10"),), stix=(StixVerb("on"), StixVerb(property="null", reversed=True))),
        ),
    )
    assert ontology.parse(ontology.dump(odd), where="x") == odd


def test_a_small_file_is_read():
    found = ontology.parse(SMALL, where="small.yaml")
    assert found == Ontology(
        "small",
        3,
        (Label("Person", "人", "person", "", "a human", "allow"), Label("Place")),
        (
            RelationType("LIVES_IN", pairs=(("Person", "Place"),)),
            RelationType("NEAR", pairs=tuple(product(("Person", "Place"), repeat=2))),
        ),
    )


def test_the_hash_is_of_the_content_and_not_of_the_layout():
    found = ontology.parse(SMALL, where="a.yaml")
    assert ontology.parse("# a comment\n" + SMALL, where="b.yaml").hash == found.hash
    assert ontology.parse(SMALL.replace("a human", "a person"), where="a.yaml").hash != found.hash


def test_an_ontology_without_the_newer_keys_keeps_the_hash_that_older_models_carry():
    found = ontology.parse(SMALL, where="a.yaml")
    assert found.hash == "444ede05230b467d3f081bb66b1304d88907de912601edd021663eaf37a9f382"
    alias = ontology.parse(SMALL.replace("Place:", "Place: {aliases: [spot]}"), where="a.yaml")
    assert alias.hash != found.hash


def test_a_file_of_names_alone_is_enough(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("labels: {A: , B: }\ntypes: {R: }\n", encoding="utf-8")
    found = ontology.load(str(path))
    assert (found.name, found.version, found.label_names, found.type_names) == ("mine", 1, ("A", "B"), ("R",))
    assert found.is_legal("A", "R", "B")
    assert found.label("A") == Label("A")
    assert found.label("C") is None


def test_any_may_stand_at_one_end():
    text = "labels: {A: , B: , C: }\ntypes: {R: {pairs: {A: any}}, S: {pairs: {any: [C]}}, T: {pairs: {A: B}}}\n"
    found = ontology.parse(text, where="x")
    pairs = {kind.name: kind.pairs for kind in found.types}
    assert pairs == {
        "R": (("A", "A"), ("A", "B"), ("A", "C")),
        "S": (("A", "C"), ("B", "C"), ("C", "C")),
        "T": (("A", "B"),),
    }


# mistakes in a user's file


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(ConfigError) as caught:
        ontology.load("threat_events")
    assert str(caught.value) == (
        'ontology: there is no ontology "threat_events". Did you mean "threat_event"? Or give the path of a .yaml file.'
    )


def test_a_missing_file_is_told_by_name():
    with pytest.raises(ConfigError, match=r"nowhere/mine\.yaml: can't be read: No such file"):
        ontology.load("nowhere/mine.yaml")


def test_a_mistyped_label_in_a_pair_names_line_and_nearest_label():
    text = "labels:\n  Person:\n  Place:\ntypes:\n  LIVES_IN:\n    pairs:\n      Person: [Plaec]\n"
    assert refused(text) == 'mine.yaml:7: "Plaec" in the pairs of LIVES_IN is no label. Did you mean "Place"?'


def test_a_mistyped_key_names_line_and_nearest_key():
    text = "labels:\n  Person:\n    guidline_en: x\ntypes: {R: }\n"
    assert refused(text) == ('mine.yaml:3: there is no key "labels.Person.guidline_en". Did you mean "guideline_en"?')


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "labels is missing or empty."),
        ("labels: {A: }", "types is missing or empty."),
        ("labels: [A, B]\ntypes: {R: }", "labels is missing or empty. Write labels: and one name per line below it."),
        ("labels: {A: 5}\ntypes: {R: }", "labels.A is no mapping."),
        ("labels: {A: {anchored: requir}}\ntypes: {R: }", 'there is no anchored: "requir". Did you mean "require"?'),
        ("labels: {A: {anchored: [1]}}\ntypes: {R: }", "there is no anchored"),
        ("labels: {A: {zh: 5}}\ntypes: {R: }", "zh is 5. Give one line of text"),
        ('labels: {A: {zh: "a\\nb"}}\ntypes: {R: }', "Give one line of text"),
        ("labels: {A: , A: }\ntypes: {R: }", '"labels.A" stands here a second time'),
        ("labels: {Malware: , malware: }\ntypes: {R: }", '"malware" and "Malware" differ only in case.'),
        ('labels: {" ": }\ntypes: {R: }', "' ' is no name."),
        ('labels: {"a\\tb": }\ntypes: {R: }', "'a\\tb' is no name."),
        ("labels: {10: }\ntypes: {R: }", 'the key 10 is not text. Write it in quotes: "10".'),
        ("labels: {A: }\ntypes: {R: {pairs: []}}", "the pairs of R are no mapping."),
        ("labels: {A: }\ntypes: {R: {pairs: {A: [[A]]}}}", "in the pairs of R is no label."),
        ("labels: {A: }\ntypes: {R: {pairs: {A: []}}}", "R joins A to nothing."),
        ("version: one\nlabels: {A: }\ntypes: {R: }", "version is 'one'."),
        ("labels: {any: }\ntypes: {R: }", '"any" stands for every label.'),
        ("labels: {A: {aliases: [B]}, B: }\ntypes: {R: }", '"B" is an alias of A, and already stands for B.'),
        ("labels: {A: {aliases: [x y]}, B: {aliases: [X-Y]}}\ntypes: {R: }", '"X-Y" is an alias of B, and already'),
        ("labels: {A: {aliases: [5]}}\ntypes: {R: }", "5 in aliases of A is no name."),
        ('labels: {A: {aliases: [""]}}\ntypes: {R: }', "'' in aliases of A is no name."),
        ("labels: {A: {stix: [{type: tool}]}}\ntypes: {R: }", "in stix of A is no name."),
        ("labels: {A: {stix_property: 5}}\ntypes: {R: }", "stix_property is 5."),
        ("labels: {A: }\ntypes: {R: {stix: [uses]}}", "'uses' is no STIX relationship. Write {type: uses}"),
        ("labels: {A: }\ntypes: {R: {stix: [{}]}}", "{} is no STIX relationship."),
        ("labels: {A: }\ntypes: {R: {stix: [{type: a, property: b}]}}", "is no STIX relationship."),
        ("labels: {A: }\ntypes: {R: {stix: [{type: a, reversed: 1}]}}", "is no STIX relationship."),
        ("labels: {A: }\ntypes: {R: {stix: [{type: a, revresed: true}]}}", 'Did you mean "reversed"?'),
    ],
)
def test_a_mistake_is_told(text, told):
    message = refused(text + "\n")
    assert told in message
    assert message.startswith("mine.yaml")


def test_all_mistakes_are_told_together():
    text = "lables: 1\nversion: 0\nlabels: {A: {zh: 1}}\ntypes: {R: {pairs: {B: [C]}}}\n"
    assert len(refused(text).splitlines()) == 5


# choosing


def test_auto_takes_the_first_shipped_one_that_covers_the_data():
    assert ontology.choose("auto", Counter(Tool=3), Counter(USE=1)).name == "threat_event"
    seen = Counter({"malware": 1, "attack-pattern": 2, "intrusion-set": 1, "tool": 4, "campaign": 1})
    assert ontology.choose("auto", seen, Counter(uses=9)).name == "stix21"


def test_a_type_that_no_shipped_ontology_knows_is_reason_enough_to_derive_one():
    assert ontology.choose("auto", Counter(Tool=3), Counter(eats=1)).name == "derived"
    assert ontology.choose("auto", Counter(malware=3), Counter(alias_of=1)).name == "derived"


def test_another_spelling_of_a_known_name_counts_as_covered():
    assert ontology.choose("auto", Counter({"工具": 3}), Counter({"使用": 1})).name == "threat_event"
    assert ontology.choose("auto", Counter({"恶意软件": 2, "Threat Actor": 1}), Counter(USES=1)).name == "stix21"


def test_of_two_that_cover_the_data_the_one_whose_own_spellings_it_uses_is_taken():
    labels = Counter({"threat-actor": 5, "tool": 2})
    assert all(ontology.load(name).covers(labels, ["uses"]) for name in ontology.SHIPPED)
    assert ontology.choose("auto", labels, Counter(uses=3)).name == "stix21"
    assert ontology.choose("auto", Counter(ThreatOrganization=5, tool=2), Counter(USE=3)).name == "threat_event"


def test_auto_without_any_data_takes_threat_event():
    assert ontology.choose("auto", Counter(), Counter()).name == "threat_event"


def test_auto_derives_an_ontology_when_no_shipped_one_covers_the_data():
    found = ontology.choose(
        "auto", Counter(sector=1, malware=3), Counter(targets=2), [("malware", "targets", "sector")]
    )
    assert (found.name, found.label_names, found.type_names) == ("derived", ("malware", "sector"), ("targets",))
    assert found.is_legal("malware", "targets", "sector")
    assert not found.is_legal("sector", "targets", "malware")
    assert {label.anchored for label in found.labels} == {"warn"}


def test_a_derived_type_whose_pairs_were_not_seen_joins_any():
    found = ontology.derive(Counter(a=1, b=1), Counter(r=1))
    assert all(found.is_legal(source, "r", target) for source, target in product("ab", repeat=2))


def test_the_pairs_of_a_derived_type_stand_in_the_order_of_the_alphabet():
    seen = [(source, "r", target) for source in "dbca" for target in "ca"]
    found = ontology.derive(Counter("abcd"), Counter(r=8), seen)
    assert found.types[0].pairs == tuple(product("abcd", "ac"))


def test_a_derived_ontology_does_not_depend_on_the_order_of_counting():
    one = ontology.derive(Counter(a=1, b=1), Counter(r=1, s=2), [("a", "r", "b"), ("b", "r", "a")])
    two = ontology.derive(Counter(b=1, a=1), Counter(s=2, r=1), [("b", "r", "a"), ("a", "r", "b")])
    assert one.hash == two.hash
    assert ontology.parse(ontology.dump(one), where="x") == one


def test_spellings_of_one_name_are_one_derived_name_and_the_most_frequent_is_it():
    labels = Counter({"Sector": 2, "sector": 9, "SECTOR": 1, "Ｓｅｃｔｏｒ": 1, "region": 12})
    found = ontology.derive(labels, Counter({"lies_in": 3, "lies in": 1}), [("Sector", "lies in", "region")])
    assert found.label_names == ("sector", "region")  # 13 against 12
    assert found.labels[0].aliases == ("Sector", "SECTOR", "Ｓｅｃｔｏｒ")
    assert (found.type_names, found.types[0].aliases) == (("lies_in",), ("lies in",))
    assert found.types[0].pairs == (("sector", "region"),)
    assert ontology.parse(ontology.dump(found), where="x") == found


def test_data_without_relationships_gives_an_ontology_that_is_read_back():
    found = ontology.choose("auto", Counter(Oddity=1), Counter())
    assert found.types == ()
    assert ontology.parse(ontology.dump(found), where="x") == found


def test_a_name_that_no_file_can_hold_is_told_when_the_ontology_is_derived():
    with pytest.raises(ConfigError, match='"any" stands for every label'):
        ontology.derive(Counter(any=1), Counter(r=1))


def test_a_derived_file_says_how_often_each_name_and_pair_was_seen():
    seen = Seen(
        Counter({"sector": 9, "Sector": 2, "region": 4}),
        Counter(lies_in=3, near=1),
        Counter({("sector", "lies_in", "region"): 2, ("Sector", "lies_in", "region"): 1}),
    )
    found = ontology.derive(seen.labels, seen.types, seen.pairs)
    text = ontology.dump(found, seen)
    assert ontology.parse(text, where="x") == found
    assert text.startswith("# Derived from the data by convert_data.py")
    lines = [line.strip() for line in text.splitlines()]
    assert '"sector":  # 9, also written "Sector" 2' in lines
    assert '"region":  # 4' in lines
    assert '"lies_in":  # 3' in lines
    assert '"sector": ["region"]  # region 3' in lines


def test_a_named_ontology_is_taken_whatever_the_data_holds():
    assert ontology.choose("stix21", Counter(Tool=3), Counter(USE=1)).name == "stix21"
