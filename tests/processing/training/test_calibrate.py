import json

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed; it belongs to the training extra")

from processing.detector.onnx_engine import OnnxDetector
from processing.errors import WeightsInvalid
from processing.training.calibrate import main
from processing.training.calibration import Calibration
from processing.training.onnx_calibration import calibrate_onnx
from tests.processing.training.labelled_folder import write_coco
from tests.support.made_weights import write_weights

BOXES = [(10, 10, 40, 30), (70, 10, 90, 30), (60, 60, 80, 80)]
SCORES = (0.9, 0.6, 0.8)
IMAGE = np.zeros((1, 96, 96, 3), np.uint8)


def scores_of(path):
    return OnnxDetector(path, "cpu").detect(IMAGE)[0].scores


def test_the_graph_gives_calibrated_scores_and_a_second_calibration_follows_the_first(tmp_path):
    made, once, twice = (tmp_path / f"{name}.onnx" for name in ("made", "once", "twice"))
    write_weights(made, BOXES, SCORES)
    first, second = Calibration(1.5, -0.7), Calibration(0.5, 0.2)
    calibrate_onnx(made, once, first)
    np.testing.assert_allclose(scores_of(once), first.apply(np.array(SCORES)), atol=1e-5)
    calibrate_onnx(once, twice, second)
    both = second.after(first)
    np.testing.assert_allclose(scores_of(twice), both.apply(np.array(SCORES)), atol=1e-5)
    properties = (tmp_path / "twice.onnx").read_bytes()
    assert b"score_gain" in properties
    assert str(both.gain).encode() in properties


def test_weights_that_are_none_are_refused(tmp_path):
    (tmp_path / "text.onnx").write_text("no weights")
    with pytest.raises(WeightsInvalid, match=r"text\.onnx"):
        calibrate_onnx(tmp_path / "text.onnx", tmp_path / "out.onnx", Calibration())
    assert not (tmp_path / "out.onnx").exists()


def test_calibrated_weights_come_with_a_card_that_says_what_to_expect(tmp_path, capsys):
    weights = write_weights(tmp_path / "made.onnx", BOXES, SCORES)
    (tmp_path / "made.json").write_text(json.dumps({"training": {"steps": 12}, "license": "CC0-1.0"}))
    # The first building is right in every picture, the second in one of four, the third never.
    pictures = {f"{n}.png": [(10, 10, 30, 20), *([(70, 10, 20, 20)] if n == 2 else [])] for n in range(4)}
    data = write_coco(tmp_path / "labels", pictures)
    output = tmp_path / "out.onnx"
    assert main([str(weights), "--data", str(data), "--output", str(output), "--note", "A note."]) == 0
    assert "labels" in capsys.readouterr().out
    card = json.loads((tmp_path / "out.json").read_text())
    assert card["file:checksum_sha256"] == card["evaluation"]["weights_sha256"]
    assert (card["training"], card["license"], card["notes"]) == ({"steps": 12}, "CC0-1.0", ["A note."])
    evaluation = card["evaluation"]
    assert evaluation["calibration"]["held_out"] is True
    assert len(evaluation["expected"]) == 19
    assert 5 / 12 <= evaluation["expected"][0]["precision"] <= 1  # some that are wrong fall below the first threshold
    assert sum(entry["count"] for entry in evaluation["reliability"]) == 12
    shift = Calibration(evaluation["calibration"]["gain"], evaluation["calibration"]["shift"])
    np.testing.assert_allclose(scores_of(output), shift.apply(np.array(SCORES)), atol=1e-5)


def test_nothing_to_learn_from_is_said_and_nothing_written(tmp_path, capsys):
    weights = write_weights(tmp_path / "made.onnx", BOXES[:1], SCORES[:1])
    data = write_coco(tmp_path / "labels", {"a.png": [(10, 10, 30, 20)]})
    assert main([str(weights), "--data", str(data), "--output", str(tmp_path / "out.onnx")]) == 1
    assert "ParameterInvalid" in capsys.readouterr().err
    assert not (tmp_path / "out.onnx").exists()
