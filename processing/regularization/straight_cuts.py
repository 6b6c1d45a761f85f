"""The straight cut that parts a ring from its neighbour's. Rings as in ring_geometry."""

from math import hypot, pi, sin

import numpy as np
from numpy.typing import NDArray

from processing.compiled import compiled
from processing.regularization.ring_geometry import Floats, Integers, normal_of, side_length, signed_area
from processing.regularization.ring_rows import Rings
from processing.regularization.shared_area import shared_points

PARALLEL = sin(6 * pi / 180)
SHORTEST_WALL = 1.0
SHARED_WALL_BONUS = 0.8
SAME_POINT_PX = 1e-9


@compiled
def below(ring: Floats, nx: float, ny: float, offset: float) -> Floats:
    """Return the closed ring around the part of a ring where nx * x + ny * y <= offset; no rows where there is none.

    Where that part falls into pieces, they stay joined along the line. Corners on the line count as beyond it, so that
    no wall along the line stays on as a spike.
    """
    points, count = np.empty((2 * len(ring), 2)), 0
    for at in range(len(ring) - 1):
        x0, y0, x1, y1 = ring[at, 0], ring[at, 1], ring[at + 1, 0], ring[at + 1, 1]
        before, after = nx * x0 + ny * y0 - offset, nx * x1 + ny * y1 - offset
        for step in range(2):
            if step == 0 and before < -SAME_POINT_PX:
                x, y = x0, y0
            elif step == 1 and (before < -SAME_POINT_PX) != (after < -SAME_POINT_PX):
                share = min(max(before / (before - after), 0.0), 1.0)
                x, y = x0 + share * (x1 - x0), y0 + share * (y1 - y0)
            else:
                continue
            if count == 0 or hypot(x - points[count - 1, 0], y - points[count - 1, 1]) > SAME_POINT_PX:
                points[count, 0], points[count, 1] = x, y
                count += 1
    if count > 1 and hypot(points[count - 1, 0] - points[0, 0], points[count - 1, 1] - points[0, 1]) <= SAME_POINT_PX:
        count -= 1
    points[count, 0], points[count, 1] = points[0, 0], points[0, 1]
    return points[: count + 1 if count > 2 else 0]


@compiled
def cut_rings(rings: Rings, cuts: Floats) -> tuple[Floats, Integers]:
    """Return what is left of each ring below its cut (N, 4): points (M, 2), and where each ring starts (N + 1,).

    No points where the cut leaves nothing, or more than one piece.
    """
    points, starts = np.empty((2 * len(rings.points), 2)), np.zeros(len(cuts) + 1, np.int64)
    for at in range(len(cuts)):
        ring = rings.points[rings.starts[at] : rings.starts[at + 1]]
        nx, ny, offset, used, crossed = cuts[at, 0], cuts[at, 1], cuts[at, 2], starts[at], 0
        for side in range(len(ring) - 1):
            before = nx * ring[side, 0] + ny * ring[side, 1] - offset
            after = nx * ring[side + 1, 0] + ny * ring[side + 1, 1] - offset
            crossed += (before < -SAME_POINT_PX) != (after < -SAME_POINT_PX)
        left = below(ring, nx, ny, offset)
        for place in range(len(left) if crossed <= 2 else 0):
            points[used, 0], points[used, 1] = left[place, 0], left[place, 1]
            used += 1
        starts[at + 1] = used
    return points[: starts[len(cuts)]], starts


@compiled
def best_cuts(rings: Rings, others: Rings, sides: Rings, other_sides: Rings, follows: NDArray[np.bool_]) -> Floats:
    """Return `best_cut` for each pair of outer rings: (N, 4); the sides are those of the polygons with courtyards."""
    cuts = np.empty((len(follows), 4))
    for at in range(len(follows)):
        ring = rings.points[rings.starts[at] : rings.starts[at + 1]]
        other = others.points[others.starts[at] : others.starts[at + 1]]
        mine = sides.points[sides.starts[at] : sides.starts[at + 1]]
        theirs = other_sides.points[other_sides.starts[at] : other_sides.starts[at + 1]]
        ground = shared_points(mine, theirs)
        cuts[at, 0], cuts[at, 1], cuts[at, 2], cuts[at, 3] = best_cut(ring, other, ground, follows[at])
    return cuts


@compiled
def best_cut(ring: Floats, other: Floats, shared: Floats, follows: bool) -> tuple[float, float, float, float]:
    """Return the half-plane nx * x + ny * y <= offset that takes least of a ring while parting it from the other one.

    shared: (N, 2) points of the ground that both cover. Cuts run along a wall of the other ring, where one of the
    ring's own walls is nearly parallel (or `follows` is false), or along one of the ring's own walls. The last value
    is the area lost.
    """
    whole = abs(signed_area(ring))
    best, best_cost = (0.0, 0.0, 0.0, whole), np.inf
    turn, other_turn = np.sign(signed_area(ring)), np.sign(signed_area(other))
    for side in range(len(other) - 1):
        nx, ny, offset = normal_of(other, side, -other_turn)
        if side_length(other, side) < SHORTEST_WALL or (follows and not _has_parallel(ring, nx, ny)):
            continue
        lost = whole - abs(signed_area(below(ring, nx, ny, offset)))
        if SHARED_WALL_BONUS * lost < best_cost and _parts(shared, nx, ny, offset):
            best, best_cost = (nx, ny, offset, lost), SHARED_WALL_BONUS * lost
    for side in range(len(ring) - 1):
        nx, ny, _ = normal_of(ring, side, turn)
        offset = np.inf
        for at in range(len(shared)):
            offset = min(offset, nx * shared[at, 0] + ny * shared[at, 1])
        lost = whole - abs(signed_area(below(ring, nx, ny, offset)))
        if lost < best_cost:
            best, best_cost = (nx, ny, offset, lost), lost
    return best


@compiled
def _parts(shared: Floats, nx: float, ny: float, offset: float) -> bool:
    """Tell whether a cut takes away all the ground that both rings cover, but for a thin rest."""
    lowest = np.inf
    for at in range(len(shared)):
        lowest = min(lowest, nx * shared[at, 0] + ny * shared[at, 1])
    return lowest >= offset - 0.5


@compiled
def _has_parallel(ring: Floats, nx: float, ny: float) -> bool:
    for side in range(len(ring) - 1):
        mx, my, _ = normal_of(ring, side, 1.0)
        if abs(nx * my - ny * mx) < PARALLEL and side_length(ring, side) >= SHORTEST_WALL:
            return True
    return False
