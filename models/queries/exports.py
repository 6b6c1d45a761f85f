"""What is asked of exports, and the moves that the dispatcher makes."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, true, update
from sqlalchemy.orm import Session

from models.base import now_s
from models.export import Export, ExportPart, ExportState

QUEUED, RUNNING = str(ExportState.QUEUED), str(ExportState.RUNNING)


def find_export(session: Session, export_id: str, owner_id: int | None) -> Export | None:
    """Return an export of an owner (None: of anybody), also a deleted one, but none whose time is over."""
    return session.scalar(select(Export).where(Export.id == export_id, _whose(owner_id), _lives()))


def list_exports(session: Session, owner_id: int | None, limit: int) -> Sequence[Export]:
    """Return the newest exports that are not deleted, newest first."""
    shown = (_whose(owner_id), _lives(), Export.state != str(ExportState.DELETED))
    newest_first = select(Export).where(*shown).order_by(Export.created_at.desc(), Export.id)
    return session.scalars(newest_first.limit(limit)).all()


def count_open(session: Session, owner_id: int) -> int:
    """Count a person's exports that are not finished."""
    condition = (Export.owner_id == owner_id, Export.finished_at.is_(None))
    return session.scalars(select(func.count(Export.id)).where(*condition)).one()


def parts_of(session: Session, export_id: str, first: int, limit: int) -> list[bytes]:
    """Return the next parts of what an export is to hold."""
    mine = (ExportPart.export_id == export_id, ExportPart.part >= first)
    return list(session.scalars(select(ExportPart.ids).where(*mine).order_by(ExportPart.part).limit(limit)))


def move_exports(session: Session, values: dict[str, Any], *conditions: ColumnElement[bool]) -> list[str]:
    """Write columns of the exports that meet the conditions; return their ids. Finished ones lose their parts."""
    statement = update(Export).where(*conditions).values(values).returning(Export.id)
    ids = list(session.scalars(statement.execution_options(synchronize_session=False)))
    if ids and values.get("state") not in (None, QUEUED, RUNNING):
        session.execute(delete(ExportPart).where(ExportPart.export_id.in_(ids)))
    return ids


def unpublished(session: Session, limit: int) -> dict[str, str | None]:
    """Return the exports whose message was not sent, oldest first, and the requests that asked for them."""
    waiting = (Export.state == QUEUED, Export.published_at.is_(None))
    columns = select(Export.id, Export.request_id)
    rows = session.execute(columns.where(*waiting).order_by(Export.created_at).limit(limit))
    return dict(rows.all())


def request_ids(session: Session, export_ids: list[str]) -> dict[str, str | None]:
    """Return the ids of the requests that asked for exports, by export."""
    rows = session.execute(select(Export.id, Export.request_id).where(Export.id.in_(export_ids)))
    return dict(rows.all())


def count_published(session: Session) -> int:
    """Count the exports that wait for a worker and whose message was sent."""
    return session.scalars(select(func.count(Export.id)).where(*_published())).one()


def send_again(session: Session, older_than_s: float) -> int:
    """Mark as unsent what was sent longer ago and still waits; return how many."""
    stale = Export.published_at < now_s() - older_than_s
    return len(move_exports(session, {"published_at": None}, *_published(), stale))


def lease_expired() -> ColumnElement[bool]:
    """The export's worker has been silent for too long, by the database's clock."""
    return and_(Export.state == RUNNING, Export.lease_until < now_s())


def count_expired(session: Session) -> int:
    """Count the rows whose time is over."""
    return session.scalar(select(func.count()).select_from(Export).where(Export.expires_at < now_s())) or 0


def remove_expired(session: Session) -> list[str | None]:
    """Remove the rows whose time is over; return the storage key of each."""
    statement = delete(Export).where(Export.expires_at < now_s()).returning(Export.storage_key)
    return list(session.scalars(statement.execution_options(synchronize_session=False)))


def _published() -> tuple[ColumnElement[bool], ...]:
    return Export.state == QUEUED, Export.published_at.is_not(None)


def _whose(owner_id: int | None) -> ColumnElement[bool]:
    return true() if owner_id is None else Export.owner_id == owner_id


def _lives() -> ColumnElement[bool]:
    return or_(Export.expires_at.is_(None), Export.expires_at > now_s())
