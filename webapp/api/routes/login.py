"""The login page: a plain form that works without scripts."""

from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from auth.principals import Principal
from webapp import mail
from webapp.api.deps import CurrentPrincipal, CurrentResources
from webapp.api.identity import COOKIE
from webapp.api.receiving import in_thread
from webapp.api.signing_in import sign_in, sign_out
from webapp.api.templates import render
from webapp.errors import AppError, CredentialsWrong, CsrfTokenInvalid, LoginDelayed, TooManyLogins
from webapp.http_status import status_of
from webapp.resources import Resources
from webapp.services import sessions
from webapp.settings import Settings

router = APIRouter(include_in_schema=False)


@router.get("/login")
def show_form(resources: CurrentResources, next: str = "/") -> Response:
    """Show the form."""
    return login_page(resources.settings, next)


@router.post("/login")
async def take_form(request: Request, resources: CurrentResources) -> Response:
    """Check the form and open a session."""
    form = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=10)
    username, password = (form.get(name, [""])[0] for name in ("username", "password"))
    target = safe_target(form.get("next", ["/"])[0])
    try:
        if not request.app.state.names.is_own_origin(request.scope):
            raise CsrfTokenInvalid()
        return await in_thread(_open_session, request, resources, (username, password, target))
    except (CredentialsWrong, CsrfTokenInvalid, LoginDelayed, TooManyLogins) as error:
        return login_page(resources.settings, target, username[:200], error)


@router.post("/logout")
def log_out(request: Request, resources: CurrentResources, principal: CurrentPrincipal) -> Response:
    """End the browser session and everything that is open in it."""
    sessions.close_session(resources, principal.session_id)
    sign_out(request, principal.session_id)
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
    return answer


def _open_session(request: Request, resources: Resources, given: tuple[str, str, str]) -> Response:
    username, password, target = given
    principal = sign_in(request, resources, username, password)
    return answer_with_session(request, resources, principal, target)


def answer_with_session(request: Request, resources: Resources, principal: Principal, target: str) -> Response:
    """Open a browser session for somebody who has shown who they are, and send them on."""
    opened = sessions.open_browser_session(resources, principal)
    answer = RedirectResponse(target, 303)
    secure = is_https(request, resources.settings)
    answer.set_cookie(COOKIE, opened.cookie_value, path="/", httponly=True, samesite="lax", secure=secure)
    return answer


def is_https(request: Request, settings: Settings) -> bool:
    """Tell whether cookies may be kept to https, because that is how people come."""
    return request.url.scheme == "https" or settings.public_url.startswith("https://")


def login_page(settings: Settings, target: str, username: str = "", error: AppError | None = None) -> HTMLResponse:
    """Return the form, with what went wrong."""
    page = render(
        "login.html",
        next=safe_target(target),
        username=username,
        error=str(error) if error else "",
        sends_mail=mail.is_set_up(settings),
        oidc_name=settings.oidc_name if settings.oidc_issuer else "",
        registers=settings.registration_open and mail.is_set_up(settings),
    )
    headers = {"Cache-Control": "no-store"}
    if error is not None and "retry_after_s" in error.parameters:
        headers["Retry-After"] = str(error.parameters["retry_after_s"])
    return HTMLResponse(page, 200 if error is None else status_of(error), headers)


def safe_target(target: str) -> str:
    """Return where to go after the login: a path on this site, never another one."""
    plain = target.startswith("/") and not target.startswith("//") and "\\" not in target and target.isprintable()
    return target if plain and len(target) <= 2000 and not target.startswith("/login") else "/"
