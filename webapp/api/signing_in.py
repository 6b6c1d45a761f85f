"""What the login page and the login route share: the throttle around the check of a password."""

from fastapi import Request

from auth.principals import Principal
from webapp.errors import CredentialsWrong
from webapp.resources import Resources
from webapp.services import users


def sign_in(request: Request, resources: Resources, username: str, password: str) -> Principal:
    """Check name and password; blocks for about half a second.

    Raises `CredentialsWrong`, `LoginDelayed`, `TooManyLogins`.
    """
    address = request.client.host if request.client else ""
    throttle = request.app.state.throttle
    throttle.check(username, address)
    try:
        principal = users.authenticate(resources, username, password)
    except CredentialsWrong:
        throttle.note_failure(username, address)
        raise
    throttle.note_success(username, address)
    return principal


def sign_out(request: Request, session_id: str) -> None:
    """Make this process notice at once that a session has ended."""
    request.app.state.identifier.forget(session_id)
    request.app.state.sockets.close_session(session_id)
