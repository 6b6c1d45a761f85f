"""The exact question whether a footprint meets a geometry: by PostGIS, and by a function of ours on SQLite."""

import threading
from typing import Any

import numpy as np
import shapely
from sqlalchemy import ColumnElement, LargeBinary, and_, bindparam, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from models.bbox import FARTHEST_OVER_DEG, PREDICATE, Bbox, meets_bbox
from models.footprint import BuildingFootprint

SQLITE_FUNCTION = "footprint_meets"
ROUND_DEG = 360.0
_kept = threading.local()


class _MeetsExactly(FunctionElement[bool]):
    """True where the footprint's geometry and the given WKB have a point in common."""

    inherit_cache = True
    type = PREDICATE


@compiles(_MeetsExactly, "postgresql")
def _by_postgis(element: _MeetsExactly, compiler: Any, **options: Any) -> str:
    wkb = compiler.process(element.clauses, **options)
    return f"ST_Intersects(building_footprints.geometry, ST_GeomFromWKB({wkb}, 4326))"


@compiles(_MeetsExactly, "sqlite")
def _by_function(element: _MeetsExactly, compiler: Any, **options: Any) -> str:
    return f"{SQLITE_FUNCTION}(building_footprints.geometry, {compiler.process(element.clauses, **options)})"


def meets_exactly(footprint_wkb: bytes, other_wkb: bytes) -> bool:
    """Answer for SQLite, which has no geometry of its own."""
    return bool(_prepared(other_wkb).intersects(shapely.from_wkb(footprint_wkb)))


def meets_geometry(shape: shapely.Geometry) -> ColumnElement[bool]:
    """Return the condition that a footprint meets a valid geometry within ±180°, by the spatial index first."""
    box = Bbox.from_bounds(shape.bounds)
    return and_(meets_bbox(box), _meets(shape))


def meets_box(bbox: Bbox) -> ColumnElement[bool]:
    """Return the condition that a footprint itself meets a box; most envelopes lie inside, and need no second look."""
    boxes = [shapely.box(half.west, half.south, half.east, half.north) for half in bbox.halves]
    inside = or_(*(_lies_inside(half) for half in bbox.halves))
    return and_(meets_bbox(bbox), or_(inside, _meets(shapely.union_all(boxes))))


def _lies_inside(box: Bbox) -> ColumnElement[bool]:
    table = BuildingFootprint
    across = and_(table.min_lon >= box.west, table.max_lon <= box.east)
    return and_(across, table.min_lat >= box.south, table.max_lat <= box.north)


def _meets(shape: shapely.Geometry) -> ColumnElement[bool]:
    return _MeetsExactly(bindparam(None, shapely.to_wkb(_with_far_side(shape)), type_=LargeBinary()))


def _with_far_side(shape: shapely.Geometry) -> shapely.Geometry:
    """Add what lies east of the antimeridian a second time: a footprint over it goes on beyond 180°."""
    if shape.bounds[0] > FARTHEST_OVER_DEG - 180.0:
        return shape
    shifted = shapely.transform(shape, lambda points: np.add(points, (ROUND_DEG, 0.0)))
    return shapely.union_all([shape, shifted])


def _prepared(wkb: bytes) -> shapely.Geometry:
    """Return the geometry made ready for many questions. One for each thread: getting ready is not safe in several."""
    if getattr(_kept, "wkb", None) != wkb:
        shape = shapely.from_wkb(wkb)
        shapely.prepare(shape)
        _kept.wkb, _kept.shape = wkb, shape
    return _kept.shape
