"""Uploads that go on where they broke off."""

from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Double, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, now_s


class UploadState(StrEnum):
    """Where an upload stands: `finished` has become a scene or an import, `refused` never will."""

    OPEN = "open"
    FINISHED = "finished"
    REFUSED = "refused"


class UploadPurpose(StrEnum):
    """What a file is to become."""

    SCENE = "scene"
    EXTRACTION = "extraction"
    IMPORT = "import"


class ResumableUpload(Base):
    """A file that arrives in pieces. `offset_bytes` have been acknowledged: they are on the disk, whatever happens.

    What comes of it, a scene or an import, has the id of the upload, so that it cannot come twice.
    """

    __tablename__ = "uploads"
    __table_args__ = (
        CheckConstraint("purpose IN ('scene', 'extraction', 'import')", name="purpose_known"),
        CheckConstraint("state IN ('open', 'finished', 'refused')", name="state_known"),
        CheckConstraint("offset_bytes >= 0 AND offset_bytes <= length_bytes", name="offset_within"),
        CheckConstraint("(outcome IS NULL) = (state = 'open')", name="outcome_at_its_end"),
        Index(None, "owner_id", "created_at"),
        Index(None, "expires_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    purpose: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(255))
    options: Mapped[dict[str, Any]] = mapped_column(JSON)
    length_bytes: Mapped[int] = mapped_column(BigInteger)
    offset_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    state: Mapped[str] = mapped_column(String(16), server_default="open")
    outcome: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[float] = mapped_column(Double, server_default=now_s())
    expires_at: Mapped[float] = mapped_column(Double)
