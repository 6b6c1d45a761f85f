"""Walls of neighbours that face each other across a gap are brought together. Rings as in ring_geometry."""

from math import pi, sin

import numpy as np

from processing.compiled import compiled
from processing.regularization.ring_geometry import Floats, Integers, normal_of, side_length, signed_area
from processing.regularization.ring_rows import Rings

SQUARE = sin(3 * pi / 180)
OVERREACH = 0.25
"""A wall that closes a gap goes on by this much; the neighbour's wall then cuts it off exactly."""
FACING_SHARE = 0.3
SHORTEST_WALL = 1.0


@compiled
def close_all_gaps(rings: Rings, others: Rings, firsts: Integers, most: float) -> Floats:
    """Close the gaps of ring i to the others from firsts[i] to firsts[i + 1]; return all points again (M, 2)."""
    points = rings.points.copy()
    for at in range(len(firsts) - 1):
        start, stop = rings.starts[at], rings.starts[at + 1]
        for near in range(firsts[at], firsts[at + 1]):
            other = others.points[others.starts[near] : others.starts[near + 1]]
            closed = close_gaps(points[start:stop], other, most)
            for place in range(len(closed)):
                points[start + place, 0], points[start + place, 1] = closed[place, 0], closed[place, 1]
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
    length, other_length = side_length(ring, side), side_length(other, facing)
    ux, uy = (ring[side + 1, 0] - ring[side, 0]) / length, (ring[side + 1, 1] - ring[side, 1]) / length
    first = (other[facing, 0] - ring[side, 0]) * ux + (other[facing, 1] - ring[side, 1]) * uy
    second = (other[facing + 1, 0] - ring[side, 0]) * ux + (other[facing + 1, 1] - ring[side, 1]) * uy
    common = min(max(first, second), length) - max(min(first, second), 0.0)
    return bool(common >= max(FACING_SHARE * min(length, other_length), SHORTEST_WALL))
