"""From a probability mask to a polygon in the working pixel plane, exact to a fraction of a pixel."""

from itertools import pairwise
from typing import Any

import contourpy
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from processing.views import MaskShape

LEVEL = 127.5
"""In 255ths. Between an inside and an outside pixel the outline crosses where the probability is one half."""
SIMPLIFY_PX = 0.6
SMALLEST_MOVE_PX = 0.01
SMALLEST_HOLE_PX = 16.0


def outline_of(shape: MaskShape) -> BaseGeometry | None:
    """Trace a shape as a polygon with holes, in world working pixels where (0, 0) is the corner of pixel (0, 0).

    Every crossing of the pixel lattice is a corner; `simplified` takes out most. Returns None when nothing is inside.
    """
    generator = contourpy.contour_generator(
        z=shape.probability.astype(np.float32), name="serial", fill_type=contourpy.FillType.OuterOffset
    )
    points, offsets = generator.filled(LEVEL, np.inf)[:2]
    rings = [_rings(piece, parts) for piece, parts in zip(points, offsets, strict=True) if piece is not None]
    if not rings:
        return None
    corner = np.array([shape.x0 + 0.5, shape.y0 + 0.5])
    pieces = shapely.make_valid([shapely.Polygon(outer, holes) for outer, holes in rings])
    return largest_polygon(shapely.transform(pieces, lambda xy: xy + corner))


def simplified(outline: BaseGeometry) -> BaseGeometry:
    """Return the outline with few corners and its area unchanged; leaving corners out alone shrinks round shapes."""
    fewer = largest_polygon(shapely.simplify(outline, SIMPLIFY_PX))
    return with_area(fewer, outline.area) if fewer is not None else outline


def with_area(polygon: BaseGeometry, area: float) -> BaseGeometry:
    """Return the polygon with every wall moved by the same small distance, so that it has nearly the given area."""
    distance = (area - polygon.area) / polygon.length
    if abs(distance) < SMALLEST_MOVE_PX:
        return polygon
    return largest_polygon(shapely.buffer(polygon, distance, join_style="mitre", mitre_limit=2.0)) or polygon


def _rings(points: Any, offsets: Any) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    outer, *holes = (points[start:stop] for start, stop in pairwise(offsets))
    return outer, [hole for hole in holes if _ring_area(hole) >= SMALLEST_HOLE_PX]


def _ring_area(ring: NDArray[np.float64]) -> float:
    x, y = ring[:, 0], ring[:, 1]
    return abs(float(x[:-1] @ y[1:] - x[1:] @ y[:-1])) / 2


def largest_polygon(geometry: Any) -> BaseGeometry | None:
    """Return the largest polygon among the parts of one or more geometries, or None."""
    parts = shapely.get_parts(shapely.get_parts(np.atleast_1d(np.asarray(geometry, object))))
    polygons = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    areas = shapely.area(polygons)
    return polygons[int(np.argmax(areas))] if len(areas) and areas.max() > 0 else None
