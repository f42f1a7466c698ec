"""Which confidence users get, and where held-out rows can measure it."""

from __future__ import annotations

import pytest

from kgtune import config
from kgtune.extraction import calibration
from kgtune.extraction.calibration import Calibration
from kgtune.training import confidence

pytestmark = pytest.mark.tiny

CURVE = Calibration("platt", ((0.0, 0.2), (1.0, 0.4)), 12, 40, 0.5, 0.3, 0.1)


def settings(*overrides):
    return config.load(None, "demo", list(overrides)).config


def test_the_curve_beside_the_model_is_what_users_get_and_what_test_rows_measure(tmp_path):
    calibration.write(tmp_path, CURVE)
    given = confidence.of(settings(), tmp_path)
    assert given.as_object() == {"kind": "calibrated", "is_measured": True, "num_items": 40, "num_documents": 12}
    assert given.function is not None
    assert [given.function(one) for one in (0.0, 0.52, 1.0)] == [0.2, 0.3, 0.4]


def test_without_a_curve_it_is_the_bare_probability(tmp_path):
    given = confidence.of(settings(), tmp_path)
    assert given.as_object() == {"kind": "probability", "is_measured": True, "num_items": None, "num_documents": None}
    assert given.function is not None
    assert given.function(0.517) == 0.52


@pytest.mark.parametrize(
    ("overrides", "kind"),
    [
        (["decoding.confidence=stated"], "stated"),
        (["decoding.constraint=none"], "stated"),
        (["decoding.samples=4"], "agreement"),
        (["evaluation.split=validation"], "calibrated"),
    ],
)
def test_what_one_answer_to_rows_of_its_own_can_not_measure_is_not_measured(tmp_path, overrides, kind):
    calibration.write(tmp_path, CURVE)
    given = confidence.of(settings(*overrides), tmp_path)
    assert (given.kind, given.is_measured, given.function) == (kind, False, None)
