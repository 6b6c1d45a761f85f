"""Signed and opaque tokens: pure rules; keys and times are arguments."""

import hashlib
import hmac
import math
import secrets
import uuid
from dataclasses import dataclass
from typing import Any

import jwt

ISSUER = "building-footprint-ai"
AUDIENCE = "building-footprint-ai/api"
ACCESS_TYPE = "access"
ALGORITHM = "HS256"
TOKEN_MAX_LENGTH = 2048
"""Longer tokens are refused before they are decoded."""
LEEWAY_S = 5.0
"""Between the database that a token was made by and one that has taken its place."""


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What an access token says: which user, by which session."""

    user_id: int
    session_id: str


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token that was signed with our key. Whether it holds depends on the time, in epoch seconds."""

    claims: AccessClaims
    valid_from: float
    valid_until: float

    def holds_at(self, now_s: float) -> bool:
        """Tell whether it has begun and not run out, by the clock that it was made by: the database's."""
        return self.valid_from - LEEWAY_S <= now_s < self.valid_until + LEEWAY_S


def random_token() -> str:
    """Return 256 random bits, safe in URLs and cookies."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Return the hex SHA-256 under which a random token is stored; such tokens need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def derive(key: bytes, purpose: str, value: str) -> str:
    """Return a secret that only the holder of `key` can compute from `value`; each purpose has its own."""
    return hmac.new(key, f"{purpose}:{value}".encode(), hashlib.sha256).hexdigest()


def same(first: str, second: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(first.encode(), second.encode())


def sign_access_token(key: bytes, claims: AccessClaims, now_s: float, life_s: float) -> str:
    """Return a JWT for an API client; `now_s` is epoch seconds."""
    payload = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(claims.user_id),
        "sid": claims.session_id,
        "typ": ACCESS_TYPE,
        "jti": uuid.uuid4().hex,
        "iat": int(now_s),
        "exp": int(now_s + life_s),
    }
    return jwt.encode(payload, key, algorithm=ALGORITHM)


def read_access_token(key: bytes, token: str) -> AccessToken | None:
    """Return what an access token says, None for anything that we did not sign.

    No clock is read: a server whose own clock is off must refuse nobody and let nobody stay. Ask `holds_at`.
    """
    if len(token) > TOKEN_MAX_LENGTH:
        return None
    try:
        payload: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={
                "require": ["exp", "iat", "iss", "aud", "sub", "jti"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
        if payload.get("typ") != ACCESS_TYPE or not isinstance(payload.get("sid"), str):
            return None
        valid_from = max(_moment(payload["iat"]), _moment(payload.get("nbf", payload["iat"])))
        claims = AccessClaims(user_id=int(payload["sub"]), session_id=payload["sid"])
        return AccessToken(claims, valid_from, _moment(payload["exp"]))
    except (jwt.PyJWTError, ValueError):
        return None


def _moment(value: object) -> float:
    """Return a NumericDate (RFC 7519, 2) in epoch seconds. Raises `ValueError`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("not a number of seconds")
    return float(value)
