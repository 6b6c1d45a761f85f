"""Whether whoever gave a link away may still do so. All times are the database's."""

from sqlalchemy import Row, or_, select
from sqlalchemy.orm import Session

from models.api_key import ApiKey
from models.base import now_s
from models.user import LoginSession, User

SIGNED_OUT = "signed out"


def giver(session: Session, user_id: int, made_at: float, expires_at: float) -> Row[str, str] | None:
    """Return name and role of an active account, if the link has not run out and nothing has ended it since."""
    unended = or_(User.ended_at.is_(None), User.ended_at < made_at)
    wanted = (User.id == user_id, User.is_active, unended, now_s() < expires_at)
    return session.execute(select(User.username, User.role).where(*wanted)).one_or_none()


def session_was_not_revoked(session: Session, session_id: str, user_id: int) -> bool:
    """Tell whether a session is open, has run out, or was ended by signing out."""
    unrevoked = or_(LoginSession.closed_at.is_(None), LoginSession.close_reason == SIGNED_OUT)
    wanted = (LoginSession.id == session_id, LoginSession.user_id == user_id, unrevoked)
    return session.scalar(select(LoginSession.id).where(*wanted)) is not None


def key_was_not_revoked(session: Session, key_id: str, user_id: int) -> bool:
    """Tell whether an API key is there, also one that has run out."""
    wanted = (ApiKey.id == key_id, ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
    return session.scalar(select(ApiKey.id).where(*wanted)) is not None
