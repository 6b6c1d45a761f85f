"""What a footprint index reads: the change feed, and the footprints that a change stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, func, select, true
from sqlalchemy.orm import Session

from models.base import now_s
from models.footprint import BuildingFootprint, is_published
from models.footprint_change import FootprintChange
from models.user import User

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


FEED_KEPT_S = 7 * 86_400.0
"""Changes are kept at least so long. An index that was not fed for longer is built anew."""


@dataclass(frozen=True, slots=True)
class FeedEnds:
    """Where the feed begins and ends: whoever has seen `floor` can follow it to `newest`. 0 where there is nothing."""

    floor: int = 0
    newest: int = 0


def newest_change(session: Session) -> int:
    """Return the id of the newest change of anybody, 0 if there is none."""
    return session.scalar(select(func.max(FootprintChange.id))) or 0


def newest_change_of(session: Session, owner_id: int | None) -> int:
    """Return the id of an owner's newest change, of anybody's for None; 0 if there is none."""
    table = FootprintChange
    newest = select(table.id).where(_whose(owner_id)).order_by(table.id.desc()).limit(1)
    return session.scalar(newest) or 0


def feed_ends(session: Session, owner_id: int | None) -> FeedEnds:
    """Return the ends of one owner's feed, of everybody's for None."""
    table = FootprintChange
    floor = select(func.max(table.id)).where(_whose(owner_id), _is_old()).scalar_subquery()
    newest = select(func.max(table.id)).where(_whose(owner_id)).scalar_subquery()
    found = session.execute(select(floor, newest)).one()
    return FeedEnds(found[0] or 0, found[1] or 0)


def changes_after(session: Session, owner_id: int | None, position: int, limit: int) -> Sequence[FootprintChange]:
    """Return the next changes of an owner (None: of everybody), oldest first."""
    table = FootprintChange
    statement = select(table).where(_whose(owner_id), table.id > position).order_by(table.id).limit(limit)
    return session.scalars(statement).all()


def stored_by(session: Session, change_keys: Sequence[int]) -> Sequence[Row[Any]]:
    """Return the footprints (`STORED_COLUMNS`) that these changes were the last to store, by id."""
    table = BuildingFootprint
    return session.execute(select(*_columns()).where(table.change_key.in_(change_keys)).order_by(table.id)).all()


def stored_after(session: Session, owner_id: int | None, after_id: int, limit: int) -> Sequence[Row[Any]]:
    """Return the next footprints (`STORED_COLUMNS`) of an owner (None: of everybody) by id."""
    table = BuildingFootprint
    chosen = select(*_columns()).where(_seen_by(owner_id), table.id > after_id)
    return session.execute(chosen.order_by(table.id).limit(limit)).all()


def versions_after(session: Session, owner_id: int | None, after_id: int, limit: int) -> Sequence[Row[int, int]]:
    """Return id and version of the next footprints by id, to compare them with an index."""
    table = BuildingFootprint
    chosen = select(table.id, table.version).where(_seen_by(owner_id), table.id > after_id)
    return session.execute(chosen.order_by(table.id).limit(limit)).all()


def changed_owners(session: Session, position: int) -> list[int]:
    """Return whose footprints have changed after a position."""
    table = FootprintChange
    return list(session.scalars(select(table.owner_id).where(table.id > position).distinct()))


def people_with_own_view(session: Session) -> list[int]:
    """Return everybody who sees only their own footprints: all but administrators and closed accounts."""
    statement = select(User.id).where(User.role != "admin", User.is_active).order_by(User.id)
    return list(session.scalars(statement))


def prune_feed(session: Session) -> None:
    """Drop old changes, but each owner's newest of them: the floor stays at or above everything that was dropped."""
    table = FootprintChange
    kept = select(func.max(table.id)).where(_is_old()).group_by(table.owner_id)
    old = delete(table).where(_is_old(), table.id.not_in(kept))
    session.execute(old.execution_options(synchronize_session=False))


def _is_old() -> ColumnElement[bool]:
    return FootprintChange.created_at < now_s() - FEED_KEPT_S


def _whose(owner_id: int | None) -> ColumnElement[bool]:
    return true() if owner_id is None else FootprintChange.owner_id == owner_id


def _seen_by(owner_id: int | None) -> ColumnElement[bool]:
    owned = true() if owner_id is None else BuildingFootprint.owner_id == owner_id
    return and_(owned, is_published())


def _columns() -> list[Any]:
    return [getattr(BuildingFootprint, name) for name in STORED_COLUMNS]
