import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.matching import instances_of, same_building
from processing.merging import Merger
from processing.regularization.parameters import RegularizationParams
from processing.views import MaskShape, View, tight
from processing.windows import WorkingAxis, WorkingGrid
from tests.processing.extraction import footprints_of, in_pixels, iou, matched_iou
from tests.processing.made_scenes import paint, write_scene

SIZE_PX = 2000
GRID = WorkingGrid(WorkingAxis(1, 1, 0, SIZE_PX, 0.3), WorkingAxis(1, 1, 0, SIZE_PX, 0.3), window_px=512, stride_px=384)


def views_of_roof(roof, score=0.9, windows=None):
    """Return what every window sees of a rectangle, as a perfect network would."""
    found = []
    for window in windows or GRID.windows_meeting(roof):
        x0, y0, x1, y1 = GRID.window_rect(*window)
        left, top, right, bottom = max(roof[0], x0), max(roof[1], y0), min(roof[2], x1), min(roof[3], y1)
        if left < right and top < bottom:
            shape = MaskShape(left, top, np.full((bottom - top, right - left), 255, np.uint8))
            cut = (left, top, right, bottom) != tuple(roof)
            depth = min(left - x0, top - y0, x1 - right, y1 - bottom)
            found.append(View(tight(shape), window, score, cut, depth))
    return found


def merge(views, order=None, squared=False):
    windows = [tuple(window) for window in GRID.scene_windows().tolist()]
    merger = Merger(GRID, [GRID.scene_windows()], RegularizationParams() if squared else None)
    finished = []
    for window in order or windows:
        finished += merger.add([window], [view for view in views if view.window == window])
    assert merger.waiting == 0
    return sorted(finished, key=lambda footprint: footprint.key)


def boxes(finished):
    """Return bounds in whole pixels; outlines may be off by less than a pixel."""
    return [tuple(int(value) for value in np.round(footprint.outline.bounds)) for footprint in finished]


@pytest.mark.parametrize(
    "roof",
    [
        (500, 200, 530, 230),
        (370, 200, 400, 230),
        (200, 505, 240, 520),
        (500, 500, 530, 540),
        (380, 380, 520, 520),
        (384, 384, 512, 512),
        (300, 300, 700, 360),
        (100, 100, 1500, 900),
        (510, 510, 514, 520),
        (382, 10, 386, 60),
    ],
)
def test_a_building_on_any_seam_comes_out_once_and_whole(roof):
    finished = merge(views_of_roof(roof))
    assert boxes(finished) == [roof]
    assert finished[0].outline.area == pytest.approx((roof[2] - roof[0]) * (roof[3] - roof[1]), rel=0.02, abs=1)


def test_the_whole_view_wins_over_fragments_even_of_higher_score():
    roof = (480, 100, 560, 160)
    whole = [view for view in views_of_roof(roof) if not view.cut]
    fragments = [view for view in views_of_roof(roof, score=0.99) if view.cut]
    assert whole
    assert fragments
    finished = merge([*fragments, *views_of_roof(roof, score=0.6)])
    assert boxes(finished) == [roof]
    assert finished[0].confidence == 0.6


def test_neighbours_under_one_seam_stay_two_buildings():
    left, right = (420, 100, 470, 150), (470, 100, 520, 150)
    finished = merge(views_of_roof(left) + views_of_roof(right, score=0.8))
    assert sorted(boxes(finished)) == [left, right]


def test_one_window_that_merges_two_houses_does_not_swallow_either():
    """Row houses at a seam: one window sees two, its neighbour takes both for one and is cut."""
    first, second = (400, 100, 440, 150), (440, 100, 480, 150)
    both = views_of_roof((400, 100, 480, 150), score=0.95, windows=[(1, 0)])
    both[0].cut = True
    finished = merge(views_of_roof(first, windows=[(0, 0)]) + views_of_roof(second, windows=[(0, 0)]) + both)
    assert sorted(boxes(finished)) == [first, second]


def test_what_the_window_that_sees_best_does_not_see_is_no_building():
    """A roof at (460, 100) lies 52 px from the border of window (0, 0), and deep inside window (1, 0)."""
    roof = (450, 100, 470, 130)
    assert merge(views_of_roof(roof, windows=[(0, 0)])) == []
    assert boxes(merge(views_of_roof(roof, windows=[(1, 0)]))) == [roof]
    assert boxes(merge(views_of_roof(roof, windows=[(0, 0), (1, 0)]))) == [roof]


def test_a_window_that_sees_something_else_there_does_not_deny():
    """Window (1, 0) takes two houses for one; the house that window (0, 0) saw apart is judged by rank."""
    house = (450, 100, 480, 150)
    row = views_of_roof((450, 100, 530, 150), score=0.6, windows=[(1, 0)])
    finished = merge(views_of_roof(house, score=0.9, windows=[(0, 0)]) + row)
    assert house in boxes(finished)


def test_a_lower_score_loses_the_pixels_that_both_claim():
    strong, weak = (100, 100, 200, 200), (180, 100, 260, 200)
    finished = merge(views_of_roof(strong, 0.9, [(0, 0)]) + views_of_roof(weak, 0.7, [(0, 0)]))
    assert sorted(boxes(finished)) == [strong, (200, 100, 260, 200)]


def test_what_lies_mostly_inside_a_stronger_one_disappears():
    strong, inside = (100, 100, 200, 200), (120, 120, 210, 180)
    finished = merge(views_of_roof(strong, 0.9, [(0, 0)]) + views_of_roof(inside, 0.7, [(0, 0)]))
    assert boxes(finished) == [strong]


def test_of_two_readings_of_one_building_no_frame_is_left():
    """The looser reading is larger by more than half, but what it would keep is a ring around the better one."""
    better, looser = (100, 100, 200, 200), (70, 70, 230, 230)
    finished = merge(views_of_roof(better, 0.9, [(0, 0)]) + views_of_roof(looser, 0.7, [(0, 0)]))
    assert boxes(finished) == [better]


def test_a_weak_blob_over_strong_houses_disappears():
    houses = [(100 + 60 * step, 100, 155 + 60 * step, 160) for step in range(4)]
    views = [view for house in houses for view in views_of_roof(house, 0.9, [(0, 0)])]
    finished = merge(views + views_of_roof((95, 95, 345, 165), 0.6, [(0, 0)]))
    assert sorted(boxes(finished)) == houses


def test_something_larger_than_any_building_is_not_joined_without_end():
    short = WorkingGrid(GRID.x, GRID.y, window_px=128, stride_px=96)
    fragments = [
        View(tight(MaskShape(x0, 1000, np.full((40, 128), 255, np.uint8))), (x0 // 96, 10), 0.9, True, 0)
        for x0 in range(0, SIZE_PX, 96)
    ]
    assert all(same_building(a, b, short) for a, b in pairwise(fragments))
    assert max(instance.shape.probability.shape[1] for instance in instances_of(fragments, short)) <= 130


roofs_anywhere = st.lists(
    st.tuples(st.integers(0, 1500), st.integers(0, 1500), st.integers(3, 300), st.integers(3, 300)),
    min_size=1,
    max_size=25,
)


@settings(max_examples=15, deadline=None)
@given(roofs=roofs_anywhere, seed=st.integers(0, 10**6))
def test_the_result_does_not_depend_on_the_order_of_windows_and_never_overlaps(roofs, seed):
    rng = np.random.default_rng(seed)
    views = []
    for x0, y0, width, height in roofs:
        views += views_of_roof((x0, y0, x0 + width, y0 + height), score=round(float(rng.uniform(0.5, 1)), 3))
    order = [tuple(window) for window in GRID.scene_windows().tolist()]
    expected = merge(views, order, squared=True)
    rng.shuffle(order)
    rng.shuffle(views)
    assert merge(views, order, squared=True) == expected
    assert len({footprint.key for footprint in expected}) == len(expected)
    outlines = [footprint.outline for footprint in expected]
    assert all(outline.is_valid and outline.geom_type == "Polygon" for outline in outlines)
    tree = shapely.STRtree(outlines)
    for first, second in tree.query(outlines, predicate="intersects").T:
        if first < second:
            # Without a grid the overlay can take a whole polygon for shared where two walls differ in the last bits.
            assert shapely.intersection(outlines[first], outlines[second], grid_size=1e-7).area < 1e-4


def long_strip(columns):
    """Feed a strip of scene that is `columns` windows long; return peak bytes and the most that was held back."""
    grid = WorkingGrid(
        WorkingAxis(1, 1, 0, columns * 384, 0.3), WorkingAxis(1, 1, 0, 900, 0.3), window_px=512, stride_px=384
    )
    windows = sorted(tuple(window) for window in grid.scene_windows().tolist())
    merger = Merger(grid, [grid.scene_windows()], RegularizationParams())
    most_waiting, count = 0, 0
    tracemalloc.start()
    for window in windows:
        x0, y0, x1, y1 = grid.window_rect(*window)
        views = []
        for left in range(x0 // 70 * 70, x1, 70):
            for top in range(y0 // 70 * 70, y1, 70):
                views += views_of_roof((left, top, left + 71, top + 71), windows=[window])
        count += len(merger.add([window], views))
        most_waiting = max(most_waiting, merger.waiting)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert merger.waiting == 0
    return peak_bytes, most_waiting, count


def test_memory_follows_the_front_and_not_the_size_of_the_scene():
    """The houses of a whole city touch: nothing may wait for the end of a chain of neighbours."""
    short_peak, short_waiting, short_count = long_strip(4)
    long_peak, long_waiting, long_count = long_strip(16)
    assert long_count > 3 * short_count
    assert long_waiting < 1.3 * short_waiting
    assert long_peak < 1.5 * short_peak


def test_seams_of_a_real_raster_leave_no_trace(tmp_path):
    """Buildings on vertical, horizontal and crossing seams of the very windows that this scene gets."""
    width, height = 2300, 1900
    origin_x, origin_y = round(500_000 / 0.3), round(-5_500_000 / 0.3)
    seams_x = [edge - origin_x for edge in _edges(origin_x, width)]
    seams_y = [edge - origin_y for edge in _edges(origin_y, height)]
    roofs = [(x - 20, 40, x + 25, 90) for x in seams_x] + [(40, y - 20, 90, y + 25) for y in seams_y]
    roofs += [(x - 15, y - 12, x + 20, y + 18) for x in seams_x[1:] for y in seams_y[1:]]
    roofs = [roof for roof in roofs if roof[0] > 1 and roof[1] > 1 and roof[2] < width - 1 and roof[3] < height - 1]
    kept = []
    for roof in roofs:
        if not any(shapely.box(*roof).buffer(4).intersects(shapely.box(*other)) for other in kept):
            kept.append(roof)
    path = write_scene(tmp_path / "seams.tif", paint((height, width), kept))
    assert len(kept) > 25
    for regularize in (False, True):
        shapes = in_pixels(footprints_of(path, regularize=regularize), path)
        assert matched_iou(shapes, kept).min() > 0.95


def _edges(origin, length):
    edges = {
        column * 384 + side
        for column in range((origin - 512) // 384, (origin + length) // 384 + 1)
        for side in (0, 512)
    }
    return sorted(edge for edge in edges if origin < edge < origin + length)


def test_a_hall_larger_than_a_window_and_a_courtyard_survive_the_seams(tmp_path):
    picture = paint((1600, 1800), [(200, 150, 1500, 900), (300, 1100, 480, 1280)])
    picture[1150:1230, 350:430] = 40
    path = write_scene(tmp_path / "hall.tif", picture)
    shapes = in_pixels(footprints_of(path, regularize=False), path)
    assert len(shapes) == 2
    hall, court = sorted(shapes, key=lambda shape: -shape.area)
    assert iou(hall, shapely.box(200, 150, 1500, 900)) > 0.99
    yard = shapely.box(300, 1100, 480, 1280).difference(shapely.box(350, 1150, 430, 1230))
    assert iou(court, yard) > 0.93
    assert len(court.interiors) == 1
