"""Accounts: making them, and telling who somebody is by name and password."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from auth.passwords import generate_password
from auth.principals import SYSTEM, Principal, Role
from models.user import User
from webapp.errors import AccountInvalid, CredentialsWrong, NotFound, UsernameTaken
from webapp.resources import Resources
from webapp.services.audit import Act, note
from webapp.services.password_checks import hash_of, matches
from webapp.services.views import UserView

USERNAME_RULE = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
EMAIL_RULE = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

@dataclass(frozen=True, slots=True)
class NewUser:
    """What a new account is made of."""

    username: str
    password: str = field(repr=False)
    email: str | None = None
    role: Role = Role.USER


def create_user(resources: Resources, new_user: NewUser, actor: Principal | None = None) -> UserView:
    """Make an account; `actor` is who makes it. Raises `AccountInvalid`, `UsernameTaken`."""
    username, email = checked_name(new_user.username), checked_email(new_user.email)
    user = User(
        username=username, email=email, password_hash=hash_of(new_user.password), role=str(new_user.role)
    )
    with naming_what_is_taken(), resources.database.write(SYSTEM) as session:
        add_user(session, actor, user)
        return UserView(id=user.id, username=user.username, email=user.email, role=user.role)


def add_user(session: Session, actor: Principal | None, user: User) -> None:
    """Store a new account, and that it was made. To be called within `naming_what_is_taken`."""
    session.add(user)
    session.flush()
    note(session, actor, Act("account.created", "user", str(user.id), {"name": user.username, "role": user.role}))


@contextmanager
def naming_what_is_taken() -> Iterator[None]:
    """Turn the database's refusal of a second account of the same name into `UsernameTaken`."""
    try:
        yield
    except IntegrityError as error:
        raise UsernameTaken(field="e-mail address" if "email" in str(error.orig) else "name") from error


def ensure_administrator(resources: Resources) -> str | None:
    """Make the first administrator where there is no account yet; return the password if it was generated."""
    with resources.database.read(SYSTEM) as session:
        if session.scalar(select(func.count()).select_from(User)):
            return None
    settings = resources.settings
    given = settings.admin_password.get_secret_value()
    password = given or generate_password()
    try:
        create_user(resources, NewUser(settings.admin_username, password, role=Role.ADMIN))
    except UsernameTaken:
        return None  # another process that started beside this one was first
    return None if given else password


def authenticate(resources: Resources, username: str, password: str) -> Principal:
    """Check a name and a password. Raises `CredentialsWrong`, `TooManyLogins`.

    Blocks for about half a second, as long for unknown names as for known ones: call it from a worker thread.
    """
    with resources.database.read(SYSTEM) as session:
        user = session.execute(
            select(User.id, User.username, User.role, User.password_hash, User.is_active).where(
                User.username == username.strip().lower()
            )
        ).one_or_none()
    stored = user.password_hash if user is not None else None
    if not matches(password, stored) or user is None or not user.is_active:
        raise CredentialsWrong()
    return Principal(user_id=user.id, username=user.username, role=Role(user.role))


def find_user(resources: Resources, username: str) -> Principal:
    """Return a person by name, for whoever runs this machine. Raises `NotFound`."""
    with resources.database.read(SYSTEM) as session:
        wanted = select(User).where(User.username == username.strip().lower(), User.is_active)
        user = session.scalars(wanted).one_or_none()
        if user is None:
            raise NotFound(kind="account", id=username)
        return Principal(user_id=user.id, username=user.username, role=Role(user.role))


def checked_name(username: str) -> str:
    """Return a user name as it is stored. Raises `AccountInvalid`."""
    name = username.strip().lower()
    if not USERNAME_RULE.fullmatch(name):
        raise AccountInvalid(
            field="user name", rule="1 to 64 letters a-z, digits or . _ @ + -, a letter or digit first"
        )
    return name


def checked_email(email: str | None) -> str | None:
    """Return an e-mail address as it is stored. Raises `AccountInvalid`."""
    if email is None:
        return None
    address = email.strip().lower()
    if len(address) > 254 or not EMAIL_RULE.fullmatch(address):
        raise AccountInvalid(field="e-mail address", rule="it must have the form name@place.example")
    return address

