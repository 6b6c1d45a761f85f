"""The change feed of footprints: what a footprint index beside the database follows."""

from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Double, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, now_s
from models.job import BIG_ID


class ChangeKind(StrEnum):
    """What a transaction did."""

    STORED = "stored"
    REMOVED = "removed"
    DELETED = "deleted"


class FootprintChange(Base):
    """One transaction that stored footprints of a job, removed a job with its footprints, or deleted one footprint.

    Ids rise in the order of the commits (`models.footprint_writes.note_stored`, `remove_jobs`, `delete_footprint`), so
    a reader that has seen one id has seen all changes before it. An import is one transaction here: the one that
    publishes it.
    """

    __tablename__ = "footprint_changes"
    __table_args__ = (
        CheckConstraint("kind IN ('stored', 'removed', 'deleted')", name="kind_known"),
        CheckConstraint("(kind = 'stored') = (change_key IS NOT NULL)", name="key_when_stored"),
        CheckConstraint("(kind = 'deleted') = (footprint_id IS NOT NULL)", name="footprint_when_deleted"),
        Index(None, "owner_id", "id"),
        {"sqlite_autoincrement": True},  # an id that was pruned is never given again
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    job_id: Mapped[str] = mapped_column(String(36))
    """No foreign key: of a removed job, this row is what is left."""
    kind: Mapped[str] = mapped_column(String(8))
    change_key: Mapped[int | None] = mapped_column(BigInteger)
    """Of the footprints that were stored: `building_footprints.change_key`."""
    footprint_id: Mapped[int | None] = mapped_column(BigInteger)
    """Of the one that was deleted. Ids are never given again, so that deleting it twice from an index does no harm."""
    footprints: Mapped[int] = mapped_column(Integer, server_default="0")
    """How many were stored, so that a reader knows how much it takes on."""
    created_at: Mapped[float] = mapped_column(Double, server_default=now_s())
