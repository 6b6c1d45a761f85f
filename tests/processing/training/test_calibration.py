import numpy as np
import pytest

from processing.training.calibration import Calibration, fit_calibration


def draw(gain: float, shift: float, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, int]:
    rng = np.random.default_rng(seed)
    scores = rng.uniform(0.05, 0.95, count)
    return scores, rng.random(count) < Calibration(gain, shift).apply(scores), count


def test_the_curve_that_made_the_hits_is_found_again():
    fitted = fit_calibration([draw(1.7, 0.6, 40000)])
    assert (fitted.gain, fitted.shift) == pytest.approx((1.7, 0.6), abs=0.06)


def test_calibrated_scores_mean_what_they_say():
    scores, hits, labels = draw(0.5, -1.0, 40000)
    confidence = fit_calibration([(scores, hits, labels)]).apply(scores)
    for low in np.arange(0.1, 0.5, 0.1):
        inside = (confidence >= low) & (confidence < low + 0.1)
        assert hits[inside].mean() == pytest.approx(confidence[inside].mean(), abs=0.03)


def test_sources_weigh_the_same_whatever_their_size():
    large, small = draw(1.0, 1.0, 20000, 1), draw(1.0, -1.0, 2000, 2)
    assert fit_calibration([large, small]).shift == pytest.approx(0.0, abs=0.12)


def test_the_order_of_detections_stays():
    scores = np.linspace(0.0, 1.0, 50)
    assert np.all(np.diff(Calibration(0.6, 1.2).apply(scores)) > 0)


@pytest.mark.parametrize("hits", [[], [True, True], [False, False]])
def test_nothing_to_learn_from_is_refused(hits):
    with pytest.raises(ValueError, match="right and wrong"):
        fit_calibration([(np.full(len(hits), 0.5), np.array(hits, dtype=bool), 2)])


def test_two_calibrations_are_one():
    scores = np.linspace(0.01, 0.99, 30)
    first, second = Calibration(0.7, -1.0), Calibration(1.4, 0.3)
    np.testing.assert_allclose(second.after(first).apply(scores), second.apply(first.apply(scores)), atol=1e-6)
