import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import affinity

from processing.regularization.neighbours import align, part
from processing.regularization.parameters import RegularizationParams
from processing.regularization.regularize import Regularized, keep_raw
from tests.processing.regularization.made_outlines import L_SHAPE, all_right

PARAMS = RegularizationParams()


def rectangle(x0, y0, x1, y1, turn_deg=0.0):
    outline = affinity.rotate(shapely.box(x0, y0, x1, y1), turn_deg)
    return Regularized(outline, "rectangle", 0.9, "accepted", float(np.deg2rad(turn_deg)))


def settled(low, high, raw=None):
    """Return a building of lower rank after both steps beside one of higher rank."""
    seen = raw or low.outline
    aligned = align(low, seen, [high], 1.0, PARAMS)
    return part(aligned, seen, [high.outline])


@pytest.mark.parametrize("shift", [-2.0, -0.4, 0.5, 1.2])
def test_neighbours_of_a_terrace_get_one_wall(shift):
    high = rectangle(0, 0, 30, 40)
    result = settled(rectangle(30 + shift, 0, 60, 40, turn_deg=0.0), high)
    assert result.outline.bounds == pytest.approx((30, 0, 60, 40), abs=1e-9)
    assert len(result.outline.exterior.coords) == 5
    assert result.method == "rectangle"
    assert shapely.intersection(result.outline, high.outline).length == pytest.approx(40)


@pytest.mark.parametrize("turn_deg", [-4.0, 3.0])
def test_a_neighbour_that_stands_a_little_askew_is_turned(turn_deg):
    high = rectangle(0, 0, 30, 40)
    low = rectangle(31, 0, 60, 40, turn_deg)
    result = settled(low, high)
    assert result.outline.bounds[0] == pytest.approx(30, abs=1e-9)
    assert all_right(result.outline)
    assert len(result.outline.exterior.coords) == 5
    assert result.angle == pytest.approx(0)
    assert result.iou < 1


def test_neighbours_with_other_directions_or_far_away_are_left_alone():
    low = rectangle(31, 0, 60, 40, 20.0)
    assert align(low, low.outline, [rectangle(-10, 0, 20, 40)], 1.0, PARAMS) is low
    assert align(low, low.outline, [rectangle(-500, 0, -400, 40)], 1.0, PARAMS) is low
    assert part(low, low.outline, [shapely.box(-50, 0, -10, 40)]) is low
    raw = keep_raw(shapely.Point(0, 0).buffer(10))
    assert align(raw, raw.outline, [rectangle(10.5, -20, 40, 20)], 1.0, PARAMS) is raw


def test_what_the_mask_does_not_show_is_not_aligned():
    low = rectangle(31, 0, 60, 40, 7.0)
    strict = RegularizationParams(min_iou=0.99)
    assert align(low, low.outline, [rectangle(0, 0, 30, 40)], 1.0, strict) is low


def test_snapping_can_be_turned_off():
    low = rectangle(31, 0, 60, 40)
    aligned = align(low, low.outline, [rectangle(0, 0, 30, 40)], 1.0, RegularizationParams(snap_px=0))
    assert aligned.outline.bounds[0] == 31


def test_a_corner_that_pokes_in_takes_a_strip_not_a_notch():
    result = settled(rectangle(0, 0, 40, 40), rectangle(38.5, 30, 80, 70))
    assert result.outline.bounds == pytest.approx((0, 0, 38.5, 40))
    assert len(result.outline.exterior.coords) == 5


def test_a_deep_corner_leaves_a_notch_and_the_method_says_so():
    result = settled(rectangle(0, 0, 40, 40), rectangle(20, 20, 80, 80))
    assert result.outline.area == pytest.approx(1200)
    assert (result.method, len(result.outline.exterior.coords)) == ("any_angle", 7)
    assert result.iou == pytest.approx(0.75)


def test_a_building_under_others_vanishes_and_a_courtyard_survives_a_cut():
    assert settled(rectangle(5, 5, 20, 20), rectangle(0, 0, 40, 40)) is None
    yard = shapely.box(0, 0, 60, 60).difference(shapely.box(20, 20, 35, 35))
    low = Regularized(yard, "rectangle", 0.95, "accepted", 0.0)
    result = settled(low, rectangle(58, 0, 90, 60))
    assert result.outline.bounds == pytest.approx((0, 0, 58, 60))
    assert len(result.outline.interiors) == 1


@settings(max_examples=100, deadline=None)
@given(
    places=st.lists(st.tuples(st.floats(0, 50), st.floats(0, 50), st.floats(0, 90)), min_size=2, max_size=5),
    winged=st.booleans(),
)
def test_no_ground_is_covered_twice(places, winged):
    shapes = []
    for x, y, turn in places:
        shape = L_SHAPE if winged else shapely.box(0, 0, 34, 20)
        outline = affinity.rotate(affinity.translate(shape, x, y), turn)
        shapes.append(Regularized(outline, "rectilinear", 0.9, "accepted", float(np.deg2rad(turn))))
    aligned = [align(low, low.outline, shapes[:at], 1.0, PARAMS) for at, low in enumerate(shapes)]
    final = [
        result
        for at, low in enumerate(aligned)
        if (result := part(low, shapes[at].outline, [high.outline for high in aligned[:at]])) is not None
    ]
    assert all(result.outline.is_valid and result.outline.geom_type == "Polygon" for result in final)
    for at, result in enumerate(final):
        for other in final[:at]:
            # Without a grid the overlay can take a whole polygon for shared where two walls differ in the last bits.
            assert shapely.intersection(result.outline, other.outline, grid_size=1e-9).area < 1e-4
