"""Other people's accounts, for administrators: roles, tiers, shutting out and letting in again."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from auth.passwords import generate_password
from auth.principals import Principal, Role, Tier
from models.queries import api_keys, mail_tokens, sessions
from models.queries import people as queries
from models.queries.people import PersonRow
from models.user import User
from webapp.errors import Forbidden, LastAdministrator, NotFound
from webapp.resources import Resources
from webapp.services.audit import Act, note
from webapp.services.password_checks import hash_of
from webapp.services.tiers import tier_of
from webapp.services.users import NewUser, create_user
from webapp.services.views import to_datetime, to_datetime_or_none

LIST_LIMIT_MAX = 500


@dataclass(frozen=True, slots=True)
class PersonView:
    """An account. `own_tier` is set where the account's limits are not those of its role."""

    id: int
    username: str
    email: str | None
    role: str
    tier: str
    own_tier: str | None
    is_active: bool
    created_at: datetime
    seen_at: datetime | None
    jobs: int
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class PersonChange:
    """What is to change; None: as it is. `default_tier` gives the account the limits of its role again."""

    role: Role | None = None
    tier: Tier | None = None
    default_tier: bool = False
    is_active: bool | None = None


@dataclass(frozen=True, slots=True)
class NewPerson:
    """An account that was made just now, and its password, which is told this once."""

    user_id: int
    password: str = field(repr=False)


def require_administrator(principal: Principal) -> None:
    """Raise `Forbidden` for everybody else."""
    if not principal.is_administrator:
        raise Forbidden(detail="it is for administrators")


def list_people(
    resources: Resources, principal: Principal, containing: str = "", limit: int = 100, after_id: int = 0
) -> list[PersonView]:
    """Return accounts by number. Raises `Forbidden`."""
    require_administrator(principal)
    with resources.database.read(principal) as session:
        rows = queries.list_people(session, containing, min(max(limit, 1), LIST_LIMIT_MAX), after_id)
        return [_view(resources, row) for row in rows]


def get_person(resources: Resources, principal: Principal, user_id: int) -> PersonView:
    """Return one account. Raises `Forbidden`, `NotFound`."""
    require_administrator(principal)
    with resources.database.read(principal) as session:
        return _view(resources, _found(session, user_id))


def change_person(resources: Resources, principal: Principal, user_id: int, change: PersonChange) -> PersonView:
    """Change an account; it holds for the next request of the person. Who is shut out loses sessions and keys.

    Raises `Forbidden`, `NotFound`, `LastAdministrator`.
    """
    require_administrator(principal)
    with resources.database.write(principal) as session:
        administrators = queries.lock_administrators(session)
        before = _view(resources, _found(session, user_id))
        values = _values(change)
        stays = values.get("is_active", before.is_active) and values.get("role", before.role) == Role.ADMIN
        if administrators == [user_id] and not stays:
            raise LastAdministrator(username=before.username)
        if values:
            session.execute(update(User).where(User.id == user_id).values(values))
            note(session, principal, Act("account.changed", "user", str(user_id), _difference(before, values)))
        if values.get("is_active") is False:
            _end_everything(session, user_id)
        session.expire_all()
        return _view(resources, _found(session, user_id))


def make_person(resources: Resources, principal: Principal, username: str, email: str | None, role: Role) -> NewPerson:
    """Make an account with a random password, to be handed over.

    Raises `Forbidden`, `AccountInvalid`, `UsernameTaken`, `TooManyLogins`.
    """
    require_administrator(principal)
    password = generate_password()
    made = create_user(resources, NewUser(username, password, email, role), principal)
    return NewPerson(made.id, password)


def set_new_password(resources: Resources, principal: Principal, user_id: int) -> str:
    """Give an account a random password, and return it to be handed over. Everything open in its name ends.

    Raises `Forbidden`, `NotFound`, `TooManyLogins`.
    """
    require_administrator(principal)
    password = generate_password()
    new_hash = hash_of(password)
    with resources.database.write(principal) as session:
        _found(session, user_id)
        session.execute(update(User).where(User.id == user_id).values(password_hash=new_hash))
        _end_everything(session, user_id)
        note(session, principal, Act("password.set", "user", str(user_id)))
    return password


def _values(change: PersonChange) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if change.role is not None:
        values["role"] = str(change.role)
    if change.default_tier or change.tier is not None:
        values["tier"] = None if change.default_tier else str(change.tier)
    if change.is_active is not None:
        values["is_active"] = change.is_active
    return values


def _difference(before: PersonView, values: dict[str, Any]) -> dict[str, Any]:
    known = {"role": before.role, "tier": before.own_tier, "is_active": before.is_active}
    return {name: {"from": known[name], "to": value} for name, value in values.items() if known[name] != value}


def _end_everything(session: Session, user_id: int) -> None:
    sessions.close_all(session, user_id, "ended by an administrator")
    api_keys.revoke_all(session, user_id)
    mail_tokens.drop_for(session, user_id)
    sessions.note_end(session, user_id)


def _found(session: Session, user_id: int) -> PersonRow:
    row = queries.find_person(session, user_id)
    if row is None:
        raise NotFound(kind="account", id=user_id)
    return row


def _view(resources: Resources, row: PersonRow) -> PersonView:
    user = row.User
    return PersonView(
        id=user.id,
        username=user.username,
        email=user.email,
        role=user.role,
        tier=str(tier_of(resources.settings, Role(user.role), user.tier)),
        own_tier=user.tier,
        is_active=user.is_active,
        created_at=to_datetime(user.created_at),
        seen_at=to_datetime_or_none(row.seen_at),
        jobs=row.jobs,
        stored_bytes=int(row.stored_bytes),
    )
