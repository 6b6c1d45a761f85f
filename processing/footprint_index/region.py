"""Points and blocks in a drawn region, whose edges are straight in the grid."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from processing.footprint_index.compiling import compiled, read_only
from processing.footprint_index.grid import GRID_UNITS, degrees_to_grid

OUTSIDE, INSIDE, MIXED = 0, 1, 2


def region_edges(region: BaseGeometry | None) -> NDArray[np.float64]:
    """Return (E, 4) edges x0, y0, x1, y1 in the grid of a polygon in EPSG:4326, (0, 4) for none.

    A region that passes an edge of the world has its edges there a second time, one turn away.
    """
    if region is None:
        return read_only(np.zeros((0, 4)))
    points, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(region)), return_index=True)
    grid = degrees_to_grid(points[:, 0], points[:, 1])
    edges = np.hstack((grid[:-1], grid[1:]))[np.diff(ring) == 0]
    turn = np.array([GRID_UNITS, 0.0, GRID_UNITS, 0.0])
    copies = [edges]
    if edges[:, 0].max() > GRID_UNITS:
        copies.append(edges - turn)
    if edges[:, 0].min() < 0:
        copies.append(edges + turn)
    return read_only(np.vstack(copies))


def block_classes(centres: NDArray[np.uint32], edges: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return (B,) where each box (left, top, right, bottom) of (B, 4) lies; (0,) for no region."""
    return read_only(_classes(centres, edges) if len(edges) else np.zeros(0, np.uint8))


@compiled
def _classes(centres: Any, edges: Any) -> Any:
    classes = np.empty(centres.shape[0], np.uint8)
    for block in range(centres.shape[0]):
        left, top = np.float64(centres[block, 0]), np.float64(centres[block, 1])
        right, bottom = np.float64(centres[block, 2]), np.float64(centres[block, 3])
        classes[block] = INSIDE if holds(edges, left, top) else OUTSIDE
        for edge in range(edges.shape[0]):
            if _meets(edges[edge], left, top, right, bottom):
                classes[block] = MIXED
                break
    return classes


@compiled
def _meets(edge: Any, left: float, top: float, right: float, bottom: float) -> Any:
    """Tell whether an edge may meet a box: their boxes meet, and the box's corners are not all on one side of it."""
    x0, y0, x1, y1 = edge[0], edge[1], edge[2], edge[3]
    if max(x0, x1) < left or min(x0, x1) > right or max(y0, y1) < top or min(y0, y1) > bottom:
        return False
    dx, dy = x1 - x0, y1 - y0
    a, b = dx * (top - y0) - dy * (left - x0), dx * (top - y0) - dy * (right - x0)
    c, d = dx * (bottom - y0) - dy * (left - x0), dx * (bottom - y0) - dy * (right - x0)
    return min(a, b, c, d) <= 0 <= max(a, b, c, d)


@compiled
def holds(edges: Any, x: float, y: float) -> bool:
    """Tell whether a point is inside: a ray to the west meets the edges an odd number of times."""
    inside = False
    for edge in range(edges.shape[0]):
        y0, y1 = edges[edge, 1], edges[edge, 3]
        if (y0 > y) != (y1 > y) and x > edges[edge, 0] + (y - y0) / (y1 - y0) * (edges[edge, 2] - edges[edge, 0]):
            inside = not inside
    return inside
