from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from processing.detector.onnx_engine import OnnxDetector
from processing.detector.registry import WEIGHTS_FOLDER, load_detector, weights_path
from processing.errors import DeviceUnavailable, ParameterInvalid, WeightsInvalid

SHIPPED = WEIGHTS_FOLDER / "default.onnx"


@pytest.fixture(scope="module")
def detector():
    return load_detector("default", "cpu")


def test_the_shipped_weights_describe_themselves(detector):
    card = detector.card
    assert card.window_px == 512
    assert 0 < card.stride_px < card.window_px
    assert 0 < card.gsd_min_m < card.gsd_working_m < card.gsd_max_m
    assert len(card.weights_sha256) == 64
    assert card.name
    assert detector.device == "cpu"


def test_windows_never_influence_each_other(detector):
    images = np.random.default_rng(0).integers(0, 255, (2, 512, 512, 3), np.uint8)
    together = detector.detect(images)
    alone = detector.detect(images[1:])
    for field in ("boxes", "scores", "masks"):
        assert np.array_equal(getattr(together[1], field), getattr(alone[0], field))


def test_detections_have_the_promised_shapes_and_ranges(detector):
    image = np.full((1, 512, 512, 3), 90, np.uint8)
    image[0, 100:160, 200:280] = 220
    (found,) = detector.detect(image)
    count = len(found.scores)
    assert found.boxes.shape == (count, 4)
    assert found.boxes.dtype == found.scores.dtype == found.masks.dtype == np.float32
    assert found.masks.shape[0] == count
    if count:
        assert found.masks.shape[1] == found.masks.shape[2]
        assert found.scores.min() >= 0
        assert found.scores.max() <= 1
        assert found.masks.min() >= 0
        assert found.masks.max() <= 1
        assert found.boxes.min() >= 0
        assert found.boxes.max() <= 512


@pytest.mark.parametrize("name", ["unknown", "../../etc/passwd", "", "a/b"])
def test_unknown_names_are_refused(name):
    with pytest.raises(WeightsInvalid, match="installed"):
        load_detector(name)


def test_files_that_are_no_weights_are_refused(tmp_path):
    with pytest.raises(WeightsInvalid, match="no such file"):
        load_detector(str(tmp_path / "missing.onnx"))
    text = tmp_path / "text.onnx"
    text.write_text("these are not weights")
    with pytest.raises(WeightsInvalid, match="cannot load"):
        load_detector(str(text))
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(SHIPPED.read_bytes()[:-100_000])
    with pytest.raises(WeightsInvalid, match="cannot load"):
        load_detector(str(cut))


def test_weights_without_their_card_are_refused(tmp_path):
    stripped = tmp_path / "stripped.onnx"
    stripped.write_bytes(SHIPPED.read_bytes().replace(b"gsd_working_m", b"gsd_walking_m"))
    with pytest.raises(WeightsInvalid, match="gsd_working_m"):
        OnnxDetector(stripped, "cpu")


def test_devices():
    with pytest.raises(ParameterInvalid, match="auto, cpu, cuda"):
        load_detector("default", "tpu")
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this machine's ONNX Runtime offers CUDA")
    with pytest.raises(DeviceUnavailable, match="CUDA"):
        load_detector("default", "cuda")
    assert load_detector("default", "auto").device == "cpu"


def test_a_path_is_taken_as_it_is():
    assert weights_path("some/folder/mine.onnx") == Path("some/folder/mine.onnx")
