import numpy as np
import pytest
import shapely

from processing.errors import ParameterInvalid
from processing.region import Region


def boxes_around(points, half=1e-4):
    return np.hstack((np.array(points) - half, np.array(points) + half))


def test_the_centre_of_the_box_decides():
    triangle = Region(shapely.Polygon([(0, 0), (4, 0), (0, 4)]))
    points = [(1, 1), (1.9, 1.9), (2.1, 2.1), (3, 0.5), (-0.1, 1), (5, 5)]
    assert triangle.holds(boxes_around(points)).tolist() == [True, True, False, True, False, False]
    assert triangle.holds(np.array([[0.5, 0.5, 9, 9], [-3, 1, 4, 1.2]])).tolist() == [False, True]
    assert triangle.holds(np.zeros((0, 4))).tolist() == []


def test_edges_are_straight_on_the_map_and_not_in_degrees():
    """Half way from (0, 0) to (60, 60) the straight line of Web Mercator is at 35.3° north, not at 30°."""
    region = Region(shapely.Polygon([(0, 0), (60, 0), (60, 60)]))
    assert region.holds(boxes_around([(30, 34.9), (30, 35.7)])).tolist() == [True, False]


@pytest.mark.parametrize(
    ("west", "east", "bounds"),
    [(170, 190, (170, -170)), (-190, -170, (170, -170)), (500, 520, (140, 160)), (-200, 200, (-180, 180))],
)
def test_longitudes_may_run_past_the_antimeridian(west, east, bounds):
    region = Region(shapely.box(west, -10, east, 10))
    assert region.bounds_deg == (bounds[0], -10, bounds[1], 10)
    middle = (west + east) / 2
    assert region.holds(boxes_around([((middle + 180) % 360 - 180, 0)])).all()


@pytest.mark.parametrize(
    "polygon",
    [
        shapely.Polygon(),
        shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]),
        shapely.box(0, 80, 1, 91),
        shapely.box(530, 0, 541, 1),
        shapely.Polygon([(0, 0), (1, 1), (2, 2)]),
    ],
)
def test_what_is_no_region_is_refused(polygon):
    with pytest.raises(ParameterInvalid):
        Region(polygon)
