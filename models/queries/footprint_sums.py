"""Counts and sums over footprints. Both are exact, and made by the database at the moment they are asked for."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from models.footprint import BuildingFootprint
from models.queries.footprints import FootprintFilter

SUMMED_BY_INDEX = ("owner_id", "min_confidence", "max_confidence", "min_area_m2", "max_area_m2")
"""Limits that one index answers without a look at the rows."""


@dataclass(frozen=True, slots=True)
class FootprintTotals:
    """How many footprints there are, how many of them have a confidence, and what areas and confidences add up to."""

    count: int
    rated: int
    area_m2: float
    confidence: float


def count(session: Session, wanted: FootprintFilter) -> int:
    """Count footprints."""
    return session.scalars(select(func.count()).select_from(BuildingFootprint).where(*_summing(wanted))).one()


def totals(session: Session, wanted: FootprintFilter) -> FootprintTotals:
    """Sum up footprints."""
    area, confidence = BuildingFootprint.area_m2, BuildingFootprint.confidence
    columns = (func.count(), func.count(confidence), func.sum(area), func.sum(confidence))
    statement = select(*columns).select_from(BuildingFootprint).where(*_summing(wanted))
    number, rated, total_area_m2, total_confidence = session.connection().execute(statement).one()
    return FootprintTotals(number, rated, total_area_m2 or 0.0, total_confidence or 0.0)


def _summing(wanted: FootprintFilter) -> list[ColumnElement[bool]]:
    """Return the conditions for sums.

    Where owner, confidence and area decide alone, SQLite shall look the confidence up in the index that holds all of
    them; otherwise what else was asked for leads to fewer rows. PostgreSQL knows by itself.
    """
    by_confidence = wanted == FootprintFilter(**{name: getattr(wanted, name) for name in SUMMED_BY_INDEX})
    return wanted.conditions("confidence" if by_confidence else "id")
