from dataclasses import replace

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.errors import PixelSizeTooLarge, PixelSizeTooSmall
from processing.params import ExtractionParams
from processing.pipeline import plan_extraction
from processing.windows import WorkingAxis, WorkingGrid, parts_of, working_grid
from tests.processing.bright_roofs import CARD
from tests.processing.extraction import inspect
from tests.processing.made_scenes import paint, write_scene

PICTURE = paint((90, 120), [])


@pytest.fixture(scope="module")
def info(tmp_path_factory):
    return inspect(write_scene(tmp_path_factory.mktemp("windows") / "scene.tif", PICTURE))


def with_gsd(info, gsd_x_m, gsd_y_m=None):
    gsd_y_m = gsd_y_m or gsd_x_m
    return replace(info, gsd_m=(gsd_x_m * gsd_y_m) ** 0.5, gsd_x_m=gsd_x_m, gsd_y_m=gsd_y_m)


@pytest.mark.parametrize(
    ("gsd_m", "pool", "up"),
    [
        (0.05, 6, 1),
        (0.1, 3, 1),
        (0.15, 2, 1),
        (0.2, 2, 1),
        (0.22, 1, 1),
        (0.3, 1, 1),
        (0.4, 1, 1),
        (0.5, 1, 2),
        (1.2, 1, 4),
    ],
)
def test_the_nearest_whole_factor_in_the_logarithm_is_taken(info, gsd_m, pool, up):
    grid = working_grid(with_gsd(info, gsd_m), CARD, ExtractionParams())
    assert (grid.x.pool, grid.x.up) == (pool, up)


def test_axes_with_different_pixels_get_factors_of_their_own(info):
    grid = working_grid(with_gsd(info, 0.075, 0.15), CARD, ExtractionParams())
    assert (grid.x.pool, grid.y.pool) == (4, 2)
    assert grid.aspect == 1.0


@pytest.mark.parametrize(("gsd_m", "error"), [(4.0, PixelSizeTooLarge), (0.01, PixelSizeTooSmall)])
def test_what_the_detector_cannot_see_is_refused(info, gsd_m, error):
    with pytest.raises(error) as caught:
        working_grid(with_gsd(info, gsd_m), CARD, ExtractionParams())
    assert caught.value.parameters["gsd_m"] == pytest.approx(gsd_m)


def test_a_4_m_scene_is_refused_before_anything_is_read(tmp_path):
    path = write_scene(tmp_path / "coarse.tif", PICTURE, transform=Affine(4, 0, 500_000, 0, -4, 5_500_000))
    with pytest.raises(PixelSizeTooLarge):
        plan_extraction(inspect(path), CARD, ExtractionParams())


def test_a_person_may_correct_the_ground_size(info):
    grid = working_grid(with_gsd(info, 4.0), CARD, ExtractionParams(gsd_m=0.1))
    assert grid.x.pool == 3


def axis(origin_px, length_px, pool=1, up=1):
    return WorkingAxis(pool, up, origin_px, length_px, 0.3)


def grid_of(x, y):
    return WorkingGrid(x, y, window_px=512, stride_px=384)


spans = st.tuples(st.integers(-(10**8), 10**8), st.integers(1, 4000), st.integers(1, 4))


@settings(max_examples=100, deadline=None)
@given(x=spans, y=spans)
def test_every_pixel_lies_deep_in_one_window(x, y):
    grid = grid_of(axis(*x), axis(*y))
    windows = grid.scene_windows()
    assert len(np.unique(windows, axis=0)) == len(windows)
    for at, side in ((0, grid.x), (1, grid.y)):
        indices = np.unique(windows[:, at])
        first, last = side.extent
        assert (np.diff(indices) == 1).all()
        assert indices[0] * 384 + 64 <= first
        assert indices[-1] * 384 + 512 - 64 >= last
        assert indices[0] * 384 + 448 > first
        assert indices[-1] * 384 + 64 < last


@settings(max_examples=100, deadline=None)
@given(
    origin=st.tuples(st.floats(-2e7, 2e7), st.floats(-2e7, 2e7)),
    gsd=st.sampled_from([0.149291070868, 0.3, 0.5, 0.25, 1 / 3, 0.07]),
    angle=st.sampled_from([0.0, 17.0, 90.0]),
    shift=st.tuples(st.integers(0, 20_000), st.integers(0, 20_000)),
)
def test_a_crop_has_the_windows_of_the_whole(info, origin, gsd, angle, shift):
    transform = Affine.translation(*origin) @ Affine.rotation(angle) @ Affine.scale(gsd, -gsd)
    cropped = transform @ Affine.translation(*shift)
    whole = working_grid(replace(with_gsd(info, gsd), pixel_to_crs=transform), CARD, ExtractionParams())
    crop = working_grid(replace(with_gsd(info, gsd), pixel_to_crs=cropped), CARD, ExtractionParams())
    assert crop.x.origin_px - whole.x.origin_px == shift[0]
    assert crop.y.origin_px - whole.y.origin_px == shift[1]


@pytest.mark.parametrize("phase", [0.0, 0.5, 1 / 3, 2 / 3, 0.1, 0.25])
def test_rounding_errors_never_move_the_grid(info, phase):
    for error in (-1e-7, 0.0, 1e-7):
        transform = Affine(0.5, 0, 500_000 + (phase + error) * 0.5, 0, -0.5, 5_500_000)
        grid = working_grid(replace(with_gsd(info, 0.5), pixel_to_crs=transform), CARD, ExtractionParams())
        unmoved = replace(with_gsd(info, 0.5), pixel_to_crs=Affine(0.5, 0, 500_000 + phase * 0.5, 0, -0.5, 5_500_000))
        assert grid.x.origin_px == working_grid(unmoved, CARD, ExtractionParams()).x.origin_px


@settings(max_examples=50, deadline=None)
@given(size=st.tuples(st.integers(1, 9000), st.integers(1, 9000)), block=st.integers(256, 5000))
def test_parts_hold_every_window_once_in_row_major_order(size, block):
    grid = grid_of(axis(123_456, size[0]), axis(-98_765, size[1]))
    windows = grid.scene_windows()
    parts = parts_of(windows, grid, block)
    assert [part.index for part in parts] == list(range(len(parts)))
    together = np.concatenate([part.windows for part in parts])
    assert sorted(map(tuple, together)) == sorted(map(tuple, windows))
    for part in parts:
        spread = (part.windows.max(axis=0) - part.windows.min(axis=0)) * 384 + 512
        assert (spread <= max(block, 512)).all()
    corners = [tuple(part.windows.min(axis=0)[::-1]) for part in parts]
    assert corners == sorted(corners)


@settings(max_examples=50, deadline=None)
@given(st.tuples(*[st.integers(-3000, 3000)] * 2), st.tuples(*[st.integers(1, 900)] * 2))
def test_windows_meeting_a_rectangle_are_exactly_those(corner, size):
    grid = grid_of(axis(0, 1), axis(0, 1))
    rect = (*corner, corner[0] + size[0], corner[1] + size[1])
    expected = {
        (column, row)
        for column in range(-12, 14)
        for row in range(-12, 14)
        if column * 384 < rect[2] and column * 384 + 512 > rect[0] and row * 384 < rect[3] and row * 384 + 512 > rect[1]
    }
    assert set(grid.windows_meeting(rect)) == expected


def test_a_scene_smaller_than_a_window_gets_few(info):
    assert 1 <= plan_extraction(info, CARD, ExtractionParams()).windows_total <= 4
