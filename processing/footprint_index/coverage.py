"""Footprints as areas: how much of each pixel is covered, exactly, and which colour class covers most of it.

Each edge adds its signed area to the pixels of its own lines; summing up along a line gives the coverage. This is how
font rasterizers work (R. Levien, font-rs, 2016). Where all footprints have one colour they are all added to one plane,
which is summed up once; else each is summed up for itself (`class_areas`).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.blocks import blocks_by_shape
from processing.footprint_index.class_areas import add_class_areas
from processing.footprint_index.columns import BLOCK, SMALLEST_SCALE, STEP_UNITS, Columns
from processing.footprint_index.compiling import compiled
from processing.footprint_index.grid import GRID_UNITS, GridWindow
from processing.footprint_index.layers import AREA, CONFIDENCE, COUNT, REVIEW, SOURCE, Painter
from processing.footprint_index.passing import is_set
from processing.footprint_index.signed_area import add_areas, empty_pieces
from processing.footprint_index.strokes import add_outlines
from processing.footprint_index.summaries import area_bin

_SLOT, _WIDE_SLOT = 16, 64
"""Most buildings fit into slots so wide, where they have no outlines and where they have."""


Passed = Callable[[NDArray[np.int32]], NDArray[np.uint8]]
"""Gives the bits of the rows of a segment that pass, right for the blocks asked for."""


class Coverage(NamedTuple):
    """(height_px, width_px) each; those that a drawing does not need have no pixels. Areas in steps of 1 / FULL."""

    signed: NDArray[np.int32]
    """((height_px + 1) * (width_px + 2),): signed areas of all footprints, or of the one that is being drawn."""
    total: NDArray[np.int32]
    """Covered share of the pixel, summed up over footprints: above FULL where they overlap."""
    best: NDArray[np.int32]
    """Coverage by the footprint that covers most, and in the lowest CLASS_BITS its class."""
    line: NDArray[np.int16]
    """Coverage by the strongest outline, 0 to LINE_FULL, and in the lowest CLASS_BITS its class."""


def empty_coverage(size_px: tuple[int, int], outlines: bool, classes: bool) -> Coverage:
    """Return coverage of (height_px, width_px) without a footprint."""
    none = (0, 0)
    own = size_px if classes else none
    return Coverage(
        np.zeros((size_px[0] + 1) * (size_px[1] + 2), np.int32), np.zeros(own, np.int32), np.zeros(own, np.int32),
        np.zeros(size_px if outlines else none, np.int16),
    )  # fmt: skip


class Pen(NamedTuple):
    """What each footprint is drawn with."""

    painter: Painter
    line_px: float
    """Width of the outline; 0 for none."""


def add_shapes(coverage: Coverage, columns: Columns, passing: Passed, window: GridWindow, pen: Pen) -> None:
    """Draw the footprints of a segment that pass into the coverage of a window. passing: the bits of some blocks."""
    margin = pen.line_px * max(window.units_per_px_x, window.units_per_px_y)
    size = (window.width_px, window.height_px)
    for turn in range(window.turns.start - 1, window.turns.stop + 1):
        shift = turn * GRID_UNITS
        box = (window.left - shift - margin, window.top - margin, window.right - shift + margin, window.bottom + margin)
        blocks = blocks_by_shape(columns, box)
        if len(blocks):
            frame = (window.left - shift, window.top, 1 / window.units_per_px_x, 1 / window.units_per_px_y)
            rows, classes = np.empty(len(blocks) * BLOCK, np.uint32), np.empty(len(blocks) * BLOCK, np.uint8)
            count = _choose((columns.x, columns.y, columns.scale), passing(blocks), blocks, box, rows)
            classify(columns, pen.painter, rows[:count], classes)
            shapes = (columns.x, columns.y, columns.scale, columns.vertex_start, columns.vertices)
            _draw(coverage, shapes, (rows[:count], classes[:count]), (size, frame), pen)


def _draw(coverage: Coverage, shapes: Any, chosen: Any, frame: Any, pen: Pen) -> None:
    if pen.painter.quantity == COUNT:
        add_areas(coverage.signed, empty_pieces(), shapes, chosen[0], frame)
    else:
        planes = coverage.signed, coverage.total, coverage.best
        add_class_areas(planes, shapes, chosen, frame, _WIDE_SLOT if pen.line_px > 0 else _SLOT)
    if pen.line_px > 0:
        add_outlines(coverage.line, shapes, chosen, frame, pen.line_px)


def classify(columns: Columns, painter: Painter, rows: NDArray[np.uint32], classes: NDArray[np.uint8]) -> None:
    """Write the colour classes of some rows."""
    own = painter.classes
    if painter.quantity == CONFIDENCE:
        _look_up(own, columns.confidence, rows, classes)
    elif painter.quantity == AREA:
        _look_up_bins(own, columns.area_m2.view(np.int32), rows, classes)
    elif painter.quantity == SOURCE:
        _look_up(own, columns.sources, rows, classes)
    elif painter.quantity == REVIEW:
        _look_up(own, columns.review, rows, classes)


@compiled
def _choose(places: Any, bits: Any, blocks: Any, box: Any, rows: Any) -> Any:
    """Find the rows that pass and may meet a box."""
    x, y, scale = places
    left, top, right, bottom = box
    count: Any = 0
    for block in blocks:
        for row in range(block * BLOCK, min((block + 1) * BLOCK, x.size)):
            reach = 32768 * STEP_UNITS[scale[row] - SMALLEST_SCALE]
            if x[row] + reach < left or x[row] - reach > right or y[row] + reach < top or y[row] - reach > bottom:
                continue
            rows[count] = row
            count += is_set(bits, row) if bits.size > 0 else np.uint8(1)
    return count


@compiled
def _look_up(own: Any, column: Any, rows: Any, classes: Any) -> None:
    for at in range(rows.size):
        classes[at] = own[column[rows[at]]]


@compiled
def _look_up_bins(own: Any, bits: Any, rows: Any, classes: Any) -> None:
    for at in range(rows.size):
        classes[at] = own[area_bin(bits[rows[at]])]
