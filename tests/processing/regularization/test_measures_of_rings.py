"""The compiled measures against shapely."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import affinity

from processing.regularization.ring_geometry import (
    circle_of,
    corners_beyond,
    is_simple,
    moments,
    narrowest_direction,
    rectangle_along,
    signed_area,
    wall_direction,
)
from processing.regularization.ring_rows import as_array, sides_of
from processing.regularization.scanlines import fine_agreement
from processing.regularization.shared_area import shared_areas, shared_points
from processing.regularization.straight_cuts import below
from tests.processing.extraction import iou
from tests.processing.regularization.made_outlines import L_SHAPE

coordinates = st.floats(0, 90).map(lambda value: round(value, 2))
point_lists = st.lists(st.tuples(coordinates, coordinates), min_size=4, max_size=12, unique=True)


def ring_of(polygon):
    return np.ascontiguousarray(shapely.get_coordinates(polygon.exterior))


def test_moments_and_directions_of_a_rectangle():
    turned = affinity.translate(affinity.rotate(shapely.box(0, 0, 40, 10), 33), 500, -300)
    for polygon in (turned, turned.reverse()):
        ring = ring_of(polygon)
        region = moments(ring)
        assert region[0] == pytest.approx(400)
        assert region[1:3] == pytest.approx(shapely.get_coordinates(turned.centroid)[0])
        assert np.rad2deg(wall_direction(ring)) == pytest.approx(33)
        assert np.rad2deg(narrowest_direction(ring)) == pytest.approx(33)
        assert iou(shapely.Polygon(rectangle_along(region, np.deg2rad(33))), turned) == pytest.approx(1)


def test_a_circle_has_the_area_and_stays_near():
    region = moments(ring_of(shapely.Point(50, 60).buffer(30, quad_segs=64)))
    circle = shapely.Polygon(circle_of(region, 0.15))
    assert circle.area == pytest.approx(region[0])
    assert len(circle.exterior.coords) < 64
    assert shapely.hausdorff_distance(circle, shapely.Point(50, 60).buffer(30, quad_segs=64)) < 0.3


@settings(max_examples=150, deadline=None)
@given(points=point_lists)
def test_simple_rings_and_areas_are_what_shapely_finds(points):
    ring = np.array([*points, points[0]])
    polygon = shapely.Polygon(ring)
    if is_simple(ring):
        assert polygon.is_valid
        assert abs(signed_area(ring)) == pytest.approx(polygon.area, abs=1e-6)
    elif polygon.is_valid:
        # Shapely lets a corner lie within rounding of another side.
        assert shapely.minimum_clearance(polygon) < 1e-9


@settings(max_examples=100, deadline=None)
@given(points=point_lists, shift=st.tuples(st.floats(-20, 20), st.floats(-20, 20)), angle=st.floats(0, 6))
def test_agreements_and_cut_areas_are_what_shapely_finds(points, shift, angle):
    first = shapely.MultiPoint(points).buffer(5).convex_hull
    second = affinity.translate(first, *shift)
    assert fine_agreement(ring_of(second), ring_of(first)) == pytest.approx(iou(first, second), abs=0.01)
    nx, ny = np.cos(angle), np.sin(angle)
    offset = nx * first.centroid.x + ny * first.centroid.y + 3
    side = np.array([[-500, -500], [-500, 500], [offset, 500], [offset, -500]]) @ np.array([[nx, ny], [-ny, nx]])
    left = first.intersection(shapely.Polygon(side)).area
    assert abs(signed_area(below(ring_of(first), nx, ny, offset))) == pytest.approx(left, abs=1e-6)


@settings(max_examples=100, deadline=None)
@given(points=point_lists, tolerance=st.floats(0.2, 5))
def test_leaving_out_corners_moves_the_ring_by_less_than_the_tolerance(points, tolerance):
    ring = ring_of(shapely.MultiPoint(points).buffer(4).convex_hull)
    kept = corners_beyond(ring, tolerance)
    assert len(kept) >= 2
    assert (np.diff(kept) > 0).all()
    fewer = shapely.LineString(ring[[*kept, kept[0]]])
    assert shapely.distance(shapely.points(ring), fewer).max() <= tolerance + 1e-9


@settings(max_examples=150, deadline=None)
@given(points=point_lists, shift=st.tuples(st.floats(-60, 60), st.floats(-60, 60)), turn=st.floats(0, 90))
def test_shared_ground_is_what_shapely_finds(points, shift, turn):
    first = shapely.MultiPoint(points).buffer(7, quad_segs=2)
    first = max(shapely.get_parts(first), key=shapely.area).difference(shapely.box(30, 30, 40, 40))
    second = affinity.translate(affinity.rotate(L_SHAPE.difference(shapely.box(5, 5, 20, 20)), turn), *shift)
    pieces = as_array(list(shapely.get_parts(first)))
    sides, others = sides_of(pieces), sides_of(as_array([second] * len(pieces)))
    expected = shapely.intersection(pieces, second)
    assert shared_areas(sides, others) == pytest.approx(shapely.area(expected), abs=1e-6)
    for at, ground in enumerate(expected):
        corners = shared_points(
            sides.points[sides.starts[at] : sides.starts[at + 1]], others.points[: others.starts[1]]
        )
        wanted = shapely.get_coordinates(ground)
        if ground.area > 1e-3:
            assert shapely.distance(shapely.points(wanted), shapely.MultiPoint(corners)).max() < 1e-5
            assert shapely.distance(shapely.points(corners), ground).max() < 1e-5


@pytest.mark.parametrize("bits", [0.0, 1e-13, -1e-13, 1e-9])
def test_walls_that_are_the_same_but_for_the_last_bits_share_no_ground(bits):
    first = affinity.rotate(shapely.box(0, 0, 30, 20), 33, origin=(0, 0))
    second = affinity.rotate(shapely.box(30 - bits, 3, 55, 25), 33, origin=(0, 0))
    sides = sides_of(as_array([first, second, first]))
    others = sides_of(as_array([second, first, first]))
    assert shared_areas(sides, others) == pytest.approx([0, 0, 600], abs=1e-7)
