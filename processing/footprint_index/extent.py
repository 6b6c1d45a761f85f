"""How far footprints reach: the box around those that pass."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.columns import BLOCK, SMALLEST_SCALE, STEP_UNITS
from processing.footprint_index.compiling import compiled
from processing.footprint_index.filters import NO_FILTER, FootprintFilters, passes
from processing.footprint_index.grid import GRID_UNITS, UNITS_PER_M, BoundsM
from processing.footprint_index.region import OUTSIDE
from processing.footprint_index.snapshot import Snapshot
from processing.rendering.tile_grid import MAX_LATITUDE_DEG, WORLD_SIZE_M, mercator_to_degrees

_CENTRES, _SHAPES = 0.0, 32768.0
"""How many steps of its own a footprint reaches from its centre, at most."""


def extent(snapshot: Snapshot, filters: FootprintFilters = NO_FILTER) -> BoundsM | None:
    """Return (west, south, east, north) in metres of EPSG:3857 around the centres of what passes, None for nothing.

    Between the edges of the world: footprints on both sides of the antimeridian are as far apart as the world is wide.
    """
    box = _box(snapshot, filters, _CENTRES)
    return None if box is None else _to_metres(box)


def extent_deg(snapshot: Snapshot, filters: FootprintFilters = NO_FILTER) -> tuple[float, float, float, float] | None:
    """Return (west, south, east, north) around all that passes, None for nothing.

    No footprint is outside; it may be larger by the size of a building. West is less than east: what passes the
    antimeridian makes it as wide as the world.
    """
    box = _box(snapshot, filters, _SHAPES)
    if box is None:
        return None
    if box[0] < 0 or box[2] > GRID_UNITS:
        box[0], box[2] = 0, GRID_UNITS
    west_m, south_m, east_m, north_m = _to_metres(np.clip(box, 0, GRID_UNITS))
    lon_deg, lat_deg = mercator_to_degrees(np.array([west_m, east_m]), np.array([south_m, north_m]))
    west, east = np.clip(lon_deg, -180, 180).tolist()
    south, north = np.clip(lat_deg, -MAX_LATITUDE_DEG, MAX_LATITUDE_DEG).tolist()
    return west, south, east, north


def _box(snapshot: Snapshot, filters: FootprintFilters, reach: float) -> NDArray[np.float64] | None:
    """Return (4,): west, north, east, south in units of the grid."""
    box = np.array([np.inf, np.inf, -np.inf, -np.inf])
    for segment in snapshot.segments:
        columns = segment.columns
        blocks = columns.block_centre if reach == _CENTRES else columns.block_shape
        _widen(columns, snapshot.row_test(segment, filters), blocks, reach, box)
    return None if box[2] < box[0] else box


@compiled
def _widen(columns: Any, test: Any, blocks: Any, reach: Any, box: Any) -> None:
    """Take in the rows of the blocks that reach beyond the box; most do not, once a few have been read."""
    for block in range(blocks.shape[0]):
        own = blocks[block]
        if own[0] >= box[0] and own[1] >= box[1] and own[2] <= box[2] and own[3] <= box[3]:
            continue
        if test.block_class.size > 0 and test.block_class[block] == OUTSIDE:
            continue
        for row in range(block * BLOCK, min((block + 1) * BLOCK, columns.x.size)):
            if passes(columns, test, row):
                x, y = np.float64(columns.x[row]), np.float64(columns.y[row])
                around = reach * STEP_UNITS[columns.scale[row] - SMALLEST_SCALE]
                box[0], box[1] = min(box[0], x - around), min(box[1], y - around)
                box[2], box[3] = max(box[2], x + around), max(box[3], y + around)


def _to_metres(box: NDArray[np.float64]) -> BoundsM:
    half = WORLD_SIZE_M / 2
    west, north, east, south = (float(value) / UNITS_PER_M for value in box)
    return west - half, half - south, east - half, half - north
