"""Which footprints are meant, as parameters of an address: the same for lists, tiles, figures and downloads."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

import shapely
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from shapely.errors import ShapelyError

from models.bbox import Bbox
from processing.rendering.tile_grid import bounds_to_mercator
from webapp.errors import BboxInvalid, RequestInvalid
from webapp.services.footprint_maps import WORLD_M, BoundsM, MapQuery
from webapp.services.footprints import FootprintQuery
from webapp.services.us_states import region_of as state_region

REGION_MAX_LENGTH = 6000
STATE_MAX_LENGTH = 80


def _no_number(value: Any) -> Any:
    """Let through what is not a bare number, which would be taken for seconds since 1970."""
    if isinstance(value, int | float) or (isinstance(value, str) and "-" not in value[1:]):
        raise ValueError("give a date and a time, such as 2026-11-01T00:00:00Z")
    return value


def one_of(names: Iterable[str]) -> dict[str, Any]:
    """Describe a text that is one of these names; others are refused with a code of their own where it is used."""
    return {"enum": list(names)}


Moment = Annotated[datetime, BeforeValidator(_no_number)]


class FootprintFilterParams(BaseModel):
    """Which footprints. A range holds its lower end and not its upper one; a `max_confidence` of 1 lets 1 pass.

    Limits of confidence, but for 0 and 1, leave out footprints that have none.
    """

    model_config = ConfigDict(extra="forbid")

    job_id: str | None = Field(None, max_length=64)
    scene_id: str | None = Field(None, max_length=64)
    min_confidence: float | None = Field(None, ge=0, le=1)
    max_confidence: float | None = Field(None, ge=0, le=1)
    min_area_m2: float | None = Field(None, ge=0, le=1e12)
    max_area_m2: float | None = Field(None, ge=0, le=1e12)
    created_from: Moment | None = Field(None, examples=["2026-11-01T00:00:00Z"])
    created_to: Moment | None = None
    review: str | None = Field(None, max_length=100, examples=["unreviewed,accepted"])

    def footprint_query(self, bbox_deg: tuple[float, float, float, float] | None = None) -> FootprintQuery:
        """Return the services' form of it."""
        return FootprintQuery(
            job_id=self.job_id,
            scene_id=self.scene_id,
            bbox_deg=bbox_deg,
            min_confidence=self.min_confidence,
            max_confidence=self.max_confidence,
            min_area_m2=self.min_area_m2,
            max_area_m2=self.max_area_m2,
            created_from_s=_epoch_s(self.created_from),
            created_to_s=_epoch_s(self.created_to),
            review_states=None if self.review is None else frozenset(self.review.split(",")),
        )


class MapFilterParams(FootprintFilterParams):
    """Which footprints a map shows. `region`: a polygon in degrees, WKT or GeoJSON; what has its centre in it is meant.

    `state`: the outline of a US state, by name, postal code or FIPS code, in place of a region.
    """

    region: str | None = Field(None, max_length=REGION_MAX_LENGTH, examples=["POLYGON ((8 47, 9 47, 9 48, 8 47))"])
    state: str | None = Field(None, max_length=STATE_MAX_LENGTH, examples=["PA"])

    def map_query(self) -> MapQuery:
        """Return the services' form of it. Raises `RequestInvalid`, `StateUnknown`."""
        return MapQuery(self.footprint_query(), region_of(self.region, self.state))


def parse_bbox(text: str) -> tuple[float, float, float, float]:
    """Return (west, south, east, north) of four numbers with commas. Raises `BboxInvalid`."""
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise BboxInvalid(detail="give four numbers: west,south,east,north") from error
    return west, south, east, north


def parse_view(text: str | None) -> BoundsM:
    """Return a view in metres of EPSG:3857 from degrees, the whole world for None. Raises `BboxInvalid`."""
    if text is None:
        return WORLD_M
    try:
        box = Bbox.from_bounds(parse_bbox(text))
    except ValueError as error:
        raise BboxInvalid(detail=str(error)) from error
    return bounds_to_mercator((box.west, box.south, box.east, box.north))


def _epoch_s(moment: datetime | None) -> float | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise RequestInvalid(detail="times need a time zone, such as Z for UTC")
    return moment.timestamp()


def region_of(region: str | None, state: str | None) -> shapely.Geometry | None:
    """Return the polygon of a region or of a state. Raises `RequestInvalid`, `StateUnknown`."""
    if region is not None and state is not None:
        raise RequestInvalid(detail="give a region or a state, not both")
    if state is not None:
        return state_region(state)
    return None if region is None else parse_region(region)


def parse_region(text: str) -> shapely.Geometry:
    """Return the polygon of a WKT text or a GeoJSON geometry. Raises `RequestInvalid`."""
    is_geojson = text.lstrip().startswith("{")
    try:
        found = shapely.from_geojson(text) if is_geojson else shapely.from_wkt(text)
    except ShapelyError as error:
        raise RequestInvalid(detail="region is neither WKT nor GeoJSON") from error
    if found.geom_type not in ("Polygon", "MultiPolygon"):
        raise RequestInvalid(detail="region must be a polygon")
    return found
