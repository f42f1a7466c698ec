"""What one document shows by itself."""

from __future__ import annotations

import pytest

from kgtune import ontology
from kgtune.graph import Entity, Graph, Relationship
from kgtune.grounding import language_of
from kgtune.lint.document import check_document
from kgtune.sources import RawDocument

TEXT = "Grey Petrel used LanternRAT against Norrgard Shipping. The group then left. LanternRAT was new. It was sold."


def document(text=TEXT, entities=(), edges=()):
    made = tuple(Entity(label, f"e{n}", name) for n, (label, name) in enumerate(entities))
    relationships = tuple(Relationship(kind, f"e{s}", f"e{t}", 0.9, evidence) for kind, s, t, evidence in edges)
    return RawDocument("d", "d", text, Graph(made, relationships), language_of(text), where="raw.json:1: item 1 (id=d)")


ACTOR, TOOL, VICTIM = ("ThreatOrganization", "Grey Petrel"), ("Tool", "LanternRAT"), ("Target", "Norrgard Shipping")
FIRST = "Grey Petrel used LanternRAT against Norrgard Shipping."


def told(one, by="threat_event"):
    return [
        (f.code, f.place.path, f.value, f.nearest)
        for f in check_document(one, ontology.load(by))
        if f.code != "N-ISOLATED"
    ]


@pytest.mark.parametrize(
    ("entity", "expected"),
    [
        (("Tool", "LanternRAT"), None),
        (("Tool", "LanternRatt"), ("W-NAME", ".name", "LanternRatt", "LanternRAT")),
        (("Tool", "QuietVault"), ("W-NAME", ".name", "QuietVault", "")),
        (("Tool", "lanternrat"), ("N-NAME-FOLDED", ".name", "lanternrat", "LanternRAT")),
        (("Technique", "Credential theft"), ("N-NAME", ".name", "Credential theft", "")),
        (("tool", "LanternRAT"), ("W-LABEL-SPELLING", ".labels", "tool", "Tool")),
        (("工具", "LanternRAT"), ("W-LABEL-SPELLING", ".labels", "工具", "Tool")),
        (("Toool", "LanternRAT"), ("E-UNKNOWN-LABEL", ".labels", "Toool", "Tool")),
        (("victims", "Norrgard Shipping"), ("E-UNKNOWN-LABEL", ".labels", "victims", "Target")),  # near to an alias
        (("Fruit", "LanternRAT"), ("E-UNKNOWN-LABEL", ".labels", "Fruit", "")),
    ],
)
def test_labels_and_names(entity, expected):
    found = told(document(entities=[entity]))
    found = [one for one in found if one[0] != "W-UNANCHORED"]
    assert found == ([] if expected is None else [(expected[0], f"entities[0]{expected[1]}", *expected[2:])])


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("http://panel.test/a", "to hxxp://panel[.]test/a now", ("N-NAME-REFANGED", "hxxp://panel[.]test/a")),
        ("Petrel's", "Petrel’s came", ("W-NAME-SPELLING", "Petrel’s")),
        ("backdoors", "a backdoor and backdoors", None),
        ("backdoor", "two backdoors", None),
    ],
)
def test_the_level_at_which_a_name_stands_in_the_text(name, text, expected):
    found = told(document(text, [("Asset", name)]))
    assert [(code, nearest) for code, _, _, nearest in found] == ([expected] if expected else [])


def test_a_label_that_allows_any_name_asks_nothing():
    assert told(document(entities=[("note", "Anything at all"), ("malware", "LanternRAT")]), "stix21") == []


def test_a_graph_of_another_text():
    found = [code for code, *_ in told(document("Nothing.", [ACTOR, TOOL]))]
    assert found == ["W-NAME", "W-NAME", "W-UNANCHORED"]


@pytest.mark.parametrize(
    ("edge", "expected"),
    [
        (("USE", 0, 1, FIRST), None),
        (("uses", 0, 1, FIRST), ("W-TYPE-SPELLING", "relationships[0].type", "uses", "USE")),
        (("USEE", 0, 1, FIRST), ("E-UNKNOWN-TYPE", "relationships[0].type", "USEE", "USE")),
        (("EATS", 0, 1, FIRST), ("E-UNKNOWN-TYPE", "relationships[0].type", "EATS", "")),
        (
            ("USE", 1, 0, FIRST),
            ("W-PAIR-REVERSED", "relationships[0]", "Tool USE ThreatOrganization", "ThreatOrganization USE Tool"),
        ),
        (("uses", 1, 0, FIRST), ("W-TYPE-SPELLING", "relationships[0].type", "uses", "USE")),
        (("ATTACK", 0, 1, FIRST), ("W-PAIR", "relationships[0]", "ThreatOrganization ATTACK Tool", "USE / HAS")),
        (("LAUNCH", 1, 2, FIRST), ("W-PAIR", "relationships[0]", "Tool LAUNCH Target", "")),
        (("USE", 0, 0, FIRST), ("W-SELF-LOOP", "relationships[0]", "e0", "")),
    ],
)
def test_types_and_ends(edge, expected):
    found = told(document(entities=[ACTOR, TOOL, VICTIM], edges=[edge]))
    assert found[:1] == ([] if expected is None else [expected])


def test_a_pair_is_judged_by_what_other_spellings_of_its_labels_stand_for():
    found = told(
        document(entities=[("threat-actor", "Grey Petrel"), ("tool", "LanternRAT")], edges=[("uses", 1, 0, FIRST)])
    )
    assert [code for code, *_ in found] == [
        "W-LABEL-SPELLING",
        "W-LABEL-SPELLING",
        "W-TYPE-SPELLING",
        "W-PAIR-REVERSED",
    ]


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (FIRST, None),
        ("Grey Petrel used LanternRAT", None),
        ("", ("N-NO-EVIDENCE", "")),
        ("grey petrel used lanternrat", ("N-EVIDENCE-FOLDED", "Grey Petrel used LanternRAT")),
        ("Grey Petrel had LanternRAT", ("W-EVIDENCE", "Grey Petrel used LanternRAT")),
        ("Completely another thing.", ("W-EVIDENCE", "")),
        ("该组织使用了木马。", ("W-EVIDENCE-LANGUAGE", "")),
        ("The group then left.", ("W-EVIDENCE-ENDS", "")),
        ("LanternRAT was new.", ("N-EVIDENCE-END", "")),
        (f"{FIRST} The group then left.", None),
        (f"{FIRST} The group then left. LanternRAT was new.", ("W-EVIDENCE-LONG", "")),
        (TEXT, ("W-EVIDENCE-LONG", "")),
    ],
)
def test_evidence(evidence, expected):
    found = told(document(entities=[ACTOR, TOOL], edges=[("USE", 0, 1, evidence)]))
    assert [(code, nearest) for code, _, _, nearest in found] == ([] if expected is None else [expected])


@pytest.mark.parametrize(
    ("text", "evidence", "is_told"),
    [
        ("Grey Petrel came. LanternRAT followed.", "LanternRAT followed.", True),
        ("Grey Petrel came. It ran LanternRAT.", "It ran LanternRAT.", False),
        ("Grey Petrel came. The group ran LanternRAT.", "The group ran LanternRAT.", False),
        ("Grey Petrel came. IT ran LanternRAT.", "IT ran LanternRAT.", True),
        ("Grey Petrel came. We saw that LanternRAT ran.", "We saw that LanternRAT ran.", True),
        ("Grey Petrel (aka Ash Gull) came. Ash Gull ran LanternRAT.", "Ash Gull ran LanternRAT.", False),
        ("Grey Petrel（又名灰鸥）出现。灰鸥使用LanternRAT。", "灰鸥使用LanternRAT。", False),
        ("Grey Petrel出现。该组织使用LanternRAT。", "该组织使用LanternRAT。", False),
        ("Grey Petrel出现。其他人使用LanternRAT。", "其他人使用LanternRAT。", True),
        ("Grey Petrel出现，随后使用LanternRAT。", "随后使用LanternRAT", False),
        ("Grey Petrel出现。随后使用LanternRAT。", "随后使用LanternRAT", True),
    ],
)
def test_evidence_need_not_repeat_a_name_that_something_in_it_or_around_it_stands_for(text, evidence, is_told):
    found = told(document(text, [ACTOR, TOOL], [("USE", 0, 1, evidence)]))
    assert [code for code, *_ in found] == (["N-EVIDENCE-END"] if is_told else [])


def test_a_text_of_two_sentences_is_no_evidence_as_a_whole_and_one_of_a_single_sentence_is():
    both = [ACTOR, TOOL]
    for text, expected in (
        ("Grey Petrel came. LanternRAT followed.", ["W-EVIDENCE-WHOLE"]),
        ("Grey Petrel brought LanternRAT v1.2 along.", []),
        ("雾隼组织出现。它使用青灯木马。", ["W-EVIDENCE-WHOLE"]),
    ):
        names = both if text[0] == "G" else [("ThreatOrganization", "雾隼组织"), ("Tool", "青灯木马")]
        assert [code for code, *_ in told(document(text, names, [("USE", 0, 1, text)]))] == expected


def test_evidence_in_typewriter_quotes_where_the_text_has_curly_ones_can_be_mended():
    text = "Petrel’s crew used LanternRAT."
    found = told(
        document(
            text, [("ThreatOrganization", "Petrel’s crew"), TOOL], [("USE", 0, 1, "Petrel's crew used LanternRAT.")]
        )
    )
    assert found == [("W-EVIDENCE-SPELLING", "relationships[0].evidence", "Petrel's crew used LanternRAT.", text)]


def test_an_end_that_the_text_does_not_hold_is_not_asked_for_in_the_evidence():
    found = told(
        document(entities=[("ThreatOrganization", "Umber Lynx"), TOOL], edges=[("USE", 0, 1, "LanternRAT was new.")])
    )
    assert [code for code, *_ in found] == ["W-NAME"]


def test_an_end_in_another_spelling_is_named_all_the_same():
    text = "GREY PETREL reached hxxp://panel[.]test/a today."
    ends = [("ThreatOrganization", "Grey Petrel"), ("Asset", "http://panel.test/a")]
    found = told(document(text, ends, [("USE", 0, 1, text)]))
    assert [code for code, *_ in found] == ["N-NAME-FOLDED", "N-NAME-REFANGED"]


def test_entities_in_no_relationship_are_noted_together():
    one = document(entities=[ACTOR, TOOL, VICTIM], edges=[("USE", 0, 1, FIRST)])
    (finding,) = [f for f in check_document(one, ontology.load("threat_event")) if f.code == "N-ISOLATED"]
    assert (finding.value, finding.facts["number"], finding.facts["of"]) == ("Norrgard Shipping", 1, 3)


def test_offsets_are_code_points_of_the_text():
    text = "🦊🦊 使用 LanternRATT 的组织"
    (finding,) = [
        f for f in check_document(document(text, [TOOL]), ontology.load("threat_event")) if f.code == "W-NAME"
    ]
    assert text[finding.facts["start"] : finding.facts["end"]] == finding.nearest == "LanternRATT"
