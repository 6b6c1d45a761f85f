import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.detector.pasting import INSIDE, paste

FULL = np.full((28, 28), 255, np.uint8)


@pytest.mark.parametrize("box", [(10, 20, 30, 45), (100, 100, 400, 180), (3, 3, 6, 7)])
def test_a_full_mask_fills_its_box_exactly(box):
    first_x, first_y, pasted = paste(np.array(box, np.float32), FULL, 512)
    inside = pasted >= INSIDE
    middle_row, middle_column = inside[inside.shape[0] // 2], inside[:, inside.shape[1] // 2]
    assert (first_x + middle_row.argmax(), middle_row.sum()) == (box[0], box[2] - box[0])
    assert (first_y + middle_column.argmax(), middle_column.sum()) == (box[1], box[3] - box[1])
    # Only the corners are rounded, by less than one cell of the mask.
    cell_px2 = max(box[2] - box[0], 28) * max(box[3] - box[1], 28) / 28**2
    assert (box[2] - box[0]) * (box[3] - box[1]) - inside.sum() <= cell_px2


def test_the_probability_is_one_half_on_the_edge_of_the_box():
    first_x, _, pasted = paste(np.array([10.0, 10.0, 66.0, 66.0], np.float32), FULL, 512)
    row = pasted[30].astype(float)
    inner, outer = row[10 - first_x], row[10 - first_x - 1]
    assert (inner + outer) / 2 == pytest.approx(127.5, abs=1)


def test_boxes_beyond_the_window_are_cut_and_empty_ones_dropped():
    first_x, first_y, pasted = paste(np.array([-20.0, -10.0, 40.0, 30.0], np.float32), FULL, 512)
    assert (first_x, first_y) == (0, 0)
    assert pasted[0, 0] == 255
    assert paste(np.array([600.0, 10.0, 640.0, 30.0], np.float32), FULL, 512) is None
    assert paste(np.array([10.0, 10.0, 10.2, 30.0], np.float32), FULL, 512) is None
    assert paste(np.array([np.nan, 10.0, 20.0, 30.0], np.float32), FULL, 512) is None


@settings(max_examples=60, deadline=None)
@given(
    x=st.floats(0, 300), y=st.floats(0, 300), width=st.floats(4, 200), height=st.floats(4, 200), seed=st.integers(0, 99)
)
def test_pasting_agrees_with_bilinear_interpolation_point_by_point(x, y, width, height, seed):
    mask = np.random.default_rng(seed).integers(0, 256, (28, 28)).astype(np.uint8)
    box = np.array([x, y, x + width, y + height], np.float32)
    first_x, first_y, pasted = paste(box, mask, 512)
    padded = np.pad(mask.astype(float), 2)
    for row, column in ((0, 0), (pasted.shape[0] // 2, pasted.shape[1] // 3), (-1, -1)):
        row, column = row % pasted.shape[0], column % pasted.shape[1]
        u = (first_x + column + 0.5 - float(box[0])) / float(box[2] - box[0]) * 28 - 0.5
        v = (first_y + row + 0.5 - float(box[1])) / float(box[3] - box[1]) * 28 - 0.5
        u, v = np.clip(u, -1, 28), np.clip(v, -1, 28)
        i, j = int(np.floor(v)), int(np.floor(u))
        a, b = v - i, u - j
        cells = padded[i + 2 : i + 4, j + 2 : j + 4]
        expected = np.array([1 - a, a]) @ cells @ np.array([1 - b, b])
        assert pasted[row, column] == pytest.approx(expected, abs=1.5)
