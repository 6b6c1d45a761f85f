"""Give outlines the right angles that buildings have, where the mask agrees; otherwise leave them as they were seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from processing.polygonize import fewer_corners, largest_polygon, with_area
from processing.rectilinear import narrowest_direction, rectangle_along, rectilinear_along, ring_moments, wall_direction

ACCEPT_ABOVE_IOU = 0.85
COST_OF_A_CORNER = 0.012
"""In IoU: a shape with more corners must fit better by this much for each of them."""
MOST_BEYOND_PX = 8.0
"""No outline may reach further than this beyond the mask's rectangle; the search for neighbours relies on it."""
WALL_TOLERANCE_PX = 1.5


@dataclass(frozen=True, slots=True)
class Regularized:
    """An outline in working pixels, and how it came about."""

    outline: BaseGeometry
    method: str
    """rectangle, rectilinear or none."""
    iou: float
    """Agreement with the outline that was seen."""
    status: str
    """accepted, rejected (no candidate fitted) or off."""


def keep_raw(raw: BaseGeometry, status: str = "off") -> Regularized:
    """Return the outline as it was seen."""
    return Regularized(raw, "none", 1.0, status)


def regularize(outlines: Sequence[BaseGeometry], aspect: float) -> list[Regularized]:
    """Choose for every outline the right-angled candidate that fits it, or itself.

    outlines: polygons in working pixels as `outline_of` traces them. `aspect` is the ground height of a
    pixel over its ground width.
    """
    owners: list[int] = []
    methods: list[str] = []
    candidates: list[BaseGeometry] = []
    for index, outline in enumerate(outlines):
        for method, candidate in _candidates(outline, aspect):
            owners.append(index)
            methods.append(method)
            candidates.append(candidate)
    best: dict[int, tuple[float, Regularized]] = {}
    for at, iou in enumerate(_iou(candidates, [outlines[owner] for owner in owners])):
        cost = COST_OF_A_CORNER * (shapely.get_num_coordinates(candidates[at]) - 5)
        known = best.get(owners[at])
        if iou >= ACCEPT_ABOVE_IOU and (known is None or iou - cost > known[0]):
            best[owners[at]] = iou - cost, Regularized(candidates[at], methods[at], float(iou), "accepted")
    return [best[at][1] if at in best else keep_raw(raw, "rejected") for at, raw in enumerate(outlines)]


def _candidates(outline: BaseGeometry, aspect: float) -> list[tuple[str, BaseGeometry]]:
    """Fit in a plane with square units around the outline's corner, and come back to pixels."""
    origin = np.floor(np.array(outline.bounds[:2]))
    units = np.array([1.0, aspect])
    ring = (shapely.get_coordinates(outline.exterior) - origin) * units
    walls = fewer_corners(ring, WALL_TOLERANCE_PX)
    direction, moments = wall_direction(walls), ring_moments(ring)
    rings = [
        ("rectangle", rectangle_along(moments, direction)),
        ("rectangle", rectangle_along(moments, narrowest_direction(ring))),
    ]
    squared = rectilinear_along(walls, ring, direction) if len(walls) > 5 else None
    if squared is not None:
        rings.append(("rectangle" if len(squared) == 5 else "rectilinear", with_area(squared, moments.area)))
    shapes = [(method, _place(fitted / units + origin, outline)) for method, fitted in rings]
    return [(method, shape) for method, shape in shapes if shape is not None]


def _place(ring: NDArray[np.float64], outline: BaseGeometry) -> BaseGeometry | None:
    """Make a polygon of a fitted ring, with the courtyards of the outline, unless it strays or crosses itself."""
    bounds = np.array(outline.bounds)
    reach = MOST_BEYOND_PX - 1
    strays = (ring.min(axis=0) < bounds[:2] - reach).any() or (ring.max(axis=0) > bounds[2:] + reach).any()
    polygon = shapely.polygons(ring)
    if strays or not polygon.is_valid or polygon.area == 0:
        return None
    if not outline.interiors:
        return polygon
    courtyards = shapely.union_all(shapely.polygons(list(outline.interiors)))
    return largest_polygon(shapely.difference(polygon, courtyards))


def _iou(candidates: Sequence[BaseGeometry], outlines: Sequence[BaseGeometry]) -> NDArray[np.float64]:
    first, second = np.array(candidates, object), np.array(outlines, object)
    shared = shapely.area(shapely.intersection(first, second))
    iou: NDArray[np.float64] = shared / np.maximum(shapely.area(first) + shapely.area(second) - shared, 1e-9)
    return iou
