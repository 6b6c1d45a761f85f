"""Fit every kind of shape to a ring and choose the one that agrees with it best for the corners it has."""

from math import pi, sqrt
from typing import NamedTuple

import numpy as np

from processing.compiled import compiled
from processing.regularization.ring_geometry import (
    Floats,
    Integers,
    bounds_of,
    circle_of,
    corners_beyond,
    is_simple,
    moments,
    narrowest_direction,
    rectangle_along,
    wall_direction,
    within,
)
from processing.regularization.scanlines import (
    CROSSINGS_MAX,
    LINES,
    agreement,
    fine_agreement,
    lay_lines,
    span_of,
)
from processing.regularization.walls import (
    FREE,
    angles_of,
    better_base,
    eighth_of,
    first_parallel,
    index_of_least,
    prefix_sums,
    ring_of,
    take_out,
    unite,
    walls_between,
)

NONE, RECTANGLE, RECTILINEAR, DIAGONALS, ANY_ANGLE, CIRCLE = range(6)
"""Compiled code is handed these through int(): a bare constant would compile the function that takes it once more."""
CORNERS_MAX = 96
SHORTEST_SHARE = 0.04
"""No wall is shorter than this share of the square root of the area."""
SAME_DIRECTION = 2 * pi / 180
CIRCLE_DEVIATION = 0.15
"""In pixels: how far the corners of a circle's outline may stand off."""


class FitOptions(NamedTuple):
    """What may be fitted, in numbers that compiled code takes."""

    right_angles: bool
    diagonals: bool
    any_angle: bool
    circle: bool
    tolerance: float
    reach: float
    """No fitted ring reaches further than this beyond the bounds of what was seen."""
    min_iou: float
    corner_cost: float
    corner_cost_px: float
    """A corner costs `corner_cost` + `corner_cost_px` / square root of the area, in agreement."""
    diagonal_penalty: float
    free_penalty: float
    right_factor: float
    """Where all angles are right a corner costs this share only."""
    free_factor: float
    """With free angles a corner costs so many times more."""
    circle_penalty: float
    most_diagonal: float
    """Radians by which a wall may miss the diagonal and still be taken for one."""


class Fit(NamedTuple):
    """A fitted ring: its kind, closed points, agreement, what it is worth after all costs, and its base angle."""

    kind: int
    ring: Floats
    agreement: float
    worth: float
    base: float


class Seen(NamedTuple):
    """The ring to be fitted, prepared: lines through it, its moments, points along it."""

    crossings: Floats
    counts: Integers
    span: tuple[float, float, float]
    bounds: tuple[float, float, float, float]
    """Lowest x and y, highest x and y that a fitted ring may reach."""
    region: Floats
    corners: Floats
    """(N + 1, 2) the ring less what lies within the tolerance."""
    walls: Floats
    """(N, 6) sums of the walls between those corners."""


@compiled
def _look_at(ring: Floats, options: FitOptions) -> Seen:
    tolerance = options.tolerance
    kept = corners_beyond(ring, tolerance)
    while len(kept) > CORNERS_MAX:
        tolerance *= 1.5
        kept = corners_beyond(ring, tolerance)
    corners = np.empty((len(kept) + 1, 2))
    for at in range(len(corners)):
        corners[at, 0], corners[at, 1] = ring[kept[at % len(kept)], 0], ring[kept[at % len(kept)], 1]
    prefix, places = prefix_sums(ring, kept)
    region = moments(ring)
    low, step = span_of(ring, int(LINES))
    crossings, counts = np.empty((LINES, CROSSINGS_MAX)), np.zeros(LINES, np.int64)
    if not lay_lines(ring, crossings, counts, low, step):
        counts[:] = 0
    span, walls = (low, step, region[0]), walls_between(prefix, places)
    return Seen(crossings, counts, span, bounds_of(ring, options.reach), region, corners, walls)


@compiled
def _judge(best: Fit, kind: int, ring: Floats, seen: Seen, terms: tuple[float, float, float]) -> Fit:
    """Return the better of the best fit and a new ring; `terms` are the ring's cost, its base angle, and what IoU
    it must have to be taken at all."""
    iou = agreement(ring, seen.crossings, seen.counts, seen.span)
    better = iou >= terms[2] and iou - terms[0] > best.worth
    if better and within(bounds_of(ring, 0.0), seen.bounds) and is_simple(ring):
        return Fit(kind, ring, iou, iou - terms[0], terms[1])
    return best


@compiled
def _reduce(best: Fit, seen: Seen, base: float, mode: int, options: FitOptions) -> Fit:
    """Take out the shortest wall again and again, and judge what is left each time."""
    walls, steps, eighths = _start(seen, base, mode, options.most_diagonal)
    if mode != FREE:
        base = better_base(walls, eighths, base)
    side = sqrt(seen.region[0])
    shortest = max(options.tolerance, SHORTEST_SHARE * side)
    corner_cost = options.corner_cost + options.corner_cost_px / max(side, 1.0)
    # The modes are RIGHT, DIAGONAL and FREE.
    corner_cost *= (options.right_factor, 1.0, options.free_factor)[mode]
    fewest, number = (3 if mode == FREE else 4), len(walls)
    while number >= fewest:
        angles = angles_of(walls[:number], steps, eighths, base, mode)
        at = first_parallel(angles)
        if at >= 0:
            unite(walls, steps, eighths, at, (at + 1) % number)
            take_out(walls[:number], steps, eighths, (at + 1) % number)
        else:
            ring, lengths = ring_of(walls[:number], angles)
            worst = index_of_least(lengths)
            if lengths[worst] >= shortest:
                kind, extra = _kind_of(eighths[:number], mode, options)
                best = _judge(best, kind, ring, seen, (corner_cost * (number - 4) + extra, base, options.min_iou))
            take_out(walls[:number], steps, eighths, worst)
        number -= 1
    return best


@compiled
def _start(seen: Seen, base: float, mode: int, most_diagonal: float) -> tuple[Floats, Floats, Integers]:
    """Return copies of the walls' sums (N, 6), their steps (N, 2) and directions (N,) that may be changed."""
    number = len(seen.walls)
    steps, eighths = np.empty((number, 2)), np.empty(number, np.int64)
    for at in range(number):
        for axis in range(2):
            steps[at, axis] = seen.corners[at + 1, axis] - seen.corners[at, axis]
        eighths[at] = eighth_of(steps[at, 0], steps[at, 1], base, mode, most_diagonal)
    return seen.walls.copy(), steps, eighths


@compiled
def _kind_of(eighths: Integers, mode: int, options: FitOptions) -> tuple[int, float]:
    """Return the kind of shape that walls make, and what it costs beside its corners."""
    if mode == FREE:
        return ANY_ANGLE, options.free_penalty
    slanted = 0
    for at in range(len(eighths)):
        slanted += eighths[at] % 2
    if slanted > 0:
        return DIAGONALS, options.diagonal_penalty * slanted
    return (RECTANGLE if len(eighths) == 4 else RECTILINEAR), 0.0


@compiled
def fit_ring(ring: Floats, fixed_angle: float, options: FitOptions) -> Fit:
    """Return the best shape for a ring (N, 2), closed; NaN as `fixed_angle` leaves the direction of walls free."""
    seen = _look_at(ring, options)
    best = Fit(NONE, ring, 0.0, -np.inf, 0.0)
    base = wall_direction(seen.corners) if np.isnan(fixed_angle) else fixed_angle
    other = narrowest_direction(seen.corners) if np.isnan(fixed_angle) else fixed_angle
    apart = abs((other - base + pi / 4) % (pi / 2) - pi / 4) > SAME_DIRECTION
    for turn in range(2 if apart else 1):
        angle = other if turn else base
        if options.right_angles:
            best = _judge(
                best, int(RECTANGLE), rectangle_along(seen.region, angle), seen, (0.0, angle, options.min_iou)
            )
        for mode in range(3):
            if (options.right_angles, options.diagonals, options.any_angle and turn == 0)[mode]:
                best = _reduce(best, seen, angle, mode, options)
    if options.circle:
        circle = circle_of(seen.region, CIRCLE_DEVIATION)
        best = _judge(best, int(CIRCLE), circle, seen, (options.circle_penalty, 0.0, options.min_iou))
    return best


@compiled
def fit_rings(points: Floats, starts: Integers, angles: Floats, options: FitOptions) -> tuple[Floats, Integers, Floats]:
    """Fit many rings: ring i is points[starts[i]:starts[i + 1]], closed, near the origin; angles (N,) may be NaN.

    Returns the fitted points (M, 2) of all rings in a row; kind and end of each ring (N, 2); agreement and base angle
    of each (N, 2).
    """
    number = len(starts) - 1
    kinds, measures = np.zeros((number, 2), np.int64), np.zeros((number, 2))
    fitted, used = np.empty((16 * number + 256, 2)), 0
    for at in range(number):
        seen = points[starts[at] : starts[at + 1]]
        fit = fit_ring(seen, angles[at], options)
        while used + len(fit.ring) > len(fitted):
            longer = np.empty((2 * len(fitted), 2))
            for place in range(used):
                longer[place, 0], longer[place, 1] = fitted[place, 0], fitted[place, 1]
            fitted = longer
        for place in range(len(fit.ring)):
            fitted[used + place, 0], fitted[used + place, 1] = fit.ring[place, 0], fit.ring[place, 1]
        used += len(fit.ring)
        kinds[at, 0], kinds[at, 1] = fit.kind, used
        measures[at, 0], measures[at, 1] = fine_agreement(fit.ring, seen), fit.base
    return fitted[:used], kinds, measures
