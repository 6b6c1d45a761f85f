"""Uses of a quota, counted and added in one statement under a lock on their owner."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, delete, func, insert, literal, select
from sqlalchemy.orm import Session

from models.base import now_s
from models.quota import QuotaUse
from models.user import User


@dataclass(frozen=True, slots=True)
class Allowance:
    """So much of a kind within any stretch of time of this length; None: as much as one likes."""

    kind: str
    amount: int | None
    window_s: float


def lock_owner(session: Session, user_id: int) -> None:
    """Let one transaction at a time spend what a person has. On SQLite, which has one writer, it does nothing."""
    session.execute(select(User.id).where(User.id == user_id).with_for_update())


def spend(session: Session, user_id: int, allowance: Allowance, amount: int) -> bool:
    """Add a use if there is room for it; the owner must be locked."""
    row = select(literal(user_id), literal(allowance.kind), literal(amount))
    if allowance.amount is not None:
        row = row.where(_used(user_id, allowance).scalar_subquery() + amount <= allowance.amount)
    columns = (QuotaUse.user_id, QuotaUse.kind, QuotaUse.amount)
    statement = insert(QuotaUse).from_select(columns, row).returning(QuotaUse.id)
    return session.scalars(statement).one_or_none() is not None


def used_within(session: Session, user_id: int, allowance: Allowance) -> tuple[int, float]:
    """Return how much was used within the window, and for how many seconds the oldest use still counts."""
    used = session.scalar(_used(user_id, allowance)) or 0
    oldest = select(func.min(QuotaUse.at)).where(*_within(user_id, allowance))
    left_s = session.scalar(select(oldest.scalar_subquery() + allowance.window_s - now_s()))
    return int(used), max(0.0, float(left_s or 0.0))


def drop_older(session: Session, age_s: float) -> None:
    """Remove uses that no window reaches any more."""
    old = QuotaUse.at < now_s() - age_s
    session.execute(delete(QuotaUse).where(old).execution_options(synchronize_session=False))


def _used(user_id: int, allowance: Allowance) -> Select[int]:
    return select(func.coalesce(func.sum(QuotaUse.amount), 0)).where(*_within(user_id, allowance))


def _within(user_id: int, allowance: Allowance) -> tuple[ColumnElement[bool], ...]:
    return (
        QuotaUse.user_id == user_id,
        QuotaUse.kind == allowance.kind,
        QuotaUse.at > now_s() - allowance.window_s,
    )
