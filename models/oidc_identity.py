"""Whom an OpenID Connect provider vouches for."""

from sqlalchemy import Double, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, now_s

ISSUER_LENGTH, SUBJECT_LENGTH = 500, 255


class OidcIdentity(Base):
    """A person at a provider, and whose account that is. Of one provider an account has one person at most."""

    __tablename__ = "oidc_identities"
    __table_args__ = (UniqueConstraint("user_id", "issuer"),)

    issuer: Mapped[str] = mapped_column(String(ISSUER_LENGTH), primary_key=True)
    subject: Mapped[str] = mapped_column(String(SUBJECT_LENGTH), primary_key=True)
    """Case counts; unlike an e-mail address it is never given to somebody else."""
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[float] = mapped_column(Double, server_default=now_s())
