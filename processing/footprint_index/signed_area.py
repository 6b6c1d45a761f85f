"""The signed area between an edge and the right end of its lines, spread over pixels."""

from typing import Any

import numpy as np

from processing.footprint_index.compiling import compiled


@compiled
def add_whole_edge(scratch: Any, line_px: int, x0: float, y0: float, x1: float, y1: float) -> None:
    """Add an edge that lies inside a scratch with lines of line_px, its two more columns included.

    Far out most edges lie within one pixel, which takes two additions.
    """
    column, line = int(x0), int(y0)
    if int(x1) == column and int(y1) == line:
        at = line * line_px + column
        tall = y1 - y0
        right = tall * ((x0 + x1) / 2 - column)
        scratch[at] += tall - right
        scratch[at + 1] += right
        return
    sign = 1.0
    if y0 > y1:
        x0, y0, x1, y1, sign = x1, y1, x0, y0, -1.0
    slope = (x1 - x0) / (y1 - y0) if y1 > y0 else 0.0
    line = int(y0)
    while y0 < y1:
        below = min(line + 1.0, y1)
        x = x1 if below == y1 else x0 + slope * (below - y0)
        tall, column = sign * (below - y0), int(x0)
        if int(x) == column:
            right = tall * ((x0 + x) / 2 - column)
            scratch[line * line_px + column] += tall - right
            scratch[line * line_px + column + 1] += right
        else:
            _add_line(scratch, line * line_px, min(x0, x), max(x0, x), tall)
        x0, y0 = x, below
        line += 1


@compiled
def add_edge(scratch: Any, size: Any, start: Any, end: Any) -> None:
    """Add one edge, in pixels of a flat scratch with lines of width + 2, of which (width, height) are used.

    What lies to the left of the scratch covers its lines whole; what lies above, below or to the right does not count.
    """
    width, height = size
    (x0, y0), (x1, y1) = start, end
    if y0 == y1:
        return
    sign = 1.0
    if y0 > y1:
        x0, y0, x1, y1 = x1, y1, x0, y0
        sign = -1.0
    slope = (x1 - x0) / (y1 - y0)
    if y0 < 0:
        x0, y0 = x0 - y0 * slope, 0.0
    if y1 > height:
        x1, y1 = x1 - (y1 - height) * slope, float(height)
    if y0 >= y1:
        return
    if min(x0, x1) >= 0 and max(x0, x1) <= width:
        _add_inner(scratch, (x0, y0), (x1, y1), sign, width)
        return
    near, far = (0.0, float(width)) if slope > 0 else (float(width), 0.0)
    for bound in (near, far):
        if (x0 < bound < x1) or (x1 < bound < x0):
            y = min(max(y0 + (bound - x0) / slope, y0), y1)
            _add_clamped(scratch, (x0, y0), (bound, y), sign, width)
            x0, y0 = bound, y
    _add_clamped(scratch, (x0, y0), (x1, y1), sign, width)


@compiled
def _add_clamped(scratch: Any, start: Any, end: Any, sign: float, width: int) -> None:
    x0, x1 = min(max(start[0], 0.0), float(width)), min(max(end[0], 0.0), float(width))
    if min(x0, x1) < width:
        _add_inner(scratch, (x0, start[1]), (x1, end[1]), sign, width)


@compiled
def _add_inner(scratch: Any, start: Any, end: Any, sign: float, width: int) -> None:
    """Add an edge that runs downwards and lies inside."""
    (x, y0), (x1, y1) = start, end
    if y0 >= y1:
        return
    slope = (x1 - x) / (y1 - y0)
    for line in range(int(y0), int(np.ceil(y1))):
        tall = min(line + 1.0, y1) - max(float(line), y0)
        after = min(max(x + slope * tall, 0.0), float(width))
        _add_line(scratch, line * (width + 2), min(x, after), max(x, after), tall * sign)
        x = after


@compiled
def _add_line(scratch: Any, start: int, low: float, high: float, area: float) -> None:
    """Add the part of an edge within the line that begins at `start`, from x = low to high, that is `area` tall."""
    first = int(low)
    last = int(np.ceil(high))
    if last <= first + 1:
        middle = (low + high) / 2 - first
        scratch[start + first] += area * (1 - middle)
        scratch[start + first + 1] += area * middle
        return
    per_px = 1 / (high - low)
    covered = 0.5 * per_px * (first + 1 - low) ** 2
    scratch[start + first] += area * covered
    before = covered
    for column in range(first + 1, last - 1):
        covered = per_px * (column + 0.5 - low)
        scratch[start + column] += area * (covered - before)
        before = covered
    covered = 1 - 0.5 * per_px * (high - (last - 1)) ** 2
    scratch[start + last - 1] += area * (covered - before)
    scratch[start + last] += area * (1 - covered)
