"""Accounts as an administrator sees them."""

from collections.abc import Collection

from sqlalchemy import Row, Select, func, or_, select
from sqlalchemy.orm import Session

from models.footprint import BuildingFootprint
from models.job import ProcessingJob
from models.scene import StoredFile
from models.user import LoginSession, User

type PersonRow = Row[User, int, int, float | None]
"""The account; how many jobs it has, how many bytes of files, and when it was seen last."""


def _people() -> Select[User, int, int, float | None]:
    own = (ProcessingJob.owner_id == User.id, ProcessingJob.parent_id.is_(None))
    jobs = select(func.count()).where(*own).scalar_subquery()
    stored = select(func.coalesce(func.sum(StoredFile.size_bytes), 0)).where(StoredFile.owner_id == User.id)
    seen = select(func.max(LoginSession.seen_at)).where(LoginSession.user_id == User.id).scalar_subquery()
    return select(User, jobs.label("jobs"), stored.scalar_subquery().label("stored_bytes"), seen.label("seen_at"))


def find_person(session: Session, user_id: int) -> "PersonRow | None":
    """Return one account."""
    return session.execute(_people().where(User.id == user_id)).one_or_none()


def list_people(session: Session, containing: str, limit: int, after_id: int) -> "list[PersonRow]":
    """Return accounts whose name or address contains some letters, by number."""
    statement = _people().where(User.id > after_id).order_by(User.id).limit(limit)
    if containing:
        wanted = containing.strip().lower()
        statement = statement.where(
            or_(User.username.contains(wanted, autoescape=True), User.email.contains(wanted, autoescape=True))
        )
    return list(session.execute(statement).all())


def names_of(session: Session, user_ids: Collection[int]) -> dict[int, str]:
    """Return the names of these accounts, by id."""
    statement = select(User.id, User.username).where(User.id.in_(user_ids))
    return {row.id: row.username for row in session.execute(statement)}


def lock_administrators(session: Session) -> list[int]:
    """Return the active administrators; of two that would each remove the other, one has to wait for the other."""
    wanted = (User.role == "admin", User.is_active)
    return list(session.scalars(select(User.id).where(*wanted).order_by(User.id).with_for_update()))


def totals(session: Session) -> dict[str, int]:
    """Count what the installation holds."""
    counted = {
        "users": select(func.count()).select_from(User),
        "users_active": select(func.count()).select_from(User).where(User.is_active),
        "footprints": select(func.count()).select_from(BuildingFootprint),
        "stored_bytes": select(func.coalesce(func.sum(StoredFile.size_bytes), 0)),
        "files": select(func.count()).select_from(StoredFile),
    }
    return {name: int(session.scalar(statement) or 0) for name, statement in counted.items()}


def jobs_by_state(session: Session) -> dict[str, int]:
    """Count jobs by their state; one of a whole state is one."""
    jobs = select(ProcessingJob.state, func.count().label("number")).where(ProcessingJob.parent_id.is_(None))
    statement = jobs.group_by(ProcessingJob.state)
    return {row.state: row.number for row in session.execute(statement)}
