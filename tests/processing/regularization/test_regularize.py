import time

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import affinity

from processing.regularization.parameters import RegularizationParams
from processing.regularization.regularize import FITTED_BEYOND_PX, agreement, regularize
from tests.processing.extraction import iou
from tests.processing.regularization.made_outlines import (
    BAY,
    CROSS,
    L_SHAPE,
    TRAPEZOID,
    all_right,
    blurred,
    corner_angles_deg,
)


@pytest.mark.parametrize("angle", [0, 7, 30, 45, 61, 89])
def test_a_blurred_rectangle_becomes_the_rectangle_again(angle):
    truth, seen = blurred(affinity.rotate(shapely.box(0, 0, 60, 32), angle))
    (result,) = regularize([seen], 1.0)
    assert (result.method, result.status) == ("rectangle", "accepted")
    assert all_right(result.outline)
    assert iou(result.outline, truth) > max(0.97, iou(seen, truth))
    assert np.rad2deg(result.angle) % 90 == pytest.approx(angle % 90, abs=1) or angle == 0


@pytest.mark.parametrize("angle", [0, 12, 45, 70])
@pytest.mark.parametrize("building", [L_SHAPE, CROSS], ids=["L", "cross"])
def test_wings_get_square_corners(building, angle):
    truth, seen = blurred(affinity.rotate(building, angle))
    (result,) = regularize([seen], 1.0)
    assert (result.method, result.status) == ("rectilinear", "accepted")
    assert all_right(result.outline)
    assert len(result.outline.exterior.coords) == len(building.exterior.coords)
    assert iou(result.outline, truth) > 0.96


@pytest.mark.parametrize("angle", [0, 20, 63])
def test_a_cut_off_corner_is_a_wall_at_45_degrees(angle):
    truth, seen = blurred(affinity.rotate(BAY, angle))
    (result,) = regularize([seen], 1.0)
    assert result.method == "diagonal"
    assert sorted(np.round(corner_angles_deg(result.outline.exterior))) == [90, 90, 90, 135, 135]
    assert iou(result.outline, truth) > 0.97


@pytest.mark.parametrize("angle", [0, 33])
def test_slanting_walls_keep_their_angles(angle):
    truth, seen = blurred(affinity.rotate(TRAPEZOID, angle))
    (result,) = regularize([seen], 1.0)
    assert result.method == "any_angle"
    assert len(result.outline.exterior.coords) == 5
    angles, wanted = (np.sort(corner_angles_deg(shape.exterior)) for shape in (result.outline, truth))
    assert np.abs(angles - wanted).max() < 3
    assert iou(result.outline, truth) > 0.97


def test_a_round_building_becomes_a_circle_of_its_area():
    truth, seen = blurred(shapely.Point(30, 30).buffer(28))
    (result,) = regularize([seen], 1.0)
    assert result.method == "circle"
    assert np.isnan(result.angle)
    assert result.outline.area == pytest.approx(seen.area, rel=0.002)
    assert iou(result.outline, truth) > 0.98


@pytest.mark.parametrize(
    ("method", "found"),
    [
        ("right_angles", {"rectangle", "rectilinear"}),
        ("right_angles_and_diagonals", {"rectangle", "rectilinear", "diagonal"}),
        ("any_angle", {"any_angle"}),
        ("circle", {"circle"}),
    ],
)
def test_a_chosen_method_fits_nothing_else(method, found):
    shapes = [shapely.box(0, 0, 50, 34), L_SHAPE, BAY, shapely.Point(30, 30).buffer(28), TRAPEZOID]
    results = regularize([blurred(shape)[1] for shape in shapes], 1.0, RegularizationParams(method=method, min_iou=0.5))
    assert {result.method for result in results if result.status == "accepted"} == found


def test_what_fits_too_badly_is_rejected_and_stays_as_seen():
    _, seen = blurred(TRAPEZOID)
    (result,) = regularize([seen], 1.0, RegularizationParams(method="right_angles", min_iou=0.95))
    assert (result.method, result.status, result.iou) == ("none", "rejected", 1.0)
    assert result.outline.equals(seen)


def test_costs_make_simpler_shapes():
    _, seen = blurred(L_SHAPE)
    corners = [
        len(regularize([seen], 1.0, RegularizationParams(corner_cost=cost, min_iou=0.6))[0].outline.exterior.coords)
        for cost in (0.006, 1.0)
    ]
    assert corners == [7, 5]
    _, seen = blurred(BAY)
    (result,) = regularize([seen], 1.0, RegularizationParams(method="right_angles_and_diagonals", diagonal_penalty=0.9))
    assert result.method in ("rectangle", "rectilinear")


@pytest.mark.parametrize("angle_deg", [0, 31])
def test_a_jog_that_the_mask_shows_stays(angle_deg):
    # The step is shorter than a tenth of the building, but the mask shows it.
    jogged = affinity.rotate(shapely.Polygon([(0, 0), (60, 0), (60, 30), (24, 30), (24, 33.6), (0, 33.6)]), angle_deg)
    moved, seen = blurred(jogged, softness=0.6)
    (result,) = regularize([seen], 1.0)
    assert (result.method, len(result.outline.exterior.coords)) == ("rectilinear", 7)
    assert iou(result.outline, moved) > 0.985


@pytest.mark.parametrize("angle", [0, 25])
def test_a_courtyard_stays_and_shares_the_direction_of_the_walls(angle):
    yard = shapely.box(0, 0, 70, 60).difference(shapely.box(22, 20, 45, 40))
    truth, seen = blurred(affinity.rotate(yard, angle), softness=1.0)
    (result,) = regularize([seen], 1.0)
    assert (result.status, len(result.outline.interiors)) == ("accepted", 1)
    assert all_right(result.outline)
    assert iou(result.outline, truth) > 0.97
    assert result.iou == pytest.approx(iou(result.outline, seen))


def test_right_angles_hold_on_the_ground_where_pixels_are_not_square():
    aspect = 2.0
    ground = affinity.rotate(shapely.box(0, 0, 60, 32), 25)
    _, seen = blurred(affinity.scale(ground, 1, 1 / aspect, origin=(0, 0)), softness=1.0)
    (result,) = regularize([seen], aspect)
    assert result.method == "rectangle"
    assert all_right(affinity.scale(result.outline, 1, aspect, origin=(0, 0)))
    assert not all_right(result.outline)


@settings(max_examples=80, deadline=None)
@given(
    points=st.lists(st.tuples(st.floats(0, 90), st.floats(0, 90)), min_size=3, max_size=14),
    hull=st.booleans(),
    holes=st.booleans(),
    aspect=st.sampled_from([1.0, 0.5, 1.7]),
    method=st.sampled_from(["auto", "right_angles", "any_angle"]),
)
def test_every_result_is_valid_close_to_what_was_seen_and_within_reach(points, hull, holes, aspect, method):
    seen = shapely.MultiPoint(points).buffer(6)
    seen = seen.convex_hull if hull else max(shapely.get_parts(seen), key=lambda part: part.area)
    if holes:
        seen = seen.difference(seen.representative_point().buffer(2))
    (result,) = regularize([seen], aspect, RegularizationParams(method=method))
    assert result.outline.is_valid
    assert result.outline.geom_type == "Polygon"
    assert result.iou >= 0.75
    assert result.iou == pytest.approx(agreement(np.array([result.outline]), np.array([seen]))[0], abs=0.01)
    low, high = np.array(seen.bounds[:2]) - FITTED_BEYOND_PX, np.array(seen.bounds[2:]) + FITTED_BEYOND_PX
    assert (np.array(result.outline.bounds[:2]) >= low).all()
    assert (np.array(result.outline.bounds[2:]) <= high).all()


def test_a_result_depends_neither_on_the_place_nor_on_the_others():
    seen = [blurred(affinity.rotate(shape, 17))[1] for shape in (L_SHAPE, BAY, TRAPEZOID, CROSS)]
    together = regularize(seen, 1.0)
    alone = [regularize([shape], 1.0)[0] for shape in seen]
    assert [result.outline.wkb for result in together] == [result.outline.wkb for result in alone]
    far = regularize([affinity.translate(shape, 1_048_576, -524_288) for shape in seen], 1.0)
    for near, moved in zip(together, far, strict=True):
        assert near.method == moved.method
        assert iou(affinity.translate(moved.outline, -1_048_576, 524_288), near.outline) > 1 - 1e-6


def test_nothing_in_nothing_out():
    assert regularize([], 1.0) == []


def test_a_thousand_buildings_take_less_than_half_a_second():
    seen = [blurred(affinity.rotate(L_SHAPE, angle))[1] for angle in range(0, 90, 9)] * 100
    regularize(seen[:1], 1.0)
    started = time.process_time()
    assert len(regularize(seen, 1.0)) == 1000
    assert time.process_time() - started < 0.5
