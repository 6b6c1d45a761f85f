import numpy as np
import pytest

from processing.evaluation import PictureResult, calibration_error
from processing.training.calibration import Calibration
from processing.training.cross_fitting import cross_fit, fit
from processing.training.measuring import MeasuredWindow

SIDE = 16


def window(image: str, scores: np.ndarray, hits: np.ndarray) -> MeasuredWindow:
    iou = np.zeros((len(scores), len(scores)))
    iou[np.diag_indices(len(scores))] = hits
    boxes = np.tile(np.array([[2, 2, 10, 10]], np.float32), (len(scores), 1))
    masks = np.full((len(scores), 4, 4), 255, np.uint8)
    labelled = np.zeros((SIDE, SIDE), dtype=bool)
    labelled[2:10, 2:6] = True
    return MeasuredWindow(
        image, image, SIDE, (SIDE, SIDE), PictureResult(scores, iou), boxes, masks, np.packbits(labelled), ()
    )


def pictures(count: int, seed: int) -> list[MeasuredWindow]:
    rng = np.random.default_rng(seed)
    truth = Calibration(1.4, -1.5)
    result = []
    for number in range(count):
        scores = rng.uniform(0.05, 0.95, 12)
        result.append(window(f"{number:03}", scores, rng.random(12) < truth.apply(scores)))
    return result


def test_no_picture_is_judged_by_a_fit_that_saw_it():
    measured = {"a": pictures(40, 0), "b": pictures(30, 1)}
    fitted = cross_fit(measured)
    others = {name: windows[1::2] for name, windows in measured.items()}
    expected = fit(others).apply(measured["a"][0].result.scores)
    np.testing.assert_allclose(fitted.windows["a"][0].result.scores, expected)
    assert fitted.is_held_out
    assert fitted.calibration == fit(measured)


def test_held_out_confidence_means_what_it_says():
    measured = {"a": pictures(150, 0)}
    before = calibration_error([entry.result for entry in measured["a"]])
    after = calibration_error([entry.result for entry in cross_fit(measured).windows["a"]])
    assert after < 0.05 < before


def test_one_picture_cannot_be_held_out_and_the_answer_says_so():
    scores, hits = np.array([0.2, 0.5, 0.9]), np.array([False, True, True])
    assert not cross_fit({"a": [window("only", scores, hits)]}).is_held_out
    with pytest.raises(ValueError, match="right and wrong"):
        cross_fit({"a": []})


def test_areas_follow_the_new_scores():
    moved = window("a", np.array([0.9]), np.array([True])).with_scores(np.array([0.35]))
    assert moved.result.areas.found[35] == 64
    assert moved.result.areas.common[35] == moved.result.areas.labelled == 32
