import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod, Transformer
from shapely import MultiPolygon, Polygon, box

from pages.projection import (
    WORLD_HALF_M,
    area_m2,
    bounds_to_degrees,
    bounds_to_map,
    point_to_degrees,
    to_degrees,
    to_map,
)


def test_agrees_with_proj():
    shape = Polygon([(-84.4, 33.7), (-84.3, 33.7), (-84.35, 33.8)])
    transformer = Transformer.from_crs(4326, 3857, always_xy=True)
    expected = np.column_stack(transformer.transform(*shape.exterior.xy))
    assert np.allclose(np.array(to_map(shape).exterior.coords), expected, atol=1e-3)


@given(st.floats(-179, 179), st.floats(-80, 80), st.floats(1e-4, 0.5))
def test_there_and_back(lon_deg, lat_deg, side_deg):
    shape = box(lon_deg, lat_deg, lon_deg + side_deg, lat_deg + side_deg)
    assert np.allclose(to_degrees(to_map(shape)).bounds, shape.bounds, atol=1e-9)


def test_view_over_the_antimeridian_has_west_above_east():
    bounds = bounds_to_map((179.0, -17.0, -179.0, -16.0))
    assert bounds[2] > WORLD_HALF_M
    assert bounds_to_degrees(bounds) == pytest.approx((179.0, -17.0, -179.0, -16.0))


def test_view_of_more_than_the_world_is_the_world():
    west, south, east, north = bounds_to_degrees((-9e7, -9e7, 9e7, 9e7))
    assert (west, east) == (-180.0, 180.0)
    assert (south, north) == pytest.approx((-85.0511, 85.0511), abs=1e-3)


def test_click_beyond_the_antimeridian_is_wrapped():
    assert point_to_degrees(WORLD_HALF_M * 1.5, 0.0)[0] == pytest.approx(-90.0)


def test_area_is_geodesic_whatever_the_ring_order_and_counts_no_hole():
    outer, hole = box(10, 50, 10.01, 50.01), box(10.002, 50.002, 10.004, 50.004)
    geod = Geod(ellps="WGS84")
    whole = abs(geod.geometry_area_perimeter(outer)[0])
    inner = abs(geod.geometry_area_perimeter(hole)[0])
    holed = Polygon(list(reversed(outer.exterior.coords)), [hole.exterior.coords])
    assert area_m2(holed) == pytest.approx(whole - inner)
    assert area_m2(MultiPolygon([outer, box(11, 50, 11.01, 50.01)])) == pytest.approx(2 * whole)
    assert area_m2(Polygon()) == 0
