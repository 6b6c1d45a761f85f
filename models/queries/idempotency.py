"""Keys of requests that are done once: held, answered, let go. Times are the database's."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models.base import now_s
from models.idempotency import IdempotencyKey

NOTHING_SAID: dict[str, Any] = {"held_until": None, "meaning": None, "status": None, "body": None, "location": ""}


@dataclass(frozen=True, slots=True)
class KeyName:
    """Whose key it is, and of which route."""

    user_id: int
    route: str
    key: str


@dataclass(frozen=True, slots=True)
class KnownKey:
    """What is known of a key. `left_s`: for how long it is held unless it is renewed; None: it was answered."""

    token: str
    meaning: str
    status: int
    body: str
    location: str
    left_s: float | None


def find(session: Session, name: KeyName, kept_s: float) -> KnownKey | None:
    """Return what is known of a key; None where its time is over, or whoever held it is gone."""
    columns = (IdempotencyKey, IdempotencyKey.held_until - now_s())
    row = session.execute(select(*columns).where(_named(name), _counts(kept_s))).one_or_none()
    if row is None:
        return None
    found, left_s = row
    said = found.meaning or "", found.status or 0, found.body or "", found.location
    return KnownKey(found.token, *said, None if left_s is None else max(0.0, left_s))


def hold(session: Session, name: KeyName, token: str, lease_s: float, kept_s: float) -> bool:
    """Take a key for a while; tell whether it was to be had."""
    return _put(session, name, kept_s, {"token": token, "held_until": now_s() + lease_s})


def answer(session: Session, name: KeyName, kept_s: float, values: dict[str, Any]) -> bool:
    """Write the answer to a key that is free, or held by the try whose `token` is among the values."""
    return _put(session, name, kept_s, values)


def renew(session: Session, name: KeyName, token: str, lease_s: float) -> None:
    """Hold a key for longer."""
    _change(session, update(IdempotencyKey).values(held_until=now_s() + lease_s), name, token)


def release(session: Session, name: KeyName, token: str) -> None:
    """Let go of a key that is held; one that was answered stays."""
    _change(session, delete(IdempotencyKey), name, token)


def drop_older(session: Session, age_s: float) -> None:
    """Remove keys whose time is over."""
    old = delete(IdempotencyKey).where(IdempotencyKey.created_at < now_s() - age_s)
    session.execute(old.execution_options(synchronize_session=False))


def _put(session: Session, name: KeyName, kept_s: float, values: dict[str, Any]) -> bool:
    """Write a row; over one that is there only if it counts no longer, or is held by the very same try."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = NOTHING_SAID | values | {"created_at": now_s()}
    own = and_(IdempotencyKey.token == values["token"], IdempotencyKey.held_until.is_not(None))
    statement = (
        insert(IdempotencyKey)
        .values(**asdict(name), **row)
        .on_conflict_do_update(index_elements=list(asdict(name)), set_=row, where=or_(own, ~_counts(kept_s)))
        .returning(IdempotencyKey.key)
    )
    return session.execute(statement).one_or_none() is not None


def _change(session: Session, statement: Any, name: KeyName, token: str) -> None:
    held = and_(IdempotencyKey.token == token, IdempotencyKey.held_until.is_not(None))
    session.execute(statement.where(_named(name), held).execution_options(synchronize_session=False))


def _named(name: KeyName) -> ColumnElement[bool]:
    return and_(
        IdempotencyKey.user_id == name.user_id, IdempotencyKey.route == name.route, IdempotencyKey.key == name.key
    )


def _counts(kept_s: float) -> ColumnElement[bool]:
    """It was answered and is still kept, or somebody is at it."""
    answered = and_(IdempotencyKey.held_until.is_(None), IdempotencyKey.created_at > now_s() - kept_s)
    return or_(answered, and_(IdempotencyKey.held_until.is_not(None), IdempotencyKey.held_until > now_s()))
