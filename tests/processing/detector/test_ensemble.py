from dataclasses import replace

import numpy as np
import pytest

from processing.detector.ensemble import EnsembleDetector, fuse, resample
from processing.detector.onnx_engine import OnnxDetector
from processing.detector.protocol import RawDetections
from processing.detector.registry import load_detector
from processing.errors import EnsembleInvalid
from tests.processing.bright_roofs import BrightRoofs
from tests.support.made_weights import write_weights

HOUSE, NEARLY, SHED = (10, 10, 40, 30), (11, 10, 41, 31), (60, 60, 80, 80)
IMAGES = np.zeros((2, 96, 96, 3), np.uint8)


def found(*entries, side=28):
    boxes = np.array([box for box, _ in entries], np.float32).reshape(-1, 4)
    scores = np.array([score for _, score in entries], np.float32)
    return RawDetections(boxes, scores, np.ones((len(entries), side, side), np.float32))


def test_two_graphs_work_as_one_detector(tmp_path):
    one = write_weights(tmp_path / "one.onnx", [HOUSE, SHED], (0.8, 0.6))
    other = write_weights(tmp_path / "other.onnx", [NEARLY], (0.6,), gsd_max_m=0.9)
    both = load_detector(f"{one}+{other}", "cpu")
    first, second = both.detect(IMAGES)
    assert first.scores == pytest.approx([0.7, 0.3])
    assert first.boxes[0] == pytest.approx([10.43, 10, 40.43, 30.43], abs=0.01)
    assert first.boxes[1] == pytest.approx(SHED)
    assert both.card.gsd_max_m == 0.9
    for field in ("boxes", "scores", "masks"):
        np.testing.assert_array_equal(getattr(first, field), getattr(second, field))
        swapped = load_detector(f"{other}+{one}", "cpu").detect(IMAGES)[0]
        np.testing.assert_array_equal(getattr(first, field), getattr(swapped, field))


def test_members_of_other_windows_are_refused(tmp_path):
    one = OnnxDetector(write_weights(tmp_path / "one.onnx"), "cpu")
    other = OnnxDetector(write_weights(tmp_path / "other.onnx", window_px=128), "cpu")
    with pytest.raises(EnsembleInvalid, match="window_px"):
        EnsembleDetector([one, other])


def test_a_member_that_missed_a_building_counts_nothing():
    fused = fuse([found((HOUSE, 0.9)), found(), found((HOUSE, 0.6))])
    assert fused.scores == pytest.approx([0.5])
    assert fused.masks.min() == pytest.approx(1.0)


def test_neighbours_and_one_member_alone_are_never_joined():
    beside = (40, 10, 70, 30)
    assert len(fuse([found((HOUSE, 0.9)), found((beside, 0.9))]).scores) == 2
    assert len(fuse([found((HOUSE, 0.9), (NEARLY, 0.8)), found()]).scores) == 2


def test_equal_boxes_with_other_masks_are_two_buildings():
    upper, lower = found((HOUSE, 0.9)), found((HOUSE, 0.8))
    upper.masks[0, 14:] = 0
    lower.masks[0, :14] = 0
    assert len(fuse([upper, lower]).scores) == 2


def test_masks_are_averaged_where_they_lie():
    full, half = found((HOUSE, 0.8)), found((HOUSE, 0.8))
    half.masks[0, :, 21:] = 0
    mask = fuse([full, half]).masks[0]
    assert mask[:, :20].min() == pytest.approx(1.0)
    assert mask[:, 22:] == pytest.approx(0.5)


def test_masks_of_another_size_fit_in():
    fused = fuse([found((HOUSE, 0.8)), found((HOUSE, 0.8), side=14)])
    assert fused.masks.shape == (1, 28, 28)
    assert fused.masks.min() == pytest.approx(1.0)


def test_nothing_found_stays_nothing():
    fused = fuse([found(), found()])
    assert (fused.boxes.shape, fused.scores.shape, len(fused.masks)) == ((0, 4), (0,), 0)


def test_resampling_onto_the_same_box_changes_nothing_and_beyond_it_is_empty():
    mask = np.random.default_rng(0).random((28, 28)).astype(np.float32)
    box = np.array([0, 0, 28, 28], np.float32)
    np.testing.assert_allclose(resample(mask, box, box), mask, atol=1e-6)
    wider = resample(np.ones((28, 28), np.float32), box, np.array([0, 0, 56, 28], np.float32))
    assert wider[:, :14].min() == pytest.approx(1.0)
    assert wider[:, 14:].max() == 0.0


def test_an_ensemble_of_one_detector_twice_finds_what_it_finds():
    scene = np.zeros((1, 128, 128, 3), np.uint8)
    scene[0, 20:50, 30:70] = 220
    once = BrightRoofs()
    twin = BrightRoofs(replace(once.card, weights_sha256="e" * 64))
    alone, joint = once.detect(scene)[0], EnsembleDetector([once, twin]).detect(scene)[0]
    np.testing.assert_allclose(joint.boxes, alone.boxes, atol=1e-4)
    np.testing.assert_allclose(joint.scores, alone.scores, atol=1e-6)
