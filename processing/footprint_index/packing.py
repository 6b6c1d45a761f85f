"""Shapely polygons to packed vertices: a whole batch at once."""

from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from processing.footprint_index.columns import RING_END, SMALLEST_SCALE
from processing.footprint_index.compiling import compiled, read_only
from processing.footprint_index.grid import degrees_to_grid

_MOST_STEPS = 32767
_HALF_TURN = 2.0**31
_LAST_UNIT = 2.0**32 - 1


class PackedShapes(NamedTuple):
    """N shapes with V vertices in all; see `columns.Columns` for what the arrays hold."""

    x: NDArray[np.uint32]
    y: NDArray[np.uint32]
    scale: NDArray[np.int8]
    vertex_start: NDArray[np.int64]
    vertices: NDArray[np.int16]


def pack_shapes(geometries: NDArray[np.object_]) -> PackedShapes:
    """Pack (N,) polygons or multipolygons in EPSG:4326, none of them empty."""
    points, ring_start, shape_ring, outer = _rings(geometries)
    grid = degrees_to_grid(points[:, 0], points[:, 1])
    # A ring loses its repeated point and gains the mark of its end, except for the last of a shape.
    ends = np.concatenate(([0], np.cumsum(np.diff(ring_start))))
    start = ends[shape_ring] - np.arange(len(shape_ring))
    packed = PackedShapes(
        np.empty(len(geometries), np.uint32), np.empty(len(geometries), np.uint32),
        np.empty(len(geometries), np.int8), start, np.empty((start[-1], 2), np.int16),
    )  # fmt: skip
    _pack(read_only(grid), read_only(ring_start), read_only(shape_ring), read_only(outer), packed)
    return packed


def _rings(geometries: NDArray[np.object_]) -> tuple[NDArray[Any], ...]:
    """Return points (P, 2), where each ring starts (R + 1,), each shape's first ring (N + 1,), and outer rings (R,)."""
    kind, points, offsets = shapely.to_ragged_array(geometries, include_z=False)
    parts = tuple(np.asarray(part, np.int64) for part in offsets)
    ring_start, polygon_ring = parts[0], parts[1]
    shape_ring = polygon_ring if kind == shapely.GeometryType.POLYGON else polygon_ring[parts[2]]
    outer = np.zeros(len(ring_start) - 1, np.bool_)
    outer[polygon_ring[:-1]] = True
    return points, ring_start, shape_ring, outer


@compiled
def _pack(grid: Any, ring_start: Any, shape_ring: Any, outer: Any, packed: PackedShapes) -> None:
    for shape in range(packed.x.size):
        first, last = shape_ring[shape], shape_ring[shape + 1]
        low, high = ring_start[first], ring_start[last]
        wraps = _passes_antimeridian(grid, low, high)
        left = top = np.inf
        right = bottom = -np.inf
        for at in range(low, high):
            x = _unwrapped(grid[at, 0], wraps)
            left, right = min(left, x), max(right, x)
            top, bottom = min(top, grid[at, 1]), max(bottom, grid[at, 1])
        centre_x, centre_y = np.floor((left + right) / 2), np.floor((top + bottom) / 2)
        scale = _scale_of(max(right - centre_x, bottom - centre_y, centre_x - left, centre_y - top))
        packed.x[shape] = np.uint32(np.int64(centre_x) & 0xFFFFFFFF)
        packed.y[shape] = np.uint32(min(max(centre_y, 0.0), _LAST_UNIT))
        packed.scale[shape] = scale
        step = 2.0**scale
        to = packed.vertex_start[shape]
        for ring in range(first, last):
            begin, end = ring_start[ring], ring_start[ring + 1] - 1
            if ring > first:
                packed.vertices[to, 0] = packed.vertices[to, 1] = RING_END
                to += 1
            backwards = (_signed_area(grid, begin, end, wraps) > 0) != outer[ring]
            for index in range(end - begin):
                at = end - 1 - index if backwards else begin + index
                packed.vertices[to, 0] = np.int16(np.rint((_unwrapped(grid[at, 0], wraps) - centre_x) / step))
                packed.vertices[to, 1] = np.int16(np.rint((grid[at, 1] - centre_y) / step))
                to += 1


@compiled
def _unwrapped(x: float, wraps: bool) -> float:
    return x + 2 * _HALF_TURN if wraps and x < _HALF_TURN else x


@compiled
def _passes_antimeridian(grid: Any, low: int, high: int) -> bool:
    """No building is half a turn wide: one that seems so has parts on both sides of the antimeridian."""
    left, right = np.inf, -np.inf
    for at in range(low, high):
        left, right = min(left, grid[at, 0]), max(right, grid[at, 0])
    return right - left > _HALF_TURN


@compiled
def _scale_of(half_extent: float) -> int:
    scale = SMALLEST_SCALE
    while half_extent / 2.0**scale > _MOST_STEPS:
        scale += 1
    return scale


@compiled
def _signed_area(grid: Any, begin: int, end: int, wraps: bool) -> float:
    origin_x, origin_y = _unwrapped(grid[begin, 0], wraps), grid[begin, 1]
    total = 0.0
    for at in range(begin, end):
        after = at + 1 if at + 1 < end else begin
        x0, y0 = _unwrapped(grid[at, 0], wraps) - origin_x, grid[at, 1] - origin_y
        x1, y1 = _unwrapped(grid[after, 0], wraps) - origin_x, grid[after, 1] - origin_y
        total += x0 * y1 - x1 * y0
    return total
