"""The twenty invariants of augmentation, held over documents that hypothesis writes.

`make test` runs the same cases each time; `make fuzz` runs others, 100,000 by default, and prints how to repeat them.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from kgtune.augmentation.invariants import verify
from kgtune.examples import Example
from kgtune.grounding import Haystack
from tests.invariant_checks import CHECKS, Run
from tests.nasty import Corpus, corpora, documents

pytestmark = pytest.mark.property

FUZZ_CASES = int(os.environ.get("KGTUNE_FUZZ_CASES", "0"))
FEWEST_CASES = FUZZ_CASES or 2_000
NUM_TESTS = 21
RAN: Counter[str] = Counter()


def with_cases(number: int, test: Callable[..., None]) -> Callable[..., None]:
    """Ask for this test's share of the cases; the short run repeats itself, each test with cases of its own."""
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
    each = -(-FEWEST_CASES // NUM_TESTS) + 5  # a few may turn out to be cases that were seen before
    test = settings(
        max_examples=each, deadline=None, suppress_health_check=quiet, database=None, print_blob=bool(FUZZ_CASES)
    )(test)
    return test if FUZZ_CASES else seed(number)(test)


def property_of(number: int, name: str) -> Callable[..., None]:
    @given(corpora())
    def test(corpus: Corpus) -> None:
        RAN[name] += 1
        assert CHECKS[name](Run(corpus)) == []

    return with_cases(number, test)


for _number, (_name, _check) in enumerate(CHECKS.items(), start=1):
    globals()[f"test_{_name}_{_check.__name__}"] = property_of(_number, _name)


@given(documents(), st.data())
def _damage_is_seen(parent: Example, data: st.DataObject) -> None:
    RAN["damage"] += 1
    haystack = Haystack(parent.text)
    spans = [span for e in parent.graph.entities for span in haystack.all(e.name)]
    if spans:
        span = data.draw(st.sampled_from(spans))
        at = data.draw(st.integers(span.start, span.end - 1))
        child = replace(parent, text=parent.text[:at] + "⌁" + parent.text[at + 1 :])
        assert verify(parent, child, {}) is not None


test_verify_sees_a_character_lost_inside_a_name = with_cases(NUM_TESTS, _damage_is_seen)


def test_there_are_twenty_invariants() -> None:
    assert list(CHECKS) == [f"I{number}" for number in range(1, 21)]


def test_the_suite_ran_its_cases(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> None:
    selected = [item for item in request.session.items if item.path == request.path]
    if len(selected) < NUM_TESTS + 2:
        pytest.skip("only a part of the suite was asked for")
    with capsys.disabled():
        sys.stdout.write(f"\n{sum(RAN.values()):,} cases of {len(RAN)} properties\n")
    assert len(RAN) == NUM_TESTS
    assert sum(RAN.values()) >= FEWEST_CASES
