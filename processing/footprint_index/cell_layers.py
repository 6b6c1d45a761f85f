"""Cells onto pixels: one to one where they are the same, else shared out by the area of overlap."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.columns import GRID_BITS, HIGHEST_LEVEL, LOWEST_LEVEL, Cells
from processing.footprint_index.compiling import compiled, inlined
from processing.footprint_index.grid import GRID_UNITS, GridWindow
from processing.footprint_index.layers import AREA, CONFIDENCE, COUNT, SOURCE, Layers, Painter, elect
from processing.footprint_index.morton import first_key_at_least, gather_bits, morton

_QUAD_BITS = 7
"""Cells are looked up in squares of 128 x 128, each of which is one run of keys."""

_Found = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]
"""(n,) each: cell, pixel in a picture line after line, and the share of the cell that the pixel gets."""


def level_of(window: GridWindow) -> int | None:
    """Return the level whose cells are not larger than the window's pixels; None where all are larger."""
    level = math.ceil(GRID_BITS - math.log2(min(window.units_per_px_x, window.units_per_px_y)) - 1e-9)
    return None if level > HIGHEST_LEVEL else max(level, LOWEST_LEVEL)


def add_cells(layers: Layers, cells: Cells, level: int, window: GridWindow, painter: Painter) -> None:
    """Add cells of a level to the layers of a window."""
    side = float(2 ** (GRID_BITS - level))
    span = int(cells.start[level]), int(cells.start[level + 1])
    if span[0] == span[1]:
        return
    for turn in window.turns:
        left = window.left - turn * GRID_UNITS
        same = window.units_per_px_x == window.units_per_px_y == side and left % side == window.top % side == 0
        frame = (left / side, window.top / side, side / window.units_per_px_x, side / window.units_per_px_y)
        most = (span[1] - span[0]) * (1 if same else 4)
        found = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most)
        count = _find(cells.keys, span, (2**level, same), frame, layers.counts.shape, found)
        _give(layers, cells, (found[0][:count], found[1][:count], found[2][:count]), painter)


def _give(layers: Layers, cells: Cells, found: _Found, painter: Painter) -> None:
    """Add what was found to the layers that the painter needs."""
    _add(layers.counts.reshape(-1), cells.counts, *found)
    if painter.quantity == CONFIDENCE:
        _add(layers.value.reshape(-1), cells.confidence, *found)
        _add(layers.rated.reshape(-1), cells.rated, *found)
    elif painter.quantity == AREA:
        _add(layers.value.reshape(-1), cells.area_m2, *found)
    elif painter.quantity != COUNT:
        names = cells.sources if painter.quantity == SOURCE else cells.review
        _vote(layers, names, cells.counts, found, painter.classes)


@compiled
def _find(keys: Any, span: Any, grid: Any, frame: Any, size: Any, found: Any) -> Any:
    """Find which cells lie in which pixels, and tell how many were found."""
    left, top, px_per_cell_x, px_per_cell_y = frame
    height, width = size
    first_x, last_x = _cell_range(left, width / px_per_cell_x, grid[0])
    first_y, last_y = _cell_range(top, height / px_per_cell_y, grid[0])
    own_cells, places, shares = found
    count = 0
    column: Any
    line: Any
    for quad_y in range(first_y >> _QUAD_BITS, (last_y >> _QUAD_BITS) + 1):
        for quad_x in range(first_x >> _QUAD_BITS, (last_x >> _QUAD_BITS) + 1):
            first = morton(quad_x << _QUAD_BITS, quad_y << _QUAD_BITS)
            low = first_key_at_least(keys, span[0], span[1], first)
            for cell in range(low, span[1]):
                if keys[cell] - first >= np.uint64(1 << (2 * _QUAD_BITS)):
                    break
                x, y = np.int64(gather_bits(keys[cell])), np.int64(gather_bits(keys[cell] >> np.uint64(1)))
                if x < first_x or x > last_x or y < first_y or y > last_y:
                    continue
                across, down = (x - left) * px_per_cell_x, (y - top) * px_per_cell_y
                if grid[1]:
                    column, line = np.int64(across), np.int64(down)
                    own_cells[count], places[count], shares[count] = cell, line * width + column, 1.0
                    count += 0 <= column < width and 0 <= line < height
                    continue
                right, bottom = across + px_per_cell_x, down + px_per_cell_y
                for line in range(max(0, int(np.floor(down))), min(height, int(np.ceil(bottom)))):
                    tall = (min(bottom, line + 1.0) - max(down, float(line))) / (bottom - down)
                    for column in range(max(0, int(np.floor(across))), min(width, int(np.ceil(right)))):
                        wide = (min(right, column + 1.0) - max(across, float(column))) / (right - across)
                        if wide * tall > 0 and count < places.size:
                            own_cells[count], places[count], shares[count] = cell, line * width + column, wide * tall
                            count += 1
    return count


@inlined
def _cell_range(first: float, count: float, side: int) -> tuple[int, int]:
    return max(0, int(first)), min(side - 1, int(first + count))


@compiled
def _add(layer: Any, values: Any, cells: Any, places: Any, shares: Any) -> None:
    for at in range(cells.size):
        layer[places[at]] += shares[at] * values[cells[at]]


@compiled
def _vote(layers: Any, names: Any, counts: Any, found: Any, classes: Any) -> None:
    cells, places, _ = found
    width = layers.counts.shape[1]
    for at in range(cells.size):
        cell = cells[at]
        if counts[cell] > 0:
            elect(layers, places[at] // width, places[at] % width, classes[names[cell]], counts[cell])
