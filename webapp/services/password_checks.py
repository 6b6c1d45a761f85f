"""Passwords: their rules, and the few threads in which they are hashed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore

from auth.passwords import PASSWORD_MAX_LENGTH, PASSWORD_MIN_LENGTH, hash_password, verify_password
from webapp.errors import AccountInvalid, TooManyLogins

HASH_THREADS = 2
"""Each password check costs half a second and 64 MiB: more at once would starve the rest of the server."""
HASH_WAITING = 20
RETRY_AFTER_S = 10

_pool = ThreadPoolExecutor(HASH_THREADS, thread_name_prefix="password")
_places = BoundedSemaphore(HASH_THREADS + HASH_WAITING)


def hash_of(password: str) -> str:
    """Check a new password against the rules and return its hash. Raises `AccountInvalid`, `TooManyLogins`."""
    if not PASSWORD_MIN_LENGTH <= len(password) <= PASSWORD_MAX_LENGTH:
        rule = f"{PASSWORD_MIN_LENGTH} to {PASSWORD_MAX_LENGTH} characters are needed"
        raise AccountInvalid(field="password", rule=rule)
    return _in_pool(lambda: hash_password(password))


def matches(password: str, stored_hash: str | None) -> bool:
    """Check a password; takes as long for an account that is not there (None). Raises `TooManyLogins`."""
    return len(password) <= PASSWORD_MAX_LENGTH and _in_pool(lambda: verify_password(password, stored_hash))


def _in_pool[T](work: Callable[[], T]) -> T:
    if not _places.acquire(blocking=False):
        raise TooManyLogins(retry_after_s=RETRY_AFTER_S)
    try:
        return _pool.submit(work).result()
    finally:
        _places.release()
