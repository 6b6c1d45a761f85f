"""Bounding boxes in degrees, and the condition that asks for them: by GiST on PostGIS, by R*Tree on SQLite."""

import math
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import ColumnElement, Double, and_, bindparam, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeEngine

from models.footprint import BuildingFootprint

PREDICATE: TypeEngine[bool] = NullType()  # type: ignore[assignment]
"""Of a condition in words of our own: SQLAlchemy writes `= 1` behind a Boolean on SQLite, and no index is used."""
FARTHEST_OVER_DEG = 10.0
"""No footprint reaches farther over the antimeridian than this."""


@dataclass(frozen=True, slots=True)
class Bbox:
    """A box in degrees. west > east means over the antimeridian. Raises `ValueError` for what is no box."""

    west: float
    south: float
    east: float
    north: float

    def __post_init__(self) -> None:
        """Check ranges."""
        if not all(map(math.isfinite, (self.west, self.south, self.east, self.north))):
            raise ValueError("all four numbers must be finite")
        if not (-180 <= self.west <= 180 and -180 <= self.east <= 180):
            raise ValueError("west and east must lie in [-180, 180]")
        if not -90 <= self.south <= self.north <= 90:
            raise ValueError("south and north must lie in [-90, 90], south first")

    @classmethod
    def from_bounds(cls, bounds: tuple[float, float, float, float]) -> Self:
        """Build from (west, south, east, north)."""
        return cls(*bounds)

    @property
    def halves(self) -> tuple["Bbox", ...]:
        """One box, or the two on both sides of the antimeridian."""
        if self.west <= self.east:
            return (self,)
        return (
            Bbox(self.west, self.south, 180.0, self.north),
            Bbox(-180.0, self.south, self.east, self.north),
        )


class _IndexHits(FunctionElement[bool]):
    """True where the spatial index says that a footprint may meet the box (west, south, east, north)."""

    inherit_cache = True
    type = PREDICATE


@compiles(_IndexHits, "postgresql")
def _gist(element: _IndexHits, compiler: Any, **options: Any) -> str:
    box = compiler.process(element.clauses, **options)
    return f"building_footprints.geometry && ST_MakeEnvelope({box}, 4326)"


@compiles(_IndexHits, "sqlite")
def _rtree(element: _IndexHits, compiler: Any, **options: Any) -> str:
    west, south, east, north = (compiler.process(clause, **options) for clause in element.clauses)
    return (
        "building_footprints.id IN (SELECT id FROM building_footprints_rtree "
        f"WHERE max_lon >= {west} AND max_lat >= {south} AND min_lon <= {east} AND min_lat <= {north})"
    )


class _Unindexed(FunctionElement[Any]):
    """A column that SQLite looks up no index for."""

    inherit_cache = True


@compiles(_Unindexed)
def _as_it_is(element: _Unindexed, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


@compiles(_Unindexed, "sqlite")
def _with_a_plus(element: _Unindexed, compiler: Any, **options: Any) -> str:
    return f"+{compiler.process(element.clauses, **options)}"


def unindexed(column: Any) -> Any:
    """Return the column for a condition that many rows meet.

    SQLite does not count how many, and takes any index that fits before the one that has the rows of a page in their
    order, or the place that was asked for: it would read, and sort, nearly all rows. PostgreSQL knows better by itself.
    """
    found = _Unindexed(column)
    found.type = column.type
    return found


def meets_bbox(bbox: Bbox) -> ColumnElement[bool]:
    """Return the condition that a footprint's envelope meets the box.

    Both indexes round to 32 bits, so the envelope's own columns decide: the answer is the same on both databases.
    A footprint over the antimeridian has max_lon > 180.
    """
    return or_(*(_meets(half) for half in bbox.halves))


def _meets(box: Bbox) -> ColumnElement[bool]:
    table = BuildingFootprint
    hits: ColumnElement[bool] = _hits(box.west, box.south, box.east, box.north)
    if box.west < FARTHEST_OVER_DEG - 180.0:  # PostGIS knows what goes on there beyond 180° alone
        hits = or_(hits, _hits(box.west + 360.0, box.south, box.east + 360.0, box.north))
    return and_(
        hits,
        table.min_lat <= box.north,
        table.max_lat >= box.south,
        or_(
            and_(table.min_lon <= box.east, table.max_lon >= box.west),
            and_(table.min_lon <= box.east + 360.0, table.max_lon >= box.west + 360.0),
        ),
    )


def _hits(*sides: float) -> _IndexHits:
    return _IndexHits(*(bindparam(None, side, type_=Double()) for side in sides))
