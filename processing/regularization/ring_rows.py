"""Rings of many polygons in one array, as compiled loops take them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from processing.regularization.ring_geometry import Floats, Integers

Polygons = NDArray[Any]
"""(N,) object array of shapely polygons."""


class Rings(NamedTuple):
    """points: (M, 2). starts: (N + 1,). Ring i is points[starts[i]:starts[i + 1]]."""

    points: Floats
    starts: Integers


def as_array(shapes: Sequence[BaseGeometry | None]) -> Polygons:
    """Return an object array (N,)."""
    result = np.empty(len(shapes), object)
    result[:] = shapes
    return result


def outer_rings(polygons: Polygons) -> Rings:
    """Return the outer rings of polygons (N,), closed."""
    return points_of(shapely.get_exterior_ring(polygons))


def points_of(shapes: Polygons) -> Rings:
    """Return all points of any shapes (N,), one after the other."""
    points, owners = shapely.get_coordinates(shapes, return_index=True)
    return Rings(np.ascontiguousarray(points), np.searchsorted(owners, np.arange(len(shapes) + 1)))


def sides_of(polygons: Polygons) -> Rings:
    """Return the sides x0, y0, x1, y1 of all rings of polygons (N,) as rows (M, 4) of `points`."""
    rings, owners = shapely.get_rings(polygons, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    joined = ring[1:] == ring[:-1]
    sides = np.hstack([points[:-1], points[1:]])[joined]
    return Rings(sides, np.searchsorted(owners[ring[1:][joined]], np.arange(len(polygons) + 1)))


def polygons_of(points: Floats, counts: Integers) -> Polygons:
    """Return the polygons (N,) whose rings have so many points, closed, one after the other."""
    rings = shapely.linearrings(points, indices=np.repeat(np.arange(len(counts)), counts))
    polygons: Polygons = shapely.polygons(rings)
    return polygons


def with_outer_rings(polygons: Polygons, points: Floats) -> Polygons:
    """Return the polygons (N,) with the points of their outer rings replaced; courtyards stay."""
    result = polygons_of(points, shapely.get_num_coordinates(shapely.get_exterior_ring(polygons)))
    for at in np.flatnonzero(shapely.get_num_interior_rings(polygons)):
        result[at] = shapely.Polygon(result[at].exterior, polygons[at].interiors)
    return result
