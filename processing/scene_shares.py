"""Which scene is to look at which piece of a region, so that no piece is looked at twice.

The line between two scenes that overlap runs `RIM_M` inside the edge of the better one: there both see the whole of
every building on the line. So each scene has a core, its outline without a rim along those edges that lie as deep in
another scene; the cores are given out first, then what is left of the rims. Scenes that overlap by less are parted at
the edge of the better one, where that sees but a piece of a building.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import cos, radians

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

RIM_M = 30.0
"""A building up to twice as wide that stands on the line is seen whole by both sides."""
M_PER_DEG = 111_320.0
Shapes = NDArray[np.object_]
"""(N,) shapely geometries in EPSG:4326."""
CRUMB_M2 = 1.0
"""Smaller pieces are crumbs of arithmetic: no building's middle is sought there."""


@dataclass(frozen=True)
class Candidate:
    """A scene that may look at a piece of a region."""

    outline: BaseGeometry
    """EPSG:4326."""
    gsd_m: float
    valid_share: float
    """Share of its pixels that hold imagery. Only a scene without gaps keeps others away."""
    created_at: float

    @property
    def rank(self) -> tuple[bool, float, float]:
        """Without gaps first, then the finest, then the newest."""
        return self.has_gaps, self.gsd_m, -self.created_at

    @property
    def has_gaps(self) -> bool:
        """Tell whether some of its pixels hold no imagery: others may have to fill in."""
        return self.valid_share < 1.0


@dataclass(frozen=True)
class Share:
    """The piece of a region that one scene is to look at."""

    scene: int
    """Its number among the candidates."""
    region: BaseGeometry | None
    """EPSG:4326 Polygon or MultiPolygon; None: all of the scene."""


def share_out(candidates: Sequence[Candidate], region: BaseGeometry) -> list[Share]:
    """Give each scene its piece of a region (EPSG:4326), the best scene first; scenes that get nothing are left out.

    Pieces do not overlap, except those of scenes with gaps: what lies in a gap of the one, another may show. They get
    what no scene without gaps covers.
    """
    order = sorted(range(len(candidates)), key=lambda number: candidates[number].rank)
    outlines = np.array([candidates[number].outline for number in order], object)
    wanted = _polygonal(shapely.intersection(outlines, region))
    full = sum(not candidate.has_gaps for candidate in candidates)
    pieces = _parted(wanted[:full], outlines[:full])
    pieces = np.concatenate([pieces, _without(wanted[full:], pieces)])
    shares = []
    for number, outline, piece in zip(order, outlines, pieces, strict=True):
        if _area_m2(piece) >= CRUMB_M2:
            is_whole = _area_m2(shapely.difference(outline, piece)) < CRUMB_M2
            shares.append(Share(number, None if is_whole else piece))
    return shares


def overlapping_gaps(candidates: Sequence[Candidate], shares: Iterable[Share]) -> list[int]:
    """Return the numbers of scenes with gaps whose piece overlaps another's: buildings there may come twice."""
    found = [share for share in shares if candidates[share.scene].has_gaps]
    pieces = np.array([share.region or candidates[share.scene].outline for share in found], object)
    if not len(pieces):
        return []
    first, second = shapely.STRtree(pieces).query(pieces, predicate="intersects")
    shared = [_area_m2(piece) >= CRUMB_M2 for piece in shapely.intersection(pieces[first], pieces[second])]
    doubled = np.array(shared, bool) & (first != second)
    return sorted({found[number].scene for number in first[doubled].tolist()})


def _parted(wanted: Shapes, outlines: Shapes) -> Shapes:
    """Give out cores, then rims, each less what the scenes before it got."""
    cores = _give_out(_polygonal(shapely.intersection(wanted, _cores(outlines))))
    rims = _without(shapely.difference(wanted, cores), cores)
    return _polygonal(shapely.union(cores, _give_out(rims)))


def _cores(outlines: Shapes) -> Shapes:
    """Return outlines without a rim along those edges that lie `RIM_M` and more inside another one."""
    depths = np.array([_grown(outline, -RIM_M) for outline in outlines], object)
    tree, cores = shapely.STRtree(depths), outlines.copy()
    for number, outline in enumerate(outlines):
        near = tree.query(outline, predicate="intersects")
        others = near[near != number]
        edges = shapely.intersection(outline.boundary, shapely.union_all(depths[others]))
        if not edges.is_empty:
            cores[number] = shapely.difference(outline, _grown(edges, RIM_M))
    return _polygonal(cores)


def _give_out(wanted: Shapes) -> Shapes:
    """Return what each wants less what those before it want."""
    pieces = wanted.copy()
    tree = shapely.STRtree(wanted)
    for number, want in enumerate(wanted):
        near = tree.query(want, predicate="intersects")
        before = near[near < number]
        if len(before):
            pieces[number] = shapely.difference(want, shapely.union_all(wanted[before]))
    return _polygonal(pieces)


def _without(wanted: Shapes, taken: Shapes) -> Shapes:
    """Return what each wants less what is taken."""
    pieces = wanted.copy()
    tree = shapely.STRtree(taken)
    for number, want in enumerate(wanted):
        near = tree.query(want, predicate="intersects")
        if len(near):
            pieces[number] = shapely.difference(want, shapely.union_all(taken[near]))
    return _polygonal(pieces)


def _grown(shape: BaseGeometry, by_m: float) -> BaseGeometry:
    """Return a shape in degrees with so much ground around it; below 0 without so much along its edge."""
    if shape.is_empty:
        return shape
    _, south, _, north = shape.bounds
    scale = np.array([M_PER_DEG * max(cos(radians((south + north) / 2)), 1e-6), M_PER_DEG])
    plane = shapely.transform(shape, lambda points: points * scale)
    grown = shapely.buffer(plane, by_m, cap_style="square", join_style="mitre")
    return shapely.transform(grown, lambda points: points / scale)


def _polygonal(shapes: Shapes) -> Shapes:
    """Leave out the points and lines at which shapes touch."""
    result = np.empty(len(shapes), object)
    for number, shape in enumerate(shapes):
        parts = shapely.get_parts(shape) if shape.geom_type == "GeometryCollection" else np.array([shape], object)
        kept = [part for part in parts if part.geom_type in ("Polygon", "MultiPolygon")]
        result[number] = kept[0] if len(kept) == 1 else shapely.union_all(kept)
    return result


def _area_m2(shape: BaseGeometry) -> float:
    """Return about how much ground a shape in degrees covers: good enough to tell a crumb from a field."""
    if shape.is_empty:
        return 0.0
    _, south, _, north = shape.bounds
    return float(shape.area * M_PER_DEG**2 * max(cos(radians((south + north) / 2)), 1e-6))
