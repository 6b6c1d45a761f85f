import numpy as np
import pytest
import shapely
from pyproj import Geod, Transformer

from processing.ground_area import areas_m2


def test_areas_are_those_of_the_equal_area_projection_of_proj():
    west, south = np.meshgrid(np.linspace(-170, 160, 12), np.linspace(-85, 84, 14))
    shapes = shapely.box(west.ravel(), south.ravel(), west.ravel() + 0.5, south.ravel() + 0.5)
    project = Transformer.from_crs(4326, "+proj=cea +ellps=WGS84", always_xy=True)
    theirs = shapely.area(shapely.transform(shapes, lambda xy: np.column_stack(project.transform(*xy.T))))
    assert areas_m2(shapes) == pytest.approx(theirs, rel=1e-9)


def test_a_building_is_as_large_as_geodesics_say_anywhere():
    geod = Geod(ellps="WGS84")
    for lon_deg, lat_deg in ((0, 0), (-80, 40.4), (25, 70), (140, -85), (179.99995, -17)):
        roof = shapely.Polygon(
            [
                (lon_deg, lat_deg),
                (lon_deg + 2e-4, lat_deg),
                (lon_deg + 2e-4, lat_deg + 1e-4),
                (lon_deg, lat_deg + 2e-4),
            ],
            [[(lon_deg + 5e-5, lat_deg + 2e-5), (lon_deg + 8e-5, lat_deg + 2e-5), (lon_deg + 8e-5, lat_deg + 5e-5)]],
        )
        expected = abs(geod.geometry_area_perimeter(shapely.orient_polygons(np.array([roof]))[0])[0])
        assert areas_m2(np.array([roof]))[0] == pytest.approx(expected, rel=1e-5)


def test_the_area_of_the_whole_ellipsoid():
    assert areas_m2(np.array([shapely.box(-180, -90, 180, 90)]))[0] == pytest.approx(510_065_621_724_089, rel=1e-12)
