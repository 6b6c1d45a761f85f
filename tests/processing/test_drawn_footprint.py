import json

import numpy as np
import pytest
import shapely
from shapely.geometry import mapping

from processing.drawn_footprint import CORNERS_MAX, read_drawn
from processing.errors import FootprintInvalid

HOUSE = shapely.box(10.0, 49.0, 10.0002, 49.0001)
HOLED = HOUSE.difference(shapely.box(10.00005, 49.00002, 10.00015, 49.00008))
CIRCLE = shapely.Point(10, 49).buffer(0.0002, quad_segs=CORNERS_MAX // 4 + 1)
FIJI = shapely.MultiPolygon(
    [shapely.box(179.9999, -17.0, 180, -16.9999), shapely.box(-180, -17.0, -179.9999, -16.9999)]
)


def ring(*points):
    return {"type": "Polygon", "coordinates": [[*points, points[0]]]}


@pytest.mark.parametrize("shape", [HOUSE, HOLED, HOUSE.reverse(), shapely.MultiPolygon([HOUSE]), FIJI])
def test_outlines_are_taken_as_they_are_drawn(shape):
    found = read_drawn(mapping(shape))
    assert found.shape.equals(shape)
    assert found.shape.geom_type == shape.geom_type
    assert 100 < found.area_m2 < 500


def test_heights_are_left_out():
    assert read_drawn(mapping(shapely.force_3d(HOUSE, 7))).shape.wkb == shapely.orient_polygons(HOUSE).wkb


@pytest.mark.parametrize(
    ("geojson", "reason"),
    [
        ({}, "not a GeoJSON"),
        ({"type": "Polygon"}, "not a GeoJSON"),
        ({"type": "Polygon", "coordinates": [[["a", "b"]]]}, "not a GeoJSON"),
        ({"type": "Polygon", "coordinates": 7}, "not a GeoJSON"),
        ({"type": "Polygon", "coordinates": [[[1, 2], [3, 4]]]}, "not a GeoJSON"),
        ({"type": "Polygon", "coordinates": []}, "empty"),
        ({"type": "Point", "coordinates": [1, 2]}, "not a polygon"),
        ({"type": "GeometryCollection", "geometries": [mapping(HOUSE)]}, "not a polygon"),
        (ring([10, 49], [10.0002, 49], [10, float("nan")]), "finite"),
        (ring([10, 49], [10.0002, 49], [10, float("inf")]), "finite"),
        (ring([180.0001, 49], [180.0002, 49], [180.0002, 49.0001]), "within ±180"),
        (ring([10, 89.9999], [10.0002, 89.9999], [10, 90.1]), "within ±180"),
        (ring([10, 49], [10.0002, 49.0001], [10.0002, 49], [10, 49.0001]), "not valid"),
        (mapping(CIRCLE), "corners"),
        (mapping(shapely.box(10, 49, 10.000001, 49.000001)), "covers"),
        (mapping(shapely.box(10, 49, 10.05, 49.05)), "covers"),
        (mapping(shapely.box(-179.99, 49, 179.99, 49.0001)), "larger|covers"),
        (mapping(shapely.MultiPolygon([HOUSE, shapely.affinity.translate(HOUSE, 90)])), "larger"),
        (mapping(shapely.MultiPolygon([HOUSE, shapely.affinity.translate(HOUSE, 0, 9)])), "larger"),
    ],
)
def test_what_is_no_building_is_refused(geojson, reason):
    with pytest.raises(FootprintInvalid, match=reason):
        read_drawn(json.loads(json.dumps(geojson)))


def test_the_area_is_the_true_one_at_any_latitude():
    """Of a square of 20 m by tables of the ellipsoid: 111,694 m and 111,412 m a degree of latitude at 90° and 60°."""
    for latitude, metres_a_degree in ((60.0, 111_412.0), (0.0, 110_574.0)):
        high, wide = 20 / metres_a_degree, 20 / (111_320 * np.cos(np.radians(latitude)))
        assert read_drawn(mapping(shapely.box(7, latitude, 7 + wide, latitude + high))).area_m2 == pytest.approx(
            400, rel=0.005
        )
