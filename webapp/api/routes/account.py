"""One's account: making it, its password, the places where one is signed in."""

from fastapi import APIRouter, Request

from webapp.api.deps import CurrentPrincipal, CurrentResources
from webapp.api.schemas.auth import (
    AccountOut,
    EmailIn,
    LinkIn,
    PasswordIn,
    RegisterIn,
    ResetIn,
    SentOut,
    SessionOut,
    SessionsOut,
)
from webapp.api.signing_in import sign_out, throttled
from webapp.services import own_sessions, password_changes, registration

router = APIRouter(prefix="/api/v1/auth", tags=["account"])
SENT = SentOut(detail="If all is well, a mail with a link is on its way.")


@router.post("/register", status_code=202)
def register(resources: CurrentResources, body: RegisterIn) -> SentOut:
    """Ask for an account. It is made when the link in the mail is used."""
    registration.request_account(resources, body.username, body.email, body.password)
    return SENT


@router.post("/register/confirm", status_code=201)
def confirm_registration(resources: CurrentResources, body: LinkIn) -> AccountOut:
    """Make the account that a link from a mail stands for."""
    user = registration.confirm_account(resources, body.token)
    return AccountOut(user_id=user.id, username=user.username, email=user.email, role=user.role)


@router.post("/password", status_code=204)
def change_password(
    request: Request, resources: CurrentResources, principal: CurrentPrincipal, body: PasswordIn
) -> None:
    """Change the password. All other sessions and all API keys end."""
    current, new = body.current_password, body.new_password
    ended = throttled(
        request,
        principal.username,
        lambda: password_changes.change_password(resources, principal, current, new),
    )
    request.app.state.identifier.forget_person(principal.user_id)
    sign_out(request, *ended)


@router.post("/password/forgotten", status_code=202)
def request_password_reset(resources: CurrentResources, body: EmailIn) -> SentOut:
    """Ask for a link to set a new password."""
    password_changes.request_reset(resources, body.email)
    return SENT


@router.post("/password/reset", status_code=204)
def reset_password(request: Request, resources: CurrentResources, body: ResetIn) -> None:
    """Set a new password by a link from a mail. All sessions and API keys end."""
    sign_out(request, *password_changes.reset_password(resources, body.token, body.new_password))


@router.get("/sessions")
def list_sessions(resources: CurrentResources, principal: CurrentPrincipal) -> SessionsOut:
    """Return where one is signed in."""
    found = own_sessions.list_sessions(resources, principal)
    return SessionsOut(sessions=[SessionOut.model_validate(one, from_attributes=True) for one in found])


@router.delete("/sessions", status_code=204)
def revoke_other_sessions(request: Request, resources: CurrentResources, principal: CurrentPrincipal) -> None:
    """Sign out everywhere else."""
    sign_out(request, *own_sessions.revoke_other_sessions(resources, principal))


@router.delete("/sessions/{session_id}", status_code=204)
def revoke_session(
    request: Request, resources: CurrentResources, principal: CurrentPrincipal, session_id: str
) -> None:
    """Sign out in one place."""
    own_sessions.revoke_session(resources, principal, session_id)
    sign_out(request, session_id)
