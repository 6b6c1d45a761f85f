"""Secrets sent by mail: stored under their hash, taken once."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models.base import now_s
from models.mail_token import MailPurpose, MailToken


def find_live(session: Session, token_hash: str, purpose: MailPurpose) -> MailToken | None:
    """Return a secret that may still be used."""
    wanted = (MailToken.token_hash == token_hash, MailToken.purpose == purpose, MailToken.expires_at > now_s())
    return session.scalars(select(MailToken).where(*wanted)).one_or_none()


def take(session: Session, token_hash: str) -> bool:
    """Use a secret up; False where somebody else was first."""
    statement = delete(MailToken).where(MailToken.token_hash == token_hash).returning(MailToken.token_hash)
    return session.scalars(statement).one_or_none() is not None


def sent_lately(session: Session, user_id: int, within_s: float) -> bool:
    """Tell whether a link to set a new password went to a person a moment ago."""
    recent = (MailToken.user_id == user_id, MailToken.created_at > now_s() - within_s)
    return session.scalars(select(MailToken.token_hash).where(*recent).limit(1)).first() is not None


def drop_for(session: Session, user_id: int) -> None:
    """Make all links of a person useless."""
    session.execute(delete(MailToken).where(MailToken.user_id == user_id))


def drop_expired(session: Session) -> None:
    """Remove what nobody can use any more."""
    session.execute(delete(MailToken).where(MailToken.expires_at < now_s()))
