"""Where two rings face each other: the cut that parts them, the step that closes a gap. Rings as in ring_geometry."""

from math import hypot, pi, sin

import numpy as np
from numpy.typing import NDArray

from processing.regularization.compiled import compiled
from processing.regularization.ring_geometry import Floats, Integers, signed_area
from processing.regularization.ring_rows import Rings

PARALLEL = sin(6 * pi / 180)
SQUARE = sin(3 * pi / 180)
OVERREACH = 0.25
"""A wall that closes a gap goes on by this much; the neighbour's wall then cuts it off exactly."""
FACING_SHARE = 0.3
SHORTEST_WALL = 1.0
SHARED_WALL_BONUS = 0.8


@compiled
def normal_of(ring: Floats, side: int, turn: float) -> tuple[float, float, float]:
    """Return the unit normal of a side, outward where `turn` is the sign of the ring's area, and its offset."""
    dx, dy = ring[side + 1, 0] - ring[side, 0], ring[side + 1, 1] - ring[side, 1]
    length = max(hypot(dx, dy), 1e-12)
    nx, ny = turn * dy / length, -turn * dx / length
    return nx, ny, nx * ring[side, 0] + ny * ring[side, 1]


@compiled
def area_below(ring: Floats, nx: float, ny: float, offset: float) -> float:
    """Return the area of the part of a ring where nx * x + ny * y <= offset."""
    total = 0.0
    first_x = first_y = last_x = last_y = 0.0
    known = False
    for at in range(len(ring) - 1):
        x0, y0, x1, y1 = ring[at, 0], ring[at, 1], ring[at + 1, 0], ring[at + 1, 1]
        before, after = nx * x0 + ny * y0 - offset, nx * x1 + ny * y1 - offset
        for part in range(2):
            if part == 0 and before <= 0:
                x, y = x0, y0
            elif part == 1 and (before <= 0) != (after <= 0):
                share = before / (before - after)
                x, y = x0 + share * (x1 - x0), y0 + share * (y1 - y0)
            else:
                continue
            if known:
                total += (last_x - first_x) * (y - first_y) - (x - first_x) * (last_y - first_y)
            else:
                first_x, first_y, known = x, y, True
            last_x, last_y = x, y
    return abs(total) / 2


@compiled
def best_cuts(rings: Rings, others: Rings, shared: Rings, follows: NDArray[np.bool_]) -> Floats:
    """Return `best_cut` for each pair of rings: (N, 4)."""
    cuts = np.empty((len(follows), 4))
    for at in range(len(follows)):
        ring = rings.points[rings.starts[at] : rings.starts[at + 1]]
        other = others.points[others.starts[at] : others.starts[at + 1]]
        ground = shared.points[shared.starts[at] : shared.starts[at + 1]]
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
        if _length(other, side) < SHORTEST_WALL or (follows and not _has_parallel(ring, nx, ny)):
            continue
        lost = whole - area_below(ring, nx, ny, offset)
        if SHARED_WALL_BONUS * lost < best_cost and _parts(shared, nx, ny, offset):
            best, best_cost = (nx, ny, offset, lost), SHARED_WALL_BONUS * lost
    for side in range(len(ring) - 1):
        nx, ny, _ = normal_of(ring, side, turn)
        offset = np.inf
        for at in range(len(shared)):
            offset = min(offset, nx * shared[at, 0] + ny * shared[at, 1])
        lost = whole - area_below(ring, nx, ny, offset)
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
def _length(ring: Floats, side: int) -> float:
    return hypot(ring[side + 1, 0] - ring[side, 0], ring[side + 1, 1] - ring[side, 1])


@compiled
def _has_parallel(ring: Floats, nx: float, ny: float) -> bool:
    for side in range(len(ring) - 1):
        mx, my, _ = normal_of(ring, side, 1.0)
        if abs(nx * my - ny * mx) < PARALLEL and _length(ring, side) >= SHORTEST_WALL:
            return True
    return False


@compiled
def close_all_gaps(rings: Rings, others: Rings, firsts: Integers, most: float) -> Floats:
    """Close the gaps of ring i to each of the others from firsts[i] to firsts[i + 1]; return all points again (M, 2)."""
    points = rings.points.copy()
    for at in range(len(firsts) - 1):
        start, stop = rings.starts[at], rings.starts[at + 1]
        for near in range(firsts[at], firsts[at + 1]):
            other = others.points[others.starts[near] : others.starts[near + 1]]
            points[start:stop] = close_gaps(points[start:stop], other, most)
    return points


@compiled
def close_gaps(ring: Floats, other: Floats, most: float) -> Floats:
    """Return the ring with the walls moved out that face a wall of the other one across a gap of at most `most`.

    Only walls that stand square between their neighbours are moved, so that no angle changes.
    """
    moved, sides = ring.copy(), len(ring) - 1
    turn, other_turn = np.sign(signed_area(ring)), np.sign(signed_area(other))
    for side in range(sides):
        nx, ny, offset = normal_of(ring, side, turn)
        before_x, before_y, _ = normal_of(ring, (side - 1) % sides, turn)
        after_x, after_y, _ = normal_of(ring, (side + 1) % sides, turn)
        if max(abs(nx * before_x + ny * before_y), abs(nx * after_x + ny * after_y)) > SQUARE:
            continue
        gap = 0.0
        for facing in range(len(other) - 1):
            mx, my, _ = normal_of(other, facing, other_turn)
            if nx * mx + ny * my > 0 or abs(nx * my - ny * mx) > SQUARE or not _face(ring, side, other, facing):
                continue
            middle_x = (other[facing, 0] + other[facing + 1, 0]) / 2
            middle_y = (other[facing, 1] + other[facing + 1, 1]) / 2
            distance = nx * middle_x + ny * middle_y - offset
            if 0 < distance <= most:
                gap = max(gap, distance + OVERREACH)
        for corner in (side, (side + 1) % sides):
            moved[corner, 0] += gap * nx
            moved[corner, 1] += gap * ny
    moved[sides, 0], moved[sides, 1] = moved[0, 0], moved[0, 1]
    return moved


@compiled
def _face(ring: Floats, side: int, other: Floats, facing: int) -> bool:
    """Tell whether two parallel sides lie beside each other for a good share of the shorter one."""
    length, other_length = _length(ring, side), _length(other, facing)
    ux, uy = (ring[side + 1, 0] - ring[side, 0]) / length, (ring[side + 1, 1] - ring[side, 1]) / length
    first = (other[facing, 0] - ring[side, 0]) * ux + (other[facing, 1] - ring[side, 1]) * uy
    second = (other[facing + 1, 0] - ring[side, 0]) * ux + (other[facing + 1, 1] - ring[side, 1]) * uy
    common = min(max(first, second), length) - max(min(first, second), 0.0)
    return bool(common >= max(FACING_SHARE * min(length, other_length), SHORTEST_WALL))
