"""The curve from probability to confidence: what it learns, when it is refused, and what it says of itself."""

import json
import random

import pytest

from kgtune.errors import ModelError
from kgtune.extraction import calibration
from kgtune.extraction.calibration import Calibration, Judged, calibration_error, fit


def overconfident(number, seed=0, share=0.5):
    """Items of a model that is right half as often as it says."""
    rng = random.Random(seed)
    said = [rng.random() for _ in range(number)]
    return [Judged(f"d{n // 3}", p, rng.random() < share * p) for n, p in enumerate(said)]


@pytest.mark.parametrize(("number", "method"), [(120, "platt"), (1500, "isotonic")])
def test_an_overconfident_model_is_believed_half(number, method):
    found = fit(overconfident(number))
    assert (found.method, found.num_items, found.num_documents) == (method, number, number // 3)
    for said in (0.4, 0.6, 0.8):
        assert found.confidence(said) == pytest.approx(said / 2, abs=0.12)
    assert found.ece_before == pytest.approx(0.25, abs=0.06)
    assert found.ece_after < 0.4 * found.ece_before


def test_unseen_items_are_calibrated_by_the_curve():
    found = fit(overconfident(2000))
    fresh = overconfident(2000, seed=1)
    before = calibration_error([(item.probability, item.is_right) for item in fresh])
    after = calibration_error([(found.confidence(item.probability), item.is_right) for item in fresh])
    assert before > 0.2
    assert after < 0.05
    # what it says of itself holds for others: it was not measured on what it was fitted to
    assert found.ece_after == pytest.approx(after, abs=0.03)


@pytest.mark.parametrize("number", [40, 1000])
def test_surer_is_never_less_confident_and_always_a_share(number):
    for seed in range(5):
        found = fit(overconfident(number, seed))
        said = [found.confidence(n / 200) for n in range(201)]
        assert said == sorted(said)
        assert 0 <= said[0] <= said[-1] <= 1


def test_what_says_nothing_gives_one_confidence_for_all():
    rng = random.Random(0)
    found = fit([Judged(f"d{n}", 0.9, rng.random() < 0.3) for n in range(200)])
    assert found.confidence(0.9) == pytest.approx(found.share_right, abs=0.02)
    backwards = fit([Judged(f"d{n}", n / 100, n < 50) for n in range(100)])
    assert backwards.confidence(0.0) == pytest.approx(backwards.confidence(1.0))


@pytest.mark.parametrize(
    "items",
    [
        [],
        overconfident(calibration.LEAST_ITEMS - 1),
        [Judged("d", n / 100, True) for n in range(100)],
        [Judged("d", n / 100, False) for n in range(100)],
    ],
)
def test_too_few_or_all_alike_is_no_curve(items):
    assert fit(items) is None


def test_the_calibration_error_is_the_mean_gap_of_the_bins():
    assert calibration_error([(0.95, True), (0.95, False), (0.15, False)]) == pytest.approx((0.9 + 0.15) / 3)
    assert calibration_error([(1.0, True)]) == 0.0


def test_the_curve_comes_back_from_its_folder(tmp_path):
    assert calibration.read(tmp_path) is None
    found = fit(overconfident(400))
    calibration.write(tmp_path, found)
    assert calibration.read(tmp_path) == found


@pytest.mark.parametrize(
    "change", [{"points": []}, {"points": [[0.5, 2.0]]}, {"points": [[0.9, 0.1], [0.1, 0.2]]}, {"schema_version": 2},
               {"further": 1}],
)  # fmt: skip
def test_a_file_that_is_no_curve_is_refused_with_what_to_do(tmp_path, change):
    calibration.write(tmp_path, Calibration("platt", ((0.0, 0.1), (1.0, 0.9)), 1, 30, 0.5, 0.2, 0.1))
    path = tmp_path / calibration.CALIBRATION_FILE
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")
    with pytest.raises(ModelError, match="is no calibration .* or remove it"):
        calibration.read(tmp_path)


def test_its_own_error_is_measured_on_documents_that_it_was_not_fitted_to():
    rng = random.Random(0)
    # each document is right or wrong as a whole, and has a probability of its own: a curve can learn that by heart
    items = [
        Judged(f"d{d}", probability, is_right)
        for d, (probability, is_right) in enumerate((rng.random(), rng.random() < 0.5) for _ in range(60))
        for _ in range(12)
    ]
    found = fit(items)
    by_heart = calibration_error([(found.confidence(item.probability), item.is_right) for item in items])
    assert found.ece_after > by_heart + 0.05


def test_a_curve_that_brings_no_gain_on_other_documents_is_not_used():
    rng = random.Random(3)
    said = [rng.random() for _ in range(60)]
    found = fit([Judged(f"d{n}", p, rng.random() < p) for n, p in enumerate(said)])
    assert (found.method, found.num_items, found.ece_after) == ("none", 60, found.ece_before)
    assert [found.confidence(p) for p in (0.0, 0.3, 1.0)] == [0.0, 0.3, 1.0]
