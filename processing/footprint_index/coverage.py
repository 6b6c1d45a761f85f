"""Footprints as areas: how much of each pixel is covered, exactly, and which colour class covers most of it.

Each edge adds its signed area to the pixels of its own lines; summing up along a line gives the coverage. This is how
font rasterizers work (R. Levien, font-rs, 2016). Where all footprints have one colour they are all added to one plane,
which is summed up once; else each is drawn for itself in a scratch of its own size.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.blocks import blocks_by_shape
from processing.footprint_index.columns import BLOCK, RING_END, SMALLEST_SCALE, STEP_UNITS, Columns
from processing.footprint_index.compiling import compiled, inlined
from processing.footprint_index.filters import RowTest, passes
from processing.footprint_index.grid import GRID_UNITS, GridWindow
from processing.footprint_index.layers import AREA, CONFIDENCE, COUNT, SOURCE, Painter
from processing.footprint_index.region import OUTSIDE
from processing.footprint_index.signed_area import ONE, add_edge, add_whole_edge
from processing.footprint_index.strokes import stroke_edge
from processing.footprint_index.summaries import area_bin


class Coverage(NamedTuple):
    """(height_px, width_px) each; those that a drawing does not need have no pixels. All in steps of 1 / ONE."""

    signed: NDArray[np.int32]
    """((height_px + 1) * (width_px + 2),): signed areas of all footprints, or of the one that is drawn."""
    total: NDArray[np.int32]
    """Covered share of the pixel, summed up over footprints: above ONE where they overlap."""
    greatest: NDArray[np.int32]
    """Coverage by the footprint that covers most; the class below is its own."""
    winner: NDArray[np.uint8]
    line: NDArray[np.float32]
    """Coverage by outlines, 0 to 1."""


def empty_coverage(size_px: tuple[int, int], outlines: bool, classes: bool) -> Coverage:
    """Return coverage of (height_px, width_px) without a footprint."""
    none = (0, 0)
    own = size_px if classes else none
    return Coverage(
        np.zeros((size_px[0] + 1) * (size_px[1] + 2), np.int32), np.zeros(own, np.int32), np.zeros(own, np.int32),
        np.zeros(own, np.uint8), np.zeros(size_px if outlines else none, np.float32),
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
            _add(coverage, columns, test, blocks, ((window.height_px, window.width_px), frame), pen)


@compiled
def _add(coverage: Any, columns: Any, test: Any, blocks: Any, frame: Any, pen: Any) -> None:
    (height, width), (left, top, per_unit_x, per_unit_y) = frame
    all_pass = not test.tests and columns.dead.size == 0
    for block in blocks:
        if test.block_class.size > 0 and test.block_class[block] == OUTSIDE:
            continue
        for row in range(block * BLOCK, min((block + 1) * BLOCK, columns.x.size)):
            step = STEP_UNITS[columns.scale[row] - SMALLEST_SCALE]
            x, y = (columns.x[row] - left) * per_unit_x, (columns.y[row] - top) * per_unit_y
            reach_x, reach_y = 32768 * step * per_unit_x + pen.line_px, 32768 * step * per_unit_y + pen.line_px
            if x + reach_x < 0 or x - reach_x > width or y + reach_y < 0 or y - reach_y > height:
                continue
            if not all_pass and not passes(columns, test, row):
                continue
            whole = x >= reach_x and y >= reach_y and x + reach_x <= width and y + reach_y <= height
            span = (np.int64(columns.vertex_start[row]), np.int64(columns.vertex_start[row + 1]))
            place = (x, y, step * per_unit_x, step * per_unit_y)
            if pen.painter.quantity == COUNT:
                _trace(coverage, columns.vertices, span, place, ((0, 0, width, height), whole), (pen.line_px, 0))
            else:
                box = _box_of(columns.vertices, span, place, (width, height))
                colour = pen.line_px, _class_of(columns, row, pen.painter)
                _trace(coverage, columns.vertices, span, place, (box, whole), colour)
                _settle(coverage, box, colour[1])


@inlined
def _class_of(columns: Any, row: Any, painter: Any) -> Any:
    if painter.quantity == CONFIDENCE:
        return painter.classes[columns.confidence[row]]
    if painter.quantity == AREA:
        return painter.classes[area_bin(columns.area_m2.view(np.int32)[row])]
    if painter.quantity == SOURCE:
        return painter.classes[columns.sources[row]]
    return painter.classes[columns.review[row]]


@inlined
def _box_of(vertices: Any, span: Any, place: Any, size: Any) -> Any:
    """Return left, top, right, bottom of the pixels that a footprint touches; empty where it lies outside."""
    x, y, step_x, step_y = place
    low_x, low_y, high_x, high_y = 32767, 32767, -32767, -32767
    for at in range(span[0], span[1]):
        if vertices[at, 0] != RING_END:
            low_x, high_x = min(low_x, vertices[at, 0]), max(high_x, vertices[at, 0])
            low_y, high_y = min(low_y, vertices[at, 1]), max(high_y, vertices[at, 1])
    left, right = np.int64(np.floor(x + low_x * step_x)), np.int64(np.floor(x + high_x * step_x)) + 1
    top, bottom = np.int64(np.floor(y + low_y * step_y)), np.int64(np.floor(y + high_y * step_y)) + 1
    return max(0, left), max(0, top), min(size[0], right), min(size[1], bottom)


@inlined
def _trace(coverage: Any, vertices: Any, span: Any, place: Any, target: Any, colour: Any) -> None:
    """Draw the rings in a span of vertices, which lie at place[:2] + vertex * place[2:], in pixels."""
    (left, top, right, bottom), whole = target
    line_px, own_class = colour
    width, height = right - left, bottom - top
    strokes = coverage.line, coverage.winner
    before = first = point = _point(vertices, span[0], place)
    at = span[0] + 1
    while True:
        closes = at == span[1] or vertices[at, 0] == RING_END
        point = first if closes else _point(vertices, at, place)
        if width > 0 and height > 0:
            start, end = _fixed(before, left, top), _fixed(point, left, top)
            if whole:
                add_whole_edge(coverage.signed, width + 2, start, end)
            else:
                add_edge(coverage.signed, (width, height), start, end)
        if line_px > 0:
            stroke_edge(strokes, before, point, line_px, own_class)
        at += 1
        before = point
        if closes:
            if at >= span[1]:
                break
            before = first = _point(vertices, at, place)
            at += 1


@inlined
def _point(vertices: Any, at: Any, place: Any) -> Any:
    return place[0] + vertices[at, 0] * place[2], place[1] + vertices[at, 1] * place[3]


@inlined
def _fixed(point: Any, left: Any, top: Any) -> Any:
    return np.int64(np.floor((point[0] - left) * ONE)), np.int64(np.floor((point[1] - top) * ONE))


@inlined
def _settle(coverage: Any, box: Any, own_class: Any) -> None:
    """Sum up the scratch along its lines, add it to the picture, and leave it empty."""
    left, top, right, bottom = box
    signed = coverage.signed
    at = 0
    for line in range(top, bottom):
        share = 0
        for column in range(left, right):
            share += signed[at]
            signed[at] = 0
            at += 1
            if share > 0:
                coverage.total[line, column] += share
                if share > coverage.greatest[line, column]:
                    coverage.greatest[line, column] = share
                    coverage.winner[line, column] = own_class
        signed[at] = signed[at + 1] = 0
        at += 2
