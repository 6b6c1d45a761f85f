"""Crisp, antialiased outlines: each pixel near an edge by its distance from it."""

from typing import Any

import numpy as np

from processing.footprint_index.class_areas import CLASS_BITS
from processing.footprint_index.columns import RING_END, SMALLEST_SCALE, STEP_UNITS
from processing.footprint_index.compiling import compiled, inlined

LINE_FULL = 1024


@compiled
def add_outlines(lines: Any, shapes: Any, chosen: Any, frame: Any, width_px: float) -> None:
    """Draw the outlines of some footprints; of several lines in a pixel the strongest counts.

    lines: (height_px, width_px) coverage by lines, 0 to LINE_FULL, and in the lowest CLASS_BITS the strongest's class.
    shapes, frame: as in `signed_area`; chosen: rows and their classes, which count for nothing where all have one.
    """
    all_x, all_y, scale, vertex_start, vertices = shapes
    rows, classes = chosen
    _, (left, top, per_unit_x, per_unit_y) = frame
    for place in range(rows.size):
        row, own_class = rows[place], classes[place]
        step = STEP_UNITS[scale[row] - SMALLEST_SCALE]
        step_x, step_y = step * per_unit_x, step * per_unit_y
        centre_x, centre_y = (all_x[row] - left) * per_unit_x, (all_y[row] - top) * per_unit_y
        at, stop = np.int64(vertex_start[row]), np.int64(vertex_start[row + 1])
        first = before = centre_x + vertices[at, 0] * step_x, centre_y + vertices[at, 1] * step_y
        while at < stop:
            at += 1
            closes = at == stop or vertices[at, 0] == RING_END
            point = first
            if not closes:
                point = centre_x + vertices[at, 0] * step_x, centre_y + vertices[at, 1] * step_y
            _stroke_edge(lines, before, point, width_px, own_class)
            before = point
            if closes and at < stop:
                at += 1
                first = before = centre_x + vertices[at, 0] * step_x, centre_y + vertices[at, 1] * step_y


@inlined
def _stroke_edge(lines: Any, start: Any, end: Any, width_px: float, own_class: Any) -> None:
    """Draw one edge, in pixels, with a round end at `end` only: edges that follow draw each corner once."""
    reach = width_px / 2 + 0.5
    _stroke_corner(lines, end, reach, own_class)
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = np.sqrt(dx * dx + dy * dy)
    if length > 0:
        _stroke_straight(lines, (start, end), (dx / length, dy / length, length), reach, own_class)


@inlined
def _stroke_corner(lines: Any, corner: Any, reach: float, own_class: int) -> None:
    height, width = lines.shape
    x, y = corner
    left, right = _pixels_between(x - reach, x + reach, width)
    top, bottom = _pixels_between(y - reach, y + reach, height)
    for line in range(top, bottom):
        for column in range(left, right):
            px, py = column + 0.5 - x, line + 0.5 - y
            _strengthen(lines, line, column, reach - np.sqrt(px * px + py * py), own_class)


@inlined
def _stroke_straight(lines: Any, ends: Any, along: Any, reach: float, own_class: int) -> None:
    """Draw the pixels whose nearest point of an edge is none of its ends: their distance grows evenly along a line."""
    height, width = lines.shape
    (x0, y0), (x1, y1) = ends
    ux, uy, length = along
    top, bottom = _pixels_between(min(y0, y1) - reach * abs(ux), max(y0, y1) + reach * abs(ux), height)
    for line in range(top, bottom):
        py = line + 0.5 - y0
        low, high = min(x0, x1) - reach * abs(uy), max(x0, x1) + reach * abs(uy)
        if abs(uy) > 1e-9:
            middle, wide = x0 + py * ux / uy, reach / abs(uy)
            low, high = max(low, middle - wide), min(high, middle + wide)
        if abs(ux) > 1e-9:
            first, last = x0 - py * uy / ux, x0 + (length - py * uy) / ux
            low, high = max(low, min(first, last)), min(high, max(first, last))
        left, right = _pixels_between(low, high, width)
        for column in range(left, right):
            away = abs((column + 0.5 - x0) * uy - py * ux)
            _strengthen(lines, line, column, reach - away, own_class)


@inlined
def _pixels_between(low: Any, high: Any, most: Any) -> Any:
    """Return the first pixel whose centre lies between, and the one after the last."""
    return max(0, np.int64(np.ceil(low - 0.5))), min(most, np.int64(np.floor(high - 0.5)) + 1)


@inlined
def _strengthen(lines: Any, line: Any, column: Any, share: Any, own_class: int) -> None:
    steps = np.int32(np.float32(min(max(share, 0.0), 1.0)) * np.float32(LINE_FULL))
    strength = np.int16((steps << CLASS_BITS) | np.int32(own_class))
    lines[line, column] = max(lines[line, column], strength)
