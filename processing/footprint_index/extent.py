"""Where footprints lie: the rectangle around all that pass."""

from typing import Any

import numpy as np

from processing.footprint_index.columns import BLOCK, SMALLEST_SCALE, STEP_UNITS
from processing.footprint_index.compiling import compiled
from processing.footprint_index.filters import NO_FILTER, FootprintFilters, passes
from processing.footprint_index.grid import GRID_UNITS, UNITS_PER_M
from processing.footprint_index.region import OUTSIDE
from processing.footprint_index.snapshot import Snapshot
from processing.rendering.tile_grid import MAX_LATITUDE_DEG, WORLD_SIZE_M, mercator_to_degrees


def extent_deg(snapshot: Snapshot, filters: FootprintFilters = NO_FILTER) -> tuple[float, float, float, float] | None:
    """Return (west, south, east, north) around all footprints that pass; None where there are none.

    No footprint is outside; it may be larger by the size of a building, and without a filter by what was deleted.
    West is less than east: what passes the antimeridian makes it as wide as the world.
    """
    box = np.array([np.inf, np.inf, -np.inf, -np.inf])
    for segment in snapshot.segments:
        if filters.is_open:
            own = segment.columns.super_shape
            box[:2] = np.minimum(box[:2], own[:, :2].min(axis=0))
            box[2:] = np.maximum(box[2:], own[:, 2:].max(axis=0))
        else:
            _grow(segment.columns, snapshot.row_test(segment, filters), box)
    return _degrees(box) if box[0] <= box[2] and len(snapshot) else None


def _degrees(box: Any) -> tuple[float, float, float, float]:
    if box[0] < 0 or box[2] > GRID_UNITS:
        box[0], box[2] = 0, GRID_UNITS
    metres = np.clip(box, 0, GRID_UNITS) / UNITS_PER_M - WORLD_SIZE_M / 2
    lon_deg, lat_deg = mercator_to_degrees(metres[[0, 2]], -metres[[1, 3]])
    west, east = np.clip(lon_deg, -180, 180).tolist()
    north, south = np.clip(lat_deg, -MAX_LATITUDE_DEG, MAX_LATITUDE_DEG).tolist()
    return west, south, east, north


@compiled
def _grow(columns: Any, test: Any, box: Any) -> None:
    for row in range(columns.x.size):
        if test.block_class.size > 0 and test.block_class[row // BLOCK] == OUTSIDE:
            continue
        if passes(columns, test, row):
            reach = 32768 * STEP_UNITS[columns.scale[row] - SMALLEST_SCALE]
            box[0], box[1] = min(box[0], columns.x[row] - reach), min(box[1], columns.y[row] - reach)
            box[2], box[3] = max(box[2], columns.x[row] + reach), max(box[3], columns.y[row] + reach)
