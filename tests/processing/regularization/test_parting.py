import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import affinity

from processing.regularization.alignment import align
from processing.regularization.parameters import RegularizationParams
from processing.regularization.parting import part
from processing.regularization.regularize import Regularized
from tests.processing.regularization.made_outlines import L_SHAPE, all_right, rectangle

PARAMS = RegularizationParams()


def parted(low, *higher):
    """Return a building beside others of higher rank."""
    return part([low], [low.outline], [[high.outline for high in higher]])[0]


def settled(low, high):
    """Return a building of lower rank after both steps beside one of higher rank."""
    aligned = align([low], [low.outline], [[high]], 1.0, PARAMS)
    return part(aligned, [low.outline], [[high.outline]])[0]


@pytest.mark.parametrize("shift", [-2.0, -0.4, 0.5, 1.2])
def test_neighbours_of_a_terrace_get_one_wall(shift):
    high = rectangle(0, 0, 30, 40)
    result = settled(rectangle(30 + shift, 0, 60, 40, turn_deg=0.0), high)
    assert result.outline.bounds == pytest.approx((30, 0, 60, 40), abs=1e-9)
    assert len(result.outline.exterior.coords) == 5
    assert result.method == "rectangle"
    assert shapely.intersection(result.outline, high.outline).length == pytest.approx(40)


@pytest.mark.parametrize("turn_deg", [-4.0, 3.0])
def test_a_neighbour_that_stands_a_little_askew_gets_the_same_wall(turn_deg):
    result = settled(rectangle(31, 0, 60, 40, turn_deg), rectangle(0, 0, 30, 40))
    assert result.outline.bounds[0] == pytest.approx(30, abs=1e-9)
    assert all_right(result.outline)
    assert len(result.outline.exterior.coords) == 5


def test_who_shares_no_ground_stays_and_touching_is_no_sharing():
    low = rectangle(31, 0, 60, 40)
    assert parted(low, rectangle(-50, 0, -10, 40)) is low
    assert parted(low, rectangle(0, 0, 31, 40), rectangle(60, 10, 70, 30)) is low
    assert part([], [], []) == []


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


@pytest.mark.parametrize("turn_deg", [0.0, 11.0, 37.3])
def test_a_duplicate_vanishes_whole_and_leaves_no_sliver(turn_deg):
    low, high = rectangle(5, 5, 40, 25, turn_deg), rectangle(5, 5, 40, 25, turn_deg)
    assert parted(low, high) is None
    assert parted(low, rectangle(5, 5, 40 - 1e-6, 25, turn_deg)) is None


@pytest.mark.parametrize("shift", [0.0, 1e-12, -1e-12])
def test_a_wall_in_the_line_of_the_cut_leaves_no_spike(shift):
    # The cut along the neighbour's wall goes on along a wall of the wing that it cuts off.
    winged = shapely.Polygon([(0, 0), (60, 0), (60, 50), (28, 50), (28, 25), (0, 25)])
    low = Regularized(winged, "rectilinear", 0.9, "accepted", 0.0)
    result = parted(low, rectangle(28 + shift, -10, 90, 70))
    assert result.outline.is_valid
    assert result.outline.bounds == pytest.approx((0, 0, 28, 25))
    assert result.outline.area == pytest.approx(28 * 25)


def test_pieces_behind_a_straight_cut_are_left_out():
    comb = shapely.box(0, 0, 40, 20).union(shapely.box(0, 15, 4, 40)).union(shapely.box(36, 15, 40, 24))
    low = Regularized(comb, "rectilinear", 0.9, "accepted", 0.0)
    result = parted(low, rectangle(30, 22, 60, 60))
    assert result.outline.is_valid
    assert result.outline.geom_type == "Polygon"
    assert shapely.intersection(result.outline, shapely.box(30, 22, 60, 60)).area == pytest.approx(0)


def test_what_else_is_in_a_batch_changes_nothing():
    rng = np.random.default_rng(4)
    shapes = [rectangle(x, y, x + 20, y + 14, turn) for x, y, turn in rng.uniform(0, (70, 70, 90), (40, 3))]
    raws, higher = [shape.outline for shape in shapes], [[one.outline for one in shapes[:at]] for at in range(40)]
    together = part(shapes, raws, higher)
    alone = [part([shapes[at]], [raws[at]], [higher[at]])[0] for at in range(40)]
    assert 0 < sum(one is None for one in together) < 40
    assert [one and (one.outline.wkb, one.iou, one.method) for one in together] == [
        one and (one.outline.wkb, one.iou, one.method) for one in alone
    ]


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
    raws = [shape.outline for shape in shapes]
    aligned = align(shapes, raws, [shapes[:at] for at in range(len(shapes))], 1.0, PARAMS)
    higher = [[high.outline for high in aligned[:at]] for at in range(len(shapes))]
    final = [result for result in part(aligned, raws, higher) if result is not None]
    assert all(result.outline.is_valid and result.outline.geom_type == "Polygon" for result in final)
    for at, result in enumerate(final):
        for other in final[:at]:
            # Without a grid the overlay can take a whole polygon for shared where two walls differ in the last bits.
            assert shapely.intersection(result.outline, other.outline, grid_size=1e-9).area < 1e-4
