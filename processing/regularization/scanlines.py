"""The agreement of two rings, by lines laid through them: several times faster than cutting polygons exactly."""

from math import ceil

import numpy as np

from processing.compiled import compiled
from processing.regularization.ring_geometry import Floats, Integers, signed_area

LINES = 64
"""For choosing among shapes: more change the choice too rarely to pay for their time."""
FINE_LINES = 192
"""For the figure that is kept: it is then right to about 0.003."""
CROSSINGS_MAX = 64


@compiled
def lay_lines(ring: Floats, crossings: Floats, counts: Integers, low: float, step: float) -> bool:
    """Write where each line crosses the ring, ascending: crossings (L, CROSSINGS_MAX), counts (L,).

    Line i lies at y = low + (i + 0.5) * step. Returns False when a line crosses the ring too often to be noted.
    """
    lines = len(counts)
    for line in range(lines):
        counts[line] = 0
    for at in range(len(ring) - 1):
        x0, y0, x1, y1 = ring[at, 0], ring[at, 1], ring[at + 1, 0], ring[at + 1, 1]
        if y0 == y1:
            continue
        if y0 > y1:
            x0, y0, x1, y1 = x1, y1, x0, y0
        slope = (x1 - x0) / (y1 - y0)
        first = max(ceil((y0 - low) / step - 0.5), 0)
        last = min(ceil((y1 - low) / step - 0.5), lines)
        for line in range(first, last):
            x = x0 + (low + (line + 0.5) * step - y0) * slope
            place = counts[line]
            if place == CROSSINGS_MAX:
                return False
            while place > 0 and crossings[line, place - 1] > x:
                crossings[line, place] = crossings[line, place - 1]
                place -= 1
            crossings[line, place] = x
            counts[line] += 1
    return True


@compiled
def shared_length(first: Floats, first_count: int, second: Floats, second_count: int) -> float:
    """Return the length that two ascending lists of crossings both enclose."""
    total, at, other = 0.0, 0, 0
    while at + 1 < first_count and other + 1 < second_count:
        low, high = max(first[at], second[other]), min(first[at + 1], second[other + 1])
        if high > low:
            total += high - low
        if first[at + 1] < second[other + 1]:
            at += 2
        else:
            other += 2
    return total


@compiled
def span_of(ring: Floats, lines: int) -> tuple[float, float]:
    """Return the lowest y of a ring and the distance between so many lines through it."""
    low, high = ring[0, 1], ring[0, 1]
    for at in range(len(ring)):
        low, high = min(low, ring[at, 1]), max(high, ring[at, 1])
    return low, max(high - low, 1e-9) / lines


@compiled
def agreement(ring: Floats, seen: Floats, seen_counts: Integers, span: tuple[float, float, float]) -> float:
    """Return about the IoU of a ring with the one whose lines are `seen`; `span` is its lowest y, step and area."""
    low, step, seen_area = span
    lines = len(seen_counts)
    crossings, counts = np.empty((lines, CROSSINGS_MAX)), np.zeros(lines, np.int64)
    if not lay_lines(ring, crossings, counts, low, step):
        return 0.0
    shared = 0.0
    for line in range(lines):
        shared += shared_length(seen[line], seen_counts[line], crossings[line], counts[line])
    shared *= step
    return min(shared / max(abs(signed_area(ring)) + seen_area - shared, 1e-9), 1.0)


@compiled
def fine_agreement(ring: Floats, seen: Floats) -> float:
    """Return the IoU of two rings to about 0.003; 0 where one is too ragged to be measured."""
    low, step = span_of(seen, int(FINE_LINES))
    crossings, counts = np.empty((FINE_LINES, CROSSINGS_MAX)), np.zeros(FINE_LINES, np.int64)
    if not lay_lines(seen, crossings, counts, low, step):
        return 0.0
    return agreement(ring, crossings, counts, (low, step, abs(signed_area(seen))))
