"""From a probability mask to a polygon in the working pixel plane, exact to a fraction of a pixel."""

from itertools import pairwise
from typing import Any

import contourpy
import cv2
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from processing.views import MaskShape

Ring = NDArray[np.float64]
"""(N, 2) points of a closed ring; the first point is repeated at the end."""

LEVEL = 127.5
"""In 255ths. Between an inside and an outside pixel the outline crosses where the probability is one half."""
SIMPLIFY_PX = 0.35
"""Less than the cut-off corner of a pixel: losing only one end of that would turn small outlines by a degree."""
SMALLEST_MOVE_PX = 0.01
SMALLEST_HOLE_PX = 16.0
SHARPEST = 0.5
"""Where two walls meet in a spike, the corner moves no further than twice as far as the walls do."""


def outline_of(shape: MaskShape) -> BaseGeometry | None:
    """Trace a shape as a polygon with holes, in world working pixels where (0, 0) is the corner of pixel (0, 0).

    The outline has few corners and the area that the probabilities enclose. Returns None when nothing is inside.
    """
    generator = contourpy.contour_generator(
        z=shape.probability.astype(np.float32), name="serial", fill_type=contourpy.FillType.OuterOffset
    )
    points, offsets = generator.filled(LEVEL, np.inf)[:2]
    pieces = [_rings(piece, parts) for piece, parts in zip(points, offsets, strict=True) if piece is not None]
    if not pieces:
        return None
    outer, *holes = max(pieces, key=lambda rings: ring_area(rings[0]))
    corner = np.array([shape.x0 + 0.5, shape.y0 + 0.5])
    rings = [
        _simplify(ring) + corner for ring in (outer, *(hole for hole in holes if ring_area(hole) >= SMALLEST_HOLE_PX))
    ]
    polygon = shapely.Polygon(rings[0], rings[1:])
    return polygon if polygon.is_valid and polygon.area > 0 else largest_polygon(shapely.make_valid(polygon))


def _rings(points: Any, offsets: Any) -> list[Ring]:
    return [points[start:stop] for start, stop in pairwise(offsets)]


def ring_area(ring: Ring) -> float:
    """Return the area inside a ring."""
    x, y = ring[:, 0] - ring[0, 0], ring[:, 1] - ring[0, 1]
    return abs(float(x[:-1] @ y[1:] - x[1:] @ y[:-1])) / 2


def fewer_corners(ring: Ring, tolerance_px: float) -> Ring:
    """Leave out corners that lie within the tolerance of the line without them. Coordinates must be small."""
    kept = cv2.approxPolyDP(ring[:-1].astype(np.float32), tolerance_px, True)[:, 0].astype(np.float64)
    return np.concatenate([kept, kept[:1]])


def _simplify(ring: Ring) -> Ring:
    fewer = fewer_corners(ring, SIMPLIFY_PX)
    return with_area(fewer, ring_area(ring)) if len(fewer) > 3 else ring


def with_area(ring: Ring, area: float) -> Ring:
    """Move every wall by the same small distance, so that the ring has nearly the given area.

    Leaving corners out always cuts round shapes down; this gives back what was cut.
    """
    steps = np.diff(ring, axis=0)
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    x, y = ring[:, 0] - ring[0, 0], ring[:, 1] - ring[0, 1]
    signed = float(x[:-1] @ y[1:] - x[1:] @ y[:-1]) / 2
    distance = (area - abs(signed)) / max(float(lengths.sum()), 1e-9)
    if abs(distance) < SMALLEST_MOVE_PX or (lengths == 0).any():
        return ring
    outward = np.column_stack([steps[:, 1], -steps[:, 0]]) / lengths[:, None] * np.sign(signed)
    before = np.roll(outward, 1, axis=0)
    spread = np.maximum(1.0 + (outward * before).sum(axis=1), SHARPEST)
    moved = ring[:-1] + distance * (outward + before) / spread[:, None]
    return np.concatenate([moved, moved[:1]])


def largest_polygon(geometry: Any) -> BaseGeometry | None:
    """Return the largest polygon among the parts of one or more geometries, or None."""
    parts = shapely.get_parts(shapely.get_parts(np.atleast_1d(np.asarray(geometry, object))))
    polygons = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    areas = shapely.area(polygons)
    return polygons[int(np.argmax(areas))] if len(areas) and areas.max() > 0 else None
