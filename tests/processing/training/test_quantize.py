import pytest

pytest.importorskip("onnx", reason="onnx is not installed; it belongs to the training extra")

from processing.detector.onnx_engine import OnnxDetector
from processing.errors import LabelsInvalid
from processing.training.quantize import calibration_windows
from tests.processing.training.labelled_folder import write_coco
from tests.support.made_weights import write_weights

ROOFS = [(10, 10, 30, 20), (50, 50, 30, 30)]


@pytest.fixture
def detector(tmp_path):
    return OnnxDetector(write_weights(tmp_path / "made.onnx", gsd_working_m="0.3"), "cpu")


def test_pictures_come_at_the_scale_that_the_recipe_knows_of_their_source(detector, tmp_path):
    write_coco(tmp_path / "data" / "malaysia", {"a.png": ROOFS}, gsd_m=None)
    write_coco(tmp_path / "data" / "eastasia", {"a.png": ROOFS}, gsd_m=None)
    coarse, fine = calibration_windows(tmp_path / "data", detector, 2)
    shown = [int(picture.any(axis=2).sum()) for picture in (coarse, fine)]
    # The same pixels: 0.5 m stays, 0.15 m is averaged over 2 × 2.
    assert shown[0] == pytest.approx(4 * shown[1], rel=0.05)


def test_a_source_of_unknown_scale_is_refused(detector, tmp_path):
    with pytest.raises(LabelsInvalid, match="ground sampling distance"):
        list(calibration_windows(write_coco(tmp_path / "elsewhere", {"a.png": ROOFS}, gsd_m=None), detector, 1))
