"""Footprints as points: each counts for the pixel in which its centre lies."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.columns import BLOCK, CONFIDENCE_STEPS, Columns
from processing.footprint_index.compiling import compiled, inlined
from processing.footprint_index.grid import GridWindow
from processing.footprint_index.layers import AREA, CONFIDENCE, COUNT, SOURCE, Layers, Painter, elect
from processing.footprint_index.passing import is_set

_NO_LIMIT = np.float32(np.inf)


def add_centres(
    layers: Layers, columns: Columns, chosen: tuple[NDArray[np.int32], NDArray[np.uint8]], window: GridWindow,
    painter: Painter,
) -> None:  # fmt: skip
    """Add footprints of a segment to the layers of a window; chosen: blocks, and the bits of the rows that pass."""
    frame = (window.left, window.top, 1 / window.units_per_px_x, 1 / window.units_per_px_y)
    places = columns.x, columns.y
    if painter.quantity == COUNT:
        _count(layers.counts, places, chosen, frame)
    elif painter.quantity == CONFIDENCE:
        _sum(layers, places, (columns.confidence, np.uint16(CONFIDENCE_STEPS)), chosen, frame)
    elif painter.quantity == AREA:
        _sum(layers, places, (columns.area_m2, _NO_LIMIT), chosen, frame)
    else:
        names = columns.sources if painter.quantity == SOURCE else columns.review
        _vote(layers, places, (names, painter.classes), chosen, frame)


@inlined
def _pixel(x: Any, y: Any, frame: Any) -> Any:
    """Return column and line, as whole numbers; those outside are below 0 or too large."""
    left, top, per_unit_x, per_unit_y = frame
    return np.int64(np.floor((x - left) * per_unit_x)), np.int64(np.floor((y - top) * per_unit_y))


@compiled
def _count(counts: Any, places: Any, chosen: Any, frame: Any) -> None:
    x, y = places
    blocks, bits = chosen
    height, width = counts.shape
    for block in blocks:
        for row in range(block * BLOCK, min((block + 1) * BLOCK, x.size)):
            column, line = _pixel(x[row], y[row], frame)
            if column >= 0 and line >= 0 and column < width and line < height:
                counts[line, column] += is_set(bits, row) if bits.size > 0 else np.uint8(1)


@compiled
def _sum(layers: Any, places: Any, values: Any, chosen: Any, frame: Any) -> None:
    x, y = places
    blocks, bits = chosen
    kept, most = values
    counts, sums, rated = layers.counts, layers.value, layers.rated
    height, width = counts.shape
    for block in blocks:
        for row in range(block * BLOCK, min((block + 1) * BLOCK, x.size)):
            column, line = _pixel(x[row], y[row], frame)
            if column >= 0 and line >= 0 and column < width and line < height:
                own = is_set(bits, row) if bits.size > 0 else np.uint8(1)
                stated = own if kept[row] <= most else np.uint8(0)
                counts[line, column] += own
                sums[line, column] += kept[row] if stated > 0 else 0
                if rated.size > 0:
                    rated[line, column] += stated


@compiled
def _vote(layers: Any, places: Any, values: Any, chosen: Any, frame: Any) -> None:
    x, y = places
    blocks, bits = chosen
    names, classes = values
    height, width = layers.counts.shape
    for block in blocks:
        for row in range(block * BLOCK, min((block + 1) * BLOCK, x.size)):
            column, line = _pixel(x[row], y[row], frame)
            within = column >= 0 and line >= 0 and column < width and line < height
            if within and (bits.size == 0 or is_set(bits, row) > 0):
                layers.counts[line, column] += 1
                elect(layers, line, column, classes[names[row]], 1)
