"""Exports that a worker prepares as files: the row a person sees, and what the export is to hold."""

from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Double, ForeignKey, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, now_s


class ExportState(StrEnum):
    """Where an export stands. `deleted` stays until the row expires, so that deleting twice is no error."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    DELETED = "deleted"


class Export(Base):
    """A file that somebody asked for. A worker holds it by lease; `lease_epoch` fences its writes.

    The row is its own message: queued and not `published_at` means that the relay still has to send it. What an export
    was limited to takes the export with it when it is deleted; the stored file, which no row names then, is swept up.
    """

    __tablename__ = "exports"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'succeeded', 'failed', 'deleted')", name="state_known"),
        CheckConstraint("(lease_until IS NOT NULL) = (state = 'running')", name="leased_when_running"),
        CheckConstraint("(storage_key IS NOT NULL) = (state = 'succeeded')", name="file_when_succeeded"),
        CheckConstraint("(finished_at IS NULL) = (state IN ('queued', 'running'))", name="finished_at_its_end"),
        CheckConstraint("(finished_at IS NULL) = (expires_at IS NULL)", name="expires_when_finished"),
        CheckConstraint("attempt >= 0 AND attempt <= max_attempts", name="attempts_bounded"),
        Index(None, "owner_id", "created_at"),
        Index(None, "state", "lease_until"),
        Index(None, "expires_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    job_id: Mapped[str | None] = mapped_column(ForeignKey("processing_jobs.id", ondelete="CASCADE"), index=True)
    scene_id: Mapped[str | None] = mapped_column(ForeignKey("scenes.id", ondelete="CASCADE"), index=True)
    format: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(300))
    state: Mapped[str] = mapped_column(String(16), server_default="queued")
    rows_total: Mapped[int] = mapped_column(BigInteger)
    rows_done: Mapped[int] = mapped_column(BigInteger, server_default="0")

    attempt: Mapped[int] = mapped_column(Integer, server_default="0")
    max_attempts: Mapped[int] = mapped_column(Integer)
    lease_owner: Mapped[str | None] = mapped_column(String(128))
    lease_epoch: Mapped[int] = mapped_column(Integer, server_default="0")
    lease_until: Mapped[float | None] = mapped_column(Double)
    published_at: Mapped[float | None] = mapped_column(Double)

    storage_key: Mapped[str | None] = mapped_column(String(255), unique=True)
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(String(64))
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_message: Mapped[str | None] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(String(64))
    """Of the request that asked for it; None where no request did."""
    created_at: Mapped[float] = mapped_column(Double, server_default=now_s())
    started_at: Mapped[float | None] = mapped_column(Double)
    finished_at: Mapped[float | None] = mapped_column(Double)
    expires_at: Mapped[float | None] = mapped_column(Double)


class ExportPart(Base):
    """Ids of footprints that an unfinished export is to hold, in their order: what it was when it was asked for."""

    __tablename__ = "export_parts"

    export_id: Mapped[str] = mapped_column(ForeignKey("exports.id", ondelete="CASCADE"), primary_key=True)
    part: Mapped[int] = mapped_column(Integer, primary_key=True)
    ids: Mapped[bytes] = mapped_column(LargeBinary)
    """Little-endian int64, compressed with zlib."""
