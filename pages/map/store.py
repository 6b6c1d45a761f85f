"""What the map page reads and asks for, all through the services. Plain values in and out; called in threads."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shapely import from_geojson, to_geojson

from pages import formats
from pages.map.canvas import rings_of
from pages.projection import Bounds, area_m2, bounds_to_degrees, to_degrees, to_map
from pages.session import Session
from webapp.services import footprints, jobs, models, scenes
from webapp.services.footprints import FootprintQuery

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from shapely import Polygon
    from shapely.geometry.base import BaseGeometry

    from webapp.services.footprints import FootprintStatistics
    from webapp.services.models import ExpectedView, ModelView
    from webapp.services.views import FootprintView, JobView, SceneView

SHAPES_MAX = 3000
JOBS_MAX = 200


@dataclass(frozen=True)
class Shapes:
    """The footprints of a view as columns for the map, or only their number when there are too many to draw."""

    total: int
    columns: dict[str, list[Any]] = field(default_factory=lambda: _no_columns())


@dataclass(frozen=True)
class MapStore:
    """The services, asked as one person."""

    session: Session

    def scenes(self) -> list[SceneView]:
        """Return the person's scenes, newest first."""
        return scenes.list_scenes(self.session.resources, self.session.principal)

    def jobs_of(self, scene_id: str) -> list[JobView]:
        """Return the jobs of a scene, newest first."""
        found = jobs.list_jobs(self.session.resources, self.session.principal, limit=JOBS_MAX)
        return [job for job in found if job.scene_id == scene_id]

    def job(self, job_id: str) -> JobView:
        """Return one job as it is now."""
        return jobs.get_job(self.session.resources, self.session.principal, job_id)

    def statistics(self, query: FootprintQuery) -> FootprintStatistics:
        """Return count and areas of the footprints that a query means."""
        return footprints.statistics(self.session.resources, self.session.principal, query)

    def shapes(self, query: FootprintQuery) -> Shapes:
        """Return the footprints of a view as shapes, unless there are more than `SHAPES_MAX`."""
        resources, principal = self.session.resources, self.session.principal
        total = footprints.count(resources, principal, query)
        if not 0 < total <= SHAPES_MAX:
            return Shapes(total)
        found = footprints.list_footprints(resources, principal, query, limit=SHAPES_MAX)
        return Shapes(total, _columns(found, query.job_id or ""))

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


def query_of(job_id: str, min_confidence: float, bounds_m: Bounds | None = None) -> FootprintQuery:
    """Return the query for a job's footprints, of all or of a view in map metres."""
    bbox_deg = None if bounds_m is None else bounds_to_degrees(bounds_m)
    return FootprintQuery(job_id=job_id, bbox_deg=bbox_deg, min_confidence=min_confidence or None)


def geometry_of(geojson: dict[str, Any] | str) -> BaseGeometry:
    """Return a view's GeoJSON geometry as shapely geometry, in the plane it came in."""
    return from_geojson(geojson if isinstance(geojson, str) else json.dumps(geojson))


def overlap_area_m2(scene: SceneView, region_m: Polygon) -> float:
    """Return the ground area of the part of a drawn region (map metres) that lies on the scene."""
    return area_m2(geometry_of(scene.outline_geojson).intersection(to_degrees(region_m)))


def _no_columns() -> dict[str, list[Any]]:
    return {"xs": [], "ys": [], "area": [], "confidence": [], "job": []}


def _columns(found: GeoDataFrame, job_id: str) -> dict[str, list[Any]]:
    rings = [rings_of(geometry) for geometry in to_map_all(found)]
    return {
        "xs": [xs for xs, _ in rings],
        "ys": [ys for _, ys in rings],
        "area": [formats.area(value) for value in found["area_m2"]],
        "confidence": [formats.share(value) for value in found["confidence"]],
        "job": [f"job {job_id[:8]}"] * len(found),
    }


def to_map_all(found: GeoDataFrame) -> list[Any]:
    """Return the geometries of a frame in EPSG:4326 in map metres."""
    return [to_map(geometry) for geometry in found.geometry]
