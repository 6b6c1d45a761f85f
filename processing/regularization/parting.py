"""Take from outlines what neighbours of higher rank cover, so that no two share ground.

As in alignment, only direct neighbours as they stood before the step have a say, and a batch changes nothing.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from processing.polygonize import largest_polygon
from processing.regularization.regularize import Regularized, agreement
from processing.regularization.ring_geometry import Floats
from processing.regularization.ring_rows import Polygons, as_array, outer_rings, polygons_of, sides_of
from processing.regularization.shared_area import shared_areas
from processing.regularization.straight_cuts import best_cuts, cut_rings

NOTHING_PX = 1e-4
GRID_PX = 2.0**-20
CUT_SHARE = 0.08
CUT_TIMES = 1.6
"""A straight cut may take this share of a building, or so many times what both claim; else a notch is cut."""


def part(
    aligned: Sequence[Regularized], raws: Sequence[BaseGeometry], higher: Sequence[Sequence[BaseGeometry]]
) -> list[Regularized | None]:
    """Take from outlines what their neighbours cover; None where nothing is left.

    `raws` are the outlines as seen; `higher` are each building's neighbours by falling rank. Where a straight cut takes
    little more than the common ground, a rectangle stays a rectangle with one shared wall.
    """
    outlines, others = as_array([one.outline for one in aligned]), as_array(list(chain.from_iterable(higher)))
    owners = np.repeat(np.arange(len(aligned)), [len(group) for group in higher])
    areas = shared_areas(sides_of(outlines[owners]), sides_of(others))
    meet = areas > NOTHING_PX
    owners, others, areas, parted = owners[meet], others[meet], areas[meet], outlines.copy()
    rounds = np.arange(len(owners)) - np.searchsorted(owners, owners)
    follows = ~np.isnan([one.angle for one in aligned])
    for number in range(rounds.max(initial=-1) + 1):
        now = (rounds == number) & ~shapely.is_missing(parted[owners])
        if number > 0:
            areas[now] = shared_areas(sides_of(parted[owners[now]]), sides_of(others[now]))
            now &= areas > NOTHING_PX
        parted[owners[now]] = _parted(parted[owners[now]], others[now], areas[now], follows[owners[now]])
    result: list[Regularized | None] = list(aligned)
    for at in np.unique(owners[shapely.is_missing(parted[owners])]).tolist():
        result[at] = None
    left = np.array([at for at in np.unique(owners) if parted[at] is not None and parted[at] is not outlines[at]], int)
    iou = agreement(parted[left], as_array([raws[at] for at in left]))
    for at, value in zip(left.tolist(), iou.tolist(), strict=True):
        result[at] = replace(aligned[at], outline=parted[at], iou=value, method=_method_of(aligned[at], parted[at]))
    return result


def _method_of(aligned: Regularized, outline: BaseGeometry) -> str:
    """A rectangle with a notch, or a circle with a piece cut off, is no longer what it was."""
    same = len(outline.exterior.coords) == len(aligned.outline.exterior.coords)
    return "any_angle" if aligned.method in ("rectangle", "circle") and not same else aligned.method


def _parted(outlines: Polygons, others: Polygons, areas: Floats, follows: NDArray[np.bool_]) -> Polygons:
    """Part pairs (N,) that share `areas`; None where nothing is left."""
    rings, other_rings = outer_rings(outlines), outer_rings(others)
    cuts = best_cuts(rings, other_rings, sides_of(outlines), sides_of(others), follows)
    straight = cuts[:, 3] <= np.maximum(CUT_TIMES * areas, CUT_SHARE * shapely.area(outlines))
    cut = outlines.copy()
    cut[straight] = _below(cut[straight], cuts[straight])
    result = cut.copy()
    for grid in (None, GRID_PX):
        left = np.flatnonzero(~shapely.is_missing(result))
        left = left[shared_areas(sides_of(result[left]), sides_of(others[left])) > NOTHING_PX]
        result[left] = _largest(shapely.difference(cut[left], others[left], grid_size=grid))
    return result


def _below(outlines: Polygons, cuts: Floats) -> Polygons:
    """Return the largest part (N,) of each outline below its cut, or None."""
    points, starts = cut_rings(outer_rings(outlines), cuts)
    counts = np.diff(starts)
    whole = (counts > 0) & (shapely.get_num_interior_rings(outlines) == 0)
    result = outlines.copy()
    result[whole] = polygons_of(points[np.repeat(whole, counts)], counts[whole])
    # A wall that lies in the line of the cut leaves a spike there; the overlay knows how to end it.
    other = ~whole | ~shapely.is_valid(result)
    result[other] = shapely.intersection(outlines[other], _half_planes(outlines[other], cuts[other]))
    return _largest(result)


def _largest(shapes: Polygons) -> Polygons:
    """Return the largest polygon (N,) of each shape, or None where there is no ground."""
    result = shapes.copy()
    for at in np.flatnonzero(shapely.get_type_id(shapes) != shapely.GeometryType.POLYGON):
        result[at] = largest_polygon(shapes[at])
    result[~(shapely.area(result) > NOTHING_PX)] = None
    return result


def _half_planes(outlines: Polygons, cuts: Floats) -> Polygons:
    """Return the parts of the plane around outlines where nx * x + ny * y <= offset; `cuts` (N, 4) begin with these."""
    bounds, normals = shapely.bounds(outlines), cuts[:, :2]
    reach = 2 * np.hypot(*(bounds[:, 2:] - bounds[:, :2]).T)[:, None] + 1
    middles = (bounds[:, :2] + bounds[:, 2:]) / 2
    back, along = normals * reach, np.column_stack([-normals[:, 1], normals[:, 0]]) * reach
    feet = middles + normals * (cuts[:, 2:3] - (normals * middles).sum(axis=1, keepdims=True))
    corners = np.stack([feet - along, feet + along, feet + along - back, feet - along - back], axis=1)
    planes: Polygons = shapely.polygons(corners)
    return planes
