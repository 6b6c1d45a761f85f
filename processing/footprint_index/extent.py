"""How far footprints reach: the box around the centres of those that pass."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.columns import BLOCK
from processing.footprint_index.compiling import compiled
from processing.footprint_index.filters import NO_FILTER, FootprintFilters, passes
from processing.footprint_index.grid import GRID_UNITS, UNITS_PER_M, BoundsM
from processing.footprint_index.region import OUTSIDE
from processing.footprint_index.snapshot import Snapshot
from processing.rendering.tile_grid import WORLD_SIZE_M


def extent(snapshot: Snapshot, filters: FootprintFilters = NO_FILTER) -> BoundsM | None:
    """Return (west, south, east, north) in metres of EPSG:3857 around the centres of what passes, None for nothing.

    Between the edges of the world: footprints on both sides of the antimeridian are as far apart as the world is wide.
    """
    box = np.array([GRID_UNITS, GRID_UNITS, -1.0, -1.0])
    for segment in snapshot.segments:
        _widen(segment.columns, snapshot.row_test(segment, filters), box)
    return None if box[2] < 0 else _to_metres(box)


@compiled
def _widen(columns: Any, test: Any, box: Any) -> None:
    """Take in the rows of the blocks that reach beyond the box; most do not, once a few have been read."""
    for block in range(columns.block_centre.shape[0]):
        own = columns.block_centre[block]
        if own[0] >= box[0] and own[1] >= box[1] and own[2] <= box[2] and own[3] <= box[3]:
            continue
        if test.block_class.size > 0 and test.block_class[block] == OUTSIDE:
            continue
        for row in range(block * BLOCK, min((block + 1) * BLOCK, columns.x.size)):
            if passes(columns, test, row):
                x, y = np.float64(columns.x[row]), np.float64(columns.y[row])
                box[0], box[1] = min(box[0], x), min(box[1], y)
                box[2], box[3] = max(box[2], x), max(box[3], y)


def _to_metres(box: NDArray[np.float64]) -> BoundsM:
    half = WORLD_SIZE_M / 2
    west, north, east, south = (float(value) / UNITS_PER_M for value in box)
    return west - half, half - south, east - half, half - north
