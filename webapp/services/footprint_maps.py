"""Pictures, figures and ids of what a person may see, from the footprint index: the same at every zoom, for millions.

A footprint belongs to a view when the centre of its bounding box does; pictures, figures and exports agree in that.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from auth.principals import Principal
from models.footprint import ReviewState
from processing.compiled import SOURCES_DIGEST
from processing.footprint_index.extent import extent as extent_of
from processing.footprint_index.extent import extent_deg
from processing.footprint_index.filters import FootprintFilters
from processing.footprint_index.legend import LegendEntry, legend
from processing.footprint_index.palettes import Style
from processing.footprint_index.render import render_tile, render_view
from processing.footprint_index.selection import view_ids
from processing.footprint_index.snapshot import Snapshot, Source
from processing.footprint_index.statistics import ViewStatistics, view_statistics
from processing.footprint_index.vector_tile import vector_tile as make_vector_tile
from processing.rendering.tile_grid import TILE_PX, WORLD_SIZE_M, TileAddress
from webapp.errors import RequestInvalid
from webapp.resources import Resources
from webapp.services import jobs
from webapp.services.footprint_index import REVIEW_CODES, REVIEW_NAMES, snapshot_for
from webapp.services.footprints import RANGES, FootprintQuery, job_family

BoundsM = tuple[float, float, float, float]
BoundsDeg = tuple[float, float, float, float]
"""West, south, east, north."""
WORLD_M: BoundsM = (-WORLD_SIZE_M / 2, -WORLD_SIZE_M / 2, WORLD_SIZE_M / 2, WORLD_SIZE_M / 2)


@dataclass(frozen=True)
class MapQuery:
    """What a map shows. The box in `footprints` is not looked at; `region`: a polygon in EPSG:4326."""

    footprints: FootprintQuery = field(default_factory=FootprintQuery)
    region: BaseGeometry | None = None


@dataclass(frozen=True)
class TilePlace:
    """A tile, and how many pixels its sides have: 256 or 512."""

    address: TileAddress
    size_px: int = TILE_PX


@dataclass(frozen=True)
class Frame:
    """The piece of the map that a picture shows: (west, south, east, north) metres of EPSG:3857, (width, height)."""

    bounds_m: BoundsM
    size_px: tuple[int, int]


@dataclass(frozen=True)
class Picture:
    """A PNG that is made when it is asked for. The same tag means the same picture."""

    tag: str
    _draw: Callable[[], bytes] = field(repr=False)

    def png(self) -> bytes:
        """Draw it."""
        return self._draw()


@dataclass(frozen=True)
class VectorTile:
    """A Mapbox Vector Tile that is made when it is asked for. The same tag means the same bytes."""

    tag: str
    _make: Callable[[], bytes] = field(repr=False)

    def mvt(self) -> bytes:
        """Make it; no bytes where there is nothing."""
        return self._make()


def revision(resources: Resources, principal: Principal) -> str:
    """Return what changes whenever the footprints of a person do. Raises `IndexNotReady`."""
    return _revision(snapshot_for(resources, principal))


def tile(resources: Resources, principal: Principal, query: MapQuery, place: TilePlace, style: Style) -> Picture:
    """Return a tile. Raises `NotFound` for a job that is not theirs, `IndexNotReady`, `ParameterInvalid`."""
    snapshot, filters = _seen(resources, principal, query)
    tag = _tag(principal, snapshot, query, filters.jobs, place, style)
    return Picture(tag, lambda: render_tile(snapshot, place.address, place.size_px, style, filters))


def vector_tile(resources: Resources, principal: Principal, query: MapQuery, address: TileAddress) -> VectorTile:
    """Return a tile with the footprints themselves, far out with sums of them. Raises as `tile`."""
    snapshot, filters = _seen(resources, principal, query)
    tag = _tag(principal, snapshot, query, filters.jobs, address)
    return VectorTile(tag, lambda: make_vector_tile(snapshot, address, filters, REVIEW_NAMES))


def view(resources: Resources, principal: Principal, query: MapQuery, frame: Frame, style: Style) -> Picture:
    """Return a picture of any piece of the map. Raises as `tile`."""
    snapshot, filters = _seen(resources, principal, query)
    tag = _tag(principal, snapshot, query, filters.jobs, frame, style)
    return Picture(tag, lambda: render_view(snapshot, frame.bounds_m, frame.size_px, style, filters))


def bounds_deg(resources: Resources, principal: Principal, query: MapQuery) -> BoundsDeg | None:
    """Return the rectangle around what a map shows; None where that is nothing. Raises as `tile`."""
    return extent_deg(*_seen(resources, principal, query))


def statistics(
    resources: Resources, principal: Principal, query: MapQuery, bounds_m: BoundsM = WORLD_M
) -> ViewStatistics:
    """Return exact figures of a view, or of everything. Raises as `tile`."""
    snapshot, filters = _seen(resources, principal, query)
    return view_statistics(snapshot, bounds_m, filters)


def extent(resources: Resources, principal: Principal, query: MapQuery) -> BoundsM | None:
    """Return the box around the centres of what a query means, None where there is nothing. Raises as `tile`."""
    return extent_of(*_seen(resources, principal, query))


def sources(resources: Resources, principal: Principal) -> tuple[Source, ...]:
    """Return the (job, scene) that the person's footprints come from, and such as are gone. Raises `IndexNotReady`."""
    return snapshot_for(resources, principal).sources


def ids(
    resources: Resources, principal: Principal, query: MapQuery, bounds_m: BoundsM = WORLD_M
) -> Iterator[NDArray[np.int64]]:
    """Return the ids of what `statistics` counts, neighbours near each other. Raises as `tile`."""
    snapshot, filters = _seen(resources, principal, query)
    return view_ids(snapshot, bounds_m, filters)


def colours(resources: Resources, principal: Principal, style: Style, zoom: int) -> tuple[LegendEntry, ...]:
    """Return what the colours of a zoom mean. Raises `IndexNotReady`."""
    return legend(style, zoom, snapshot_for(resources, principal).jobs, tuple(REVIEW_NAMES.values()))


def _seen(resources: Resources, principal: Principal, query: MapQuery) -> tuple[Snapshot, FootprintFilters]:
    """Return what a person may see, and which of it is meant. Raises as `tile`."""
    snapshot = snapshot_for(resources, principal)
    return snapshot, _filters(query, _jobs(resources, principal, snapshot, query.footprints.job_id))


def _jobs(
    resources: Resources, principal: Principal, snapshot: Snapshot, job_id: str | None
) -> frozenset[str] | None:
    """Return the jobs that a job stands for.

    The index holds nothing but what is theirs: the database is asked only about jobs that it does not know, such as
    those of whole states, whose parts have the footprints.
    """
    if job_id is None:
        return None
    if job_id in snapshot.jobs or not jobs.get_job(resources, principal, job_id).is_state:
        return frozenset({job_id})
    return frozenset(job_family(resources, principal, job_id))


def _filters(query: MapQuery, job_ids: frozenset[str] | None) -> FootprintFilters:
    wanted = query.footprints
    states = wanted.review_states
    if states is not None and not states <= REVIEW_CODES.keys():
        raise RequestInvalid(detail=f"review must be some of {', '.join(ReviewState)}")
    return FootprintFilters(
        jobs=job_ids,
        scenes=None if wanted.scene_id is None else frozenset({wanted.scene_id}),
        review=None if states is None else frozenset(REVIEW_CODES[state] for state in states),
        region=query.region,
        **{name: getattr(wanted, name) for name in RANGES},
    )


def _revision(snapshot: Snapshot) -> str:
    """Return a short name of a state of the index; the checksum tells a new index from one that was built before."""
    return f"{snapshot.generation:x}-{snapshot.checksum.total & 0xFFFFFFFF:08x}"


def _tag(
    principal: Principal, snapshot: Snapshot, query: MapQuery, job_ids: frozenset[str] | None, *how: object
) -> str:
    wanted = [job_ids and sorted(job_ids), *(getattr(query.footprints, name) for name in ("scene_id", *RANGES))]
    states = None if query.footprints.review_states is None else sorted(query.footprints.review_states)
    region = None if query.region is None else query.region.wkb_hex
    # Another way of drawing makes another picture: a browser must not keep what it got before an update.
    asked = (SOURCES_DIGEST, principal.owner_filter, _revision(snapshot), *wanted, states, region, *how)
    return hashlib.sha256(repr(asked).encode()).hexdigest()[:32]
