"""Which scene is to look at which piece of a region, so that no piece is looked at twice.

Each scene has a core, its outline without a rim, and the cores are given out first: where two scenes overlap by more
than the rims, both see the whole of every building on the line between them. What is left are rims that no core
covers.
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
    """Share of its pixels that hold imagery. Only a scene without gaps keeps others away from where it lies."""
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

    Pieces do not overlap, except where a scene with gaps overlaps another one with gaps: what lies in a gap of the
    one, the other may show.
    """
    order = sorted(range(len(candidates)), key=lambda number: candidates[number].rank)
    outlines = np.array([candidates[number].outline for number in order], object)
    wanted = _polygonal(shapely.intersection(outlines, region))
    cores = _polygonal(shapely.intersection(wanted, [_core(outline) for outline in outlines]))
    opaque = np.array([not candidates[number].has_gaps for number in order], bool)
    pieces = _give_out(cores, opaque)
    pieces = _polygonal(shapely.union(pieces, _give_rims(wanted, pieces, opaque)))
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


def _give_out(wanted: Shapes, opaque: NDArray[np.bool_]) -> Shapes:
    """Return what each wants less what the opaque ones before it want."""
    pieces = wanted.copy()
    tree = shapely.STRtree(wanted)
    for number, want in enumerate(wanted):
        near = tree.query(want, predicate="intersects")
        before = near[(near < number) & opaque[near]]
        if len(before):
            pieces[number] = shapely.difference(want, shapely.union_all(wanted[before]))
    return _polygonal(pieces)


def _give_rims(wanted: Shapes, pieces: Shapes, opaque: NDArray[np.bool_]) -> Shapes:
    """Return what each scene sees beyond its core and nobody has yet."""
    rims = shapely.difference(wanted, pieces)
    tree = shapely.STRtree(pieces)
    for number, rim in enumerate(rims):
        near = tree.query(rim, predicate="intersects")
        others = near[(near != number) & opaque[near]]
        if len(others):
            rims[number] = shapely.difference(rim, shapely.union_all(pieces[others]))
    return _give_out(_polygonal(rims), opaque)


def _core(outline: BaseGeometry) -> BaseGeometry:
    """Return an outline in degrees without `RIM_M` of ground along its edge; nothing may be left."""
    _, south, _, north = outline.bounds
    scale = np.array([M_PER_DEG * max(cos(radians((south + north) / 2)), 1e-6), M_PER_DEG])
    plane = shapely.transform(outline, lambda points: points * scale)
    return shapely.transform(shapely.buffer(plane, -RIM_M, join_style="mitre"), lambda points: points / scale)


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
