"""Make neighbours fit each other: equal directions, and one wall where two nearly touch.

The step looks at the direct neighbours of higher rank only, as these stood before it: neither the order of the
buildings nor anything further away has a say. Buildings come in batches because calls for single ones cost more than
the geometry; what a batch holds beside a building does not change it.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from math import pi
from typing import NamedTuple

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from processing.regularization.gaps import close_all_gaps
from processing.regularization.parameters import RegularizationParams
from processing.regularization.regularize import Regularized, agreement
from processing.regularization.ring_geometry import Floats, Integers
from processing.regularization.ring_rows import Polygons, as_array, outer_rings, with_outer_rings

MOST_TURN = 8 * pi / 180
MOST_LOST_IOU = 0.04
MOST_MOVED_PX = 3.0
"""Aligning takes no outline further than this beyond where it was fitted."""


class _Turns(NamedTuple):
    """Who is turned, by how much, and towards whom gaps are closed."""

    owners: Integers
    """(N,) ascending places of the buildings in the batch."""
    radians: Floats
    """(N,)"""
    near: Polygons
    """(P,) neighbours of all of them, by falling rank for each."""
    firsts: Integers
    """(N + 1,) where each building's neighbours begin among `near`."""


def align(
    fitted: Sequence[Regularized],
    raws: Sequence[BaseGeometry],
    higher: Sequence[Sequence[Regularized]],
    aspect: float,
    params: RegularizationParams,
) -> list[Regularized]:
    """Turn right-angled outlines to the direction of their first neighbour, and close gaps to all neighbours.

    `raws` are the outlines as seen; `higher` are each building's neighbours by falling rank. An outline stays as it is
    where the mask disagrees.
    """
    aligned = list(fitted)
    turns = _turns_of(fitted, higher, params.snap_px)
    if not len(turns.owners):
        return aligned
    before = as_array([fitted[at].outline for at in turns.owners])
    turned = _turned(before, turns.radians, aspect)
    rings = outer_rings(turned)
    closed = close_all_gaps(rings, outer_rings(turns.near), turns.firsts, params.snap_px)
    changed = turns.radians != 0
    changed[np.searchsorted(rings.starts, np.flatnonzero((closed != rings.points).any(axis=1)), "right") - 1] = True
    after, at_all = with_outer_rings(turned, closed)[changed], turns.owners[changed]
    iou = agreement(after, as_array([raws[at] for at in at_all]))
    moved = np.abs(shapely.bounds(after) - shapely.bounds(before[changed])).max(axis=1)
    needed = np.maximum(params.min_iou, np.array([fitted[at].iou for at in at_all]) - MOST_LOST_IOU)
    for place in np.flatnonzero((iou >= needed) & (moved <= MOST_MOVED_PX)).tolist():
        at = int(at_all[place])
        angle = fitted[at].angle + float(turns.radians[changed][place])
        aligned[at] = replace(fitted[at], outline=after[place], iou=float(iou[place]), angle=angle)
    return aligned


def _turns_of(fitted: Sequence[Regularized], higher: Sequence[Sequence[Regularized]], snap_px: float) -> _Turns:
    """Find the neighbours within `snap_px`; whoever has one in about the same direction turns to the first such."""
    others = list(chain.from_iterable(higher))
    owners = np.repeat(np.arange(len(fitted)), [len(group) for group in higher])
    angles, wanted = np.array([one.angle for one in fitted])[owners], np.array([one.angle for one in others])
    square = np.flatnonzero(~np.isnan(angles) & ~np.isnan(wanted))
    mine = as_array([one.outline for one in fitted])[owners[square]]
    theirs = as_array([others[at].outline for at in square])
    close = shapely.dwithin(mine, theirs, snap_px)
    near, theirs = square[close], theirs[close]
    turn = (wanted[near] - angles[near] + pi / 4) % (pi / 2) - pi / 4
    slight = np.abs(turn) <= MOST_TURN
    turning, first = np.unique(owners[near][slight], return_index=True)
    used = np.isin(owners[near], turning)
    firsts = np.searchsorted(owners[near][used], np.append(turning, len(fitted)))
    return _Turns(turning, turn[slight][first], theirs[used], firsts)


def _turned(outlines: Polygons, radians: Floats, aspect: float) -> Polygons:
    """Turn outlines around their centroids, in the plane where their angles are right."""
    points, owners = shapely.get_coordinates(outlines, return_index=True)
    centres = shapely.get_coordinates(shapely.centroid(outlines))[owners]
    c, s, units = np.cos(radians)[owners], np.sin(radians)[owners], np.array([1.0, aspect])
    x, y = ((points - centres) * units).T
    moved = np.column_stack([c * x - s * y, s * x + c * y]) / units + centres
    turned: Polygons = shapely.set_coordinates(outlines.copy(), np.where(radians[owners, None] == 0, points, moved))
    return turned
