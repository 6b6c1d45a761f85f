"""Make neighbours fit each other: equal directions, one wall where two nearly touch, no ground that both cover.

Both steps look at the direct neighbours of higher rank only, as these stood before the step: neither the order of the
buildings nor anything further away has a say.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import hypot, isnan, pi

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from processing.polygonize import largest_polygon
from processing.regularization.parameters import RegularizationParams
from processing.regularization.regularize import Regularized
from processing.regularization.ring_geometry import Floats
from processing.regularization.shared_walls import best_cut, close_gaps

MOST_TURN = 8 * pi / 180
MOST_LOST_IOU = 0.04
MOST_MOVED_PX = 3.0
"""Aligning takes no outline further than this beyond where it was fitted."""
NOTHING_PX = 1e-7
NOTHING_ON_GRID_PX = 1e-4
GRID_PX = 2.0**-20
CUT_SHARE = 0.08
CUT_TIMES = 1.6
"""A straight cut may take this share of a building, or so many times what both claim; else a notch is cut."""


def align(
    fitted: Regularized, raw: BaseGeometry, higher: Sequence[Regularized], aspect: float, params: RegularizationParams
) -> Regularized:
    """Turn a right-angled outline to the direction of the first neighbour, and close gaps to all of them.

    `higher` are neighbours by falling rank. The outline stays as it is where the mask disagrees.
    """
    if isnan(fitted.angle):
        return fitted
    near = [other for other in higher if not isnan(other.angle) and _gap(fitted, other) <= params.snap_px]
    turns = [turn for other in near if (turn := _turn_to(fitted.angle, other.angle)) is not None]
    if not turns:
        return fitted
    outline = _turned(fitted.outline, turns[0], aspect)
    for other in near:
        ring = close_gaps(_ring(outline), _ring(other.outline), params.snap_px)
        outline = shapely.Polygon(ring, outline.interiors)
    iou = _iou(outline, raw) if outline.is_valid else 0.0
    moved = np.abs(np.array(outline.bounds) - fitted.outline.bounds).max()
    if iou < max(params.min_iou, fitted.iou - MOST_LOST_IOU) or moved > MOST_MOVED_PX:
        return fitted
    return replace(fitted, outline=outline, iou=iou, angle=fitted.angle + turns[0])


def part(aligned: Regularized, raw: BaseGeometry, higher: Sequence[BaseGeometry]) -> Regularized | None:
    """Take from an outline what neighbours of higher rank cover; None when nothing is left.

    Where a straight cut takes little more than that, a rectangle stays a rectangle with one shared wall.
    """
    outline: BaseGeometry | None = aligned.outline
    for other in higher:
        if outline is not None:
            outline = _parted(outline, other, follows=not isnan(aligned.angle))
    if outline is aligned.outline:
        return aligned
    if outline is None:
        return None
    return replace(aligned, outline=outline, iou=_iou(outline, raw), method=_method_of(aligned, outline))


def _method_of(aligned: Regularized, outline: BaseGeometry) -> str:
    """A rectangle with a notch, or a circle with a piece cut off, is no longer what it was."""
    same = len(outline.exterior.coords) == len(aligned.outline.exterior.coords)
    return "any_angle" if aligned.method in ("rectangle", "circle") and not same else aligned.method


def _parted(outline: BaseGeometry, other: BaseGeometry, *, follows: bool) -> BaseGeometry | None:
    shared = _shared(outline, other)
    if shared is None:
        return outline
    nx, ny, offset, lost = best_cut(_ring(outline), _ring(other), shapely.get_coordinates(shared), follows)
    if lost <= max(CUT_TIMES * shared.area, CUT_SHARE * outline.area):
        outline = largest_polygon(shapely.intersection(outline, _half_plane(outline, nx, ny, offset)))
    if outline is None or _shared(outline, other) is None:
        return outline
    rest = largest_polygon(shapely.difference(outline, other))
    if rest is None or _shared(rest, other) is None:
        return rest
    return largest_polygon(shapely.difference(outline, other, grid_size=GRID_PX))


def _shared(first: BaseGeometry, second: BaseGeometry) -> BaseGeometry | None:
    """Return the ground that both cover, or None.

    Where walls are the same but for the last bits, the exact overlay can take a whole polygon for shared; the
    overlay on a fine grid does not, so it has the last word.
    """
    if shapely.intersection(first, second).area <= NOTHING_PX:
        return None
    shared = shapely.intersection(first, second, grid_size=GRID_PX)
    return shared if shared.area > NOTHING_ON_GRID_PX else None


def _half_plane(outline: BaseGeometry, nx: float, ny: float, offset: float) -> BaseGeometry:
    """Return the part of the plane around an outline where nx * x + ny * y <= offset."""
    x0, y0, x1, y1 = outline.bounds
    reach = 2 * hypot(x1 - x0, y1 - y0) + 1
    middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    normal, along = np.array([nx, ny]), np.array([-ny, nx]) * reach
    foot = middle + normal * (offset - normal @ middle)
    return shapely.Polygon([foot - along, foot + along, foot + along - normal * reach, foot - along - normal * reach])


def _gap(first: Regularized, second: Regularized) -> float:
    return float(shapely.distance(first.outline, second.outline))


def _turn_to(angle: float, wanted: float) -> float | None:
    """Return the turn to the nearest equal or square direction; None where it is too far."""
    turn = (wanted - angle + pi / 4) % (pi / 2) - pi / 4
    return turn if abs(turn) <= MOST_TURN else None


def _turned(outline: BaseGeometry, turn: float, aspect: float) -> BaseGeometry:
    """Turn an outline around its centroid, in the plane where its angles are right."""
    if turn == 0.0:
        return outline
    units, centre = np.array([1.0, aspect]), shapely.get_coordinates(outline.centroid)[0]
    c, s = np.cos(turn), np.sin(turn)
    matrix = np.array([[c, s], [-s, c]])
    return shapely.transform(outline, lambda points: ((points - centre) * units) @ matrix / units + centre)


def _ring(outline: BaseGeometry) -> Floats:
    return np.ascontiguousarray(shapely.get_coordinates(outline.exterior))


def _iou(first: BaseGeometry, second: BaseGeometry) -> float:
    shared = shapely.intersection(first, second).area
    return float(shared / max(first.area + second.area - shared, 1e-9))
