"""Questions and answers of OGC API Features."""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from models.queries.footprint_conditions import HALF_TICK_S, QUERYABLES, Compared, Condition, MeetsBox
from webapp.ogc_errors import QueryInvalid
from webapp.services.cql2_filters import MAX_CHARACTERS, condition_of, moment_s, value_of
from webapp.services.feature_crs import CRS84, FeatureCrs, crs_named
from webapp.services.features import FeatureQuestion
from webapp.services.footprint_pages import LIMIT_MAX, SORT_COLUMNS

LIMIT_DEFAULT = 1000
OPEN_ENDS = ("", "..")
Crs = Annotated[str, Field(max_length=200)]
Property = Annotated[str | None, Field(max_length=1000, description="Only features whose property has this value.")]


class FormatQuery(BaseModel):
    """What every address takes."""

    model_config = ConfigDict(extra="forbid")

    f: Literal["json", "geojson"] = Field("json", description="The only format there is.")


class FeatureQuery(FormatQuery):
    """How one feature is wanted."""

    crs: Crs = Field(CRS84, description="Coordinates of the answer.")

    def answer_crs(self) -> FeatureCrs:
        """Return the system of the answer. Raises `CrsUnknown`."""
        return crs_named(self.crs, "crs")


class ItemsQuery(FeatureQuery):
    """Which features, in which order, how many at most. All conditions must hold."""

    model_config = ConfigDict(extra="forbid", validate_by_name=False, validate_by_alias=True)

    bbox: str | None = Field(
        None,
        max_length=300,
        description="Four numbers, or six with heights; in CRS84 west > east means over the antimeridian.",
        examples=["39.24,-6.05,39.25,-6.04"],
    )
    bbox_crs: Crs = Field(CRS84, alias="bbox-crs")
    datetime: str | None = Field(
        None,
        max_length=100,
        description="When features were stored: an instant, or an interval with .. for an open end.",
        examples=["2026-11-01T00:00:00Z/.."],
    )
    limit: int = Field(
        LIMIT_DEFAULT, ge=1, description=f"A larger one than {LIMIT_MAX} means {LIMIT_MAX}.", examples=[LIMIT_DEFAULT]
    )
    cursor: str | None = Field(None, max_length=500, description="From the link to the next page.")
    sortby: str | None = Field(
        None, max_length=30, description=f"One of {', '.join(SORT_COLUMNS)}, with - to fall.", examples=["-area_m2"]
    )
    filter: str | None = Field(
        None, max_length=MAX_CHARACTERS, description="CQL2 text.", examples=["area_m2 > 100 AND confidence >= 0.8"]
    )
    filter_lang: Literal["cql2-text"] = Field("cql2-text", alias="filter-lang")
    filter_crs: Crs = Field(CRS84, alias="filter-crs", description="Coordinates of the shapes in the filter.")
    id: Property = None
    job_id: Property = None
    scene_id: Property = None
    area_m2: Property = None
    confidence: Property = None
    reg_method: Property = None
    review_state: Property = None
    source_id: Property = None
    source_name: Property = None
    created_at: Property = None

    def question(self, job_id: str | None) -> FeatureQuestion:
        """Return the services' form of it. Raises `QueryInvalid`, `FilterInvalid`, `CrsUnknown`."""
        sort = "id" if self.sortby is None else self.sortby.strip().removeprefix("+")
        return FeatureQuestion(job_id, tuple(self._conditions()), sort, self.limit, self.cursor)

    def _conditions(self) -> list[Condition]:
        box_crs, filter_crs = crs_named(self.bbox_crs, "bbox-crs"), crs_named(self.filter_crs, "filter-crs")
        found: list[Condition] = []
        if self.bbox is not None:
            found.append(MeetsBox(box_crs.box_in_degrees(_numbers(self.bbox))))
        if self.datetime is not None:
            found += _interval(self.datetime)
        for name in QUERYABLES:
            text = getattr(self, name)
            if text is not None:
                found.append(Compared(name, "=", value_of(name, text)))
        if self.filter is not None:
            found.append(condition_of(self.filter, filter_crs))
        return found


class OgcLink(BaseModel):
    """A link (RFC 8288)."""

    href: str
    rel: str
    type: str
    title: str


class LandingPage(BaseModel):
    """Where everything begins."""

    title: str
    description: str
    links: list[OgcLink]


class Conformance(BaseModel):
    """The classes that this server conforms to."""

    conformsTo: list[str]


class SpatialExtent(BaseModel):
    """West, south, east, north."""

    bbox: list[list[float]]
    crs: str = CRS84


class Extent(BaseModel):
    """Where the features lie."""

    spatial: SpatialExtent


class CollectionOut(BaseModel):
    """Features under one name."""

    id: str
    title: str
    description: str
    links: list[OgcLink]
    extent: Extent | None = None
    itemType: str = "feature"
    crs: list[str]
    storageCrs: str = CRS84


class CollectionsOut(BaseModel):
    """All collections; of those of jobs the newest."""

    links: list[OgcLink]
    collections: list[CollectionOut]
    crs: list[str]


class FeatureOut(BaseModel):
    """A GeoJSON Feature."""

    type: Literal["Feature"]
    id: int
    geometry: dict[str, Any]
    properties: dict[str, Any]
    links: list[OgcLink] | None = None


class FeaturesOut(BaseModel):
    """A page of features. `numberMatched` counts all that match: on the first page always, later where it is known."""

    type: Literal["FeatureCollection"]
    features: list[FeatureOut]
    links: list[OgcLink]
    timeStamp: str
    numberReturned: int
    numberMatched: int | None = None


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise QueryInvalid(detail="bbox is numbers with commas between them") from error


def _interval(text: str) -> list[Condition]:
    """Return when features may have been stored; both ends belong to it."""
    begin, slash, end = text.partition("/")
    if not slash:
        return [Compared("created_at", "=", moment_s(_zoned(begin)))]
    if begin in OPEN_ENDS and end in OPEN_ENDS:
        return []
    first = None if begin in OPEN_ENDS else moment_s(_zoned(begin))
    last = None if end in OPEN_ENDS else moment_s(_zoned(end))
    if first is not None and last is not None and first > last + HALF_TICK_S:
        raise QueryInvalid(detail="the interval of datetime ends before it begins")
    bounds = ((">=", first), ("<=", last))
    return [Compared("created_at", sign, value) for sign, value in bounds if value is not None]


def _zoned(text: str) -> str:
    """A plus sign in an address arrives as a space."""
    return re.sub(r" (?=\d\d:\d\d$)", "+", text)
