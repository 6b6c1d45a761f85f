"""Fit right-angled shapes to a ring of points. Everything here lives in a plane where both axes have the same unit."""

from dataclasses import dataclass
from itertools import pairwise
from math import atan2, cos, sin, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from processing.polygonize import Ring, ring_area

SHORTEST_RUN_PX = 2.0
SHORTEST_RUN_SHARE = 0.1
"""Walls shorter than this, absolutely or against the square root of the area, are taken for noise of the mask."""

CORNER_SHARE = 0.15
BESIDE_PX = 3.0


@dataclass(frozen=True, slots=True)
class Moments:
    """Area, centroid (2,) and covariance (2, 2) of a region."""

    area: float
    centre: NDArray[np.float64]
    covariance: NDArray[np.float64]


def ring_moments(ring: Ring) -> Moments:
    """Measure the region inside a ring."""
    start, stop = ring[:-1], ring[1:]
    cross = start[:, 0] * stop[:, 1] - stop[:, 0] * start[:, 1]
    area = float(cross.sum()) / 2
    if abs(area) < 1e-9:
        return Moments(0.0, ring[0], np.zeros((2, 2)))
    centre = ((start + stop) * cross[:, None]).sum(axis=0) / (6 * area)
    first, second = start - centre, stop - centre
    cross = first[:, 0] * second[:, 1] - second[:, 0] * first[:, 1]
    squares = ((first**2 + first * second + second**2) * cross[:, None]).sum(axis=0) / 12
    mixed = first[:, 0] * second[:, 1] + 2 * (first[:, 0] * first[:, 1] + second[:, 0] * second[:, 1])
    product = float(((mixed + second[:, 0] * first[:, 1]) * cross).sum()) / 24
    return Moments(abs(area), centre, np.array([[squares[0], product], [product, squares[1]]]) / area)


def wall_direction(ring: Ring) -> float:
    """Return the angle, in [0, pi/2), that most of the outline follows or stands square on."""
    steps = np.diff(ring, axis=0)
    turned = (steps[:, 0] + 1j * steps[:, 1]) ** 4
    length = np.abs(steps[:, 0] + 1j * steps[:, 1])
    # The fourth power makes the four directions of a right-angled shape one; long walls count most.
    mean = (turned / np.maximum(length, 1e-9) ** 2.5).sum()
    return float(atan2(mean.imag, mean.real) / 4 % (np.pi / 2))


def narrowest_direction(ring: Ring) -> float:
    """Return the angle, in [0, pi/2), of the smallest rectangle around the ring."""
    _, _, angle_deg = cv2.minAreaRect(ring[:-1].astype(np.float32))
    return float(np.deg2rad(angle_deg) % (np.pi / 2))


def rectangle_along(moments: Moments, angle: float) -> Ring:
    """Return the rectangle in the given direction that has a region's area, centroid and proportions."""
    turn = np.array([[cos(angle), sin(angle)], [-sin(angle), cos(angle)]])
    spread = np.maximum(np.diag(turn @ moments.covariance @ turn.T), 1e-9)
    width = sqrt(moments.area * sqrt(spread[0] / spread[1]))
    half = np.array([width, moments.area / max(width, 1e-9)]) / 2
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]) * half
    return np.asarray(corners @ turn + moments.centre)


def rectilinear_along(rough: Ring, fine: Ring, angle: float) -> Ring | None:
    """Return the right-angled outline in the given direction.

    The `rough` ring tells which walls there are; where each of them stands is the mean of the `fine` ring beside it.
    Returns None when fewer than four walls are left.
    """
    turn = np.array([[cos(angle), sin(angle)], [-sin(angle), cos(angle)]])
    walls = _walls(rough @ turn.T)
    walls = _without_short(walls, max(SHORTEST_RUN_PX, SHORTEST_RUN_SHARE * sqrt(ring_area(rough))))
    if len(walls) < 4:
        return None
    walls = _moved_onto(walls, fine @ turn.T)
    corners = []
    for wall, following in zip(walls, [*walls[1:], walls[0]], strict=True):
        along, across = (wall, following) if wall.level else (following, wall)
        corners.append((across.offset, along.offset))
    closed = np.array([*corners, corners[0]])
    return np.asarray(closed @ turn)


class _Wall:
    """A run of steps that go the same way: level (along x) or upright (along y)."""

    __slots__ = ("length", "level", "offset", "weight")

    def __init__(self, level: bool, offset: float, weight: float, length: float) -> None:
        self.level, self.offset, self.weight, self.length = level, offset, weight, length

    def join(self, other: "_Wall") -> "_Wall":
        weight = self.weight + other.weight
        offset = (self.offset * self.weight + other.offset * other.weight) / max(weight, 1e-9)
        return _Wall(self.level, offset, weight, self.length + other.length)


def _walls(ring: Ring) -> list[_Wall]:
    walls: list[_Wall] = []
    for (x0, y0), (x1, y1) in pairwise(ring):
        dx, dy = x1 - x0, y1 - y0
        level = abs(dx) >= abs(dy)
        wall = _Wall(level, (y0 + y1) / 2 if level else (x0 + x1) / 2, abs(dx if level else dy), dx if level else dy)
        if walls and walls[-1].level == level:
            walls[-1] = walls[-1].join(wall)
        else:
            walls.append(wall)
    if len(walls) > 1 and walls[0].level == walls[-1].level:
        walls[0] = walls.pop().join(walls[0])
    return walls


def _without_short(walls: list[_Wall], shortest: float) -> list[_Wall]:
    """Take out the shortest wall and join the two it stood between, until all are long enough."""
    while len(walls) > 4:
        index = min(range(len(walls)), key=lambda at: abs(walls[at].length))
        if abs(walls[index].length) >= shortest:
            break
        before, after = walls[index - 1], walls[(index + 1) % len(walls)]
        joined = before.join(after)
        gone = {index, (index - 1) % len(walls), (index + 1) % len(walls)}
        rest = [wall for at, wall in enumerate(walls) if at not in gone]
        # The joined wall takes the place of the three, wherever in the circle the list begins.
        place = sum(1 for at in range(index) if at not in gone) if index else 0
        walls = [*rest[:place], joined, *rest[place:]]
    return walls


def _moved_onto(walls: list[_Wall], ring: Ring) -> list[_Wall]:
    """Put each wall where the ring runs beside its middle; corners, which masks round off, have no say."""
    middles, steps = (ring[:-1] + ring[1:]) / 2, np.abs(np.diff(ring, axis=0))
    moved = []
    for at, wall in enumerate(walls):
        along, across = (0, 1) if wall.level else (1, 0)
        ends = sorted((walls[at - 1].offset, walls[(at + 1) % len(walls)].offset))
        margin = CORNER_SHARE * (ends[1] - ends[0])
        beside = (middles[:, along] > ends[0] + margin) & (middles[:, along] < ends[1] - margin)
        beside &= np.abs(middles[:, across] - wall.offset) < BESIDE_PX
        weights = steps[:, along] * beside
        offset = float(weights @ middles[:, across] / weights.sum()) if weights.sum() > 0 else wall.offset
        moved.append(_Wall(wall.level, offset, wall.weight, wall.length))
    return moved
