"""Walls: straight lines fitted to stretches of a ring.

A wall is a row of `sums`: number, x, y, xx, xy, yy of the points it was fitted to. Sums of two walls add up to those
of the wall that replaces both, so that no step ever goes back to the points. Directions are counted in eighths of a
turn from a base angle, or are free (`FREE`), when they follow from the sums.
"""

from math import atan2, ceil, cos, hypot, pi, sin

import numpy as np

from processing.compiled import compiled
from processing.regularization.ring_geometry import Floats, Integers

RIGHT, DIAGONAL, FREE = 0, 1, 2
POINT_STEP = 0.5
CORNER_SHARE = 0.15
CORNER_PX = 1.5
MOST_CORNER_SHARE = 0.3
"""Masks round corners off: at each end of a wall this much has no say in where it stands."""
PARALLEL = sin(12 * pi / 180)
MOST_TURN = 15 * pi / 180


@compiled
def prefix_sums(ring: Floats, corners: Integers) -> tuple[Floats, Integers]:
    """Lay points along a ring and add them up.

    Returns (M + 1, 6) sums of the points before each point, and the place of each of the ring's `corners` among them.
    """
    sides = len(ring) - 1
    lengths = np.empty(sides + 1)
    lengths[0] = 0.0
    for at in range(sides):
        lengths[at + 1] = lengths[at] + hypot(ring[at + 1, 0] - ring[at, 0], ring[at + 1, 1] - ring[at, 1])
    number = max(ceil(lengths[sides] / POINT_STEP), 16)
    step = lengths[sides] / number
    sums = np.zeros((number + 1, 6))
    side = 0
    for at in range(number):
        position = (at + 0.5) * step
        while side < sides - 1 and lengths[side + 1] < position:
            side += 1
        share = (position - lengths[side]) / max(lengths[side + 1] - lengths[side], 1e-12)
        x = ring[side, 0] + share * (ring[side + 1, 0] - ring[side, 0])
        y = ring[side, 1] + share * (ring[side + 1, 1] - ring[side, 1])
        for term, value in enumerate((1.0, x, y, x * x, x * y, y * y)):
            sums[at + 1, term] = sums[at, term] + value
    places = np.empty(len(corners), np.int64)
    for at in range(len(corners)):
        places[at] = min(round(lengths[corners[at]] / step), number - 1)
    return sums, places


@compiled
def walls_between(prefix: Floats, places: Integers) -> Floats:
    """Return the sums (N, 6) of the walls from each place to the next, less the points near their ends."""
    number, count = len(prefix) - 1, len(places)
    walls = np.empty((count, 6))
    for at in range(count):
        start = places[at]
        stop = places[at + 1] if at + 1 < count else places[0] + number
        length = stop - start
        off = int(max(CORNER_SHARE * length, min(CORNER_PX / POINT_STEP, MOST_CORNER_SHARE * length)))
        start, stop = start + off, max(stop - off, start + off + 1)
        for term in range(6):
            round_trip = (stop // number - start // number) * prefix[number, term]
            walls[at, term] = round_trip + prefix[stop % number, term] - prefix[start % number, term]
    return walls


@compiled
def eighth_of(dx: float, dy: float, base: float, mode: int, most_diagonal: float) -> int:
    """Return the direction 0..7 nearest to a step; odd ones only within `most_diagonal` radians and if asked for."""
    angle = atan2(dy, dx) - base
    nearest = round(angle / (pi / 4))
    if nearest % 2 == 1 and (mode == RIGHT or abs(angle - nearest * pi / 4) > most_diagonal):
        nearest = 2 * round(angle / (pi / 2))
    return nearest % 8


@compiled
def free_angle(wall: Floats, dx: float, dy: float) -> float:
    """Return the direction of the best line through a wall's points, the way that (dx, dy) goes."""
    count = max(wall[0], 1.0)
    xx = wall[3] - wall[1] * wall[1] / count
    xy = wall[4] - wall[1] * wall[2] / count
    yy = wall[5] - wall[2] * wall[2] / count
    if xx + yy < 1e-9:
        return atan2(dy, dx)
    angle = atan2(2 * xy, xx - yy) / 2
    return angle if cos(angle) * dx + sin(angle) * dy >= 0 else angle + pi


@compiled
def better_base(walls: Floats, eighths: Integers, base: float) -> float:
    """Return the base angle that brings walls of known directions nearest to their points, in the least squares."""
    level = mixed = 0.0
    for at in range(len(walls)):
        count = max(walls[at, 0], 1.0)
        xx = walls[at, 3] - walls[at, 1] * walls[at, 1] / count
        xy = walls[at, 4] - walls[at, 1] * walls[at, 2] / count
        yy = walls[at, 5] - walls[at, 2] * walls[at, 2] / count
        # Twice the angle of the scatter, turned back by the wall's own direction.
        turn = 2 * (base + eighths[at] * pi / 4)
        level += (xx - yy) * cos(turn) + 2 * xy * sin(turn)
        mixed += 2 * xy * cos(turn) - (xx - yy) * sin(turn)
    change = atan2(mixed, level) / 2
    return base + change if abs(change) <= MOST_TURN else base


@compiled
def angles_of(walls: Floats, steps: Floats, eighths: Integers, base: float, mode: int) -> Floats:
    """Return the direction of each wall in radians; `steps` (N, 2) say which way a free wall runs."""
    angles = np.empty(len(walls))
    for at in range(len(walls)):
        if mode == FREE:
            angles[at] = free_angle(walls[at], steps[at, 0], steps[at, 1])
        else:
            angles[at] = base + eighths[at] * pi / 4
    return angles


@compiled
def ring_of(walls: Floats, angles: Floats) -> tuple[Floats, Floats]:
    """Let each wall meet the next: a closed ring (N + 1, 2), and the walls' lengths (N,), negative where one runs back.

    Row i of the ring is the corner at which wall i begins.
    """
    count = len(walls)
    ring = np.empty((count + 1, 2))
    for at in range(count):
        before = (at - 1) % count
        ux, uy, vx, vy = cos(angles[before]), sin(angles[before]), cos(angles[at]), sin(angles[at])
        px, py = walls[before, 1] / walls[before, 0], walls[before, 2] / walls[before, 0]
        qx, qy = walls[at, 1] / walls[at, 0], walls[at, 2] / walls[at, 0]
        cross = ux * vy - uy * vx
        if abs(cross) < 1e-6:
            ring[at, 0], ring[at, 1] = (px + qx) / 2, (py + qy) / 2
        else:
            along = ((qx - px) * vy - (qy - py) * vx) / cross
            ring[at, 0], ring[at, 1] = px + along * ux, py + along * uy
    ring[count, 0], ring[count, 1] = ring[0, 0], ring[0, 1]
    lengths = np.empty(count)
    for at in range(count):
        dx, dy = ring[at + 1, 0] - ring[at, 0], ring[at + 1, 1] - ring[at, 1]
        lengths[at] = dx * cos(angles[at]) + dy * sin(angles[at])
    return ring, lengths


@compiled
def first_parallel(angles: Floats) -> int:
    """Return the first wall that runs along, or against, the next one; -1 if each meets the next."""
    for at in range(len(angles)):
        if abs(sin(angles[(at + 1) % len(angles)] - angles[at])) < PARALLEL:
            return at
    return -1


@compiled
def unite(walls: Floats, steps: Floats, eighths: Integers, at: int, other: int) -> None:
    """Add wall `other` to wall `at`; the longer one says which way they run."""
    if hypot(steps[other, 0], steps[other, 1]) > hypot(steps[at, 0], steps[at, 1]):
        eighths[at] = eighths[other]
    for term in range(6):
        walls[at, term] += walls[other, term]
    for axis in range(2):
        steps[at, axis] += steps[other, axis]


@compiled
def take_out(walls: Floats, steps: Floats, eighths: Integers, at: int) -> None:
    """Move the walls after one up by one place; the last place is then free."""
    for place in range(at, len(walls) - 1):
        eighths[place] = eighths[place + 1]
        for term in range(6):
            walls[place, term] = walls[place + 1, term]
        for axis in range(2):
            steps[place, axis] = steps[place + 1, axis]


@compiled
def index_of_least(values: Floats) -> int:
    """Return the first index of the smallest value."""
    found = 0
    for at in range(1, len(values)):
        if values[at] < values[found]:
            found = at
    return found
