import numpy as np
import pytest
from shapely import Polygon, box

from processing.polygon_measures import boundary_iou, compare_polygons, complexity_iou, corners, sum_up


def array(*shapes):
    result = np.empty(len(shapes), object)
    result[:] = shapes
    return result


def test_corners_count_rings_once_and_holes_too():
    yard = box(0, 0, 10, 10).difference(box(4, 4, 6, 6))
    assert corners(array(box(0, 0, 1, 1), yard, Polygon([(0, 0), (4, 0), (0, 3)]))).tolist() == [4, 8, 3]


def test_the_boundary_is_stricter_than_the_area():
    shifted = boundary_iou(array(box(0, 0, 20, 20)), array(box(1, 0, 21, 20)), 1.0)[0]
    assert boundary_iou(array(box(0, 0, 20, 20)), array(box(0, 0, 20, 20)), 1.0)[0] == pytest.approx(1.0)
    # Bands of 76 each; the common part is two strips of 19, less nothing at the sides.
    assert shifted == pytest.approx(38 / (152 - 38))
    assert shifted < 380 / 420


def test_twice_the_corners_cost_a_third():
    plain = box(0, 0, 10, 10)
    busy = Polygon([(0, 0), (5, 0), (10, 0), (10, 5), (10, 10), (5, 10), (0, 10), (0, 5)])
    assert complexity_iou(array(plain), array(plain)) == 1.0
    assert complexity_iou(array(busy), array(plain)) == pytest.approx(1 - 4 / 12)
    assert complexity_iou(array(), array()) is None
    assert complexity_iou(array(plain), array()) == 0.0


def test_pairs_are_those_of_the_matching_and_wrong_ones_count_nothing():
    found = [box(0, 0, 10, 10), box(1, 0, 11, 10), box(50, 50, 60, 60)]
    labelled = [box(0, 0, 10, 10), box(100, 0, 110, 10)]
    counts = compare_polygons(found, labelled, np.array([0.6, 0.9, 0.8]), 1.0)
    assert counts.iou == pytest.approx((90 / 110,))  # the surer one took the label
    measures = sum_up([counts])
    assert (measures.matched, measures.n_ratio) == (1, 1.0)
    assert np.isnan(sum_up([]).iou)
