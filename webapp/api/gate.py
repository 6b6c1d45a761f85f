"""The one gate in front of everything, HTTP and websockets: what is not allowed here does not get in.

It is plain ASGI and stands outside of FastAPI and Panel, because middleware of either never sees all that passes.
"""

import hmac
from urllib.parse import parse_qs, quote

from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from webapp.api.address_wall import LIVENESS
from webapp.api.identity import Identifier, Identity
from webapp.api.open_sockets import OpenSockets
from webapp.api.origin import OwnNames
from webapp.api.page_owner import PAGE_OWNER_HEADER, page_owner
from webapp.api.problems import problem_response
from webapp.api.scopes import MACHINE_PREFIXES, READS, check_scope
from webapp.errors import AppError, CsrfTokenInvalid, HostNotAllowed, NotFound, NotSignedIn, RequestInvalid
from webapp.resources import Resources

ACCOUNT_PAGES = ("/register", "/confirm-account", "/forgotten-password", "/reset-password")
PUBLIC = {
    ("/login", "GET"),
    ("/login", "HEAD"),
    ("/login", "POST"),
    *((path, method) for path in LIVENESS for method in READS),
    ("/favicon.ico", "GET"),
    ("/favicon.ico", "HEAD"),
    ("/api/v1/auth/login", "POST"),
    ("/api/v1/auth/refresh-token", "POST"),
    ("/api/v1/auth/register", "POST"),
    ("/api/v1/auth/register/confirm", "POST"),
    ("/api/v1/auth/password/forgotten", "POST"),
    ("/api/v1/auth/password/reset", "POST"),
    ("/login/oidc", "GET"),
    ("/login/oidc/callback", "GET"),
    *((path, method) for path in ACCOUNT_PAGES for method in READS),
}
PUBLIC_PREFIXES = ("/assets/", "/api/v1/downloads/")
"""The latter take a signed link instead of a login."""
CLOSED_SUFFIXES = ("/autoload.js", "/metadata")
"""Bokeh's routes for embedding a page in other sites: nobody needs them here."""
FOREIGN_SESSION_ARGUMENTS = {"bokeh-session-id", "bokeh-token"}
CSRF_HEADER = "x-csrf-token"


def is_public(path: str, method: str) -> bool:
    """Tell whether who has not signed in may call this."""
    return (path, method) in PUBLIC or (path.startswith(PUBLIC_PREFIXES) and method in READS)


class Gate:
    """Deny by default."""

    def __init__(self, app: ASGIApp, resources: Resources, identifier: Identifier, sockets: OpenSockets) -> None:
        self._app = app
        self._resources = resources
        self._identifier = identifier
        self._sockets = sockets
        self._names = OwnNames(resources.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass, or answer it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            identity = await self._admit(scope)
        except AppError as error:
            await self._refusal(error, scope)(scope, receive, send)
            return
        self._enter(scope, identity)
        await self._app(scope, receive, send)

    async def _admit(self, scope: Scope) -> Identity | None:
        """Return who may pass; None at a public door. Raises the error that the request is answered with."""
        path, method = scope["path"], scope["method"]
        if not self._names.knows_host(scope):
            raise HostNotAllowed(host=Headers(scope=scope).get("host", "")[:100])
        if not is_plain_path(path) or path.endswith(CLOSED_SUFFIXES):
            raise NotFound(kind="page", id=path[:200])
        if is_public(path, method):
            return None
        identity = await self._identifier.identify(scope)
        if identity is None:
            raise NotSignedIn()
        check_scope(identity.principal, method, path)
        if identity.by_cookie and method not in READS:
            self._check_not_forged(scope, identity)
        if FOREIGN_SESSION_ARGUMENTS & parse_qs(scope.get("query_string", b"").decode("latin-1")).keys():
            raise RequestInvalid(detail="page sessions are not chosen by address")
        return identity

    def _check_not_forged(self, scope: Scope, identity: Identity) -> None:
        headers = Headers(scope=scope)
        token = headers.get(CSRF_HEADER, "")
        foreign = "origin" in headers and not self._names.is_own_origin(scope)
        if foreign or not hmac.compare_digest(token.encode(), identity.csrf_token.encode()):
            raise CsrfTokenInvalid()

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        identity = None
        if self._names.knows_host(scope) and is_plain_path(scope["path"]) and self._names.is_own_origin(scope):
            try:
                identity = await self._identifier.identify(scope)
            except AppError:
                identity = None
        if identity is None or not identity.by_cookie:
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        self._enter(scope, identity)
        await self._sockets.serve(self._app, scope, receive, send)

    def _enter(self, scope: Scope, identity: Identity | None) -> None:
        """Leave who it is on the request, and bind the page that is being made to their session."""
        state = scope.setdefault("state", {})
        state["resources"] = self._resources
        hidden = (PAGE_OWNER_HEADER, b"bokeh-session-id")
        scope["headers"] = [(name, value) for name, value in scope["headers"] if name.lower() not in hidden]
        if identity is None:
            return
        state["principal"] = identity.principal
        state["csrf_token"] = identity.csrf_token
        owner = page_owner(self._resources.settings.secret_key_bytes, identity.principal)
        scope["headers"].append((PAGE_OWNER_HEADER, owner.encode()))

    def _refusal(self, error: AppError, scope: Scope) -> Response:
        headers = Headers(scope=scope)
        path = scope["path"]
        if isinstance(error, NotSignedIn) and not path.startswith(MACHINE_PREFIXES):
            return RedirectResponse(f"/login?next={quote(_wanted(scope))}", 303, {"Cache-Control": "no-store"})
        return problem_response(error, path, headers.get("accept", ""))


def is_plain_path(path: str) -> bool:
    """Tell whether a path means to every layer what it says: no empty or dotted segments, no backslashes."""
    segments = path.split("/")[1:]
    hidden = any(segment in (".", "..") for segment in segments) or "" in segments[:-1]
    return path.startswith("/") and not hidden and "\\" not in path and path.isprintable()


def _wanted(scope: Scope) -> str:
    """Return what to come back to after the login: a page that was looked at, else the map."""
    if scope["method"] not in READS:
        return "/"
    query = scope.get("query_string", b"").decode("latin-1")
    return f"{scope['path']}?{query}" if query else str(scope["path"])
