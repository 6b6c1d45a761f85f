"""What a footprint index reads: the change feed, and the footprints that a change stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, func, select
from sqlalchemy.orm import Session

from models.base import now_s
from models.footprint import BuildingFootprint
from models.footprint_change import FootprintChange

STORED_COLUMNS = (
    "id",
    "version",
    "job_id",
    "scene_id",
    "area_m2",
    "confidence",
    "created_at",
    "review_state",
    "geometry",
)


@dataclass(frozen=True, slots=True)
class FeedEnds:
    """The oldest and the newest change of an owner that the feed still knows; 0 where it knows none."""

    oldest: int = 0
    newest: int = 0


def feed_ends(session: Session) -> dict[int, FeedEnds]:
    """Return the ends of the feed of every owner who has changes."""
    table = FootprintChange
    statement = select(table.owner_id, func.min(table.id), func.max(table.id)).group_by(table.owner_id)
    return {owner_id: FeedEnds(oldest, newest) for owner_id, oldest, newest in session.execute(statement)}


def feed_ends_of(session: Session, owner_id: int) -> FeedEnds:
    """Return the ends of one owner's feed."""
    table = FootprintChange
    statement = select(func.min(table.id), func.max(table.id)).where(table.owner_id == owner_id)
    oldest, newest = session.execute(statement).one()
    return FeedEnds(oldest or 0, newest or 0)


def changes_after(session: Session, owner_id: int, position: int, limit: int) -> Sequence[FootprintChange]:
    """Return the next changes of an owner, oldest first."""
    table = FootprintChange
    statement = select(table).where(table.owner_id == owner_id, table.id > position).order_by(table.id).limit(limit)
    return session.scalars(statement).all()


def stored_by(session: Session, owner_id: int, change_keys: Sequence[int]) -> Sequence[Row[Any]]:
    """Return the footprints (`STORED_COLUMNS`) that these changes were the last to store, by id."""
    table = BuildingFootprint
    statement = (
        select(*_columns()).where(table.change_key.in_(change_keys), table.owner_id == owner_id).order_by(table.id)
    )
    return session.execute(statement).all()


def owned_after(session: Session, owner_id: int, after_id: int, limit: int) -> Sequence[Row[Any]]:
    """Return the next footprints (`STORED_COLUMNS`) of an owner by id."""
    table = BuildingFootprint
    statement = (
        select(*_columns()).where(table.owner_id == owner_id, table.id > after_id).order_by(table.id).limit(limit)
    )
    return session.execute(statement).all()


def prune_feed(session: Session, older_than_s: float) -> None:
    """Drop old changes, but each owner's newest: where the feed begins tells whether an index may still follow it."""
    table = FootprintChange
    newest = select(func.max(table.id)).group_by(table.owner_id)
    old = delete(table).where(table.created_at < now_s() - older_than_s, table.id.not_in(newest))
    session.execute(old.execution_options(synchronize_session=False))


def owners_of_footprints(session: Session) -> list[int]:
    """Return everybody who has footprints, whether or not the feed still knows how they came."""
    return list(session.scalars(select(BuildingFootprint.owner_id).distinct()))


def _columns() -> list[Any]:
    return [getattr(BuildingFootprint, name) for name in STORED_COLUMNS]
