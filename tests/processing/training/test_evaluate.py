import numpy as np
import pytest

from processing.detector.protocol import RawDetections
from processing.evaluation import measure
from processing.training.labelled_windows import read_windows
from processing.training.measuring import measure_windows, paste_all
from processing.training.report import best_mean_threshold
from processing.working_scale import WorkingScale
from tests.processing.training.labelled_folder import write_coco


class BrightRoofs:
    """Finds the bright rectangles of the made pictures: a detector whose answer is known."""

    card = None

    def detect(self, images: np.ndarray) -> list[RawDetections]:
        found = []
        for image in images:
            columns = np.flatnonzero((image.min(axis=2) > 150).any(axis=0))
            rows = np.flatnonzero((image.min(axis=2) > 150).any(axis=1))
            edges = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1] if len(rows) else []
            boxes = np.array(edges, dtype=np.float32).reshape(-1, 4)
            count = len(boxes)
            found.append(RawDetections(boxes, np.full(count, 0.9, np.float32), np.ones((count, 28, 28), np.float32)))
        return found


def results_of(windows):
    return [window.result for window in measure_windows(BrightRoofs(), windows)]


def test_right_detections_measure_as_right(tmp_path):
    roofs = {"a.png": [(10, 10, 30, 20)], "b.png": [(20, 30, 40, 40)], "c.png": []}
    windows = read_windows(write_coco(tmp_path / "source", roofs), 0.4, WorkingScale(0.4, 0.4), 96)
    measures = measure(results_of(windows), 0.5)
    assert measures.labels == 2
    assert measures.ap50 == 1.0
    assert measures.pixel_iou > 0.97


def test_two_roofs_found_as_one_are_one_wrong_and_two_missed(tmp_path):
    folder = write_coco(tmp_path / "source", {"a.png": [(10, 10, 20, 20), (60, 60, 20, 20)]})
    windows = read_windows(folder, 0.4, WorkingScale(0.4, 0.4), 96)
    at = measure(results_of(windows), 0.5).at_threshold
    assert (at.precision, at.recall) == (0.0, 0.0)


def test_masks_are_pasted_where_the_box_lies():
    box = np.array([[4, 6, 12, 10]], dtype=np.float32)
    pasted = paste_all(box, np.full((1, 28, 28), 255, np.uint8), 16)
    expected = np.zeros((16, 16), dtype=bool)
    expected[6:10, 4:12] = True
    np.testing.assert_array_equal(pasted[0], expected)


def test_the_threshold_is_best_on_average_over_the_sources(tmp_path):
    folder = write_coco(tmp_path / "source", {"a.png": [(10, 10, 30, 20)]})
    results = results_of(read_windows(folder, 0.4, WorkingScale(0.4, 0.4), 96))
    assert best_mean_threshold([results]) == pytest.approx(0.01)
