"""What can go wrong when another service says who somebody is. These are read by people, on the login page."""

from webapp.errors import AppError


class OidcNotSetUp(AppError):
    """No provider is set."""

    code = "OidcNotSetUp"
    template = "This installation knows no other way to sign in than by a password."


class OidcUnreachable(AppError):
    """The provider does not answer, or not as OpenID Connect demands."""

    code = "OidcUnreachable"
    template = "{name} cannot be reached just now. Try again in a moment, or sign in with a password."


class OidcLoginExpired(AppError):
    """The answer belongs to no login that this browser has begun within the last minutes."""

    code = "OidcLoginExpired"
    template = "This login was not begun in this browser, or took too long. Begin again."


class OidcRefused(AppError):
    """The provider said no, or what it said does not hold."""

    code = "OidcRefused"
    template = "{name} did not confirm who you are: {detail}."


class OidcEmailUnverified(AppError):
    """An address that anybody may have typed says nothing about whose account it is."""

    code = "OidcEmailUnverified"
    template = "The login service has not checked that your e-mail address is yours. Have it confirmed there first."


class OidcNoAccount(AppError):
    """The person is known to the provider and not here, or was shut out here."""

    code = "OidcNoAccount"
    template = "You have no account here that is open to {email}. Ask the administrator of this installation."
