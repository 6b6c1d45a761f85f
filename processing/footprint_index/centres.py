"""Footprints as points: each counts for the pixel in which its centre lies."""

from typing import Any

from processing.footprint_index.blocks import blocks_by_centre
from processing.footprint_index.columns import BLOCK, NO_CONFIDENCE, Columns
from processing.footprint_index.compiling import compiled
from processing.footprint_index.filters import RowTest, passes
from processing.footprint_index.grid import GRID_UNITS, GridWindow
from processing.footprint_index.layers import AREA, CONFIDENCE, REVIEW, SOURCE, Layers, Painter, elect
from processing.footprint_index.region import OUTSIDE


def add_centres(layers: Layers, columns: Columns, test: RowTest, window: GridWindow, painter: Painter) -> None:
    """Add the footprints of a segment to the layers of a window."""
    for turn in window.turns:
        left = window.left - turn * GRID_UNITS
        blocks = blocks_by_centre(columns, (left, window.top, window.right - turn * GRID_UNITS, window.bottom))
        if len(blocks):
            frame = (left, window.top, 1 / window.units_per_px_x, 1 / window.units_per_px_y)
            _add(layers, columns, test, blocks, frame, painter)


@compiled
def _add(layers: Any, columns: Any, test: Any, blocks: Any, frame: Any, painter: Any) -> None:
    left, top, per_unit_x, per_unit_y = frame
    height, width = layers.counts.shape
    all_pass = not test.tests and columns.dead.size == 0
    for block in blocks:
        if test.block_class.size > 0 and test.block_class[block] == OUTSIDE:
            continue
        for row in range(block * BLOCK, min((block + 1) * BLOCK, columns.x.size)):
            across, down = (columns.x[row] - left) * per_unit_x, (columns.y[row] - top) * per_unit_y
            if across < 0 or down < 0 or across >= width or down >= height:
                continue
            if not all_pass and not passes(columns, test, row):
                continue
            at, line = int(across), int(down)
            layers.counts[line, at] += 1
            if painter.quantity == CONFIDENCE:
                if columns.confidence[row] != NO_CONFIDENCE:
                    layers.value[line, at] += columns.confidence[row]
                    layers.rated[line, at] += 1
            elif painter.quantity == AREA:
                layers.value[line, at] += columns.area_m2[row]
            elif painter.quantity == SOURCE:
                elect(layers, line, at, painter.classes[columns.sources[row]], 1)
            elif painter.quantity == REVIEW:
                elect(layers, line, at, painter.classes[columns.review[row]], 1)
