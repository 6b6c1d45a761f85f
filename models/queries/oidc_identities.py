"""Accounts of people whom a provider vouches for."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.oidc_identity import OidcIdentity
from models.user import User


def user_of(session: Session, issuer: str, subject: str) -> User | None:
    """Return the account that a person at a provider was linked to."""
    linked = (OidcIdentity.issuer == issuer, OidcIdentity.subject == subject)
    statement = select(User).join(OidcIdentity, OidcIdentity.user_id == User.id).where(*linked)
    return session.scalars(statement).one_or_none()


def is_linked(session: Session, issuer: str, user_id: int) -> bool:
    """Tell whether an account belongs to some person at a provider."""
    linked = (OidcIdentity.issuer == issuer, OidcIdentity.user_id == user_id)
    return session.scalars(select(OidcIdentity.subject).where(*linked)).first() is not None


def user_with_email(session: Session, email: str) -> User | None:
    """Return the account with an address, which is given as it is stored."""
    return session.scalars(select(User).where(User.email == email)).one_or_none()


def taken_names(session: Session, names: list[str]) -> set[str]:
    """Return those of some user names that belong to somebody."""
    return set(session.scalars(select(User.username).where(User.username.in_(names))))
