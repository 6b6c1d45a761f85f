"""Questions about footprints, and the answers."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from models.queries.footprint_pages import SORT_COLUMNS
from processing.exports.formats import FORMATS
from webapp.api.schemas.filters import (
    REGION_MAX_LENGTH,
    STATE_MAX_LENGTH,
    FootprintFilterParams,
    MapFilterParams,
    one_of,
    parse_bbox,
    parse_view,
    region_of,
)
from webapp.errors import RequestInvalid
from webapp.services.exports import ViewScope
from webapp.services.footprint_pages import PageQuestion
from webapp.services.footprints import FootprintQuery

ORDERS = (*SORT_COLUMNS, *(f"-{column}" for column in SORT_COLUMNS))


class BuildingsQuery(FootprintFilterParams):
    """Which footprints. `bbox`: west,south,east,north in degrees; west > east means over the antimeridian."""

    bbox: str | None = Field(None, max_length=200, examples=["39.24,-6.05,39.25,-6.04"])

    def to_query(self) -> FootprintQuery:
        """Return the services' form of it. Raises `BboxInvalid`, `RequestInvalid`."""
        return self.footprint_query(None if self.bbox is None else parse_bbox(self.bbox))


class BuildingsListQuery(BuildingsQuery):
    """Which footprints, in which order, how many at most, and in which format.

    `region`: a polygon in degrees, WKT or GeoJSON; what has the centre of its bounding box in it is meant. `state`: the
    outline of a US state, by name, postal code or FIPS code, in place of a region.
    `sort` falls with `-` before the name; footprints without confidence come last. `cursor`: from the link to the next
    page. `count`: also count all that match, which takes longer than a page.
    """

    region: str | None = Field(None, max_length=REGION_MAX_LENGTH, examples=["POLYGON ((8 47, 9 47, 9 48, 8 47))"])
    state: str | None = Field(None, max_length=STATE_MAX_LENGTH, examples=["PA"])
    sort: str = Field("id", max_length=20, json_schema_extra=one_of(ORDERS))
    limit: int = Field(1000, ge=1, le=10_000)
    cursor: str | None = Field(None, max_length=500)
    f: Literal["geojson", "geojsonseq", "csv"] = "geojson"
    count: bool = False

    def question(self) -> PageQuestion:
        """Return the services' form of it. Raises `BboxInvalid`, `RequestInvalid`, `StateUnknown`."""
        region = region_of(self.region, self.state)
        return PageQuestion(self.to_query(), region, self.sort, self.limit, self.cursor)


class BuildingIn(BaseModel):
    """What to change of a building, by the fields that are given; the others stay.

    `geometry`: a GeoJSON polygon or multipolygon in longitude and latitude. `source_id` and `attributes` are of
    imported buildings alone.
    """

    model_config = ConfigDict(extra="forbid")

    geometry: dict[str, Any] = Field(default_factory=dict)
    review_state: Literal["unreviewed", "accepted", "rejected"] = "unreviewed"
    source_id: str | None = Field(None, max_length=1000)
    attributes: dict[str, Any] | None = None

    def changes(self) -> dict[str, Any]:
        """Return what was given."""
        return self.model_dump(exclude_unset=True)


class ExportQuery(MapFilterParams):
    """Which footprints, and in which format. With `bbox` what meets the box, with `view` what has its centre in it.

    `view` gives exactly what the map shows and the figures count there.
    """

    bbox: str | None = Field(None, max_length=200, examples=["39.24,-6.05,39.25,-6.04"])
    view: str | None = Field(None, max_length=200, examples=["39.24,-6.05,39.25,-6.04"])
    format: str = Field("geojson", max_length=20, json_schema_extra=one_of(FORMATS))

    def scope(self) -> FootprintQuery | ViewScope:
        """Return the services' form of it. Raises `BboxInvalid`, `RequestInvalid`."""
        if self.view is None and self.region is None and self.state is None:
            return self.footprint_query(None if self.bbox is None else parse_bbox(self.bbox))
        if self.bbox is not None:
            raise RequestInvalid(detail="bbox goes neither with view nor with region or state")
        return ViewScope(self.map_query(), parse_view(self.view))


class ViewStatisticsQuery(MapFilterParams):
    """Which footprints. `view`: west,south,east,north in degrees; without it, all."""

    view: str | None = Field(None, max_length=200, examples=["39.24,-6.05,39.25,-6.04"])


class LinkOut(BaseModel):
    """Where to go on: `rel` is self or next."""

    rel: str
    href: str
    type: str


class BuildingOut(BaseModel):
    """A GeoJSON Feature."""

    type: str = "Feature"
    id: int
    geometry: dict[str, Any]
    properties: dict[str, Any]


class BuildingsOut(BaseModel):
    """A page of a GeoJSON FeatureCollection.

    `numberReturned` counts those in the answer. `numberMatched` counts all that match; it is there where that was asked
    for, or costs nothing. The last page has no link with rel next; a page before it may be short.
    """

    type: str = "FeatureCollection"
    features: list[BuildingOut]
    links: list[LinkOut]
    numberReturned: int
    numberMatched: int | None = None


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
