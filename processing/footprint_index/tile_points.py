"""Footprints of a vector tile far out, summed up in cells: one point for each of its 64 x 64 that holds any.

A tile is one run of Morton codes, and so of rows and of cells. Each footprint counts in one tile and cell of a zoom:
that of its centre.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.columns import (
    GRID_BITS,
    HIGHEST_FILTERED_LEVEL,
    HIGHEST_LEVEL,
    LOWEST_LEVEL,
    NO_CONFIDENCE,
    Columns,
)
from processing.footprint_index.compiling import compiled
from processing.footprint_index.filters import FootprintFilters, passes
from processing.footprint_index.morton import first_at_least, first_key_at_least, gather_bits, morton
from processing.footprint_index.mvt_values import TEN_THOUSANDTHS, TENTHS, WHOLE, new_values, number_of, written
from processing.footprint_index.mvt_writing import EXTENT, FEATURE_BYTES, POINT, layer, put_feature, put_signed
from processing.footprint_index.snapshot import Snapshot
from processing.rendering.tile_grid import TileAddress

KEYS = ("count", "total_area_m2", "mean_confidence")
CELL_BITS = 6
"""2^6 cells along each side of a tile."""
_FEW_ROWS = 200_000
"""Up to so many rows a filtered tile is summed up directly; beyond, from filtered cells that are kept."""
_SIDE = EXTENT >> CELL_BITS


class _Sums(NamedTuple):
    """(4096,) each, in Morton order of the cell in the tile."""

    counts: NDArray[np.int64]
    area_m2: NDArray[np.float64]
    confidence: NDArray[np.float64]
    """In steps."""
    rated: NDArray[np.int64]
    """How many have a confidence."""


def point_layer(snapshot: Snapshot, address: TileAddress, filters: FootprintFilters, name: str) -> bytes:
    """Return a tile with one point for each cell that holds footprints; none: no bytes."""
    sums, most = _sum_up(snapshot, address, filters)
    cells = min(most, len(sums.counts))
    if not cells:
        return b""
    out, values = np.empty(cells * FEATURE_BYTES, np.uint8), new_values(3 * cells, ())
    used = _encode(sums, values, out)
    return layer(name, KEYS, (memoryview(out)[:used], written(values))) if used else b""


def _sum_up(snapshot: Snapshot, address: TileAddress, filters: FootprintFilters) -> tuple[_Sums, int]:
    """Return the sums, and how many rows or finer cells they were made of: no fewer than cells with footprints."""
    whole, parts = np.zeros((2, 1 << (2 * CELL_BITS)), np.int64), np.zeros((2, 1 << (2 * CELL_BITS)))
    sums, most = _Sums(whole[0], parts[0], parts[1], whole[1]), 0
    level = max(address.z + CELL_BITS, LOWEST_LEVEL)
    if _from_rows(snapshot, address, level, filters):
        run = _run(address, GRID_BITS)
        for segment in snapshot.segments:
            part = _rows(segment.columns, address)
            if part.start < part.stop:
                most += part.stop - part.start
                _add_rows(sums, segment.columns, snapshot.row_test(segment, filters), run, part)
        return sums, most
    run = _run(address, level)
    for segment in snapshot.segments:
        for cells in snapshot.cells(segment, filters):
            span = int(cells.start[level]), int(cells.start[level + 1])
            most += _add_cells(sums, cells.keys, cells[2:6], span, run)
    return sums, most


def _from_rows(snapshot: Snapshot, address: TileAddress, level: int, filters: FootprintFilters) -> bool:
    """Tell whether no kept cells are fine enough, or a filter's cells are not worth making for so few rows."""
    if filters.is_open:
        return level > HIGHEST_LEVEL
    if level > HIGHEST_FILTERED_LEVEL:
        return True
    slices = [_rows(segment.columns, address) for segment in snapshot.segments]
    return bool(sum(part.stop - part.start for part in slices) <= _FEW_ROWS)


def _run(address: TileAddress, level: int) -> tuple[np.uint64, np.uint64, np.uint64]:
    """Return the tile's first and last code at a level, and by how many bits a code in it is finer than its cells."""
    first = int(morton(address.x, address.y)) << 2 * (level - address.z)
    last = first + (1 << 2 * (level - address.z)) - 1
    return np.uint64(first), np.uint64(last), np.uint64(2 * (level - address.z - CELL_BITS))


def _rows(columns: Columns, address: TileAddress) -> slice:
    """Return the rows in the tile."""
    first, last, _ = _run(address, GRID_BITS)
    whole = last == np.uint64(0xFFFFFFFFFFFFFFFF)
    stop = len(columns.x) if whole else first_at_least(columns.x, columns.y, last + np.uint64(1))
    return slice(first_at_least(columns.x, columns.y, first), stop)


@compiled
def _add_cells(sums: Any, keys: Any, values: Any, span: Any, run: Any) -> Any:
    """Add the cells of a run, and tell how many there are; values: counts, area_m2, confidence and rated."""
    first, last, shift = run
    counts, area_m2, confidence, rated = values
    begin = cell = first_key_at_least(keys, span[0], span[1], first)
    while cell < span[1] and keys[cell] <= last:
        to = (keys[cell] - first) >> shift
        sums.counts[to] += counts[cell]
        sums.area_m2[to] += area_m2[cell]
        sums.confidence[to] += confidence[cell]
        sums.rated[to] += rated[cell]
        cell += 1
    return cell - begin


@compiled
def _add_rows(sums: Any, columns: Any, test: Any, run: Any, part: Any) -> None:
    first, _, shift = run
    all_pass = not test.tests and columns.dead.size == 0
    for row in range(part.start, part.stop):
        if all_pass or passes(columns, test, row):
            to = (morton(columns.x[row], columns.y[row]) - first) >> shift
            sums.counts[to] += 1
            sums.area_m2[to] += columns.area_m2[row]
            if columns.confidence[row] != NO_CONFIDENCE:
                sums.confidence[to] += columns.confidence[row]
                sums.rated[to] += 1


@compiled
def _encode(sums: Any, values: Any, out: Any) -> Any:
    tags, geometry = np.empty(6, np.int64), np.empty(16, np.uint8)
    tags[0], tags[2], tags[4] = 0, 1, 2
    used = 0
    for cell in range(sums.counts.size):
        count = sums.counts[cell]
        if count <= 0:
            continue
        tags[1] = number_of(values, WHOLE, count)
        tags[3] = number_of(values, TENTHS, np.int64(np.rint(max(sums.area_m2[cell], 0.0) * 10)))
        stated = 4
        if sums.rated[cell] > 0:
            mean = min(max(sums.confidence[cell] / sums.rated[cell], 0.0), 10_000.0)
            tags[5], stated = number_of(values, TEN_THOUSANDTHS, np.int64(np.rint(mean))), 6
        x, y = np.int64(gather_bits(cell)), np.int64(gather_bits(cell >> 1))
        geometry[0] = 9
        size = put_signed(geometry, 1, x * _SIDE + _SIDE // 2)
        size = put_signed(geometry, size, y * _SIDE + _SIDE // 2)
        used = put_feature(out, used, (POINT, -1), tags[:stated], geometry[:size])
    return used
