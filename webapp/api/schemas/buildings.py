"""Questions about footprints, and the answers."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from webapp.errors import BboxInvalid
from webapp.services.footprints import FootprintQuery


class BuildingsQuery(BaseModel):
    """Which footprints. `bbox`: west,south,east,north in degrees; west > east means over the antimeridian."""

    model_config = ConfigDict(extra="forbid")

    job_id: str | None = Field(None, max_length=64)
    scene_id: str | None = Field(None, max_length=64)
    bbox: str | None = Field(None, max_length=200, examples=["39.24,-6.05,39.25,-6.04"])
    min_confidence: float | None = Field(None, ge=0, le=1)

    def to_query(self) -> FootprintQuery:
        """Return the services' form of it. Raises `BboxInvalid`."""
        return FootprintQuery(self.job_id, self.scene_id, _parse_bbox(self.bbox), self.min_confidence)


class BuildingsListQuery(BuildingsQuery):
    """Which footprints, and how many at most."""

    limit: int = Field(1000, ge=1, le=10_000)


class ExportQuery(BuildingsQuery):
    """Which footprints, and in which format."""

    format: str = Field("geojson", max_length=20)


class BuildingsOut(BaseModel):
    """A GeoJSON FeatureCollection. `numberMatched` counts all that match, `numberReturned` those in the answer."""

    type: str = "FeatureCollection"
    features: list[dict[str, Any]]
    numberMatched: int
    numberReturned: int


class StatisticsOut(BaseModel):
    """Sums over footprints."""

    model_config = ConfigDict(from_attributes=True)

    count: int
    total_area_m2: float
    mean_area_m2: float
    mean_confidence: float


def _parse_bbox(text: str | None) -> tuple[float, float, float, float] | None:
    if text is None:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise BboxInvalid(detail="give four numbers: west,south,east,north") from error
    return west, south, east, north
