import time

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import affinity

from processing.polygonize import outline_of
from processing.rectilinear import narrowest_direction, rectangle_along, ring_moments, wall_direction
from processing.regularize import ACCEPT_ABOVE_IOU, MOST_BEYOND_PX, regularize
from processing.views import MaskShape, tight
from tests.processing.extraction import iou

L_SHAPE = shapely.Polygon([(0, 0), (60, 0), (60, 25), (28, 25), (28, 50), (0, 50)])
CROSS = shapely.box(20, 0, 40, 60).union(shapely.box(0, 20, 60, 40))


def blurred(polygon, softness=2.0, size=110):
    """Return the outline of a polygon as a soft mask would give it, with rounded corners."""
    import cv2

    moved = affinity.translate(polygon, 20, 20)
    rows, columns = np.indices((size * 4, size * 4)) / 4 + 0.125
    inside = shapely.contains_xy(moved, columns.ravel(), rows.ravel()).reshape(size * 4, size * 4)
    pixels = inside.reshape(size, 4, size, 4).mean(axis=(1, 3)).astype(np.float32)
    soft = cv2.GaussianBlur(pixels, (0, 0), softness)
    return moved, outline_of(tight(MaskShape(0, 0, (soft * 255).astype(np.uint8))))


def right_angles(polygon):
    points = shapely.get_coordinates(polygon.exterior)[:-1]
    ahead, back = np.roll(points, -1, axis=0) - points, np.roll(points, 1, axis=0) - points
    cosine = (ahead * back).sum(axis=1) / (np.linalg.norm(ahead, axis=1) * np.linalg.norm(back, axis=1))
    return np.abs(cosine) < 0.01


@pytest.mark.parametrize("angle", [0, 7, 30, 45, 61, 89])
def test_a_blurred_rectangle_becomes_the_rectangle_again(angle):
    truth, seen = blurred(affinity.rotate(shapely.box(0, 0, 60, 32), angle))
    (result,) = regularize([seen], 1.0)
    assert (result.method, result.status) == ("rectangle", "accepted")
    assert right_angles(result.outline).all()
    assert iou(result.outline, truth) > max(0.97, iou(seen, truth))


@pytest.mark.parametrize("angle", [0, 12, 45, 70])
@pytest.mark.parametrize("building", [L_SHAPE, CROSS], ids=["L", "cross"])
def test_wings_get_square_corners(building, angle):
    truth, seen = blurred(affinity.rotate(building, angle))
    (result,) = regularize([seen], 1.0)
    assert (result.method, result.status) == ("rectilinear", "accepted")
    assert right_angles(result.outline).all()
    assert len(result.outline.exterior.coords) == len(building.exterior.coords)
    assert iou(result.outline, truth) > 0.96


def test_a_round_or_triangular_building_is_left_as_seen():
    for building in (shapely.Point(30, 30).buffer(28), shapely.Polygon([(0, 0), (60, 0), (30, 55)])):
        _, seen = blurred(building)
        (result,) = regularize([seen], 1.0)
        if result.status == "rejected":
            assert result.method == "none"
            assert result.outline.equals(seen)
        else:
            assert result.iou >= ACCEPT_ABOVE_IOU
    assert regularize([blurred(shapely.Polygon([(0, 0), (60, 0), (30, 55)]))[1]], 1.0)[0].status == "rejected"


def test_a_courtyard_stays():
    _, seen = blurred(shapely.box(0, 0, 70, 60).difference(shapely.box(25, 20, 45, 40)), softness=1.0)
    (result,) = regularize([seen], 1.0)
    assert result.status == "accepted"
    assert len(result.outline.interiors) == 1


def test_right_angles_hold_on_the_ground_where_pixels_are_not_square():
    aspect = 2.0
    ground = affinity.rotate(shapely.box(0, 0, 60, 32), 25)
    _, seen = blurred(affinity.scale(ground, 1, 1 / aspect, origin=(0, 0)), softness=1.0)
    (result,) = regularize([seen], aspect)
    assert result.method == "rectangle"
    assert right_angles(affinity.scale(result.outline, 1, aspect, origin=(0, 0))).all()
    assert not right_angles(result.outline).all()


def test_moments_and_directions_of_a_rectangle():
    turned = affinity.translate(affinity.rotate(shapely.box(0, 0, 40, 10), 33), 500, -300)
    for polygon in (turned, turned.reverse()):
        ring = shapely.get_coordinates(polygon.exterior)
        moments = ring_moments(ring)
        assert moments.area == pytest.approx(400)
        assert moments.centre == pytest.approx(shapely.get_coordinates(turned.centroid)[0])
        assert np.rad2deg(wall_direction(ring)) == pytest.approx(33)
        assert np.rad2deg(narrowest_direction(ring)) == pytest.approx(33, abs=0.1)
        assert iou(shapely.Polygon(rectangle_along(moments, np.deg2rad(33))), turned) == pytest.approx(1)


@settings(max_examples=60, deadline=None)
@given(
    points=st.lists(st.tuples(st.floats(0, 90), st.floats(0, 90)), min_size=3, max_size=14),
    holes=st.booleans(),
    aspect=st.sampled_from([1.0, 0.5, 1.7]),
)
def test_every_result_is_valid_close_to_what_was_seen_and_within_reach(points, holes, aspect):
    seen = shapely.MultiPoint(points).buffer(6).convex_hull
    if holes:
        seen = seen.difference(seen.centroid.buffer(4))
    (result,) = regularize([seen], aspect)
    assert result.outline.is_valid
    assert result.outline.geom_type == "Polygon"
    assert result.iou >= ACCEPT_ABOVE_IOU
    low, high = np.array(seen.bounds[:2]) - MOST_BEYOND_PX, np.array(seen.bounds[2:]) + MOST_BEYOND_PX
    assert (np.array(result.outline.bounds[:2]) >= low).all()
    assert (np.array(result.outline.bounds[2:]) <= high).all()


def test_a_thousand_buildings_take_less_than_two_seconds():
    seen = [blurred(affinity.rotate(L_SHAPE, angle))[1] for angle in range(0, 90, 9)] * 100
    started = time.process_time()
    assert len(regularize(seen, 1.0)) == 1000
    assert time.process_time() - started < 2.0
