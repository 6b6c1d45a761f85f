import numpy as np

from processing.training.labelled_windows import read_windows
from processing.working_scale import WorkingScale
from tests.processing.training.labelled_folder import write_coco


def test_windows_cover_the_picture_with_their_labels(tmp_path):
    folder = write_coco(tmp_path / "source", {"a.png": [(10, 10, 20, 20), (60, 60, 20, 20)]})
    windows = list(read_windows(folder, 0.4, WorkingScale(0.4, 0.4), 48))
    assert [window.name for window in windows] == ["a_0_0", "a_0_48", "a_48_0", "a_48_48"]
    assert [len(window.masks) for window in windows] == [1, 0, 0, 1]
    roof = windows[3].masks[0].astype(bool)
    assert windows[3].picture[roof].min() > 150
    assert roof.sum() == 400


def test_coarse_pictures_are_enlarged_with_their_labels(tmp_path):
    folder = write_coco(tmp_path / "source", {"a.png": [(10, 10, 8, 8)]})
    window = next(iter(read_windows(folder, 0.4, WorkingScale(0.2, 0.2), 64)))
    assert window.picture.shape == (64, 64, 3)
    assert window.masks.sum() == 256
    assert np.median(window.picture[window.masks[0].astype(bool)]) > 180
