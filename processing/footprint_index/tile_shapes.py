"""Footprints as polygons of a vector tile: moved to its whole units, cut to its buffer, and turned as it asks."""

from typing import Any

import numpy as np

from processing.footprint_index.columns import RING_END
from processing.footprint_index.compiling import compiled
from processing.footprint_index.mvt_writing import EXTENT, put_ring
from processing.footprint_index.ring_clipping import Rings, clipped

BUFFER = 64
"""Units beyond each edge of the tile that are part of it, so that outlines along the edge are whole."""
LOW, HIGH = -float(BUFFER), float(EXTENT + BUFFER)


@compiled
def put_shape(out: Any, shape: Any, place: Any, is_cut: Any, room: Any) -> Any:
    """Write the geometry of a shape, whose vertices lie at place[:2] + vertex * place[2]; return how many bytes.

    Rings that vanish when they are rounded are left out. A shape of which nothing is left becomes a sliver of one unit,
    unless it was cut: then what is left belongs to the tile beside. 0: nothing of it is in the tile.
    room: (2,) and (n, 2) int64, with n not less than the number of vertices.
    """
    cursor, scratch = room
    cursor[0] = cursor[1] = 0
    if not is_cut:
        at = _put_whole(out, shape, place, scratch, cursor)
        return _put_sliver(out, shape, place, cursor) if at == 0 else at
    at = first = np.int64(0)
    while first < shape.shape[0]:
        last = _end_of_polygon(shape, first)
        at = _put_cut(out, at, clipped(_moved(shape[first:last], place), LOW, HIGH), cursor)
        first = last + 1
    return at


@compiled
def _put_whole(out: Any, shape: Any, place: Any, scratch: Any, cursor: Any) -> Any:
    """Write all rings as they follow each other; the holes of an outer ring that vanishes go with it."""
    zero: Any = np.int64(0)
    at = first = count = zero
    outer_is_there = False
    for end in range(shape.shape[0] + 1):
        if end < shape.shape[0] and shape[end, 0] != RING_END:
            x = round_half_up(place[0] + shape[end, 0] * place[2])
            count = _pushed(scratch, count, x, round_half_up(place[1] + shape[end, 1] * place[2]))
            continue
        is_outer = first == 0 or _doubled_area(shape[first:end]) > 0
        if is_outer or outer_is_there:
            after = _put_closed(out, at, scratch, (count, is_outer), cursor)
            outer_is_there = after > at or not is_outer
            at = after
        first, count = end + 1, zero
    return at


@compiled
def _end_of_polygon(shape: Any, first: Any) -> Any:
    """Return where the outer ring that begins here, and its holes, end: before the next outer ring."""
    end = ring = first
    is_first = True
    while ring < shape.shape[0]:
        ring_end = ring
        while ring_end < shape.shape[0] and shape[ring_end, 0] != RING_END:
            ring_end += 1
        if not is_first and _doubled_area(shape[ring:ring_end]) > 0:
            return end
        end, ring, is_first = ring_end, ring_end + 1, False
    return end


@compiled
def _moved(polygon: Any, place: Any) -> Any:
    """Return the rings in units of the tile, not yet rounded."""
    points, start = np.empty((polygon.shape[0], 2), np.float64), np.zeros(polygon.shape[0] + 2, np.int64)
    used = rings = 0
    for at in range(polygon.shape[0]):
        if polygon[at, 0] == RING_END:
            rings += 1
            start[rings] = used
        else:
            points[used, 0] = place[0] + polygon[at, 0] * place[2]
            points[used, 1] = place[1] + polygon[at, 1] * place[2]
            used += 1
    start[rings + 1] = used
    return Rings(points[:used], start[: rings + 2])


@compiled
def _put_cut(out: Any, at: Any, rings: Any, cursor: Any) -> Any:
    """Write each outer ring and the holes in it."""
    points, start = rings
    scratch = np.empty(points.shape, np.int64)
    for outer in range(start.size - 1):
        around = points[start[outer] : start[outer + 1]]
        if _doubled_area(around) <= 0:
            continue
        after = _put_rounded(out, at, around, (scratch, True), cursor)
        if after == at:
            continue
        at = after
        for hole in range(start.size - 1):
            own = points[start[hole] : start[hole + 1]]
            if _doubled_area(own) < 0 and _holds(around, own[0, 0], own[0, 1]):
                at = _put_rounded(out, at, own, (scratch, False), cursor)
    return at


@compiled
def _put_rounded(out: Any, at: Any, points: Any, how: Any, cursor: Any) -> Any:
    """Write a ring in whole units, or nothing where it vanishes."""
    scratch, is_outer = how
    count = np.int64(0)
    for index in range(points.shape[0]):
        count = _pushed(scratch, count, round_half_up(points[index, 0]), round_half_up(points[index, 1]))
    return _put_closed(out, at, scratch, (count, is_outer), cursor)


@compiled
def _put_closed(out: Any, at: Any, scratch: Any, how: Any, cursor: Any) -> Any:
    """Write the first points of the scratch, outer rings with a positive area and holes with a negative one."""
    count, is_outer = how
    while count >= 3:
        if _is_straight(scratch, count - 2, count - 1, 0):
            count -= 1
        elif _is_straight(scratch, count - 1, 0, 1):
            count -= 1
            scratch[0, 0], scratch[0, 1] = scratch[count, 0], scratch[count, 1]
        else:
            break
    ring = scratch[:count]
    area = _doubled_area(ring)
    if count < 3 or area == 0:
        return at
    if (area > 0) != is_outer:
        _turn_around(ring)
    return put_ring(out, at, ring, cursor)


@compiled
def _turn_around(ring: Any) -> None:
    for at in range(ring.shape[0] // 2):
        other = ring.shape[0] - 1 - at
        for axis in range(2):
            ring[at, axis], ring[other, axis] = ring[other, axis], ring[at, axis]


@compiled
def round_half_up(value: Any) -> Any:
    """Return the nearest whole number, the same one in every tile that shares the place."""
    return np.int64(np.floor(value + 0.5))


@compiled
def _pushed(ring: Any, count: Any, x: Any, y: Any) -> Any:
    """Add a point; those before it that lie on a straight line, or on the way out and back, are dropped."""
    ring_point = count
    while ring_point >= 1:
        if ring[ring_point - 1, 0] == x and ring[ring_point - 1, 1] == y:
            return ring_point
        ring[ring_point, 0], ring[ring_point, 1] = x, y
        if ring_point < 2 or not _is_straight(ring, ring_point - 2, ring_point - 1, ring_point):
            break
        ring_point -= 1
    ring[ring_point, 0], ring[ring_point, 1] = x, y
    return ring_point + 1


@compiled
def _is_straight(ring: Any, before: Any, at: Any, after: Any) -> Any:
    across = (ring[at, 0] - ring[before, 0]) * (ring[after, 1] - ring[before, 1])
    return across == (ring[at, 1] - ring[before, 1]) * (ring[after, 0] - ring[before, 0])


@compiled
def _doubled_area(ring: Any) -> Any:
    """Return twice the area, positive for outer rings: those that turn clockwise where y goes down."""
    total = 0.0
    for at in range(1, ring.shape[0] - 1):
        x0, y0 = float(ring[at, 0] - ring[0, 0]), float(ring[at, 1] - ring[0, 1])
        x1, y1 = float(ring[at + 1, 0] - ring[0, 0]), float(ring[at + 1, 1] - ring[0, 1])
        total += x0 * y1 - x1 * y0
    return total


@compiled
def _holds(ring: Any, x: Any, y: Any) -> Any:
    """Tell whether a point lies in a ring."""
    inside = False
    before = ring.shape[0] - 1
    for now in range(ring.shape[0]):
        x0, y0, x1, y1 = ring[before, 0], ring[before, 1], ring[now, 0], ring[now, 1]
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
            inside = not inside
        before = now
    return inside


@compiled
def _put_sliver(out: Any, shape: Any, place: Any, cursor: Any) -> Any:
    """Write the line through a shape without an area, one unit wide: its two points farthest along the longer axis."""
    along = _longer_axis(shape)
    low: Any = np.int64(0)
    high = low
    for at in range(shape.shape[0]):
        if shape[at, 0] != RING_END:
            low = at if shape[at, along] < shape[low, along] else low
            high = at if shape[at, along] > shape[high, along] else high
    ring, aside = np.empty((4, 2), np.float64), np.empty(2, np.float64)
    for axis in range(2):
        origin = place[0] if axis == 0 else place[1]
        exact = origin + shape[low, axis] * place[2]
        ring[0, axis] = ring[3, axis] = np.floor(exact + 0.5)
        ring[1, axis] = ring[2, axis] = np.floor(origin + shape[high, axis] * place[2] + 0.5)
        aside[axis] = 1.0 if exact >= ring[0, axis] else -1.0
        if max(ring[0, axis], ring[1, axis]) + aside[axis] > HIGH:
            aside[axis] = -1.0
    if ring[0, along] == ring[1, along]:
        ring[1, along] += aside[along]
        ring[2, along] += aside[along]
    ring[2, 1 - along] += aside[1 - along]
    ring[3, 1 - along] += aside[1 - along]
    return _put_rounded(out, np.int64(0), ring, (np.empty((4, 2), np.int64), True), cursor)


@compiled
def _longer_axis(shape: Any) -> Any:
    left, top, right, bottom = 32767, 32767, -32767, -32767
    for at in range(shape.shape[0]):
        if shape[at, 0] != RING_END:
            left, right = min(left, shape[at, 0]), max(right, shape[at, 0])
            top, bottom = min(top, shape[at, 1]), max(bottom, shape[at, 1])
    return 0 if right - left >= bottom - top else 1
