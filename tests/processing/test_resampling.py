import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.resampling import enlarge, pool


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 5),
    columns=st.integers(1, 5),
    dtype=st.sampled_from([np.uint8, np.uint16, np.int16, np.float32, np.float64]),
    seed=st.integers(0, 999),
    share=st.sampled_from([0.0, 0.3, 1.0]),
)
def test_pooling_is_the_mean_of_the_valid_pixels(rows, columns, dtype, seed, share):
    rng = np.random.default_rng(seed)
    values = (rng.random((3, rows * 4, columns * 6)) * 250).astype(dtype)
    valid = rng.random(values.shape[1:]) >= share
    pooled, pooled_valid = pool(values, valid, rows, columns)
    for row in range(4):
        for column in range(6):
            block = slice(row * rows, (row + 1) * rows), slice(column * columns, (column + 1) * columns)
            inside = valid[block]
            assert pooled_valid[row, column] == (inside.sum() * 2 >= rows * columns and inside.any() | (share == 0))
            if inside.any():
                expected = values[:, *block][:, inside].astype(np.float64).mean(axis=1)
                assert pooled[:, row, column] == pytest.approx(expected, rel=1e-5, abs=1e-4)


def test_a_pixels_mean_does_not_depend_on_what_is_read_with_it():
    rng = np.random.default_rng(3)
    values = (rng.random((3, 30, 30)) * 1000).astype(np.float32)
    whole, _ = pool(values, np.ones((30, 30), bool), 3, 3)
    valid = np.ones((30, 30), bool)
    valid[0, 0] = False
    with_a_gap, _ = pool(values, valid, 3, 3)
    assert np.array_equal(whole[:, 1:], with_a_gap[:, 1:])
    crop, _ = pool(values[:, 6:, 9:], np.ones((24, 21), bool), 3, 3)
    assert np.array_equal(whole[:, 2:, 3:], crop)


@pytest.mark.parametrize("up", [2, 3, 5])
def test_enlarging_keeps_a_gradient_and_its_place(up):
    native = np.arange(-1.0, 11.0)
    values = np.tile(native, (1, 5, 1)).astype(np.float32)
    span = (0, 10 * up)
    larger, valid = enlarge(values, np.ones((5, 12), bool), (1, (0, 5)), (up, span))
    expected = (np.arange(*span) + 0.5) / up - 0.5
    assert larger.shape == (1, 5, 10 * up)
    assert valid.all()
    assert larger[0, 2] == pytest.approx(expected, abs=1e-4)


def test_enlarging_is_the_same_for_every_span():
    values = np.random.default_rng(0).random((2, 14, 14)).astype(np.float32)
    valid = np.random.default_rng(1).random((14, 14)) > 0.2
    whole, whole_valid = enlarge(values, valid, (3, (0, 36)), (3, (0, 36)))
    piece, piece_valid = enlarge(values[:, 3:9, 3:9], valid[3:9, 3:9], (3, (10, 17)), (3, (10, 17)))
    assert np.array_equal(whole[:, 10:17, 10:17], piece)
    assert np.array_equal(whole_valid[10:17, 10:17], piece_valid)


def test_invalid_neighbours_do_not_bleed_into_the_picture():
    values = np.array([[[9.0, 9.0, -9999.0, 9.0, 9.0]] * 5], np.float32)
    valid = np.ones((5, 5), bool)
    valid[:, 2] = False
    larger, larger_valid = enlarge(values, valid, (2, (0, 6)), (2, (0, 6)))
    assert larger[0][larger_valid] == pytest.approx(9.0)
