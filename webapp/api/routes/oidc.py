"""Signing in by an OpenID Connect provider: away to it, and back with a code.

What the way back needs lies signed in a cookie of the browser that left, so that any web process may answer it and
nobody can finish a login that somebody else began.
"""

import re
from collections.abc import Callable
from dataclasses import asdict

import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from itsdangerous import BadSignature, URLSafeTimedSerializer

from auth.tokens import derive, same
from webapp.api.deps import CurrentResources
from webapp.api.routes.login import answer_with_session, is_https, login_page, safe_target
from webapp.errors import AppError
from webapp.identity_provider import LoginAttempt
from webapp.oidc_errors import OidcEmailUnverified, OidcLoginExpired, OidcNoAccount, OidcRefused
from webapp.resources import Resources
from webapp.services import oidc_logins
from webapp.settings import Settings

router = APIRouter(include_in_schema=False)
PATH = "/login/oidc"
COOKIE = "bf_oidc"
LIFE_S = 600
CODE_MAX_LENGTH = 4096
ERROR_CODE = re.compile(r"[a-z_]{1,40}")


@router.get(PATH)
async def leave(request: Request, resources: CurrentResources, next: str = "/") -> Response:
    """Send the browser to the provider."""
    try:
        address, attempt = await _in_thread(
            request, lambda: request.app.state.provider.begin(_return_address(request, resources.settings))
        )
    except AppError as error:
        return login_page(resources.settings, next, error=error)
    answer = RedirectResponse(address, 303, {"Cache-Control": "no-store"})
    kept = _signer(resources.settings).dumps(asdict(attempt) | {"next": safe_target(next)})
    secure = is_https(request, resources.settings)
    answer.set_cookie(COOKIE, str(kept), LIFE_S, path=PATH, httponly=True, samesite="lax", secure=secure)
    return answer


@router.get(f"{PATH}/callback")
async def come_back(request: Request, resources: CurrentResources) -> Response:
    """Open a session for who the provider says it is; every answer makes the cookie useless."""
    target = "/"
    try:
        attempt, target = _begun(request, resources.settings)
        code = _code(request, resources.settings)
        answer = await _in_thread(request, lambda: _sign_in(request, resources, (code, attempt, target)))
    except AppError as error:
        answer = login_page(resources.settings, target, error=error)
    answer.delete_cookie(COOKIE, path=PATH, httponly=True, samesite="lax")
    return answer


def _sign_in(request: Request, resources: Resources, begun: tuple[str, LoginAttempt, str]) -> Response:
    code, attempt, target = begun
    person = request.app.state.provider.finish(_return_address(request, resources.settings), code, attempt)
    try:
        principal = oidc_logins.principal_of(resources, person)
    except (OidcNoAccount, OidcEmailUnverified) as error:
        oidc_logins.note_refusal(resources, person, error)
        raise
    return answer_with_session(request, resources, principal, target)


def _begun(request: Request, settings: Settings) -> tuple[LoginAttempt, str]:
    """Return the login that this browser began. Raises `OidcLoginExpired`."""
    try:
        kept = _signer(settings).loads(request.cookies.get(COOKIE, ""), max_age=LIFE_S)
        attempt = LoginAttempt(kept["state"], kept["nonce"], kept["code_verifier"])
    except (BadSignature, KeyError, TypeError) as error:
        raise OidcLoginExpired() from error
    if not same(request.query_params.get("state", ""), attempt.state):
        raise OidcLoginExpired()
    return attempt, safe_target(str(kept.get("next", "/")))


def _code(request: Request, settings: Settings) -> str:
    """Return what the provider gave the browser. Raises `OidcRefused`."""
    answer = request.query_params
    if "error" in answer:
        code = answer["error"] if ERROR_CODE.fullmatch(answer["error"]) else "an error"
        raise OidcRefused(name=settings.oidc_name, detail=f"it answered {code}")
    issuer = answer.get("iss", settings.oidc_issuer)  # RFC 9207
    if issuer.rstrip("/") != settings.oidc_issuer.rstrip("/") or not 0 < len(answer.get("code", "")) <= CODE_MAX_LENGTH:
        raise OidcRefused(name=settings.oidc_name, detail="its answer cannot be understood")
    return answer["code"]


def _return_address(request: Request, settings: Settings) -> str:
    """Return the address of `come_back` as the provider knows it; the gate has checked the host's name."""
    base = settings.public_url.rstrip("/") or f"{request.url.scheme}://{request.url.netloc}"
    return f"{base}{PATH}/callback"


def _signer(settings: Settings) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(derive(settings.secret_key_bytes, "oidc", "login attempt"), salt="oidc")


async def _in_thread[T](request: Request, work: Callable[[], T]) -> T:
    """Own places: a provider that does not answer holds up nobody but those who want to sign in by it."""
    return await anyio.to_thread.run_sync(work, limiter=request.app.state.provider_places)
