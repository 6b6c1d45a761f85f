"""Plain pages on which people make an account or set a new password before they are signed in."""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from webapp import mail
from webapp.api.deps import CurrentResources
from webapp.api.templates import render
from webapp.errors import MailNotSetUp, RegistrationClosed
from webapp.http_status import status_of

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Field:
    """A line of a form; `label` is what people read, the rest is HTML."""

    name: str
    label: str
    type: str
    autocomplete: str


USERNAME = Field("username", "User name", "text", "username")
EMAIL = Field("email", "E-mail address", "email", "email")
PASSWORD = Field("password", "Password (at least 8 characters)", "password", "new-password")
NEW_PASSWORD = Field("new_password", "New password (at least 8 characters)", "password", "new-password")


@router.get("/register")
def register_page(resources: CurrentResources) -> HTMLResponse:
    """Show the form for an account."""
    closed = None if resources.settings.registration_open else RegistrationClosed()
    return _page(
        resources,
        closed,
        title="Make an account",
        lead="For Building Footprints. A link in a mail confirms it.",
        fields=(USERNAME, EMAIL, PASSWORD),
        action="/api/v1/auth/register",
        button="Make an account",
        done="Look into your mail: the account is made when you open the link in it.",
    )


@router.get("/confirm-account")
def confirm_page(resources: CurrentResources) -> HTMLResponse:
    """Take the link of a mail that makes an account."""
    return _page(
        resources,
        title="Confirm your account",
        lead="One more step, and you can sign in.",
        ask_again="/register",
        action="/api/v1/auth/register/confirm",
        button="Confirm",
        done="The account is made. You can sign in now.",
        takes_link=True,
    )


@router.get("/forgotten-password")
def forgotten_page(resources: CurrentResources) -> HTMLResponse:
    """Show the form that asks for a link."""
    return _page(
        resources,
        title="Forgotten password",
        lead="A link to set a new one goes to the address of your account.",
        fields=(EMAIL,),
        action="/api/v1/auth/password/forgotten",
        button="Send me a link",
        done="If an account has this address, a mail with a link is on its way.",
    )


@router.get("/reset-password")
def reset_page(resources: CurrentResources) -> HTMLResponse:
    """Take the link of a mail that sets a new password."""
    return _page(
        resources,
        title="Set a new password",
        lead="It ends all sessions and API keys of your account.",
        ask_again="/forgotten-password",
        fields=(NEW_PASSWORD,),
        action="/api/v1/auth/password/reset",
        button="Set the password",
        done="The new password holds. You are signed out everywhere.",
        takes_link=True,
    )


def _page(resources: CurrentResources, closed: RegistrationClosed | None = None, **words: object) -> HTMLResponse:
    problem = closed or (None if mail.is_set_up(resources.settings) else MailNotSetUp())
    body = render("account.html", problem=str(problem) if problem else "", **words)
    return HTMLResponse(body, status_of(problem) if problem else 200, {"Cache-Control": "no-store"})
