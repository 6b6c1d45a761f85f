"""Who did what: lines that are only ever added."""

from typing import Any

from sqlalchemy import JSON, Double, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, now_s
from models.job import BIG_ID


class AuditEntry(Base):
    """One act. Names are repeated and nothing is referred to, so that a line outlives what it is about."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index(None, "actor_id", "id"),
        Index(None, "target_kind", "target_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    at: Mapped[float] = mapped_column(Double, server_default=now_s())
    actor_id: Mapped[int | None] = mapped_column(Integer)
    """None: nobody who had signed in."""
    actor_name: Mapped[str] = mapped_column(String(64))
    key_id: Mapped[str | None] = mapped_column(String(16))
    """The API key that was used, if it was one."""
    action: Mapped[str] = mapped_column(String(64))
    target_kind: Mapped[str] = mapped_column(String(32), server_default="")
    target_id: Mapped[str] = mapped_column(String(64), server_default="")
    address: Mapped[str] = mapped_column(String(64), server_default="")
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
