"""What the login page and the login route share: the throttle around the check of a password."""

from collections.abc import Callable

from fastapi import Request

from auth.principals import Principal
from webapp.errors import CredentialsWrong
from webapp.resources import Resources
from webapp.services import users


def sign_in(request: Request, resources: Resources, username: str, password: str) -> Principal:
    """Check name and password; blocks for about half a second.

    Raises `CredentialsWrong`, `LoginDelayed`, `TooManyLogins`.
    """
    return throttled(request, username, lambda: users.authenticate(resources, username, password))


def throttled[T](request: Request, username: str, check: Callable[[], T]) -> T:
    """Check a password that `CredentialsWrong` may be the answer to; after a few of these each has to wait.

    Raises `LoginDelayed`, and what `check` raises.
    """
    address = request.client.host if request.client else ""
    throttle = request.app.state.throttle
    throttle.check(username, address)
    try:
        found = check()
    except CredentialsWrong:
        throttle.note_failure(username, address)
        raise
    throttle.note_success(username, address)
    return found


def sign_out(request: Request, *session_ids: str) -> None:
    """Make this process notice at once that sessions, or API keys, have ended."""
    for session_id in session_ids:
        request.app.state.identifier.forget(session_id)
        request.app.state.sockets.close_session(session_id)
