"""Tokens for programs."""

from fastapi import APIRouter, Request

from webapp.api.deps import CurrentPrincipal, CurrentResources
from webapp.api.schemas.auth import LoginIn, MeOut, RefreshIn, TokensOut
from webapp.api.signing_in import sign_in, sign_out
from webapp.services import sessions
from webapp.services.sessions import TokenPair

router = APIRouter(prefix="/api/v1/auth", tags=["auth"])


@router.post("/login")
def login(request: Request, resources: CurrentResources, body: LoginIn) -> TokensOut:
    """Exchange name and password for tokens."""
    return _tokens(sessions.issue_tokens(resources, sign_in(request, resources, body.username, body.password)))


@router.post("/refresh-token")
def refresh_token(resources: CurrentResources, body: RefreshIn) -> TokensOut:
    """Exchange a refresh token for new tokens; each works once."""
    return _tokens(sessions.refresh_tokens(resources, body.refresh_token))


@router.post("/logout", status_code=204)
def logout(request: Request, resources: CurrentResources, principal: CurrentPrincipal) -> None:
    """End the session that this request belongs to."""
    sessions.close_session(resources, principal.session_id)
    sign_out(request, principal.session_id)


@router.get("/me")
def get_current_user(principal: CurrentPrincipal) -> MeOut:
    """Tell who the request comes from."""
    return MeOut(
        user_id=principal.user_id,
        username=principal.username,
        role=str(principal.role),
        tier=str(principal.tier),
        api_key_id=principal.key_id or None,
        scopes=sorted(map(str, principal.scopes)),
    )


def _tokens(pair: TokenPair) -> TokensOut:
    return TokensOut(access_token=pair.access_token, refresh_token=pair.refresh_token, expires_in=pair.expires_in)
