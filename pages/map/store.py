"""What the map page reads and asks for, all through the services. Plain values in and out; called in threads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from shapely import Point, from_geojson, from_wkb, to_geojson

from pages import formats
from pages.map.canvas import rings_of
from pages.map.sources import Source, sources_of
from pages.projection import Bounds, area_m2, to_degrees, to_map
from pages.session import Session
from webapp.errors import IndexNotReady
from webapp.services import estimates, footprint_maps, footprints, imports, jobs, models, reviews, scenes
from webapp.services.footprint_maps import MapQuery
from webapp.services.us_states import us_states

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely import Polygon
    from shapely.geometry.base import BaseGeometry

    from processing.footprint_index.statistics import ViewStatistics
    from processing.params import ExtractionParams
    from webapp.services.estimates import EstimateView
    from webapp.services.footprints import FootprintQuery, FootprintStatistics
    from webapp.services.models import ExpectedView, ModelView
    from webapp.services.views import FootprintView, ImportView, JobView, SceneView

type Columns = dict[str, list[Any]]

SHAPES_MAX = 3000
MARGIN = 0.1
"""Of the view's sides: houses whose centre is a little outside are hovered as well."""
JOBS_MAX = 200


@dataclass(frozen=True)
class Wanted:
    """What is to be read of a view."""

    shapes: bool
    figures: bool


@dataclass(frozen=True)
class Look:
    """A view: its footprints as columns for the map, none when there are too many to draw, and its figures."""

    shapes: Columns
    figures: ViewStatistics | None


@dataclass(frozen=True)
class Origins:
    """What a person chooses from: imagery, files that were imported, and jobs of whole states."""

    scenes: list[SceneView]
    imports: list[ImportView]
    states: list[JobView]


@dataclass(frozen=True)
class MapStore:
    """The services, asked as one person."""

    session: Session

    def scenes(self) -> list[SceneView]:
        """Return the person's scenes, newest first."""
        return scenes.list_scenes(self.session.resources, self.session.principal)

    def origins(self) -> Origins:
        """Return the person's scenes, the imports and the jobs of states that brought footprints, newest first."""
        resources, principal = self.session.resources, self.session.principal
        found = [one for one in imports.list_imports(resources, principal) if one.job.footprint_count]
        newest = jobs.list_jobs(resources, principal, limit=JOBS_MAX)
        return Origins(self.scenes(), found, [job for job in newest if job.is_state and job.footprint_count])

    def jobs_of(self, source_id: str) -> list[JobView]:
        """Return the jobs of a scene, newest first; an import, or a job of a state, is its own only job."""
        found = jobs.list_jobs(self.session.resources, self.session.principal, limit=JOBS_MAX)
        return [job for job in found if source_id in (job.scene_id, job.id)]

    def job(self, job_id: str) -> JobView:
        """Return one job as it is now."""
        return jobs.get_job(self.session.resources, self.session.principal, job_id)

    def state_bounds_deg(self, job: JobView) -> tuple[float, float, float, float]:
        """Return the bounds of the state that a job looks at."""
        return us_states().find(job.us_state or "").bounds_deg

    def statistics(self, query: FootprintQuery) -> FootprintStatistics:
        """Return count and areas of the footprints that a query means."""
        return footprints.statistics(self.session.resources, self.session.principal, query)

    def revision(self) -> str | None:
        """Return what changes when the person's footprints do; None while the map of them is being prepared."""
        try:
            return footprint_maps.revision(self.session.resources, self.session.principal)
        except IndexNotReady:
            return None

    def sources(self) -> list[Source]:
        """Return where the person's footprints come from."""
        resources, principal = self.session.resources, self.session.principal
        try:
            pairs = footprint_maps.sources(resources, principal)
        except IndexNotReady:
            return []
        return sources_of(pairs, self.scenes(), jobs.list_jobs(resources, principal, limit=JOBS_MAX))

    def figures(self, query: MapQuery, bounds_m: Bounds | None = None) -> ViewStatistics:
        """Return exact figures of a view, or of all that a query means. Raises `IndexNotReady`."""
        resources, principal = self.session.resources, self.session.principal
        return footprint_maps.statistics(resources, principal, query, bounds_m or footprint_maps.WORLD_M)

    def extent(self, query: MapQuery) -> Bounds | None:
        """Return the bounds of all that a query means, None for nothing. Raises `IndexNotReady`."""
        return footprint_maps.extent(self.session.resources, self.session.principal, query)

    def review(self, footprint_id: int, state: str) -> None:
        """Note what the person says of a footprint. Raises `NotFound`."""
        reviews.review(self.session.resources, self.session.principal, footprint_id, state)

    def look(self, query: MapQuery, bounds_m: Bounds, wanted: Wanted) -> Look:
        """Return what a view shows. Raises `IndexNotReady`."""
        figures = self.figures(query, bounds_m) if wanted.figures else None
        crowded = figures is not None and figures.count > SHAPES_MAX
        return Look(no_shapes() if crowded or not wanted.shapes else self._shapes(query, bounds_m), figures)

    def _shapes(self, query: MapQuery, bounds_m: Bounds) -> Columns:
        """Return the footprints around a view as shapes, or none when there are more than `SHAPES_MAX`."""
        resources, principal = self.session.resources, self.session.principal
        chunks: list[NDArray[Any]] = []
        for ids in footprint_maps.ids(resources, principal, query, _grown(bounds_m)):
            chunks.append(ids)
            if sum(map(len, chunks)) > SHAPES_MAX:
                return no_shapes()
        if not chunks:
            return no_shapes()
        found = list(footprints.iter_chosen(resources, principal, [np.concatenate(chunks)]))
        return _columns(pa.Table.from_batches(found)) if found else no_shapes()

    def footprint_at(self, lon_deg: float, lat_deg: float, query: MapQuery) -> FootprintView | None:
        """Return the footprint under a point, if there is one."""
        resources, principal = self.session.resources, self.session.principal
        found = footprints.footprint_at(resources, principal, lon_deg, lat_deg, query.footprints)
        return found if found is not None and _lies_in(found, query.region) else None

    def models(self) -> list[ModelView]:
        """Return the weights that an extraction may use, the default first."""
        return models.list_models(self.session.resources, self.session.principal)

    def expected(self, job_id: str, min_confidence: float) -> ExpectedView | None:
        """Return what share of a job's footprints at or above a confidence is right, as far as that was measured."""
        job = jobs.get_job(self.session.resources, self.session.principal, job_id)
        return models.expected_of_job(self.session.resources, job, min_confidence)

    def estimate(self, scene_id: str, region_m: Polygon | None, weights: str | None = None) -> EstimateView:
        """Tell what `extract` would take; it is refused as that would be."""
        resources, principal = self.session.resources, self.session.principal
        return estimates.estimate_extraction(resources, principal, scene_id, *self._asked(region_m, weights))

    def extract(self, scene_id: str, region_m: Polygon | None, weights: str | None = None) -> JobView:
        """Submit an extraction of the region (map metres), or of the whole scene."""
        resources, principal = self.session.resources, self.session.principal
        return jobs.submit_extraction(resources, principal, scene_id, *self._asked(region_m, weights))

    def _asked(self, region_m: Polygon | None, weights: str | None) -> tuple[ExtractionParams, dict[str, Any] | None]:
        aoi = None if region_m is None else json.loads(to_geojson(to_degrees(region_m)))
        return models.recommended_params(self.session.resources, {"weights": weights} if weights else {}), aoi

    def cancel(self, job_id: str) -> JobView:
        """Ask for a job to stop."""
        return jobs.cancel_job(self.session.resources, self.session.principal, job_id)


def geometry_of(geojson: dict[str, Any] | str) -> BaseGeometry:
    """Return a view's GeoJSON geometry as shapely geometry, in the plane it came in."""
    return from_geojson(geojson if isinstance(geojson, str) else json.dumps(geojson))


def overlap_area_m2(scene: SceneView, region_m: Polygon) -> float:
    """Return the ground area of the part of a drawn region (map metres) that lies on the scene."""
    return area_m2(geometry_of(scene.outline_geojson).intersection(to_degrees(region_m)))


def _grown(bounds_m: Bounds) -> Bounds:
    west, south, east, north = bounds_m
    across, up = MARGIN * (east - west), MARGIN * (north - south)
    return west - across, south - up, east + across, north + up


def _lies_in(found: FootprintView, region_deg: BaseGeometry | None) -> bool:
    """Tell whether a footprint belongs to a region, by the rule of the index: the centre of its box on the map."""
    if region_deg is None:
        return True
    west, south, east, north = to_map(geometry_of(found.geojson)).bounds
    return bool(to_map(region_deg).contains(Point((west + east) / 2, (south + north) / 2)))


def no_shapes() -> Columns:
    """Return the columns of an empty view."""
    return {"xs": [], "ys": [], "area": [], "confidence": [], "job": []}


def _columns(found: pa.Table) -> Columns:
    shapes = from_wkb(np.array(found["geometry"].to_pylist(), object))
    rings = [rings_of(to_map(shape)) for shape in shapes]
    return {
        "xs": [xs for xs, _ in rings],
        "ys": [ys for _, ys in rings],
        "area": [formats.area(value) for value in found["area_m2"].to_pylist()],
        "confidence": [_share(value) for value in found["confidence"].to_pylist()],
        "job": [f"job {job_id[:8]}" for job_id in found["job_id"].to_pylist()],
    }


def _share(confidence: float | None) -> str:
    return formats.NO_VALUE if confidence is None or isnan(confidence) else formats.share(confidence)
