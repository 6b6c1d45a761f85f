"""Footprints as areas where colours tell them apart: what each covers of a pixel, and whose class has the most of it.

Each footprint is summed up for itself, in a slot that holds its own pixels and no others. Many wait in slots until the
list of pieces is full, so that their edges are split together. One too wide for a slot is drawn into the whole plane.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.columns import RING_END, SMALLEST_SCALE, STEP_UNITS
from processing.footprint_index.compiling import compiled, inlined
from processing.footprint_index.signed_area import (
    FIXED_BITS,
    FULL,
    MOST_PIECES,
    add_areas,
    draw_pieces,
    empty_pieces,
    fixed_place,
    is_large,
    put_shape,
    set_base,
)

CLASS_BITS = 3
"""The best of a pixel is the coverage by one footprint, and in its lowest bits that footprint's class."""
_SLOT_LINES, _MOST_SLOTS = 1024, 256
_MOST_PIECES_OF_ONE = MOST_PIECES // 2
_NEARLY_FULL = np.uint64(MOST_PIECES - _MOST_PIECES_OF_ONE - 1)
_MOST = np.int32(2**31 - 1)


class Slots(NamedTuple):
    """Room for footprints that are drawn but not yet summed up."""

    cells: NDArray[np.int32]
    """(_SLOT_LINES, width): signed areas, line after line."""
    boxes: NDArray[np.int64]
    """(_MOST_SLOTS, 5): left, top, right and bottom pixel of each, and its first line in `cells`."""
    classes: NDArray[np.uint8]


def empty_slots(width: int) -> Slots:
    """Return slots for footprints up to two pixels less than `width` across."""
    return Slots(
        np.zeros((_SLOT_LINES, width), np.int32), np.zeros((_MOST_SLOTS, 5), np.int64), np.zeros(_MOST_SLOTS, np.uint8)
    )


def add_class_areas(planes: Any, shapes: Any, chosen: Any, frame: Any, slot_width: int) -> None:
    """Add footprints to the planes signed, total and best of `coverage.Coverage`; chosen: rows and their classes."""
    _add(planes, (empty_pieces(), empty_pieces(), empty_slots(slot_width)), shapes, chosen, frame)


@compiled
def _add(planes: Any, room: Any, shapes: Any, chosen: Any, frame: Any) -> None:
    signed, total, best = planes
    pieces, own_pieces, slots = room
    all_x, all_y, scale, vertex_start, vertices = shapes
    rows, classes = chosen
    size, _ = frame
    cells, boxes, slot_classes = slots.cells.reshape(-1), slots.boxes, slots.classes
    line_cells = slots.cells.shape[1]
    picture = size[0], size[1], line_cells
    count, used, lines = np.uint64(0), 0, 0
    for at in range(rows.size):
        row = rows[at]
        step = STEP_UNITS[scale[row] - SMALLEST_SCALE]
        span = np.uint64(vertex_start[row]), np.uint64(vertex_start[row + np.uint32(1)])
        if is_large(step, frame):
            add_areas(signed, own_pieces, shapes, rows[at : at + 1], frame)
            _settle(signed, (0, 0, size[0], size[1]), (0, size[0] + 2), (total, best), classes[at])
            continue
        place = fixed_place(all_x[row], all_y[row], step, frame)
        left, top, right, bottom = _box_of(vertices, span, place, size)
        if left >= right or top >= bottom:
            continue
        most_pieces = np.int64(span[1] - span[0]) * (max(right - left, bottom - top) + 1)
        if right - left + 2 > line_cells or bottom - top > _SLOT_LINES or most_pieces > _MOST_PIECES_OF_ONE:
            add_areas(signed, own_pieces, shapes, rows[at : at + 1], frame)
            box = (left, top, right, bottom)
            _settle(signed, box, (top * (size[0] + 2) + left, size[0] + 2), (total, best), classes[at])
            continue
        if count > _NEARLY_FULL or used == _MOST_SLOTS or lines + bottom - top > _SLOT_LINES:
            draw_pieces(pieces, count, cells, picture)
            _settle_slots(cells, boxes[:used], slot_classes, line_cells, (total, best))
            count, used, lines = np.uint64(0), 0, 0
        base = (lines - top) * line_cells - left
        first, count = count, put_shape(pieces, count, cells, (picture, base), vertices, (span, place))
        set_base(pieces, first, count, base)
        boxes[used, 0], boxes[used, 1], boxes[used, 2], boxes[used, 3], boxes[used, 4] = left, top, right, bottom, lines
        slot_classes[used] = classes[at]
        used, lines = used + 1, lines + bottom - top
    draw_pieces(pieces, count, cells, picture)
    _settle_slots(cells, boxes[:used], slot_classes, line_cells, (total, best))


@inlined
def _box_of(vertices: Any, span: Any, place: Any, size: Any) -> Any:
    """Return left, top, right, bottom of the pixels that a footprint touches; empty where it lies outside."""
    x, y, step_x, step_y = place
    low_x, low_y, high_x, high_y = np.int64(32767), np.int64(32767), np.int64(-32767), np.int64(-32767)
    for at in range(span[0], span[1]):
        vertex_x, vertex_y = np.int64(vertices[at, 0]), np.int64(vertices[at, 1])
        if vertex_x != RING_END:
            low_x, high_x = min(low_x, vertex_x), max(high_x, vertex_x)
            low_y, high_y = min(low_y, vertex_y), max(high_y, vertex_y)
    left, right = (x + low_x * step_x) >> FIXED_BITS, ((x + high_x * step_x) >> FIXED_BITS) + 1
    top, bottom = (y + low_y * step_y) >> FIXED_BITS, ((y + high_y * step_y) >> FIXED_BITS) + 1
    return max(0, left), max(0, top), min(size[0], right), min(size[1], bottom)


@compiled
def _settle_slots(cells: Any, boxes: Any, classes: Any, line_cells: int, picture: Any) -> None:
    for slot in range(boxes.shape[0]):
        box = boxes[slot, 0], boxes[slot, 1], boxes[slot, 2], boxes[slot, 3]
        _settle(cells, box, (boxes[slot, 4] * line_cells, line_cells), picture, classes[slot])


@inlined
def _settle(cells: Any, box: Any, where: Any, picture: Any, own_class: Any) -> None:
    """Sum up the signed areas in a box along its lines, add them to the picture, and leave none.

    where: the cell of the box's first pixel, and cells in a line.
    """
    left, top, right, bottom = box
    start, line_cells = where
    total, best = picture
    class_bits = np.int32(own_class)
    for line in range(top, bottom):
        share = np.int32(0)
        for column in range(left, right):
            share += cells[start + column - left]
            cells[start + column - left] = 0
            part = max(share, np.int32(0))
            total[line, column] = min(total[line, column], _MOST - part) + part
            best[line, column] = max(best[line, column], (min(part, np.int32(FULL)) << CLASS_BITS) | class_bits)
        cells[start + right - left] = 0
        start += line_cells
