"""Cutting rings to a square, against shapely."""

import itertools

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from processing.footprint_index.ring_clipping import Rings, clipped

LOW, HIGH = 0.0, 100.0
SQUARE = shapely.box(LOW, LOW, HIGH, HIGH)
U = shapely.Polygon([(-50, 10), (80, 10), (80, 40), (-10, 40), (-10, 60), (80, 60), (80, 90), (-50, 90)])
COMB = shapely.Polygon([(90, 5), (130, 5), (130, 95), (90, 95), (90, 70), (110, 70), (110, 60), (90, 60), (90, 40),
                        (110, 40), (110, 30), (90, 30)])  # fmt: skip
FRAME = shapely.box(-20, -20, 120, 120).difference(shapely.box(20, -5, 80, 105))
HOLES = shapely.MultiPolygon([shapely.box(-10, 20, 10, 30), shapely.box(20, 50, 30, 60)])
HOLED = shapely.box(-40, 10, 60, 90).difference(HOLES)


def rings_of(polygon: shapely.Polygon) -> Rings:
    oriented = shapely.orient_polygons(polygon, exterior_cw=False)
    rings = [np.array(ring.coords)[:-1] for ring in (oriented.exterior, *oriented.interiors)]
    return Rings(np.ascontiguousarray(np.vstack(rings)), np.cumsum([0, *map(len, rings)]))


def joined(rings: Rings) -> shapely.Geometry:
    """Return the polygons. Edges on the cut may be run along and back; whoever rounds the ring drops such spikes."""
    shapes: dict[bool, list[shapely.Geometry]] = {True: [], False: []}
    for first, last in itertools.pairwise(rings.start):
        (x, y), (x_after, y_after) = rings.points[first:last].T, np.roll(rings.points[first:last], -1, axis=0).T
        area = (x * y_after - x_after * y).sum()
        if area != 0:
            shape = shapely.Polygon(rings.points[first:last])
            shapes[bool(area > 0)].append(shapely.make_valid(shape, method="structure", keep_collapsed=False))
    return shapely.union_all(shapes[True]).difference(shapely.union_all(shapes[False]))


def check(polygon: shapely.Polygon) -> Rings:
    found = clipped(rings_of(polygon), LOW, HIGH)
    expected = polygon.intersection(SQUARE)
    assert shapely.symmetric_difference(joined(found), expected).area == pytest.approx(0, abs=1e-6)
    assert len(found.points) == 0 or (found.points.min() >= LOW and found.points.max() <= HIGH)
    return found


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize(
    ("polygon", "rings"), [(U, 2), (COMB, 3), (FRAME, 2), (HOLED, 2), (shapely.box(-9, -9, 109, 109), 1)]
)
def test_what_falls_apart_becomes_rings_of_its_own(polygon: shapely.Polygon, rings: int, number: int) -> None:
    turned = shapely.affinity.rotate(polygon, 90 * number, origin=(50, 50))

    found = check(turned)

    parts = [found.points[a:b] for a, b in zip(found.start[:-1], found.start[1:], strict=True)]
    assert len(parts) == rings
    assert all(shapely.Polygon(part).is_valid for part in parts)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(3, 40), st.booleans())
@example(7, 3, True)
def test_stars_with_a_hole_keep_their_area(seed: int, corners: int, whole_numbers: bool) -> None:
    rng = np.random.default_rng(seed)
    angles = (np.arange(corners) + rng.uniform(0, 0.8, corners)) / corners * 2 * np.pi
    reach = rng.uniform(10, 90, (corners, 1))
    centre = rng.uniform(-20, 120, 2)
    directions = np.column_stack((np.cos(angles), np.sin(angles)))
    star = shapely.Polygon(centre + directions * reach)
    if whole_numbers:  # vertices and edges that lie on the cut
        star = shapely.set_precision(shapely.set_precision(star, 10.0), 0.0)
    star = star.difference(shapely.Point(centre).buffer(4))
    for polygon in shapely.get_parts(star):
        if polygon.area > 0:
            check(polygon)


def test_what_is_outside_is_gone_and_what_is_inside_stays() -> None:
    assert len(clipped(rings_of(shapely.box(200, 0, 300, 50)), LOW, HIGH).points) == 0
    inside = rings_of(shapely.box(10, 10, 20, 20))
    np.testing.assert_array_equal(clipped(inside, LOW, HIGH).points, inside.points)
