"""What the map page reads and asks for, all through the services. Plain values in and out; called in threads."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from math import isnan
from typing import TYPE_CHECKING, Any

from shapely import from_geojson, to_geojson

from pages import formats
from pages.map.canvas import rings_of
from pages.projection import Bounds, area_m2, bounds_to_degrees, to_degrees, to_map
from pages.session import Session
from webapp.errors import IndexNotReady
from webapp.services import footprint_maps, footprints, imports, jobs, models, reviews, scenes
from webapp.services.footprint_maps import MapQuery

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from shapely import Polygon
    from shapely.geometry.base import BaseGeometry

    from processing.footprint_index.statistics import ViewStatistics
    from webapp.services.footprints import FootprintQuery, FootprintStatistics
    from webapp.services.models import ExpectedView, ModelView
    from webapp.services.views import FootprintView, ImportView, JobView, SceneView

SHAPES_MAX = 3000
JOBS_MAX = 200


@dataclass(frozen=True)
class Shapes:
    """The footprints of a view as columns for the map, or only their number when there are too many to draw."""

    total: int
    columns: dict[str, list[Any]] = field(default_factory=lambda: _no_columns())


@dataclass(frozen=True)
class Sources:
    """What footprints come from."""

    scenes: list[SceneView]
    imports: list[ImportView]


@dataclass(frozen=True)
class MapStore:
    """The services, asked as one person."""

    session: Session

    def scenes(self) -> list[SceneView]:
        """Return the person's scenes, newest first."""
        return scenes.list_scenes(self.session.resources, self.session.principal)

    def sources(self) -> Sources:
        """Return what footprints come from: the person's scenes, and the imports that brought some, newest first."""
        found = imports.list_imports(self.session.resources, self.session.principal)
        return Sources(self.scenes(), [one for one in found if one.job.footprint_count])

    def jobs_of(self, source_id: str) -> list[JobView]:
        """Return the jobs of a scene, newest first; an import is its own only job."""
        found = jobs.list_jobs(self.session.resources, self.session.principal, limit=JOBS_MAX)
        return [job for job in found if source_id in (job.scene_id, job.id)]

    def job(self, job_id: str) -> JobView:
        """Return one job as it is now."""
        return jobs.get_job(self.session.resources, self.session.principal, job_id)

    def statistics(self, query: FootprintQuery) -> FootprintStatistics:
        """Return count and areas of the footprints that a query means."""
        return footprints.statistics(self.session.resources, self.session.principal, query)

    def revision(self) -> str | None:
        """Return what changes when the person's footprints do; None while the map of them is being prepared."""
        try:
            return footprint_maps.revision(self.session.resources, self.session.principal)
        except IndexNotReady:
            return None

    def figures(self, query: FootprintQuery, bounds_m: Bounds | None) -> ViewStatistics:
        """Return exact figures of a view, or of all that a query means. Raises `IndexNotReady`."""
        resources, principal = self.session.resources, self.session.principal
        return footprint_maps.statistics(resources, principal, MapQuery(query), bounds_m or footprint_maps.WORLD_M)

    def review(self, footprint_id: int, state: str) -> None:
        """Note what the person says of a footprint. Raises `NotFound`."""
        reviews.review(self.session.resources, self.session.principal, footprint_id, state)

    def shapes(self, query: FootprintQuery, bounds_m: Bounds) -> Shapes:
        """Return the footprints of a view as shapes, unless there are more than `SHAPES_MAX`."""
        resources, principal = self.session.resources, self.session.principal
        total = self.figures(query, bounds_m).count
        if total > SHAPES_MAX:
            return Shapes(total)
        meeting = replace(query, bbox_deg=bounds_to_degrees(bounds_m))
        found = footprints.list_footprints(resources, principal, meeting, limit=SHAPES_MAX)
        return Shapes(total, _columns(found))

    def footprint_at(self, lon_deg: float, lat_deg: float, query: FootprintQuery) -> FootprintView | None:
        """Return the footprint under a point, if there is one."""
        return footprints.footprint_at(self.session.resources, self.session.principal, lon_deg, lat_deg, query)

    def models(self) -> list[ModelView]:
        """Return the weights that an extraction may use, the default first."""
        return models.list_models(self.session.resources, self.session.principal)

    def expected(self, job_id: str, min_confidence: float) -> ExpectedView | None:
        """Return what share of a job's footprints at or above a confidence is right, as far as that was measured."""
        job = jobs.get_job(self.session.resources, self.session.principal, job_id)
        return models.expected_of_job(self.session.resources, job, min_confidence)

    def extract(self, scene_id: str, region_m: Polygon | None, weights: str | None = None) -> JobView:
        """Submit an extraction of the region (map metres), or of the whole scene."""
        aoi = None if region_m is None else json.loads(to_geojson(to_degrees(region_m)))
        resources, principal = self.session.resources, self.session.principal
        params = models.recommended_params(resources, {"weights": weights} if weights else {})
        return jobs.submit_extraction(resources, principal, scene_id, params, aoi_geojson=aoi)

    def cancel(self, job_id: str) -> JobView:
        """Ask for a job to stop."""
        return jobs.cancel_job(self.session.resources, self.session.principal, job_id)


def geometry_of(geojson: dict[str, Any] | str) -> BaseGeometry:
    """Return a view's GeoJSON geometry as shapely geometry, in the plane it came in."""
    return from_geojson(geojson if isinstance(geojson, str) else json.dumps(geojson))


def overlap_area_m2(scene: SceneView, region_m: Polygon) -> float:
    """Return the ground area of the part of a drawn region (map metres) that lies on the scene."""
    return area_m2(geometry_of(scene.outline_geojson).intersection(to_degrees(region_m)))


def _no_columns() -> dict[str, list[Any]]:
    return {"xs": [], "ys": [], "area": [], "confidence": [], "job": []}


def _columns(found: GeoDataFrame) -> dict[str, list[Any]]:
    rings = [rings_of(geometry) for geometry in to_map_all(found)]
    return {
        "xs": [xs for xs, _ in rings],
        "ys": [ys for _, ys in rings],
        "area": [formats.area(value) for value in found["area_m2"]],
        "confidence": [formats.NO_VALUE if isnan(value) else formats.share(value) for value in found["confidence"]],
        "job": [f"job {job_id[:8]}" for job_id in found["job_id"]],
    }


def to_map_all(found: GeoDataFrame) -> list[Any]:
    """Return the geometries of a frame in EPSG:4326 in map metres."""
    return [to_map(geometry) for geometry in found.geometry]
