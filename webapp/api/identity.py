"""Who sends a request: session cookie, bearer token or API key, looked up in the database off the event loop."""

import base64
import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

import anyio
import anyio.to_thread
from starlette.datastructures import Headers
from starlette.types import Scope

from auth.principals import Principal
from webapp.resources import Resources
from webapp.services import api_keys, sessions

COOKIE = "bf_session"
KEY_HEADER = "x-api-key"
BASIC_PREFIXES = ("/ogc", "/metrics")
KEPT_S = 0.75
"""A session that ended elsewhere is noticed within a second."""
MOST_KEPT = 10_000
LOOKUP_THREADS = 8


@dataclass(frozen=True, slots=True)
class Identity:
    """A principal and how they showed who they are. `csrf_token` is empty for tokens and keys."""

    principal: Principal
    csrf_token: str = ""

    @property
    def by_cookie(self) -> bool:
        """Tell whether a browser sends this by itself, so that forged requests must be told apart."""
        return bool(self.csrf_token)


class Identifier:
    """Looks identities up and keeps them for a moment."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._kept: OrderedDict[str, tuple[float, Identity | None]] = OrderedDict()
        # Own places: uploads and tiles that fill the common thread pool must not shut people out.
        self._limiter = anyio.CapacityLimiter(LOOKUP_THREADS)

    async def identify(self, scope: Scope) -> Identity | None:
        """Return who sends this. A bearer token decides alone, then a key, then a cookie. Raises `DatabaseBusy`.

        Map programs and Prometheus know user names and passwords: for what can only be read, a key may come as a
        password, too.
        """
        headers = Headers(scope=scope)
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return await self._kept_or_looked_up("token", token.strip())
        if KEY_HEADER in headers:
            return await self._kept_or_looked_up("key", headers[KEY_HEADER].strip())
        if kind.lower() == "basic" and scope["path"].startswith(BASIC_PREFIXES):
            return await self._kept_or_looked_up("key", password_of(token))
        value = cookie_of(headers)
        return await self._kept_or_looked_up("cookie", value) if value else None

    def forget(self, session_id: str) -> None:
        """Look the session, or the API key of this id, up again at its next use."""
        for key, (_, identity) in list(self._kept.items()):
            if identity is not None and session_id in (identity.principal.session_id, identity.principal.key_id):
                del self._kept[key]

    def forget_person(self, user_id: int) -> None:
        """Look everything that acts for a person up again at its next use."""
        for key, (_, identity) in list(self._kept.items()):
            if identity is not None and identity.principal.user_id == user_id:
                del self._kept[key]

    async def _kept_or_looked_up(self, kind: str, secret: str) -> Identity | None:
        key = hashlib.sha256(f"{kind}:{secret}".encode()).hexdigest()
        now = time.monotonic()
        if key in self._kept and self._kept[key][0] > now:
            return self._kept[key][1]
        look_up = {"token": self._by_token, "key": self._by_key, "cookie": self._by_cookie}[kind]
        identity = await anyio.to_thread.run_sync(look_up, secret, limiter=self._limiter)
        self._kept[key] = now + KEPT_S, identity
        self._kept.move_to_end(key)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return identity

    def _by_token(self, token: str) -> Identity | None:
        principal = sessions.principal_of_token(self._resources, token)
        return None if principal is None else Identity(principal)

    def _by_key(self, text: str) -> Identity | None:
        principal = api_keys.principal_of_key(self._resources, text)
        return None if principal is None else Identity(principal)

    def _by_cookie(self, value: str) -> Identity | None:
        principal = sessions.principal_of_cookie(self._resources, value)
        return None if principal is None else Identity(principal, sessions.csrf_token_of(self._resources, value))


def password_of(credentials: str) -> str:
    """Return the password of HTTP Basic credentials (RFC 7617), empty where there is none; any user name will do."""
    try:
        return base64.b64decode(credentials.strip(), validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def cookie_of(headers: Headers) -> str:
    """Return the value of the session cookie, empty if there is none."""
    try:
        jar = SimpleCookie("; ".join(headers.getlist("cookie")))
    except CookieError:
        return ""
    return jar[COOKIE].value if COOKIE in jar else ""
