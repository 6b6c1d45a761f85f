"""Building footprints."""

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    Double,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    literal_column,
)
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, now_s
from models.geometry_type import FootprintGeometry
from models.job import BIG_ID, UNPUBLISHED_SQL


class ReviewState(StrEnum):
    """What a person said of a footprint."""

    UNREVIEWED = "unreviewed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class BuildingFootprint(Base):
    """A polygon in EPSG:4326 with its true area. Owner and scene are repeated here so that reads need no join.

    An imported one has no scene, and maybe no confidence.
    """

    __tablename__ = "building_footprints"
    __table_args__ = (
        UniqueConstraint("job_id", "footprint_key"),
        CheckConstraint("confidence >= 0 AND confidence <= 1", name="confidence_range"),
        CheckConstraint("area_m2 >= 0", name="area_positive"),
        CheckConstraint("review_state IN ('unreviewed', 'accepted', 'rejected')", name="review_state_known"),
        CheckConstraint("version >= 1", name="version_positive"),
        CheckConstraint("min_lon <= max_lon AND min_lat <= max_lat", name="envelope_ordered"),
        Index(None, "job_id", "id"),
        Index(None, "owner_id", "id"),
        Index(None, "scene_id", "id"),
        Index(None, "owner_id", "area_m2", "id"),
        Index(None, "owner_id", "confidence", "id", "area_m2", "job_id"),  # all that sums need: none reads the table
        Index(None, "owner_id", "created_at", "id"),
        Index(None, "change_key"),
        {"sqlite_autoincrement": True},  # indexes beside the database know footprints by id: none is given again
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("processing_jobs.id", ondelete="CASCADE"))
    scene_id: Mapped[str | None] = mapped_column(ForeignKey("scenes.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    footprint_key: Mapped[str] = mapped_column(String(64))
    geometry: Mapped[bytes] = mapped_column(FootprintGeometry)
    raw_geometry: Mapped[bytes | None] = mapped_column(FootprintGeometry)
    area_m2: Mapped[float] = mapped_column(Double)
    confidence: Mapped[float | None] = mapped_column(Double)
    """None where nobody said how sure it is. That is no low confidence: filters of confidence leave it out."""
    reg_method: Mapped[str] = mapped_column(String(32))
    reg_iou: Mapped[float | None] = mapped_column(Double)
    reg_status: Mapped[str] = mapped_column(String(32))
    min_lon: Mapped[float] = mapped_column(Double)
    min_lat: Mapped[float] = mapped_column(Double)
    max_lon: Mapped[float] = mapped_column(Double)
    """Above 180 for a footprint over the antimeridian."""
    max_lat: Mapped[float] = mapped_column(Double)
    created_at: Mapped[float] = mapped_column(Double, server_default=now_s())
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    """Rises with every change of the row."""
    review_state: Mapped[str] = mapped_column(String(16), server_default=str(ReviewState.UNREVIEWED))
    change_key: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Names the change that stored it last (`models.footprint_change`); 0: before there was a change feed."""
    source_id: Mapped[str | None] = mapped_column(Text)
    """Of an imported one: what its file calls it, where that says it comes from, and its other columns as JSON."""
    source_name: Mapped[str | None] = mapped_column(Text)
    attributes: Mapped[str | None] = mapped_column(Text)


def is_published() -> ColumnElement[bool]:
    """The footprint may be seen: it is not of an import that has not succeeded (yet)."""
    hidden = f"SELECT id FROM processing_jobs WHERE {UNPUBLISHED_SQL}"
    return literal_column(f"building_footprints.job_id NOT IN ({hidden})")
