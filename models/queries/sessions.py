"""Reads and conditional writes of login sessions. All times are the database's."""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import batched

from sqlalchemy import CursorResult, Row, Select, select, update
from sqlalchemy.orm import Session

from models.base import now_s
from models.user import LoginSession, User

IDS_AT_ONCE = 500
SEEN_STEP_S = 60.0
"""A session's last use is written at most this often, so that reading pages costs no writes."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """The exchange of a refresh token: hashes of the token given and of the one that follows."""

    session_id: str
    given_hash: str
    next_hash: str
    grace_s: float
    life_s: float


type SessionRow = Row[str, float, float, int, str, str, str | None]


def _live() -> Select[str, float, float, int, str, str, str | None]:
    return (
        select(
            LoginSession.id,
            LoginSession.seen_at,
            now_s().label("now"),
            User.id.label("user_id"),
            User.username,
            User.role,
            User.tier,
        )
        .join(User, User.id == LoginSession.user_id)
        .where(LoginSession.closed_at.is_(None), LoginSession.expires_at > now_s(), User.is_active)
    )


def live_by_cookie(session: Session, cookie_hash: str) -> SessionRow | None:
    """Return the open session of a cookie, with its user."""
    return session.execute(_live().where(LoginSession.cookie_hash == cookie_hash)).one_or_none()


def live_by_id(session: Session, session_id: str) -> SessionRow | None:
    """Return an open session, with its user."""
    return session.execute(_live().where(LoginSession.id == session_id)).one_or_none()


def live_among(session: Session, session_ids: Collection[str]) -> list[SessionRow]:
    """Return those of some sessions that are open, with their users; asked in few statements, however many they are."""
    found: list[SessionRow] = []
    for some in batched(session_ids, IDS_AT_ONCE):
        found += session.execute(_live().where(LoginSession.id.in_(some))).all()
    return found


def extend(session: Session, session_id: str, life_s: float) -> None:
    """Note that a session was used just now, and move its end."""
    session.execute(
        update(LoginSession)
        .where(LoginSession.id == session_id, LoginSession.closed_at.is_(None))
        .values(seen_at=now_s(), expires_at=now_s() + life_s)
    )


def close(session: Session, session_id: str, reason: str) -> bool:
    """End a session; tell whether it was open."""
    result = session.execute(
        update(LoginSession)
        .where(LoginSession.id == session_id, LoginSession.closed_at.is_(None))
        .values(closed_at=now_s(), close_reason=reason)
    )
    return isinstance(result, CursorResult) and result.rowcount > 0


def close_all(session: Session, user_id: int, reason: str, except_id: str = "") -> list[str]:
    """End all open sessions of a user but one; return their ids."""
    statement = (
        update(LoginSession)
        .where(LoginSession.user_id == user_id, LoginSession.closed_at.is_(None), LoginSession.id != except_id)
        .values(closed_at=now_s(), close_reason=reason)
        .returning(LoginSession.id)
        .execution_options(synchronize_session=False)
    )
    return list(session.scalars(statement))


def note_end(session: Session, user_id: int) -> None:
    """Write that all that was opened in somebody's name ends now, also what has no row, as download links."""
    session.execute(update(User).where(User.id == user_id).values(ended_at=now_s()))


def open_of(session: Session, user_id: int) -> list[LoginSession]:
    """Return the open sessions of a user, the one used last first."""
    wanted = (
        LoginSession.user_id == user_id,
        LoginSession.closed_at.is_(None),
        LoginSession.expires_at > now_s(),
    )
    return list(session.scalars(select(LoginSession).where(*wanted).order_by(LoginSession.seen_at.desc())))


def rotate(session: Session, rotation: Rotation) -> bool:
    """Exchange the current refresh token for the next one; False if the given one is not the current one."""
    result = session.execute(
        update(LoginSession)
        .where(
            LoginSession.id == rotation.session_id,
            LoginSession.refresh_hash == rotation.given_hash,
            LoginSession.closed_at.is_(None),
            LoginSession.expires_at > now_s(),
        )
        .values(
            refresh_hash=rotation.next_hash,
            previous_refresh_hash=rotation.given_hash,
            previous_until=now_s() + rotation.grace_s,
            seen_at=now_s(),
            expires_at=now_s() + rotation.life_s,
        )
    )
    return isinstance(result, CursorResult) and result.rowcount == 1


def is_predecessor_in_grace(session: Session, session_id: str, given_hash: str) -> bool:
    """Tell whether a token was the current one until a moment ago."""
    found = session.scalar(
        select(LoginSession.id).where(
            LoginSession.id == session_id,
            LoginSession.previous_refresh_hash == given_hash,
            LoginSession.previous_until > now_s(),
            LoginSession.closed_at.is_(None),
        )
    )
    return found is not None
