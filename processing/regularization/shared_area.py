"""The ground that two polygons share, exact but for rounding, courtyards too.

Lines through every corner, and through every point where sides of the two meet, cut the plane into strips. Within a
strip the length that both cover changes evenly, so that its middle line times its height is the area. No overlay is
built: walls that are the same but for the last bits cannot confuse it, and small polygons take microseconds.
"""

from math import hypot

import numpy as np

from processing.compiled import compiled
from processing.regularization.ring_geometry import Floats, bounds_of
from processing.regularization.ring_rows import Rings
from processing.regularization.scanlines import shared_length

ON_EDGE_PX = 1e-6


@compiled
def shared_areas(first: Rings, second: Rings) -> Floats:
    """Return the area (N,) that each pair of polygons shares; their sides are rows x0, y0, x1, y1 of `points`."""
    areas = np.zeros(len(first.starts) - 1)
    for at in range(len(areas)):
        mine = first.points[first.starts[at] : first.starts[at + 1]]
        theirs = second.points[second.starts[at] : second.starts[at + 1]]
        areas[at] = _shared_area(mine, theirs)
    return areas


@compiled
def _shared_area(first: Floats, second: Floats) -> float:
    x0, y0, x1, y1 = bounds_of(first, 0.0)
    other_x0, other_y0, other_x1, other_y1 = bounds_of(second, 0.0)
    low, high = max(y0, other_y0), min(y1, other_y1)
    if low >= high or max(x0, other_x0) >= min(x1, other_x1):
        return 0.0
    levels = _levels(first, second, low, high)
    mine, theirs = np.empty(len(first)), np.empty(len(second))
    total = 0.0
    for at in range(len(levels) - 1):
        height, middle = levels[at + 1] - levels[at], (levels[at] + levels[at + 1]) / 2
        if height > 0:
            count, other_count = _cross(first, middle, mine), _cross(second, middle, theirs)
            total += height * shared_length(mine, count, theirs, other_count)
    return total


@compiled
def _levels(first: Floats, second: Floats, low: float, high: float) -> Floats:
    """Return, ascending, `low`, `high` and the y of all corners and meeting points between them."""
    levels = np.empty(len(first) + len(second) + 2)
    levels[0], levels[1], count = low, high, 2
    for at in range(len(first) + len(second)):
        y = first[at, 1] if at < len(first) else second[at - len(first), 1]
        if low < y < high:
            levels[count] = y
            count += 1
    for at in range(len(first)):
        for other in range(len(second)):
            y = _meeting(first[at], second[other])[1]
            if low < y < high:
                if count == len(levels):
                    levels = _longer(levels)
                levels[count] = y
                count += 1
    for at in range(1, count):
        value, place = levels[at], at
        while place > 0 and levels[place - 1] > value:
            levels[place] = levels[place - 1]
            place -= 1
        levels[place] = value
    return levels[:count]


@compiled
def _longer(values: Floats) -> Floats:
    longer = np.empty(2 * len(values))
    for at in range(len(values)):
        longer[at] = values[at]
    return longer


@compiled
def _meeting(side: Floats, other: Floats) -> tuple[float, float]:
    """Return the point at which two sides x0, y0, x1, y1 meet; NaN where they do not, or run along each other."""
    for axis in range(2):
        a, b, c, d = side[axis], side[axis + 2], other[axis], other[axis + 2]
        if max(a, b) < min(c, d) or max(c, d) < min(a, b):
            return np.nan, np.nan
    dx, dy, ex, ey = side[2] - side[0], side[3] - side[1], other[2] - other[0], other[3] - other[1]
    cross = dx * ey - dy * ex
    if cross == 0.0:
        return np.nan, np.nan
    share = ((other[0] - side[0]) * ey - (other[1] - side[1]) * ex) / cross
    other_share = ((other[0] - side[0]) * dy - (other[1] - side[1]) * dx) / cross
    if min(share, other_share) < 0.0 or max(share, other_share) > 1.0:
        return np.nan, np.nan
    return side[0] + share * dx, side[1] + share * dy


@compiled
def _cross(sides: Floats, y: float, crossings: Floats) -> int:
    """Write where a level line crosses the sides, ascending; return how often."""
    count = 0
    for at in range(len(sides)):
        y0, y1 = sides[at, 1], sides[at, 3]
        if (y0 <= y) != (y1 <= y):
            x = sides[at, 0] + (y - y0) / (y1 - y0) * (sides[at, 2] - sides[at, 0])
            place = count
            while place > 0 and crossings[place - 1] > x:
                crossings[place] = crossings[place - 1]
                place -= 1
            crossings[place] = x
            count += 1
    return count


@compiled
def shared_points(first: Floats, second: Floats) -> Floats:
    """Return the corners (N, 2) of the ground that two polygons share, and of what they only touch."""
    xs, ys, count = np.empty(len(first) + len(second)), np.empty(len(first) + len(second)), 0
    for at in range(len(first) + len(second)):
        mine = at < len(first)
        x, y = (first[at, 0], first[at, 1]) if mine else (second[at - len(first), 0], second[at - len(first), 1])
        if _holds(second if mine else first, x, y):
            xs[count], ys[count] = x, y
            count += 1
    for at in range(len(first)):
        for other in range(len(second)):
            x, y = _meeting(first[at], second[other])
            if x == x:
                if count == len(xs):
                    xs, ys = _longer(xs), _longer(ys)
                xs[count], ys[count] = x, y
                count += 1
    points = np.empty((count, 2))
    for at in range(count):
        points[at, 0], points[at, 1] = xs[at], ys[at]
    return points


@compiled
def _holds(sides: Floats, x: float, y: float) -> bool:
    """Tell whether a point lies in a polygon or on its edge."""
    inside = False
    for at in range(len(sides)):
        x0, y0, dx, dy = sides[at, 0], sides[at, 1], sides[at, 2] - sides[at, 0], sides[at, 3] - sides[at, 1]
        share = ((x - x0) * dx + (y - y0) * dy) / max(dx * dx + dy * dy, 1e-300)
        share = min(max(share, 0.0), 1.0)
        if hypot(x0 + share * dx - x, y0 + share * dy - y) <= ON_EDGE_PX:
            return True
        if (y0 <= y) != (sides[at, 3] <= y) and x < x0 + (y - y0) / dy * dx:
            inside = not inside
    return inside
