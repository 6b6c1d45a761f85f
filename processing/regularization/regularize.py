"""Give outlines the straight walls and right angles that buildings have, where the mask agrees."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan, pi

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from processing.polygonize import largest_polygon
from processing.regularization.fitting import FitOptions, fit_rings
from processing.regularization.parameters import RegularizationParams
from processing.regularization.ring_geometry import Floats, Integers
from processing.regularization.ring_rows import Polygons, as_array, points_of, sides_of
from processing.regularization.shared_area import shared_areas

KINDS = ("none", "rectangle", "rectilinear", "diagonal", "any_angle", "circle")
RIGHT_ANGLED = frozenset(("rectangle", "rectilinear", "diagonal"))
CORNER_COST_PX = 0.06
RIGHT_FACTOR = 0.25
FREE_PENALTY = 0.08
FREE_FACTOR = 1.75
CIRCLE_PENALTY = 0.06
MOST_DIAGONAL = 12 * pi / 180
COURTYARD_MIN_IOU = 0.7
FITTED_BEYOND_PX = 10.0
"""No fitted outline reaches further than this beyond the outline that was seen."""
DEFAULTS = RegularizationParams()


@dataclass(frozen=True, slots=True)
class Regularized:
    """An outline in working pixels, and how it came about."""

    outline: BaseGeometry
    method: str
    """rectangle, rectilinear, diagonal, any_angle, circle or none."""
    iou: float
    """Agreement with the outline that was seen."""
    status: str
    """accepted, rejected (no candidate fitted) or off."""
    angle: float = nan
    """Direction of the walls in radians, in a plane with square units; NaN where there is no such direction."""


def keep_raw(raw: BaseGeometry, status: str = "off") -> Regularized:
    """Return the outline as it was seen."""
    return Regularized(raw, "none", 1.0, status)


def regularize(
    outlines: Sequence[BaseGeometry], aspect: float, params: RegularizationParams = DEFAULTS
) -> list[Regularized]:
    """Choose for every outline the shape that fits it best for its number of corners, or itself.

    outlines: polygons in working pixels as `outline_of` traces them. `aspect` is the ground height of a
    pixel over its ground width. Each outline's result depends on nothing but that outline.
    """
    if not len(outlines):
        return []
    raw = as_array(outlines)
    rings = shapely.get_exterior_ring(raw)
    fitted, kinds, angles, iou = _fit(rings, np.full(len(raw), nan), aspect, options_of(params, aspect))
    polygons = shapely.polygons(fitted)
    with_holes = np.flatnonzero(shapely.get_num_interior_rings(raw))
    for at in with_holes:
        polygons[at] = _with_courtyards(fitted[at], raw[at], angles[at], aspect, params)
    iou[with_holes] = agreement(polygons[with_holes], raw[with_holes])
    accepted = (kinds > 0) & (iou >= params.min_iou) & shapely.is_valid(polygons)
    results = zip(polygons, kinds.tolist(), iou.tolist(), angles.tolist(), accepted.tolist(), raw, strict=True)
    return [
        Regularized(polygon, KINDS[kind], value, "accepted", angle) if fits else keep_raw(seen, "rejected")
        for polygon, kind, value, angle, fits, seen in results
    ]


def options_of(params: RegularizationParams, aspect: float) -> FitOptions:
    """Return the parameters as compiled code takes them, for a plane with square units."""
    method, auto = params.method, params.method == "auto"
    return FitOptions(
        right_angles=auto or method in ("right_angles", "right_angles_and_diagonals"),
        diagonals=auto or method == "right_angles_and_diagonals",
        any_angle=auto or method == "any_angle",
        circle=auto or method == "circle",
        tolerance=float(params.tolerance_px),
        reach=FITTED_BEYOND_PX * min(1.0, aspect),
        min_iou=float(params.min_iou),
        corner_cost=float(params.corner_cost),
        corner_cost_px=CORNER_COST_PX,
        diagonal_penalty=float(params.diagonal_penalty),
        free_penalty=FREE_PENALTY if auto else 0.0,
        right_factor=RIGHT_FACTOR,
        free_factor=FREE_FACTOR if auto else 1.0,
        circle_penalty=CIRCLE_PENALTY if auto else 0.0,
        most_diagonal=MOST_DIAGONAL,
    )


def agreement(first: Polygons, second: Polygons) -> Floats:
    """Return the IoU (N,) of pairs of polygons; 0 where one is not valid."""
    valid = shapely.is_valid(first) & shapely.is_valid(second)
    shared = shared_areas(sides_of(first), sides_of(second))
    union = shapely.area(first) + shapely.area(second) - shared
    iou: Floats = np.where(valid, shared / np.maximum(union, 1e-9), 0.0)
    return iou


def _fit(
    rings: Polygons, angles: Floats, aspect: float, options: FitOptions
) -> tuple[Polygons, Integers, Floats, Floats]:
    """Fit rings in a plane with square units near the origin, and come back to pixels.

    Returns fitted rings, kinds, directions and agreements, all (N,); the direction is NaN for shapes without one.
    """
    points, starts = points_of(rings)
    units, origins = np.array([1.0, aspect]), np.floor(shapely.bounds(rings)[:, :2])
    moved = (points - np.repeat(origins, np.diff(starts), axis=0)) * units
    found, kinds, measures = fit_rings(moved, starts, angles, options)
    owners = np.repeat(np.arange(len(rings)), np.diff(kinds[:, 1], prepend=0))
    fitted = shapely.linearrings(found / units + origins[owners], indices=owners)
    square = np.isin(kinds[:, 0], [KINDS.index(kind) for kind in RIGHT_ANGLED])
    return fitted, kinds[:, 0], np.where(square, measures[:, 1], nan), measures[:, 0]


def _with_courtyards(
    outer: BaseGeometry, raw: BaseGeometry, angle: float, aspect: float, params: RegularizationParams
) -> BaseGeometry:
    """Cut the courtyards of a building out of its fitted ring; they share the direction of its walls."""
    holes = np.array(raw.interiors, object)
    fitted, kinds, _, iou = _fit(holes, np.full(len(holes), angle), aspect, options_of(params, aspect))
    fits = (kinds > 0) & (iou >= COURTYARD_MIN_IOU)
    polygon = shapely.Polygon(outer, list(np.where(fits, fitted, holes)))
    if polygon.is_valid:
        return polygon
    # A courtyard that touches the outer wall, or another one, opens it.
    rest = shapely.difference(shapely.make_valid(shapely.Polygon(outer)), shapely.union_all(shapely.polygons(holes)))
    return largest_polygon(rest) or raw
