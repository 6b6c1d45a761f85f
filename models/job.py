"""Jobs: the row a person sees, and the rows that make sure it ends exactly once."""

from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, now_s

BIG_ID = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite numbers rows by itself only where the type is INTEGER."""

TERMINAL_SQL = "('succeeded', 'failed', 'cancelled', 'dead')"


UNPUBLISHED_SQL = "kind = 'import' AND state <> 'succeeded'"
"""Jobs whose footprints nobody may see: an import shows all it stored at once, with its last move, or nothing."""


class JobKind(StrEnum):
    """What a job does."""

    EXTRACTION = "extraction"
    IMPORT = "import"
    STATE = "state"
    """All imagery of a US state: a row that people see as one job, and its parts, which are extractions. No worker
    takes it, so it is never leased; it ends with the last of its parts."""


class ProcessingJob(Base):
    """One extraction, import or state that somebody asked for.

    A worker holds it by lease; `lease_epoch` fences its writes. An import counts the rows of its file as windows.
    What a job of a whole state has found and done stands in its parts alone.
    """

    __tablename__ = "processing_jobs"
    __table_args__ = (
        CheckConstraint(f"state IN ('queued', 'running') OR state IN {TERMINAL_SQL}", name="state_known"),
        CheckConstraint(f"(finished_at IS NOT NULL) = (state IN {TERMINAL_SQL})", name="finished_when_terminal"),
        CheckConstraint(
            "(lease_until IS NOT NULL) = (state = 'running' AND kind <> 'state')", name="leased_when_running"
        ),
        CheckConstraint("attempt >= 0 AND attempt <= max_attempts", name="attempts_bounded"),
        CheckConstraint("kind IN ('extraction', 'import', 'state')", name="kind_known"),
        CheckConstraint("(kind = 'extraction') = (scene_id IS NOT NULL)", name="scene_when_extraction"),
        CheckConstraint("(kind = 'import') = (file_id IS NOT NULL)", name="file_when_import"),
        CheckConstraint("(kind = 'state') = (us_state IS NOT NULL)", name="us_state_when_state"),
        CheckConstraint("parent_id IS NULL OR kind = 'extraction'", name="part_is_extraction"),
        Index(None, "owner_id", "created_at"),
        Index(None, "scene_id"),
        Index(None, "parent_id", "state"),
        Index("ix_processing_jobs_open", "state", "lease_until", postgresql_where=text("finished_at IS NULL")),
        Index(
            "ix_processing_jobs_unpublished",
            "id",
            postgresql_where=text(UNPUBLISHED_SQL),
            sqlite_where=text(UNPUBLISHED_SQL),
        ),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str] = mapped_column(String(16), server_default=str(JobKind.EXTRACTION))
    scene_id: Mapped[str | None] = mapped_column(ForeignKey("scenes.id"))
    file_id: Mapped[str | None] = mapped_column(ForeignKey("file_storage.id"))
    """The file that an import reads."""
    us_state: Mapped[str | None] = mapped_column(String(2))
    """Postal code of the state that a job of a whole state looks at."""
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("processing_jobs.id"))
    """The job of a whole state that this one is a part of."""
    params: Mapped[dict[str, Any]] = mapped_column(JSON)
    import_report: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What became of each row of the file: what the check foresaw, then what the worker did."""
    aoi_geojson: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    state: Mapped[str] = mapped_column(String(16), server_default="queued")

    attempt: Mapped[int] = mapped_column(Integer, server_default="0")
    """How often a worker has taken the job. A release at shutdown takes its own away again."""
    max_attempts: Mapped[int] = mapped_column(Integer)
    lease_owner: Mapped[str | None] = mapped_column(String(128))
    lease_epoch: Mapped[int] = mapped_column(Integer, server_default="0")
    """Grows with every claim and never falls: who holds an older one is a stranger."""
    lease_until: Mapped[float | None] = mapped_column(Double)
    cancel_requested_at: Mapped[float | None] = mapped_column(Double)

    windows_done: Mapped[int] = mapped_column(Integer, server_default="0")
    windows_total: Mapped[int] = mapped_column(Integer, server_default="0")
    footprint_count: Mapped[int] = mapped_column(Integer, server_default="0")
    windows_before: Mapped[int] = mapped_column(Integer, server_default="0")
    """Windows that earlier attempts had done when the present one began."""
    attempt_started_at: Mapped[float | None] = mapped_column(Double)
    progress_at: Mapped[float | None] = mapped_column(Double)

    gsd_m: Mapped[float | None] = mapped_column(Double)
    """Ground sampling distance that the job works with: the scene's, or the one that was given instead."""
    weights_name: Mapped[str | None] = mapped_column(String(255))
    weights_sha256: Mapped[str | None] = mapped_column(String(64))
    """What found the footprints so far; parts of other weights are of no use to a later attempt."""
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_message: Mapped[str | None] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(String(64))
    """Of the request that asked for it; None where no request did."""
    created_at: Mapped[float] = mapped_column(Double, server_default=now_s())
    started_at: Mapped[float | None] = mapped_column(Double)
    finished_at: Mapped[float | None] = mapped_column(Double)


class OutboxEntry(Base):
    """A message to be sent, written with the row that it is about. The relay sends it and sets `published_at`."""

    __tablename__ = "job_outbox"
    __table_args__ = (Index("ix_job_outbox_unpublished", "published_at", "id"),)

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("processing_jobs.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[float] = mapped_column(Double, server_default=now_s())
    published_at: Mapped[float | None] = mapped_column(Double)


class JobPart(Base):
    """A part of a running job that is done: its raw detections, so that a second attempt does not infer it again."""

    __tablename__ = "job_parts"

    job_id: Mapped[str] = mapped_column(ForeignKey("processing_jobs.id", ondelete="CASCADE"), primary_key=True)
    part: Mapped[int] = mapped_column(Integer, primary_key=True)
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    saved_at: Mapped[float] = mapped_column(Double, server_default=now_s())


class JobMessage(Base):
    """A line of the job's log, for its owner."""

    __tablename__ = "job_messages"

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("processing_jobs.id", ondelete="CASCADE"), index=True)
    at: Mapped[float] = mapped_column(Double, server_default=now_s())
    level: Mapped[str] = mapped_column(String(8))
    text: Mapped[str] = mapped_column(Text)


class WorkerBeat(Base):
    """A worker that was seen, and which queues it takes. Health and the Jobs page ask here, not the broker."""

    __tablename__ = "worker_beats"

    name: Mapped[str] = mapped_column(String(128), primary_key=True)
    pid: Mapped[int] = mapped_column(Integer)
    queues: Mapped[list[str]] = mapped_column(JSON, server_default="[]")
    started_at: Mapped[float] = mapped_column(Double, server_default=now_s())
    seen_at: Mapped[float] = mapped_column(Double, server_default=now_s())
