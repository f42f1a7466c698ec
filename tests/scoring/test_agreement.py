"""The scorer agrees with a slow one that shares no line with it, on 10,000 random documents and answers."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from kgtune.ontology import Label, Ontology, RelationType
from kgtune.scoring.column import column
from kgtune.scoring.documents import Document, judge
from kgtune.scoring.metrics import METRICS
from kgtune.scoring.sample import Sample
from kgtune.scoring.statistics import Bootstrap
from kgtune.scoring.tally import Rules, tally
from tests.scoring import reference
from tests.scoring.cases import random_case

ONTOLOGY = Ontology(
    "cases", 1, tuple(Label(n, aliases=("kit",) if n == "Tool" else ()) for n in ("ThreatOrganization", "Tool", "Target")),
    tuple(
        RelationType(kind, pairs=((source, target),), aliases=("STRIKE",) if kind == "ATTACK" else ())
        for source, kind, target in sorted(reference.LEGAL)
    ),
)  # fmt: skip
RULES = Rules(ONTOLOGY, given=lambda probability: probability**2)


def ours(cases):
    sample = Sample()
    for case in cases:
        document = Document(case.id, case.gold, case.text, case.doc_id, case.lang, kind=case.kind)
        judged = judge(document, case.answer, is_truncated=case.is_truncated)
        assert judged.graph == case.strict, case
        assert judged.repaired == case.seen, case
        sure = replace(judged, probabilities=reference.probabilities(case))
        sample.add(document, tally(sure, RULES))
    return {name: found["value"] for name, found in column(sample, Bootstrap(2, 1))["metrics"].items()}


@pytest.mark.property
def test_every_metric_agrees_on_10_000_random_cases():
    rng = random.Random(4)
    differing, compared = [], 0
    for batch in range(1000):
        cases = [random_case(rng, 10 * batch + place) for place in range(10)]
        found, expected = ours(cases), reference.score(cases)
        assert found.keys() == expected.keys() == METRICS.keys()
        compared += len(cases)
        for name, value in expected.items():
            same = found[name] is None if value is None else found[name] == pytest.approx(value, abs=5.1e-5)
            if not same:
                differing.append((batch, name, found[name], value))
    assert compared == 10_000
    assert differing == []
