"""Questions about footprints, and the answers."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from webapp.api.schemas.filters import FootprintFilterParams, MapFilterParams, parse_bbox, parse_view
from webapp.errors import RequestInvalid
from webapp.services.exports import ViewScope
from webapp.services.footprints import FootprintQuery


class BuildingsQuery(FootprintFilterParams):
    """Which footprints. `bbox`: west,south,east,north in degrees; west > east means over the antimeridian."""

    bbox: str | None = Field(None, max_length=200, examples=["39.24,-6.05,39.25,-6.04"])

    def to_query(self) -> FootprintQuery:
        """Return the services' form of it. Raises `BboxInvalid`, `RequestInvalid`."""
        return self.footprint_query(None if self.bbox is None else parse_bbox(self.bbox))


class BuildingsListQuery(BuildingsQuery):
    """Which footprints, and how many at most."""

    limit: int = Field(1000, ge=1, le=10_000)


class ExportQuery(MapFilterParams):
    """Which footprints, and in which format. With `bbox` what meets the box, with `view` what has its centre in it.

    `view` gives exactly what the map shows and the figures count there.
    """

    bbox: str | None = Field(None, max_length=200, examples=["39.24,-6.05,39.25,-6.04"])
    view: str | None = Field(None, max_length=200, examples=["39.24,-6.05,39.25,-6.04"])
    format: str = Field("geojson", max_length=20)

    def scope(self) -> FootprintQuery | ViewScope:
        """Return the services' form of it. Raises `BboxInvalid`, `RequestInvalid`."""
        if self.view is None and self.region is None:
            return self.footprint_query(None if self.bbox is None else parse_bbox(self.bbox))
        if self.bbox is not None:
            raise RequestInvalid(detail="bbox goes neither with view nor with region")
        return ViewScope(self.map_query(), parse_view(self.view))


class ViewStatisticsQuery(MapFilterParams):
    """Which footprints. `view`: west,south,east,north in degrees; without it, all."""

    view: str | None = Field(None, max_length=200, examples=["39.24,-6.05,39.25,-6.04"])


class BuildingsOut(BaseModel):
    """A GeoJSON FeatureCollection. `numberMatched` counts all that match, `numberReturned` those in the answer."""

    type: str = "FeatureCollection"
    features: list[dict[str, Any]]
    numberMatched: int
    numberReturned: int


class Histogram(BaseModel):
    """Counts between edges; the last edge of areas is open (null)."""

    edges: list[float | None]
    counts: list[int]


class ViewStatisticsOut(BaseModel):
    """Exact figures of a view. Means are null where there is nothing; density and share are of the view's area.

    `without_confidence` footprints count in neither the mean nor the histogram of confidence.
    """

    count: int
    total_area_m2: float
    mean_area_m2: float | None
    mean_confidence: float | None
    without_confidence: int
    view_area_km2: float
    density_per_km2: float
    built_up_share: float
    area_m2: Histogram
    confidence: Histogram


class StatisticsOut(BaseModel):
    """Sums over footprints. `mean_confidence` is that of the footprints that have one, null where none has."""

    model_config = ConfigDict(from_attributes=True)

    count: int
    total_area_m2: float
    mean_area_m2: float
    mean_confidence: float | None
    without_confidence: int
