"""Cells onto pixels: one to one where they are the same, else shared out by the area of overlap."""

import math
from typing import Any

import numpy as np

from processing.footprint_index.columns import GRID_BITS, HIGHEST_LEVEL, LOWEST_LEVEL, Cells
from processing.footprint_index.compiling import compiled
from processing.footprint_index.grid import GRID_UNITS, GridWindow
from processing.footprint_index.layers import AREA, CONFIDENCE, REVIEW, SOURCE, Layers, Painter, elect
from processing.footprint_index.morton import first_key_at_least, gather_bits, morton

_QUAD_BITS = 7
"""Cells are looked up in squares of 128 x 128, each of which is one run of keys."""


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
        _add(layers, cells, span, (2**level, same), frame, painter)


@compiled
def _add(layers: Any, cells: Any, span: Any, grid: Any, frame: Any, painter: Any) -> None:
    left, top, px_per_cell_x, px_per_cell_y = frame
    height, width = layers.counts.shape
    first_x, last_x = _cell_range(left, width / px_per_cell_x, grid[0])
    first_y, last_y = _cell_range(top, height / px_per_cell_y, grid[0])
    for quad_y in range(first_y >> _QUAD_BITS, (last_y >> _QUAD_BITS) + 1):
        for quad_x in range(first_x >> _QUAD_BITS, (last_x >> _QUAD_BITS) + 1):
            first = morton(quad_x << _QUAD_BITS, quad_y << _QUAD_BITS)
            low = first_key_at_least(cells.keys, span[0], span[1], first)
            for cell in range(low, span[1]):
                key = cells.keys[cell]
                if key - first >= np.uint64(1 << (2 * _QUAD_BITS)):
                    break
                x, y = np.int64(gather_bits(key)), np.int64(gather_bits(key >> np.uint64(1)))
                if x < first_x or x > last_x or y < first_y or y > last_y:
                    continue
                across, down = (x - left) * px_per_cell_x, (y - top) * px_per_cell_y
                if grid[1]:
                    _add_cell(layers, cells, cell, (int(down), int(across)), 1.0, painter)
                else:
                    _spread(layers, cells, cell, (across, down, across + px_per_cell_x, down + px_per_cell_y), painter)


@compiled
def _cell_range(first: float, count: float, side: int) -> tuple[int, int]:
    return max(0, int(first)), min(side - 1, int(first + count))


@compiled
def _spread(layers: Any, cells: Any, cell: int, box: Any, painter: Any) -> None:
    """Give each pixel under a cell, which is no larger than a pixel, its share."""
    left, top, right, bottom = box
    height, width = layers.counts.shape
    for line in range(max(0, int(np.floor(top))), min(height, int(np.ceil(bottom)))):
        tall = (min(bottom, line + 1.0) - max(top, float(line))) / (bottom - top)
        for at in range(max(0, int(np.floor(left))), min(width, int(np.ceil(right)))):
            wide = (min(right, at + 1.0) - max(left, float(at))) / (right - left)
            if wide * tall > 0:
                _add_cell(layers, cells, cell, (line, at), wide * tall, painter)


@compiled
def _add_cell(layers: Any, cells: Any, cell: int, place: Any, share: float, painter: Any) -> None:
    line, at = place
    if line < 0 or at < 0 or line >= layers.counts.shape[0] or at >= layers.counts.shape[1]:
        return
    layers.counts[line, at] += share * cells.counts[cell]
    if painter.quantity == CONFIDENCE:
        layers.value[line, at] += share * cells.confidence[cell]
        layers.rated[line, at] += share * cells.rated[cell]
    elif painter.quantity == AREA:
        layers.value[line, at] += share * cells.area_m2[cell]
    elif painter.quantity == SOURCE and cells.counts[cell] > 0:
        elect(layers, line, at, painter.classes[cells.sources[cell]], cells.counts[cell])
    elif painter.quantity == REVIEW and cells.counts[cell] > 0:
        elect(layers, line, at, painter.classes[cells.review[cell]], cells.counts[cell])
