"""Secrets that were sent to a mail address: whoever brings one back reads the mail of that address."""

from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Double, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, now_s


class MailPurpose(StrEnum):
    """What a secret is good for."""

    REGISTER = "register"
    RESET = "reset"


class MailToken(Base):
    """A secret under its hash, good for one thing and once. `account` is what a registration is to become."""

    __tablename__ = "mail_tokens"
    __table_args__ = (
        CheckConstraint("purpose IN ('register', 'reset')", name="purpose_known"),
        CheckConstraint("(purpose = 'reset') = (user_id IS NOT NULL)", name="user_when_reset"),
        CheckConstraint("(purpose = 'register') = (account IS NOT NULL)", name="account_when_register"),
    )

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(16))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    account: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[float] = mapped_column(Double, server_default=now_s())
    expires_at: Mapped[float] = mapped_column(Double, index=True)
