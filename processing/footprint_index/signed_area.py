"""The signed area between an edge and the right end of its lines, spread over pixels, in whole numbers.

Points are in steps of 1 / ONE of a pixel, areas in steps of 1 / FULL of a pixel's area, so that sums are exact: the
edges of a shape add up to nothing at its right, and a pixel is the same in every picture that it is part of. For that,
what is worked out along an edge starts at one of its ends, wherever the picture ends.

Edges wait in a list as pieces no longer than a pixel, which leave their column and their line once at most. So each
has three parts, of which some may be nothing, and a processor splits many pieces at once.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.columns import RING_END, SMALLEST_SCALE, STEP_UNITS
from processing.footprint_index.compiling import compiled, inlined

BITS = 16
ONE = 1 << BITS
AREA_BITS = 22
FULL = 1 << AREA_BITS
MOST_PIECES = 1008
LONG_PX = 24
_LARGEST_STEP = ONE / 4
"""Shapes with larger steps may reach over more than 8192 pixels, which 32 bits may not hold."""
_TOGETHER = 16
_X, _Y, _END_X, _END_Y, _PLACES, _HERE, _NEXT = (MOST_PIECES * kind for kind in (0, 1, 2, 3, 4, 7, 10))
"""Where the list keeps the ends of pieces, and of their three parts the pixel and what to add to it and to the next."""
_BASES = np.uint64(13 * MOST_PIECES)
"""And where their picture begins in the plane."""
_FINE_BITS = 24
FIXED_BITS = BITS + _FINE_BITS
_FIXED = float(1 << FIXED_BITS)
_PARTS = np.array([0, *((1 << _FINE_BITS) // number for number in range(1, LONG_PX + 1))])
_EMPTY, _ONE_ON = np.uint64(0), np.uint64(1)
_SHIFT = np.int32(BITS)
_ONCE, _NONE = np.int32(1), np.int32(0)


@compiled
def add_areas(plane: Any, pieces: Any, shapes: Any, rows: Any, frame: Any) -> None:
    """Add the signed areas of some footprints to a flat plane with lines of width + 2.

    What lies to the left of the plane covers its lines whole; what lies above, below or to the right does not count.
    shapes: x, y, scale, vertex_start and vertices as in `columns.Columns`; frame: width and height of the plane, and
    its left, top and pixels per unit; pieces: from `empty_pieces`, for nothing else.
    """
    all_x, all_y, scale, vertex_start, vertices = shapes
    size, _ = frame
    picture = size[0], size[1], size[0] + 2
    count = _EMPTY
    for row in rows:
        step = STEP_UNITS[scale[row] - SMALLEST_SCALE]
        span = np.uint64(vertex_start[row]), np.uint64(vertex_start[row + np.uint32(1)])
        if is_large(step, frame):
            _add_large(plane, vertices[span[0] : span[1]], (all_x[row], all_y[row], step), frame)
        else:
            place = fixed_place(all_x[row], all_y[row], step, frame)
            count = put_shape(pieces, count, plane, (picture, 0), vertices, (span, place))
    draw_pieces(pieces, count, plane, picture)


def empty_pieces() -> NDArray[np.int32]:
    """Return room for a list of pieces."""
    return np.zeros(14 * MOST_PIECES, np.int32)


@inlined
def is_large(step: Any, frame: Any) -> Any:
    """Tell whether a shape's steps are so large that it may reach over more than 8192 pixels."""
    _, (_, _, per_unit_x, per_unit_y) = frame
    return step * max(per_unit_x, per_unit_y) * ONE > _LARGEST_STEP


@inlined
def fixed_place(x: Any, y: Any, step: Any, frame: Any) -> Any:
    """Return the centre and the step of a shape that is not large, both across and down, in 2^-FIXED_BITS pixels."""
    _, (left, top, per_unit_x, per_unit_y) = frame
    return (
        np.int64(np.floor((x - left) * per_unit_x * _FIXED)), np.int64(np.floor((y - top) * per_unit_y * _FIXED)),
        np.int64(step * per_unit_x * _FIXED), np.int64(step * per_unit_y * _FIXED),
    )  # fmt: skip


@inlined
def put_shape(pieces: Any, count: Any, plane: Any, where: Any, vertices: Any, shape: Any) -> Any:
    """Put the edges of a shape into the list, which is drawn where it is full; return how many it holds then.

    where: width and height of the picture and cells in a line of the plane, and the number of the cell of the picture's
    first pixel in the plane, which pieces get from `set_base`. shape: first vertex and the one after the last, and its
    `fixed_place`. One long function, because arrays that are handed on for each edge, and tuples with arrays for each
    shape, take as long as drawing does; numbers without a sign spare a look at it for each access.
    """
    picture, _ = where
    (at, stop), (centre_x, centre_y, step_x, step_y) = shape
    first_x = x = (centre_x + vertices[at, 0] * step_x) >> _FINE_BITS
    first_y = y = (centre_y + vertices[at, 1] * step_y) >> _FINE_BITS
    while at < stop:
        at += _ONE_ON
        closes = at == stop or vertices[at, 0] == RING_END
        next_x, next_y = first_x, first_y
        if not closes:
            next_x = (centre_x + vertices[at, 0] * step_x) >> _FINE_BITS
            next_y = (centre_y + vertices[at, 1] * step_y) >> _FINE_BITS
        dx, dy = next_x - x, next_y - y
        number = (max(abs(dx), abs(dy)) + ONE - 1) >> BITS
        if number > LONG_PX:
            add_long_edge(plane, where, (x, y), (next_x, next_y))
        else:
            if count + np.uint64(number) >= np.uint64(MOST_PIECES):
                draw_pieces(pieces, count, plane, picture)
                count = _EMPTY
            if number > 1:
                share_x, share_y, begin_x, begin_y = dx * _PARTS[number], dy * _PARTS[number], x, y
                for part in range(1, number):
                    end_x = begin_x + ((share_x * part) >> _FINE_BITS)
                    end_y = begin_y + ((share_y * part) >> _FINE_BITS)
                    _put(pieces, count, (x, y), (end_x, end_y))
                    count += _ONE_ON
                    x, y = end_x, end_y
            _put(pieces, count, (x, y), (next_x, next_y))
            count += _ONE_ON
        x, y = next_x, next_y
        if closes and at < stop:
            at += _ONE_ON
            first_x = x = (centre_x + vertices[at, 0] * step_x) >> _FINE_BITS
            first_y = y = (centre_y + vertices[at, 1] * step_y) >> _FINE_BITS
    return count


@inlined
def set_base(pieces: Any, first: Any, stop: Any, base: Any) -> None:
    """Tell where the picture of the pieces from `first` on begins in the plane."""
    for at in range(first, stop):
        pieces[_BASES + at] = base


@compiled
def _add_large(plane: Any, vertices: Any, place: Any, frame: Any) -> None:
    """Add a large shape edge by edge."""
    x, y, step = place
    (width, height), (left, top, per_unit_x, per_unit_y) = frame
    step_x, step_y = step * per_unit_x * ONE, step * per_unit_y * ONE
    centre_x, centre_y = (x - left) * per_unit_x * ONE, (y - top) * per_unit_y * ONE
    at = first = 0
    while at < vertices.shape[0]:
        closes = at + 1 == vertices.shape[0] or vertices[at + 1, 0] == RING_END
        to = first if closes else at + 1
        start = _whole(centre_x + vertices[at, 0] * step_x), _whole(centre_y + vertices[at, 1] * step_y)
        end = _whole(centre_x + vertices[to, 0] * step_x), _whole(centre_y + vertices[to, 1] * step_y)
        add_long_edge(plane, ((width, height, width + 2), 0), start, end)
        at += 1
        if closes:
            at = first = at + 1


@inlined
def _whole(value: Any) -> Any:
    return np.int64(np.floor(value))


@inlined
def covered(share: Any) -> Any:
    """Return a sum of areas as a share of a pixel, 0 to FULL.

    Hundreds of footprints over each other make more than 32 bits hold, which then seems far less than nothing.
    """
    share = np.int32(FULL) if share < -FULL // 256 else np.int32(share)
    return min(max(share, _NONE), np.int32(FULL))


@inlined
def _put(pieces: Any, at: Any, start: Any, end: Any) -> None:
    pieces[np.uint64(_X) + at] = start[0]
    pieces[np.uint64(_Y) + at] = start[1]
    pieces[np.uint64(_END_X) + at] = end[0]
    pieces[np.uint64(_END_Y) + at] = end[1]


@compiled
def draw_pieces(pieces: Any, number: Any, plane: Any, picture: Any) -> None:
    """Add so many pieces of the list to a plane. The list is empty then."""
    count: Any = min(np.int64(number), MOST_PIECES)
    _split(pieces, _padded(pieces, count), (np.int32(picture[0]), np.int32(picture[1]), np.int32(picture[2])))
    for at in range(count):
        for part in range(0, 3 * MOST_PIECES, MOST_PIECES):
            place = np.uint64(pieces[_PLACES + part + at])
            plane[place] += pieces[_HERE + part + at]
            plane[place + _ONE_ON] += pieces[_NEXT + part + at]


@inlined
def _padded(pieces: Any, count: int) -> int:
    """Fill the list up with pieces without length to a number that processors split together."""
    full = min((count + _TOGETHER - 1) // _TOGETHER * _TOGETHER, MOST_PIECES)
    for at in range(count, full):
        _put(pieces, np.uint64(at), (0, 0), (0, 0))
    return full


@inlined
def _split(pieces: Any, count: int, size: Any) -> None:
    """Work out the three parts of each piece: all in 32 bits and without a branch, for many at once."""
    for at in range(min(count, MOST_PIECES)):
        x, y, x1, y1 = pieces[_X + at], pieces[_Y + at], pieces[_END_X + at], pieces[_END_Y + at]
        dx, dy = x1 - x, y1 - y
        column, line, last_column, last_line = x >> _SHIFT, y >> _SHIFT, x1 >> _SHIFT, y1 >> _SHIFT
        to_x = (max(column, last_column) << _SHIFT) - x if column != last_column else dx
        to_y = (max(line, last_line) << _SHIFT) - y if line != last_line else dy
        until_x, until_y = _share(column != last_column, to_x, dx), _share(line != last_line, to_y, dy)
        near, far, across = min(until_x, until_y), max(until_x, until_y), until_x < until_y
        # Where it leaves its line is exact: a little less in this line and more in the next would show all along them.
        xa, ya = (to_x if across else _along(dx, near)), (_along(dy, near) if across else to_y)
        xb, yb = (_along(dx, far) if across else to_x), (to_y if across else _along(dy, far))
        mid_column = last_column if across else column
        mid_line = line if across else last_line
        _keep(pieces, at, 0, (column, line), (-ya, x + x + xa), size)
        _keep(pieces, at, 1, (mid_column, mid_line), (ya - yb, x + xa + x + xb), size)
        _keep(pieces, at, 2, (last_column, last_line), (yb - dy, x + xb + x1), size)


@inlined
def _share(crosses: Any, part: Any, whole: Any) -> Any:
    return np.float32(part if crosses else _ONCE) / np.float32(whole if crosses else _ONCE)


@inlined
def _along(whole: Any, share: Any) -> Any:
    return np.int32(np.float32(whole) * share)


@inlined
def _keep(pieces: Any, piece: Any, number: int, place: Any, part: Any, size: Any) -> None:
    """Keep where a part within a pixel is added, given its height and the sum of x of its ends."""
    (column, line), (tall, twice_x), (width, height, line_cells) = place, part, size
    at = piece + number * MOST_PIECES
    outside = (line < _NONE) | (line >= height) | (column >= width)
    tall = _NONE if outside else tall
    from_left = np.float32(twice_x - (column << np.int32(BITS + 1))) * np.float32(0.5 * FULL / ONE / ONE)
    beside = np.int32(np.rint(np.float32(tall) * from_left))
    beside = _NONE if column < _NONE else beside
    tall = tall << np.int32(AREA_BITS - BITS)
    cell = pieces[13 * MOST_PIECES + piece] + line * line_cells + max(column, _NONE)
    pieces[_PLACES + at] = _NONE if outside else cell
    pieces[_HERE + at] = tall - beside
    pieces[_NEXT + at] = beside


@compiled
def add_long_edge(plane: Any, where: Any, start: Any, end: Any) -> None:
    """Go along an edge from line to line, only where the picture is. where: as in `put_shape`."""
    (width, height, line_cells), base = where
    (x0, y0), (x1, y1) = start, end
    sign = -1
    if y0 > y1:
        x0, y0, x1, y1, sign = x1, y1, x0, y0, 1
    slope = (x1 - x0) / max(y1 - y0, 1)
    for line in range(max(0, y0 >> BITS), min(height, ((y1 - 1) >> BITS) + 1)):
        above, below = max(y0, line << BITS), min(y1, (line + 1) << BITS)
        x = x0 if above == y0 else x0 + np.int64(slope * (above - y0))
        after = x1 if below == y1 else x0 + np.int64(slope * (below - y0))
        begin = base + line * line_cells
        _add_line(plane, begin, width, (min(x, after), max(x, after)), sign * (below - above))


@inlined
def _add_line(plane: Any, begin: Any, width: Any, ends: Any, tall: Any) -> None:
    """Add the part of an edge in a line, from one x to a greater one."""
    low, high = ends
    done: Any
    per_step = tall / max(high - low, 1)
    first, last = max(low >> BITS, 0), min(high >> BITS, width - 1)
    x = min(max(low, 0), high)
    done = 0
    if low < 0:
        done = tall if high <= 0 else np.int64(per_step * -low)
        plane[begin] += done << (AREA_BITS - BITS)
    for column in range(first, last + 1):
        after = min(high, (column + 1) << BITS)
        here = tall if after == high else np.int64(per_step * (after - low))
        beside = ((here - done) * (x + after - (column << (BITS + 1)))) >> (2 * BITS + 1 - AREA_BITS)
        plane[begin + column] += ((here - done) << (AREA_BITS - BITS)) - beside
        plane[begin + column + 1] += beside
        x, done = after, here
