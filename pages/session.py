"""Who is looking at this page, and with which resources: one `Session` per browser session.

The gate (`webapp/api/gate.py`) looks the cookie up on every HTTP request and websocket and puts what it found into
`scope["state"]`; Bokeh hands that mapping on as `session_context.request.state`. It never leaves the process: neither
the cookie nor the principal is part of the token that Bokeh embeds in the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bokeh.io import curdoc

if TYPE_CHECKING:
    from auth.principals import Principal
    from webapp.resources import Resources

PRINCIPAL_KEY = "principal"
RESOURCES_KEY = "resources"
CSRF_TOKEN_KEY = "csrf_token"


@dataclass(frozen=True)
class Session:
    """One open page of one logged-in person. Made by the page's factory, never shared between documents."""

    resources: Resources
    principal: Principal
    csrf_token: str


class NoSession(RuntimeError):
    """A page was built outside the gate; that is a mistake in the wiring, never a user's."""


def current_session() -> Session:
    """Return the session of the document being built. Raises `NoSession` when no gate stood before it."""
    state = _request_state()
    missing = [key for key in (RESOURCES_KEY, PRINCIPAL_KEY, CSRF_TOKEN_KEY) if state.get(key) is None]
    if missing:
        raise NoSession(f"the gate left no {', '.join(missing)} on the request")
    return Session(state[RESOURCES_KEY], state[PRINCIPAL_KEY], state[CSRF_TOKEN_KEY])


def _request_state() -> Any:
    context = curdoc().session_context
    request = context.request if context is not None else None
    return getattr(request, "state", {}) or {}
