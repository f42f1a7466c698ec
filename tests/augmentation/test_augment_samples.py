"""Real reports, where they are at hand: what is anchored in them is anchored in every variant.

KGTUNE_SAMPLES names a folder with cti_sample.jsonl; it is third-party data and no part of the project.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from kgtune import sources
from kgtune.examples import from_raw
from kgtune.grounding import haystack
from tests.annotated import every
from tests.invariant_checks import CHECKS, Run
from tests.nasty import Corpus

SAMPLES = os.environ.get("KGTUNE_SAMPLES")
pytestmark = pytest.mark.skipif(not SAMPLES, reason="KGTUNE_SAMPLES names no folder of samples")


def sample_run(seed: int) -> Run:
    read = sources.read_raw([Path(str(SAMPLES)) / "cti_sample.jsonl"], source_format="auto", default_confidence=0.9)
    assert len(read.documents) == 61
    assert read.problems == []
    train = tuple(replace(from_raw(d, drop_descriptions=False), split="train") for d in read.documents)
    return Run(Corpus(train, seed), every())


def test_every_anchored_name_of_a_real_report_is_anchored_in_every_variant(capsys: pytest.CaptureFixture[str]) -> None:
    names, kept, evidence, evidence_kept = Counter(), Counter(), Counter(), Counter()
    for seed in range(10):
        for parent, child in sample_run(seed).pairs:
            here, there = haystack(parent.text), haystack(child.text)
            names[child.aug] += sum(here.anchor(e.name) is not None for e in parent.graph.entities)
            kept[child.aug] += sum(there.anchor(e.name) is not None for e in child.graph.entities)
            evidence[child.aug] += sum(
                bool(r.evidence) and r.evidence in parent.text for r in parent.graph.relationships
            )
            evidence_kept[child.aug] += sum(
                bool(r.evidence) and r.evidence in child.text for r in child.graph.relationships
            )
    with capsys.disabled():
        print(
            "\n"
            + "".join(
                f"{op}: {kept[op]} of {n} names, {evidence_kept[op]} of {evidence[op]} evidences\n"
                for op, n in names.items()
            )
        )
    assert sum(names.values()) > 3_000
    assert kept == names
    assert evidence_kept == evidence


@pytest.mark.parametrize("name", [name for name in CHECKS if name != "I15"])
def test_the_invariants_hold_over_real_reports(name: str) -> None:
    assert CHECKS[name](sample_run(3)) == []
