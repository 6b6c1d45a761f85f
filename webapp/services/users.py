"""Accounts: making them, and telling who somebody is by name and password."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import BoundedSemaphore

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from auth.passwords import (
    PASSWORD_MAX_LENGTH,
    PASSWORD_MIN_LENGTH,
    generate_password,
    hash_password,
    verify_password,
)
from auth.principals import Principal, Role
from models.user import User
from webapp.errors import AccountInvalid, CredentialsWrong, NotFound, TooManyLogins, UsernameTaken
from webapp.resources import Resources
from webapp.services.views import UserView

HASH_THREADS = 2
"""Each password check costs half a second and 64 MiB: more at once would starve the rest of the server."""
HASH_WAITING = 20
RETRY_AFTER_S = 10
USERNAME_RULE = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
EMAIL_RULE = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

_hash_pool = ThreadPoolExecutor(HASH_THREADS, thread_name_prefix="password")
_hash_places = BoundedSemaphore(HASH_THREADS + HASH_WAITING)


@dataclass(frozen=True, slots=True)
class NewUser:
    """What a new account is made of."""

    username: str
    password: str = field(repr=False)
    email: str | None = None
    role: Role = Role.USER


def create_user(resources: Resources, new_user: NewUser) -> UserView:
    """Make an account. Raises `AccountInvalid`, `UsernameTaken`."""
    username, email = _checked_name(new_user.username), _checked_email(new_user.email)
    _check_password(new_user.password)
    password_hash = _in_hash_pool(lambda: hash_password(new_user.password))
    user = User(username=username, email=email, password_hash=password_hash, role=str(new_user.role))
    try:
        with resources.database.write() as session:
            session.add(user)
            session.flush()
            return UserView(id=user.id, username=user.username, email=user.email, role=user.role)
    except IntegrityError as error:
        raise UsernameTaken(field="e-mail address" if "email" in str(error.orig) else "name") from error


def ensure_administrator(resources: Resources) -> str | None:
    """Make the first administrator where there is no account yet; return the password if it was generated."""
    with resources.database.read() as session:
        if session.scalar(select(func.count()).select_from(User)):
            return None
    settings = resources.settings
    given = settings.admin_password.get_secret_value()
    password = given or generate_password()
    try:
        create_user(resources, NewUser(settings.admin_username, password, role=Role.ADMINISTRATOR))
    except UsernameTaken:
        return None  # another process that started beside this one was first
    return None if given else password


def authenticate(resources: Resources, username: str, password: str) -> Principal:
    """Check a name and a password. Raises `CredentialsWrong`, `TooManyLogins`.

    Blocks for about half a second, as long for unknown names as for known ones: call it from a worker thread.
    """
    with resources.database.read() as session:
        user = session.execute(
            select(User.id, User.username, User.role, User.password_hash, User.is_active).where(
                User.username == username.strip().lower()
            )
        ).one_or_none()
    stored = user.password_hash if user is not None else None
    matches = len(password) <= PASSWORD_MAX_LENGTH and _in_hash_pool(lambda: verify_password(password, stored))
    if user is None or not matches or not user.is_active:
        raise CredentialsWrong()
    return Principal(user_id=user.id, username=user.username, role=Role(user.role))


def find_user(resources: Resources, username: str) -> Principal:
    """Return a person by name, for whoever runs this machine. Raises `NotFound`."""
    with resources.database.read() as session:
        wanted = select(User).where(User.username == username.strip().lower(), User.is_active)
        user = session.scalars(wanted).one_or_none()
        if user is None:
            raise NotFound(kind="account", id=username)
        return Principal(user_id=user.id, username=user.username, role=Role(user.role))


def _in_hash_pool[T](work: Callable[[], T]) -> T:
    if not _hash_places.acquire(blocking=False):
        raise TooManyLogins(retry_after_s=RETRY_AFTER_S)
    try:
        return _hash_pool.submit(work).result()
    finally:
        _hash_places.release()


def _checked_name(username: str) -> str:
    name = username.strip().lower()
    if not USERNAME_RULE.fullmatch(name):
        raise AccountInvalid(
            field="user name", rule="1 to 64 letters a-z, digits or . _ @ + -, a letter or digit first"
        )
    return name


def _checked_email(email: str | None) -> str | None:
    if email is None:
        return None
    address = email.strip().lower()
    if len(address) > 254 or not EMAIL_RULE.fullmatch(address):
        raise AccountInvalid(field="e-mail address", rule="it must have the form name@place.example")
    return address


def _check_password(password: str) -> None:
    if not PASSWORD_MIN_LENGTH <= len(password) <= PASSWORD_MAX_LENGTH:
        rule = f"{PASSWORD_MIN_LENGTH} to {PASSWORD_MAX_LENGTH} characters are needed"
        raise AccountInvalid(field="password", rule=rule)
