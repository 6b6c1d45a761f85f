import numpy as np
import pytest
import shapely
from shapely import affinity

from processing.regularization.alignment import align
from processing.regularization.parameters import RegularizationParams
from processing.regularization.regularize import keep_raw
from tests.processing.regularization.made_outlines import all_right, rectangle

PARAMS = RegularizationParams()


def aligned(low, higher, params=PARAMS):
    """Return a building beside others of higher rank."""
    return align([low], [low.outline], [higher], 1.0, params)[0]


@pytest.mark.parametrize("turn_deg", [-4.0, 3.0])
def test_a_neighbour_that_stands_a_little_askew_is_turned(turn_deg):
    result = aligned(rectangle(31, 0, 60, 40, turn_deg), [rectangle(0, 0, 30, 40)])
    assert result.outline.bounds[0] == pytest.approx(29.75)
    assert all_right(result.outline)
    assert result.angle == pytest.approx(0)
    assert result.iou < 1


def test_a_courtyard_turns_with_its_building():
    yard = rectangle(31, 0, 61, 40, 3.0)
    hole = affinity.rotate(shapely.box(40, 15, 52, 25), 3.0, origin=yard.outline.centroid)
    low = type(yard)(yard.outline.difference(hole), "rectangle", 0.9, "accepted", yard.angle)
    result = aligned(low, [rectangle(0, 0, 30, 40)])
    assert shapely.Polygon(result.outline.interiors[0]).bounds == pytest.approx((40, 15, 52, 25))
    assert all_right(result.outline)


def test_neighbours_with_other_directions_or_far_away_are_left_alone():
    low = rectangle(31, 0, 60, 40, 20.0)
    assert aligned(low, [rectangle(-10, 0, 20, 40)]) is low
    assert aligned(low, [rectangle(-500, 0, -400, 40)]) is low
    straight = rectangle(60, 0, 90, 40)
    assert aligned(straight, [rectangle(0, 0, 60, 40)]) is straight
    raw = keep_raw(shapely.Point(0, 0).buffer(10))
    assert aligned(raw, [rectangle(10.5, -20, 40, 20)]) is raw
    assert aligned(low, [raw]) is low


def test_what_the_mask_does_not_show_is_not_aligned():
    low = rectangle(31, 0, 60, 40, 7.0)
    assert aligned(low, [rectangle(0, 0, 30, 40)], RegularizationParams(min_iou=0.99)) is low


def test_snapping_can_be_turned_off():
    result = aligned(rectangle(31, 0, 60, 40), [rectangle(0, 0, 30, 40)], RegularizationParams(snap_px=0))
    assert result.outline.bounds[0] == 31


def test_the_first_neighbour_says_the_direction_and_gaps_close_to_all():
    low = rectangle(31, 0, 60, 40, 1.0)
    result = aligned(low, [rectangle(0, 0, 30, 40), rectangle(61, 0, 90, 40, 2.0)])
    assert all_right(result.outline)
    assert result.angle == pytest.approx(0)
    assert (result.outline.bounds[0], result.outline.bounds[2]) == pytest.approx((29.75, 61.75), abs=0.8)


def test_what_else_is_in_a_batch_changes_nothing():
    rng = np.random.default_rng(4)
    shapes = [rectangle(x, y, x + 20, y + 14, turn) for x, y, turn in rng.uniform(0, (60, 60, 6), (40, 3))]
    higher = [shapes[:at] for at in range(len(shapes))]
    raws = [shape.outline for shape in shapes]
    together = align(shapes, raws, higher, 1.1, PARAMS)
    alone = [align([shapes[at]], [raws[at]], [higher[at]], 1.1, PARAMS)[0] for at in range(len(shapes))]
    assert sum(one is not before for one, before in zip(together, shapes, strict=True)) > 5
    assert [(one.outline.wkb, one.iou, one.angle) for one in together] == [
        (one.outline.wkb, one.iou, one.angle) for one in alone
    ]
    assert align([], [], [], 1.0, PARAMS) == []
