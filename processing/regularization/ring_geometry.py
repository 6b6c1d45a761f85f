"""Measures of closed rings. Points are (N, 2) in a plane with square units, the first repeated at the end."""

from math import atan2, cos, hypot, pi, sin, sqrt

import numpy as np
from numpy.typing import NDArray

from processing.compiled import compiled

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@compiled
def signed_area(ring: Floats) -> float:
    """Return the area inside, negative for rings that turn the other way."""
    total = 0.0
    for at in range(len(ring) - 1):
        total += (ring[at, 0] - ring[0, 0]) * (ring[at + 1, 1] - ring[0, 1])
        total -= (ring[at + 1, 0] - ring[0, 0]) * (ring[at, 1] - ring[0, 1])
    return total / 2


@compiled
def normal_of(ring: Floats, side: int, turn: float) -> tuple[float, float, float]:
    """Return the unit normal of a side, outward where `turn` is the sign of the ring's area, and its offset."""
    dx, dy = ring[side + 1, 0] - ring[side, 0], ring[side + 1, 1] - ring[side, 1]
    length = max(hypot(dx, dy), 1e-12)
    nx, ny = turn * dy / length, -turn * dx / length
    return nx, ny, nx * ring[side, 0] + ny * ring[side, 1]


@compiled
def side_length(ring: Floats, side: int) -> float:
    """Return the length of a side."""
    return hypot(ring[side + 1, 0] - ring[side, 0], ring[side + 1, 1] - ring[side, 1])


@compiled
def bounds_of(ring: Floats, margin: float) -> tuple[float, float, float, float]:
    """Return lowest x and y, highest x and y, with a margin on every side."""
    x0, y0, x1, y1 = ring[0, 0], ring[0, 1], ring[0, 0], ring[0, 1]
    for at in range(len(ring)):
        x0, x1 = min(x0, ring[at, 0]), max(x1, ring[at, 0])
        y0, y1 = min(y0, ring[at, 1]), max(y1, ring[at, 1])
    return x0 - margin, y0 - margin, x1 + margin, y1 + margin


@compiled
def within(inner: tuple[float, float, float, float], outer: tuple[float, float, float, float]) -> bool:
    """Tell whether bounds lie within others."""
    return inner[0] >= outer[0] and inner[1] >= outer[1] and inner[2] <= outer[2] and inner[3] <= outer[3]


@compiled
def moments(ring: Floats) -> Floats:
    """Return area, centroid x and y, and the variances xx, xy, yy of the region inside: (6,)."""
    area = signed_area(ring)
    result = np.zeros(6)
    if abs(area) < 1e-9:
        result[1], result[2] = ring[0, 0], ring[0, 1]
        return result
    x = y = xx = xy = yy = 0.0
    for at in range(len(ring) - 1):
        x0, y0 = ring[at, 0] - ring[0, 0], ring[at, 1] - ring[0, 1]
        x1, y1 = ring[at + 1, 0] - ring[0, 0], ring[at + 1, 1] - ring[0, 1]
        cross = x0 * y1 - x1 * y0
        x += (x0 + x1) * cross
        y += (y0 + y1) * cross
        xx += (x0 * x0 + x0 * x1 + x1 * x1) * cross
        yy += (y0 * y0 + y0 * y1 + y1 * y1) * cross
        xy += (x0 * y1 + 2 * (x0 * y0 + x1 * y1) + x1 * y0) * cross
    x, y = x / (6 * area), y / (6 * area)
    result[0], result[1], result[2] = abs(area), x + ring[0, 0], y + ring[0, 1]
    result[3] = xx / (12 * area) - x * x
    result[4] = xy / (24 * area) - x * y
    result[5] = yy / (12 * area) - y * y
    return result


@compiled
def corners_beyond(ring: Floats, tolerance: float) -> Integers:
    """Return, ascending, the indices of the points that tell the ring apart from a simpler one by the tolerance.

    The method of Douglas and Peucker, begun at two points that lie far apart.
    """
    count = len(ring) - 1
    first = _farthest(ring, count)
    second = _farthest(ring, first)
    low, high = min(first, second), max(first, second)
    kept = np.zeros(count, np.bool_)
    kept[low] = kept[high] = True
    stack = np.empty((count + 2, 2), np.int64)
    stack[0, 0], stack[0, 1], stack[1, 0], stack[1, 1] = low, high, high, low + count
    depth = 2
    while depth > 0:
        depth -= 1
        start, stop = stack[depth, 0], stack[depth, 1]
        at = _farthest_from_chord(ring, start, stop, tolerance)
        if at >= 0:
            kept[at % count] = True
            stack[depth, 0], stack[depth, 1], stack[depth + 1, 0], stack[depth + 1, 1] = start, at, at, stop
            depth += 2
    found, number = np.empty(count, np.int64), 0
    for at in range(count):
        if kept[at]:
            found[number] = at
            number += 1
    return found[:number]


@compiled
def _farthest(ring: Floats, origin: int) -> int:
    best, found = -1.0, 0
    for at in range(len(ring) - 1):
        distance = hypot(ring[at, 0] - ring[origin, 0], ring[at, 1] - ring[origin, 1])
        if distance > best:
            best, found = distance, at
    return found


@compiled
def _farthest_from_chord(ring: Floats, start: int, stop: int, tolerance: float) -> int:
    """Return the index (it may pass the end of the ring) of the point farthest from a chord; -1 if none is far."""
    count = len(ring) - 1
    x0, y0 = ring[start % count, 0], ring[start % count, 1]
    dx, dy = ring[stop % count, 0] - x0, ring[stop % count, 1] - y0
    length = max(hypot(dx, dy), 1e-9)
    best, found = tolerance, -1
    for at in range(start + 1, stop):
        distance = abs((ring[at % count, 0] - x0) * dy - (ring[at % count, 1] - y0) * dx) / length
        if distance > best:
            best, found = distance, at
    return found


@compiled
def wall_direction(ring: Floats) -> float:
    """Return the angle, in [0, pi/2), that most of the ring follows or stands square on.

    The fourth power of a step makes the four directions of a right-angled shape one; long walls count most.
    """
    real = imaginary = 0.0
    for at in range(len(ring) - 1):
        dx, dy = ring[at + 1, 0] - ring[at, 0], ring[at + 1, 1] - ring[at, 1]
        length = hypot(dx, dy)
        if length > 0:
            angle = 4 * atan2(dy, dx)
            real += length**1.5 * cos(angle)
            imaginary += length**1.5 * sin(angle)
    return (atan2(imaginary, real) / 4) % (pi / 2)


@compiled
def narrowest_direction(ring: Floats) -> float:
    """Return the angle, in [0, pi/2), of the smallest rectangle around the ring that follows one of its sides."""
    best, found = np.inf, 0.0
    for side in range(len(ring) - 1):
        dx, dy = ring[side + 1, 0] - ring[side, 0], ring[side + 1, 1] - ring[side, 1]
        length = hypot(dx, dy)
        if length == 0:
            continue
        low_u = low_v = np.inf
        high_u = high_v = -np.inf
        for at in range(len(ring) - 1):
            u = (ring[at, 0] * dx + ring[at, 1] * dy) / length
            v = (ring[at, 1] * dx - ring[at, 0] * dy) / length
            low_u, high_u, low_v, high_v = min(low_u, u), max(high_u, u), min(low_v, v), max(high_v, v)
        area = (high_u - low_u) * (high_v - low_v)
        if area < best:
            best, found = area, atan2(dy, dx) % (pi / 2)
    return found


@compiled
def rectangle_along(region: Floats, angle: float) -> Floats:
    """Return the rectangle (5, 2) in the given direction with the area, centroid and proportions of `moments`."""
    c, s = cos(angle), sin(angle)
    spread_u = max(c * c * region[3] + 2 * c * s * region[4] + s * s * region[5], 1e-9)
    spread_v = max(s * s * region[3] - 2 * c * s * region[4] + c * c * region[5], 1e-9)
    width = sqrt(region[0] * sqrt(spread_u / spread_v))
    u, v = width / 2, region[0] / max(width, 1e-9) / 2
    ring = np.empty((5, 2))
    for at, (side_u, side_v) in enumerate(((-u, -v), (u, -v), (u, v), (-u, v), (-u, -v))):
        ring[at, 0] = region[1] + c * side_u - s * side_v
        ring[at, 1] = region[2] + s * side_u + c * side_v
    return ring


@compiled
def circle_of(region: Floats, deviation: float) -> Floats:
    """Return a regular polygon with the area and centroid of `moments`, off its circle by `deviation` at most."""
    radius = sqrt(region[0] / pi)
    needed = pi / sqrt(2 * min(deviation / max(radius, 1e-9), 0.5))
    sides = min(max(4 * int(np.ceil(needed / 4)), 16), 64)
    reach = sqrt(2 * region[0] / (sides * sin(2 * pi / sides)))
    ring = np.empty((sides + 1, 2))
    for at in range(sides + 1):
        angle = 2 * pi * (at % sides) / sides
        ring[at, 0], ring[at, 1] = region[1] + reach * cos(angle), region[2] + reach * sin(angle)
    return ring


@compiled
def is_simple(ring: Floats) -> bool:
    """Tell whether no two sides of the ring meet, other than neighbours in their common corner."""
    sides = len(ring) - 1
    for first in range(sides):
        for second in range(first + 2, sides):
            if first == 0 and second == sides - 1:
                continue
            if _sides_meet(ring, first, second):
                return False
    return True


@compiled
def _sides_meet(ring: Floats, first: int, second: int) -> bool:
    for axis in range(2):
        a, b, c, d = ring[first, axis], ring[first + 1, axis], ring[second, axis], ring[second + 1, axis]
        if max(a, b) < min(c, d) or max(c, d) < min(a, b):
            return False
    apart = _turn(ring, first, second) * _turn(ring, first, second + 1)
    return apart <= 0 and _turn(ring, second, first) * _turn(ring, second, first + 1) <= 0


@compiled
def _turn(ring: Floats, side: int, corner: int) -> float:
    """Tell on which hand of a side a corner lies, by the sign."""
    x, y = ring[side, 0], ring[side, 1]
    across = (ring[side + 1, 0] - x) * (ring[corner, 1] - y)
    return float(across - (ring[side + 1, 1] - y) * (ring[corner, 0] - x))
