"""The signed area between an edge and the right end of its lines, spread over pixels, in whole numbers.

Points are in steps of 1 / ONE of a pixel, areas in steps of 1 / ONE of a pixel's area, so that sums are exact: the
edges of a shape add up to nothing at its right, and a pixel is the same in every picture that it is part of. For that,
all that is worked out along an edge starts at its upper end, wherever the picture ends.
"""

from typing import Any

import numpy as np

from processing.footprint_index.compiling import inlined

BITS = 16
ONE = 1 << BITS
_PART = ONE - 1


@inlined
def add_whole_edge(plane: Any, line_px: int, start: Any, end: Any) -> None:
    """Add an edge that lies inside a flat plane with lines of line_px, the last two of which take what runs over.

    Far out most edges lie within one pixel, which takes two additions.
    """
    (x0, y0), (x1, y1) = start, end
    if ((x0 ^ x1) | (y0 ^ y1)) >> BITS == 0:
        _add_pixel(plane, (y0 >> BITS) * line_px + (x0 >> BITS), y0 - y1, (x0 & _PART) + (x1 & _PART))
        return
    if y0 == y1:
        return
    sign = -1
    if y0 > y1:
        x0, y0, x1, y1, sign = x1, y1, x0, y0, 1
    slope = (x1 - x0) / (y1 - y0)
    x, y = x0, y0
    for line in range(y0 >> BITS, ((y1 - 1) >> BITS) + 1):
        below = min(y1, (line + 1) << BITS)
        after = x1 if below == y1 else x0 + np.int64(slope * (below - y0))
        _add_line(plane, line * line_px, x, after, sign * (below - y))
        x, y = after, below


@inlined
def add_edge(plane: Any, size: Any, start: Any, end: Any) -> None:
    """Add what a plane of (width, height) pixels, with lines of width + 2, shows of any edge.

    What lies to the left of it covers its lines whole; what lies above, below or to the right does not count.
    """
    width, height = size
    (x0, y0), (x1, y1) = start, end
    if y0 == y1:
        return
    sign = -1
    if y0 > y1:
        x0, y0, x1, y1, sign = x1, y1, x0, y0, 1
    slope = (x1 - x0) / (y1 - y0)
    for line in range(max(0, y0 >> BITS), min(height, ((y1 - 1) >> BITS) + 1)):
        above, below = max(y0, line << BITS), min(y1, (line + 1) << BITS)
        x = x0 if above == y0 else x0 + np.int64(slope * (above - y0))
        after = x1 if below == y1 else x0 + np.int64(slope * (below - y0))
        _add_clipped_line(plane, line * (width + 2), width, (x, after), sign * (below - above))


@inlined
def _add_pixel(plane: Any, at: Any, tall: Any, twice_x: Any) -> None:
    """Add a part of an edge within a pixel: its height, and twice its mean distance from the pixel's left side."""
    right = (tall * twice_x + ONE) >> (BITS + 1)
    plane[at] += tall - right
    plane[at + 1] += right


@inlined
def _add_line(plane: Any, start: Any, x0: Any, x1: Any, tall: Any) -> None:
    """Add the part of an edge within the line that begins at `start`."""
    if (x0 ^ x1) >> BITS == 0:
        _add_pixel(plane, start + (x0 >> BITS), tall, (x0 & _PART) + (x1 & _PART))
        return
    _add_columns(plane, start, (min(x0, x1), max(x0, x1)), tall, (min(x0, x1) >> BITS, max(x0, x1) >> BITS))


@inlined
def _add_clipped_line(plane: Any, start: Any, width: Any, ends: Any, tall: Any) -> None:
    low, high = min(ends[0], ends[1]), max(ends[0], ends[1])
    if high < 0:
        plane[start] += tall
    elif low >> BITS == high >> BITS:
        if low >> BITS < width:
            _add_pixel(plane, start + (low >> BITS), tall, (low & _PART) + (high & _PART))
    else:
        if low < 0:
            plane[start] += np.int64(tall / (high - low) * -low)
        _add_columns(plane, start, (low, high), tall, (max(0, low >> BITS), min(width - 1, high >> BITS)))


@inlined
def _add_columns(plane: Any, start: Any, ends: Any, tall: Any, columns: Any) -> None:
    """Add the part of an edge in a line from one x to a greater one, as far as it lies in some columns."""
    low, high = ends
    first, last = columns
    per_step = tall / (high - low)
    x = max(low, first << BITS)
    done = np.int64(per_step * (x - low))
    for column in range(first, last + 1):
        after = min(high, (column + 1) << BITS)
        here = tall if after == high else np.int64(per_step * (after - low))
        _add_pixel(plane, start + column, here - done, x + after - (column << (BITS + 1)))
        x, done = after, here
