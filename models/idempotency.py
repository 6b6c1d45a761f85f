"""What was answered to requests that carried an Idempotency-Key: asked again, they get the same answer."""

from sqlalchemy import CheckConstraint, Double, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, now_s


class IdempotencyKey(Base):
    """A person's key on one route. Held: somebody is at it until `held_until`. Else answered: what was said.

    The answer is written in the transaction that makes what the request asks for: there is never one without the other.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        CheckConstraint("(status IS NULL) = (held_until IS NOT NULL)", name="held_or_answered"),
        CheckConstraint("(status IS NULL) = (body IS NULL)", name="body_when_answered"),
        CheckConstraint("(status IS NULL) = (meaning IS NULL)", name="meaning_when_answered"),
        Index(None, "created_at"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    route: Mapped[str] = mapped_column(String(100), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    token: Mapped[str] = mapped_column(String(32))
    """Of the try that holds the key, or that was answered."""
    held_until: Mapped[float | None] = mapped_column(Double)
    meaning: Mapped[str | None] = mapped_column(String(64))
    """SHA-256 of what was asked for, which is known once the whole request has arrived."""
    status: Mapped[int | None] = mapped_column(Integer)
    body: Mapped[str | None] = mapped_column(Text)
    location: Mapped[str] = mapped_column(String(255), server_default="")
    created_at: Mapped[float] = mapped_column(Double, server_default=now_s())
