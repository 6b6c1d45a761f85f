"""Footprints as areas: how much of each pixel is covered, exactly, and which colour class covers most of it.

Each edge adds its signed area to the pixels of its own lines; summing up along a line gives the coverage. This is how
font rasterizers work (R. Levien, font-rs, 2016). Each building is drawn for itself in a scratch of its own size.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.blocks import blocks_by_shape
from processing.footprint_index.columns import BLOCK, RING_END, SMALLEST_SCALE, STEP_UNITS, Columns
from processing.footprint_index.compiling import compiled
from processing.footprint_index.filters import RowTest, passes
from processing.footprint_index.grid import GRID_UNITS, GridWindow
from processing.footprint_index.layers import AREA, CONFIDENCE, REVIEW, SOURCE, Painter
from processing.footprint_index.region import OUTSIDE
from processing.footprint_index.signed_area import add_edge, add_whole_edge
from processing.footprint_index.strokes import stroke_edge
from processing.footprint_index.summaries import area_bin

_NOTHING = np.float32(1e-7)


class Coverage(NamedTuple):
    """(height_px, width_px) each."""

    total: NDArray[np.float32]
    """Covered share of the pixel, summed up over footprints: above 1 where they overlap."""
    greatest: NDArray[np.float32]
    """Coverage by the footprint that covers most; the two below are its own."""
    winner: NDArray[np.uint8]
    line: NDArray[np.float32]
    """Coverage by outlines; (0, 0) where none are drawn."""
    scratch: NDArray[np.float64]


def empty_coverage(height_px: int, width_px: int, outlines: bool) -> Coverage:
    """Return coverage without a footprint."""
    shape = (height_px, width_px)
    return Coverage(
        np.zeros(shape, np.float32), np.zeros(shape, np.float32), np.zeros(shape, np.uint8),
        np.zeros(shape if outlines else (0, 0), np.float32), np.zeros(height_px * (width_px + 2)),
    )  # fmt: skip


class Pen(NamedTuple):
    """What each footprint is drawn with."""

    painter: Painter
    line_px: float
    """Width of the outline; 0 for none."""


def add_shapes(coverage: Coverage, columns: Columns, test: RowTest, window: GridWindow, pen: Pen) -> None:
    """Draw the footprints of a segment into the coverage of a window."""
    margin = pen.line_px * max(window.units_per_px_x, window.units_per_px_y)
    for turn in range(window.turns.start - 1, window.turns.stop + 1):
        shift = turn * GRID_UNITS
        box = (window.left - shift - margin, window.top - margin, window.right - shift + margin, window.bottom + margin)
        blocks = blocks_by_shape(columns, box)
        if len(blocks):
            frame = (window.left - shift, window.top, 1 / window.units_per_px_x, 1 / window.units_per_px_y)
            _add(coverage, columns, test, blocks, frame, pen)


@compiled
def _add(coverage: Any, columns: Any, test: Any, blocks: Any, frame: Any, pen: Any) -> None:
    left, top, per_unit_x, per_unit_y = frame
    height, width = coverage.total.shape
    all_pass = not test.tests and columns.dead.size == 0
    quantity, classes = pen.painter.quantity, pen.painter.classes
    area_bits = columns.area_m2.view(np.int32)
    for block in blocks:
        if test.block_class.size > 0 and test.block_class[block] == OUTSIDE:
            continue
        for row in range(block * BLOCK, min((block + 1) * BLOCK, columns.x.size)):
            step = STEP_UNITS[columns.scale[row] - SMALLEST_SCALE]
            x, y = (columns.x[row] - left) * per_unit_x, (columns.y[row] - top) * per_unit_y
            reach_x, reach_y = 32768 * step * per_unit_x + pen.line_px, 32768 * step * per_unit_y + pen.line_px
            if x + reach_x < 0 or x - reach_x > width or y + reach_y < 0 or y - reach_y > height:
                continue
            if all_pass or passes(columns, test, row):
                span = (np.int64(columns.vertex_start[row]), np.int64(columns.vertex_start[row + 1]))
                place = (x, y, step * per_unit_x, step * per_unit_y)
                own_class = np.uint8(0)  # Looked up here, because handing on all columns takes longer than drawing.
                if quantity == CONFIDENCE:
                    own_class = classes[columns.confidence[row]]
                elif quantity == AREA:
                    own_class = classes[area_bin(area_bits[row])]
                elif quantity == SOURCE:
                    own_class = classes[columns.sources[row]]
                elif quantity == REVIEW:
                    own_class = classes[columns.review[row]]
                _draw(coverage, columns.vertices, span, place, own_class, pen.line_px)


@compiled
def _draw(coverage: Any, vertices: Any, span: Any, place: Any, own_class: Any, line_px: float) -> None:
    """Draw the footprint of a span of vertices, which lie at place[:2] + vertex * place[2:], in pixels."""
    height, width = coverage.total.shape
    x, y, step_x, step_y = place
    low_x, low_y, high_x, high_y = 32767, 32767, -32767, -32767
    for at in range(span[0], span[1]):
        if vertices[at, 0] != RING_END:
            low_x, high_x = min(low_x, vertices[at, 0]), max(high_x, vertices[at, 0])
            low_y, high_y = min(low_y, vertices[at, 1]), max(high_y, vertices[at, 1])
    left, right = max(0, int(np.floor(x + low_x * step_x))), min(width, int(np.floor(x + high_x * step_x)) + 1)
    top, bottom = max(0, int(np.floor(y + low_y * step_y))), min(height, int(np.floor(y + high_y * step_y)) + 1)
    inside = left < right and top < bottom
    if not inside and line_px == 0:
        return
    size = (right - left, bottom - top)
    whole = inside and x + low_x * step_x >= 0 and y + low_y * step_y >= 0
    whole = whole and x + high_x * step_x < width and y + high_y * step_y < height
    first = span[0]
    for at in range(span[0], span[1] + 1):
        if at < span[1] and vertices[at, 0] != RING_END:
            continue
        x0, y0 = x + vertices[at - 1, 0] * step_x, y + vertices[at - 1, 1] * step_y
        for now in range(first, at):
            x1, y1 = x + vertices[now, 0] * step_x, y + vertices[now, 1] * step_y
            if whole:
                add_whole_edge(coverage.scratch, size[0] + 2, x0 - left, y0 - top, x1 - left, y1 - top)
            elif inside:
                add_edge(coverage.scratch, size, (x0 - left, y0 - top), (x1 - left, y1 - top))
            if line_px > 0:
                stroke_edge(coverage, (x0, y0), (x1, y1), line_px, own_class)
            x0, y0 = x1, y1
        first = at + 1
    if inside:
        _settle(coverage, (left, top, right, bottom), own_class)


@compiled
def _settle(coverage: Any, box: Any, own_class: int) -> None:
    """Sum up the scratch along its lines, add it to the picture, and leave it empty."""
    left, top, right, bottom = box
    total, greatest, winner, scratch = coverage.total, coverage.greatest, coverage.winner, coverage.scratch
    at = 0
    for line in range(top, bottom):
        share = 0.0
        for column in range(left, right):
            share += scratch[at]
            scratch[at] = 0
            at += 1
            covered = np.float32(abs(share))
            if covered > _NOTHING:
                total[line, column] += covered
                if covered > greatest[line, column]:
                    greatest[line, column] = covered
                    winner[line, column] = own_class
        scratch[at] = scratch[at + 1] = 0
        at += 2
