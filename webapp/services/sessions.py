"""Sessions: rows in the database. A browser holds a cookie, an API client a short access token and a refresh token."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from auth.principals import SYSTEM, Principal, Role
from auth.tokens import (
    TOKEN_MAX_LENGTH,
    AccessClaims,
    derive,
    random_token,
    read_access_token,
    sign_access_token,
    token_hash,
)
from models.base import now_s
from models.queries import sessions as queries
from models.queries.clock import database_now
from models.user import LoginSession
from webapp.errors import RefreshTokenInvalid
from webapp.request_context import current_request
from webapp.resources import Resources
from webapp.services.tiers import tier_of
from webapp.services.views import to_datetime

REFRESH_GRACE_S = 10.0
"""The immediate predecessor of a refresh token is answered for this long: two tabs, or a lost answer."""


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """A new browser session: what the cookie and the pages carry."""

    cookie_value: str = field(repr=False)
    csrf_token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class TokenPair:
    """Tokens of an API client. `expires_in` is the access token's life in seconds."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int


def open_browser_session(resources: Resources, principal: Principal) -> BrowserSession:
    """Open a session for somebody who has just given the right password."""
    value = random_token()
    row = LoginSession(
        id=str(uuid.uuid4()),
        user_id=principal.user_id,
        kind="browser",
        cookie_hash=token_hash(value),
        **_origin(),
        expires_at=now_s() + _session_s(resources),
    )
    with resources.database.write(principal) as session:
        session.add(row)
        session.flush()
        expires_at = to_datetime(row.expires_at)
    return BrowserSession(value, csrf_token_of(resources, value), expires_at)


def principal_of_cookie(resources: Resources, value: str) -> Principal | None:
    """Return who a session cookie belongs to, and move the session's end; None if it is not valid (any more)."""
    if not value or len(value) > TOKEN_MAX_LENGTH:
        return None
    with resources.database.read(SYSTEM) as session:
        row = queries.live_by_cookie(session, token_hash(value))
    if row is None:
        return None
    if row.now - row.seen_at > min(queries.SEEN_STEP_S, _session_s(resources) / 10):
        with resources.database.write(SYSTEM) as session:
            queries.extend(session, row.id, _session_s(resources))
    return _principal(resources, row)


def csrf_token_of(resources: Resources, value: str) -> str:
    """Return the token that unsafe requests with this cookie must carry; it cannot be computed without our key."""
    return derive(resources.settings.secret_key_bytes, "csrf", value)


def close_session(resources: Resources, session_id: str) -> None:
    """End a session of either kind; its cookie and tokens stop working at once."""
    with resources.database.write(SYSTEM) as session:
        queries.close(session, session_id, "signed out")


def issue_tokens(resources: Resources, principal: Principal) -> TokenPair:
    """Open an API session for somebody who has just given the right password."""
    session_id, secret = str(uuid.uuid4()), random_token()
    row = LoginSession(
        id=session_id,
        user_id=principal.user_id,
        kind="api",
        refresh_hash=token_hash(secret),
        **_origin(),
        expires_at=now_s() + _refresh_s(resources),
    )
    with resources.database.write(principal) as session:
        session.add(row)
        made_at = database_now(session)
    return _pair(resources, AccessClaims(principal.user_id, session_id), secret, made_at)


def refresh_tokens(resources: Resources, refresh_token: str) -> TokenPair:
    """Exchange a refresh token for new tokens. Raises `RefreshTokenInvalid`.

    A token that was used up before ends its whole session: somebody has a copy. The successor of a token is derived
    from it by our key, so requests that race with the same token all get the same successor and never fork.
    """
    session_id, _, secret = refresh_token.partition(".")
    if not secret or len(refresh_token) > TOKEN_MAX_LENGTH:
        raise RefreshTokenInvalid()
    successor = derive(resources.settings.secret_key_bytes, "refresh", refresh_token)
    rotation = queries.Rotation(
        session_id, token_hash(secret), token_hash(successor), REFRESH_GRACE_S, _refresh_s(resources)
    )
    with resources.database.write(SYSTEM) as session:
        row = queries.live_by_id(session, session_id)
        valid = row is not None and (
            queries.rotate(session, rotation)
            or queries.is_predecessor_in_grace(session, session_id, rotation.given_hash)
        )
        if row is not None and not valid:
            queries.close(session, session_id, "refresh token reused")
    if row is None or not valid:
        raise RefreshTokenInvalid()
    return _pair(resources, AccessClaims(row.user_id, session_id), successor, row.now)


def principal_of_token(resources: Resources, token: str) -> Principal | None:
    """Return who an access token belongs to; None if it is not valid, or its session has ended."""
    read = read_access_token(resources.settings.secret_key_bytes, token)
    if read is None:
        return None
    with resources.database.read(SYSTEM) as session:
        row = queries.live_by_id(session, read.claims.session_id)
    if row is None or row.user_id != read.claims.user_id or not read.holds_at(row.now):
        return None
    return _principal(resources, row)


def still_holding(resources: Resources, principals: Collection[Principal]) -> set[Principal]:
    """Return those whose session is open and who may do neither more nor less than when they were looked up.

    Long-lived websockets ask this from time to time: what runs behind them goes on with the principal of its beginning.
    """
    with resources.database.read(SYSTEM) as session:
        rows = queries.live_among(session, [principal.session_id for principal in principals])
    return {_principal(resources, row) for row in rows} & set(principals)


def _pair(resources: Resources, claims: AccessClaims, secret: str, made_at: float) -> TokenPair:
    life_s = resources.settings.access_token_minutes * 60
    access = sign_access_token(resources.settings.secret_key_bytes, claims, made_at, life_s)
    return TokenPair(access, f"{claims.session_id}.{secret}", int(life_s))


def _principal(resources: Resources, row: queries.SessionRow) -> Principal:
    role = Role(row.role)
    tier = tier_of(resources.settings, role, row.tier)
    return Principal(row.user_id, row.username, role, session_id=row.id, tier=tier)


def _origin() -> dict[str, str]:
    """Return where a new session is opened."""
    request = current_request()
    return {"address": request.address, "user_agent": request.user_agent}


def _session_s(resources: Resources) -> float:
    return resources.settings.session_hours * 3600


def _refresh_s(resources: Resources) -> float:
    return resources.settings.refresh_token_days * 86400
