"""API keys: looked up by their id, listed and revoked by their owner."""

from sqlalchemy import CursorResult, Row, func, or_, select, update
from sqlalchemy.orm import Session

from models.api_key import ApiKey
from models.base import now_s
from models.user import User

USED_STEP_S = 60.0
"""A key's last use is written at most this often."""

type KeyRow = Row[ApiKey, int, str, str, str | None, float]

_not_ended = (ApiKey.revoked_at.is_(None), or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now_s()))


def live_by_id(session: Session, key_id: str) -> KeyRow | None:
    """Return a key that works, with its owner and the database's time."""
    columns = (ApiKey, User.id.label("user_id"), User.username, User.role, User.tier, now_s().label("now"))
    statement = select(*columns).join(User, User.id == ApiKey.user_id)
    return session.execute(statement.where(ApiKey.id == key_id, User.is_active, *_not_ended)).one_or_none()


def keys_of(session: Session, user_id: int) -> list[ApiKey]:
    """Return the keys of a person that were not revoked, newest first."""
    wanted = (ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
    return list(session.scalars(select(ApiKey).where(*wanted).order_by(ApiKey.created_at.desc(), ApiKey.id)))


def count_of(session: Session, user_id: int) -> int:
    """Count the keys of a person that were not revoked."""
    wanted = (ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
    return session.scalar(select(func.count()).select_from(ApiKey).where(*wanted)) or 0


def note_use(session: Session, key_id: str) -> None:
    """Remember that a key was used just now."""
    session.execute(update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=now_s()))


def revoke(session: Session, user_id: int, key_id: str) -> bool:
    """End a key; tell whether it was one that worked."""
    wanted = (ApiKey.id == key_id, ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
    result = session.execute(update(ApiKey).where(*wanted).values(revoked_at=now_s()))
    return isinstance(result, CursorResult) and result.rowcount > 0


def revoke_all(session: Session, user_id: int) -> int:
    """End all keys of a person; return how many worked."""
    wanted = (ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
    result = session.execute(update(ApiKey).where(*wanted).values(revoked_at=now_s()))
    return result.rowcount if isinstance(result, CursorResult) else 0
