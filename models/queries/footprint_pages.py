"""Footprints page by page in several orders: each page begins where the last one ended, whatever came or went since.

Rows are told apart by (value, id), so that a page costs the same wherever it begins. A footprint without the value
comes last, whichever the direction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from sqlalchemy import ColumnElement, Double, Select, literal, select, tuple_
from sqlalchemy.orm import Session

from models.footprint import BuildingFootprint
from models.job import BIG_ID
from models.queries.footprints import FootprintFilter, read_ordered

SORT_COLUMNS = ("id", "area_m2", "confidence", "created_at")
NULLABLE = ("confidence",)
PLAIN = ("id", "area_m2")
"""Whose values are never missing, and stand in a row as the database has them."""


@dataclass(frozen=True, slots=True)
class PageOrder:
    """What rows are sorted by, one of `SORT_COLUMNS`; then by id in the same direction."""

    column: str = "id"
    descending: bool = False


@dataclass(frozen=True, slots=True)
class PagePlace:
    """A row in an order; `value` is None for a row without the value."""

    value: float | None
    id: int


def read_keys(
    session: Session, wanted: FootprintFilter, order: PageOrder, after: PagePlace | None, limit: int
) -> Sequence[Any]:
    """Return up to `limit` rows after a place: id, value, min_lon, min_lat, max_lon, max_lat."""
    rows: list[Any] = []
    has_value = after is None or after.value is not None
    if has_value:
        rows += session.execute(_valued(wanted, order, after).limit(limit)).all()
    if order.column in NULLABLE and len(rows) < limit:
        begun = None if has_value else after
        rows += session.execute(_without_value(wanted, order, begun).limit(limit - len(rows))).all()
    return rows


def read_short_page(
    session: Session, wanted: FootprintFilter, order: PageOrder, after: PagePlace | None, limit: int
) -> pa.RecordBatch:
    """Return up to `limit` rows after a place with all their columns, in one statement; for orders of `PLAIN`."""
    return read_ordered(session, _valued(wanted, order, after).limit(limit))


def _valued(wanted: FootprintFilter, order: PageOrder, after: PagePlace | None) -> Select[Any]:
    table = BuildingFootprint
    column = getattr(table, order.column)
    conditions = wanted.conditions(order.column)
    if order.column in NULLABLE:
        conditions.append(column.is_not(None))
    if order.column == "id":
        return _ordered(conditions, order, [table.id], None if after is None else [literal(after.id, BIG_ID)])
    place = None if after is None else [literal(after.value, Double()), literal(after.id, BIG_ID)]
    return _ordered(conditions, order, [column, table.id], place)


def _without_value(wanted: FootprintFilter, order: PageOrder, after: PagePlace | None) -> Select[Any]:
    table = BuildingFootprint
    conditions = [*wanted.conditions(), getattr(table, order.column).is_(None)]
    return _ordered(conditions, order, [table.id], None if after is None else [literal(after.id, BIG_ID)])


def _ordered(
    conditions: list[ColumnElement[bool]], order: PageOrder, columns: list[Any], place: list[Any] | None
) -> Select[Any]:
    table = BuildingFootprint
    if place is not None:
        here, there = tuple_(*columns), tuple_(*place)
        conditions = [*conditions, here < there if order.descending else here > there]
    chosen = select(
        table.id,
        getattr(table, order.column).label("value"),
        table.min_lon,
        table.min_lat,
        table.max_lon,
        table.max_lat,
    )
    return chosen.where(*conditions).order_by(*(one.desc() if order.descending else one for one in columns))
