"""Accounts and their sessions."""

from sqlalchemy import Boolean, CheckConstraint, Double, ForeignKey, Integer, String, true
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, now_s


class User(Base):
    """An account. Names are compared in lower case."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("role IN ('user', 'premium', 'admin')", name="role_known"),
        CheckConstraint("tier IN ('free', 'premium', 'enterprise')", name="tier_known"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    email: Mapped[str | None] = mapped_column(String(254), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(16))
    tier: Mapped[str | None] = mapped_column(String(16))
    """Limits of this account; None: those that the settings give to its role."""
    is_active: Mapped[bool] = mapped_column(Boolean, server_default=true())
    created_at: Mapped[float] = mapped_column(Double, server_default=now_s())
    ended_at: Mapped[float | None] = mapped_column(Double)
    """When all that was opened in the account's name was ended last: download links of before are dead."""


class LoginSession(Base):
    """A signed-in browser or API client. Only hashes of its secrets are stored."""

    __tablename__ = "login_sessions"
    __table_args__ = (CheckConstraint("kind IN ('browser', 'api')", name="kind_known"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(8))
    cookie_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    refresh_hash: Mapped[str | None] = mapped_column(String(64))
    previous_refresh_hash: Mapped[str | None] = mapped_column(String(64))
    previous_until: Mapped[float | None] = mapped_column(Double)
    """The immediate predecessor of the refresh token is still answered up to here."""
    address: Mapped[str] = mapped_column(String(64), server_default="")
    user_agent: Mapped[str] = mapped_column(String(200), server_default="")
    """Where the session was opened, so that its owner knows it again."""
    created_at: Mapped[float] = mapped_column(Double, server_default=now_s())
    seen_at: Mapped[float] = mapped_column(Double, server_default=now_s())
    expires_at: Mapped[float] = mapped_column(Double, index=True)
    closed_at: Mapped[float | None] = mapped_column(Double)
    close_reason: Mapped[str | None] = mapped_column(String(32))
