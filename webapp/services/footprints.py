"""Footprints: counting, listing, finding the one under a point, summing up. Reads only."""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from shapely.geometry import mapping

from auth.principals import Principal
from models.bbox import Bbox
from models.queries import footprint_sums
from models.queries import footprints as queries
from models.queries.footprints import FootprintFilter
from models.queries.state_jobs import family_of
from webapp.errors import BboxInvalid, RequestInvalid
from webapp.resources import Resources
from webapp.services.footprint_sums import kept_or_counted
from webapp.services.views import FootprintView, to_datetime

if TYPE_CHECKING:
    import geopandas as gpd

BATCH_ROWS = 10_000
LIST_LIMIT_MAX = 100_000
CANDIDATES = 64
RANGES = ("min_confidence", "max_confidence", "min_area_m2", "max_area_m2", "created_from_s", "created_to_s")


@dataclass(frozen=True, slots=True)
class FootprintQuery:
    """Which footprints; None: no limit.

    `bbox_deg`: west, south, east, north of what they meet; west > east: over the antimeridian. Ranges hold their lower
    end and not their upper one, except that a `max_confidence` of 1 lets 1 pass. Any limit of confidence but 0 and 1
    leaves out what has none.
    """

    job_id: str | None = None
    scene_id: str | None = None
    bbox_deg: tuple[float, float, float, float] | None = None
    min_confidence: float | None = None
    max_confidence: float | None = None
    min_area_m2: float | None = None
    max_area_m2: float | None = None
    created_from_s: float | None = None
    created_to_s: float | None = None
    review_states: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class FootprintStatistics:
    """Sums over footprints, computed in the database; zeros where there are none.

    `mean_confidence` is that of the footprints that have one, None where none has.
    """

    count: int
    total_area_m2: float
    mean_area_m2: float
    mean_confidence: float | None
    without_confidence: int


def count(resources: Resources, principal: Principal, query: FootprintQuery) -> int:
    """Count footprints. Raises `BboxInvalid`."""
    wanted = filter_of(resources, principal, query)
    with resources.database.read(principal) as session:
        return footprint_sums.count(session, wanted)


def list_footprints(
    resources: Resources, principal: Principal, query: FootprintQuery, limit: int = 1000
) -> "gpd.GeoDataFrame":
    """Return up to `limit` footprints by id, EPSG:4326. Raises `BboxInvalid`."""
    wanted = filter_of(resources, principal, query)
    with resources.database.read(principal) as session:
        return queries.read_page(session, wanted, 0, min(max(limit, 0), LIST_LIMIT_MAX))


def iter_batches(
    resources: Resources, principal: Principal, query: FootprintQuery, rows: int = BATCH_ROWS
) -> "Iterator[gpd.GeoDataFrame]":
    """Yield all footprints in batches by id, those of a job of a whole state part by part.

    Memory is that of one batch, and no transaction stays open in between.
    """
    wanted = filter_of(resources, principal, query)
    for job_ids in [None] if wanted.job_ids is None else [(job_id,) for job_id in wanted.job_ids]:
        yield from _iter_pages(resources, principal, replace(wanted, job_ids=job_ids), rows)


def _iter_pages(
    resources: Resources, principal: Principal, wanted: FootprintFilter, rows: int
) -> "Iterator[gpd.GeoDataFrame]":
    after_id = 0
    while True:
        with resources.database.read(principal) as session:
            batch = queries.read_page(session, wanted, after_id, rows)
        if not batch.empty:
            yield batch
        if len(batch) < rows:
            return
        after_id = int(batch["id"].iloc[-1])


def iter_ids(
    resources: Resources, principal: Principal, query: FootprintQuery, rows: int = 65_536
) -> Iterator[NDArray[np.int64]]:
    """Yield the ids of all footprints of one moment. Raises `BboxInvalid`."""
    wanted = filter_of(resources, principal, query)
    with resources.database.read(principal) as session:
        yield from queries.iter_ids(session, wanted, rows)


def iter_chosen(
    resources: Resources, principal: Principal, chunks: Iterable[NDArray[np.int64]], rows: int = BATCH_ROWS
) -> Iterator[pa.RecordBatch]:
    """Yield the footprints with these ids in this order, with WKB; those that are gone meanwhile are left out."""
    wanted = FootprintFilter(owner_id=principal.owner_filter)
    for ids in chunks:
        for first in range(0, len(ids), rows):
            with resources.database.read(principal) as session:
                batch = queries.read_chosen(session, wanted, ids[first : first + rows])
            if len(batch):
                yield batch


def footprint_at(
    resources: Resources, principal: Principal, lon_deg: float, lat_deg: float, query: FootprintQuery
) -> FootprintView | None:
    """Return the smallest footprint that covers a point, None if there is none."""
    point = filter_of(resources, principal, query, bbox_deg=(lon_deg, lat_deg, lon_deg, lat_deg))
    with resources.database.read(principal) as session:
        rows = queries.candidates_at(session, point, CANDIDATES)
    for row in rows:
        geometry = shapely.from_wkb(row.geometry)
        if geometry.covers(shapely.Point(lon_deg, lat_deg)):
            return FootprintView(
                id=row.id,
                job_id=row.job_id,
                scene_id=row.scene_id,
                scene_name=row.scene_name,
                area_m2=row.area_m2,
                confidence=row.confidence,
                reg_method=row.reg_method,
                created_at=to_datetime(row.created_at),
                geojson=mapping(geometry),
                review_state=row.review_state,
                gsd_m=row.gsd_m,
                weights_name=row.weights,
                weights_sha256=row.weights_sha256,
                file_name=row.file_name,
                source_id=row.source_id,
                source_name=row.source_name,
                attributes=json.loads(row.attributes) if row.attributes else {},
            )
    return None


def statistics(resources: Resources, principal: Principal, query: FootprintQuery) -> FootprintStatistics:
    """Sum up footprints; the sums are kept until a footprint changes. Raises `BboxInvalid`."""
    wanted = filter_of(resources, principal, query)
    with resources.database.read(principal) as session:
        sums = kept_or_counted(session, principal, ("totals", wanted), lambda: footprint_sums.totals(session, wanted))
    return FootprintStatistics(
        count=sums.count,
        total_area_m2=sums.area_m2,
        mean_area_m2=sums.area_m2 / sums.count if sums.count else 0.0,
        mean_confidence=sums.confidence / sums.rated if sums.rated else None,
        without_confidence=sums.count - sums.rated,
    )


def filter_of(
    resources: Resources,
    principal: Principal,
    query: FootprintQuery,
    bbox_deg: tuple[float, float, float, float] | None = None,
) -> FootprintFilter:
    """Return what a person asks for, limited to what they may see. Raises `BboxInvalid`, `RequestInvalid`."""
    bounds = bbox_deg or query.bbox_deg
    for name in RANGES:
        value = getattr(query, name)
        if value is not None and not math.isfinite(value):
            raise RequestInvalid(detail=f"{name} must be a finite number")
    try:
        bbox = None if bounds is None else Bbox.from_bounds(bounds)
    except ValueError as error:
        raise BboxInvalid(detail=str(error)) from error
    return FootprintFilter(
        owner_id=principal.owner_filter,
        job_ids=None if query.job_id is None else job_family(resources, principal, query.job_id),
        scene_id=query.scene_id,
        bbox=bbox,
        review_states=query.review_states,
        **{name: getattr(query, name) for name in RANGES},
    )


def job_family(resources: Resources, principal: Principal, job_id: str) -> tuple[str, ...]:
    """Return the jobs whose footprints a job stands for: itself, or the parts of a whole state with it."""
    with resources.database.read(principal) as session:
        return family_of(session, job_id)
