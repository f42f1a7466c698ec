"""Names and evidence in their text, by level."""

from __future__ import annotations

import pytest

from kgtune.graph import Entity, Relationship
from kgtune.grounding import Haystack
from kgtune.scoring.grounded import EVIDENCE_LEVELS, NAME_LEVELS, evidence_level, holds_both, name_level

TEXT = Haystack("绯獭组织 (Crimson  Otter) loaded VelkaRAT from velka[.]invalid in March.")


@pytest.mark.parametrize(
    ("name", "level"),
    [("VelkaRAT", "exact"), ("crimson otter", "folded"), ("velka.invalid", "refanged"), ("NightLoom", "none"),
     ("Velk", "none")],
)  # fmt: skip
def test_a_name_has_the_level_of_its_closest_spelling(name, level):
    assert name_level(name, TEXT) == level


@pytest.mark.parametrize(
    ("evidence", "level"),
    [("loaded VelkaRAT from", "exact"), ("oaded VelkaR", "exact"), ("LOADED velkarat", "folded"),
     ("from velka.invalid in", "refanged"), ("loaded NightLoom", "none"), ("", "missing"), ("  ", "missing")],
)  # fmt: skip
def test_evidence_may_begin_and_end_inside_a_word(evidence, level):
    assert evidence_level(evidence, TEXT) == level


def test_evidence_that_names_one_end_does_not_hold_both():
    ends = (Entity("ThreatOrganization", "e1", "Crimson Otter"), Entity("Tool", "e2", "VelkaRAT"))
    assert holds_both(Relationship("USE", "e1", "e2", 1.0, "crimson otter loaded VelkaRAT"), ends)
    assert not holds_both(Relationship("USE", "e1", "e2", 1.0, "loaded VelkaRAT"), ends)


def test_the_levels_are_these():
    assert NAME_LEVELS == ("exact", "folded", "refanged", "none")
    assert (*NAME_LEVELS, "missing") == EVIDENCE_LEVELS
