"""Accounts of people whom an OpenID Connect provider vouches for.

Who came before is known by the provider's own number for them. Who comes for the first time gets the account with
their address, if the provider has checked the address; from then on the address does not count any more.
"""

import re

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from auth.passwords import generate_password
from auth.principals import SYSTEM, Principal, Role
from models.oidc_identity import OidcIdentity
from models.queries import oidc_identities as queries
from models.user import User
from webapp.errors import AccountInvalid, AppError
from webapp.identity_provider import VouchedPerson
from webapp.oidc_errors import OidcEmailUnverified, OidcNoAccount
from webapp.resources import Resources
from webapp.services.audit import Act, note
from webapp.services.password_checks import hash_of
from webapp.services.users import USERNAME_RULE, add_user, checked_email

NAMES_TRIED = 100
TRIES = 3


def principal_of(resources: Resources, person: VouchedPerson) -> Principal:
    """Return whose account it is, linking or making it at the first time; the audit log is told.

    Raises `OidcEmailUnverified`, `OidcNoAccount`, and `TooManyLogins` where an account would have to be made.
    """
    for _ in range(TRIES - 1):
        try:
            return _principal_of(resources, person)
        except IntegrityError:
            continue  # somebody came in by two windows at once: the other one has made the link or the account
    return _principal_of(resources, person)


def note_refusal(resources: Resources, person: VouchedPerson, error: AppError) -> None:
    """Tell the audit log of somebody whom the provider knows and who was not let in."""
    detail = {"issuer": person.issuer, "subject": person.subject, "email": person.email[:254], "code": error.code}
    with resources.database.write(SYSTEM) as session:
        note(session, None, Act("oidc.refused", detail=detail))


def _principal_of(resources: Resources, person: VouchedPerson) -> Principal:
    # The hash takes half a second: it is made before the transaction, and where one may be needed only.
    unusable = hash_of(generate_password()) if _would_make_one(resources, person) else None
    with resources.database.write(SYSTEM) as session:
        user = queries.user_of(session, person.issuer, person.subject)
        if user is None:
            user = _user_for_first_time(session, person, unusable)
        if not user.is_active:
            raise OidcNoAccount(email=person.email or person.name)
        principal = Principal(user.id, user.username, Role(user.role))
        note(session, principal, Act("oidc.signed_in", "user", str(user.id), {"issuer": person.issuer}))
    return principal


def _would_make_one(resources: Resources, person: VouchedPerson) -> bool:
    if not resources.settings.oidc_creates_accounts or not person.email_is_verified:
        return False
    with resources.database.read(SYSTEM) as session:
        known = queries.user_of(session, person.issuer, person.subject)
        return known is None and queries.user_with_email(session, person.email) is None


def _user_for_first_time(session: Session, person: VouchedPerson, unusable_hash: str | None) -> User:
    email = _verified_email(person)
    user = queries.user_with_email(session, email)
    if user is None and unusable_hash is not None:
        user = User(
            username=_free_name(session, person), email=email, password_hash=unusable_hash, role=str(Role.USER)
        )
        add_user(session, None, user)
    # An address that has passed to somebody else at the provider must not open its former owner's account.
    if user is None or not user.is_active or queries.is_linked(session, person.issuer, user.id):
        raise OidcNoAccount(email=email)
    session.add(OidcIdentity(issuer=person.issuer, subject=person.subject, user_id=user.id))
    session.flush()
    link = {"issuer": person.issuer, "subject": person.subject}
    note(session, None, Act("oidc.linked", "user", str(user.id), link))
    return user


def _verified_email(person: VouchedPerson) -> str:
    """Return the address as accounts have it. Raises `OidcEmailUnverified`, `OidcNoAccount`."""
    if not person.email_is_verified:
        raise OidcEmailUnverified()
    try:
        email = checked_email(person.email)
    except AccountInvalid as error:
        raise OidcNoAccount(email=person.email[:254]) from error
    if email is None:
        raise OidcNoAccount(email=person.name)
    return email


def _free_name(session: Session, person: VouchedPerson) -> str:
    """Return a user name after the person's own that nobody has."""
    wish = re.sub(r"[^a-z0-9._+-]", "", (person.name or person.email).partition("@")[0].lower()).lstrip("._+-")[:58]
    wish = wish if USERNAME_RULE.fullmatch(wish) else "person"
    names = [wish, *(f"{wish}-{number}" for number in range(2, NAMES_TRIED))]
    taken = queries.taken_names(session, names)
    return next((name for name in names if name not in taken), f"{wish[:40]}-{generate_password(16).lower()}")
