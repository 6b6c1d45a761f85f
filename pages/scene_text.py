"""What a page says about a scene."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from shapely import from_geojson

from pages import formats
from pages.projection import area_m2

if TYPE_CHECKING:
    from webapp.services.views import JobView, SceneView


def scene_area_m2(scene: SceneView) -> float:
    """Return the ground area inside the scene's outline."""
    return area_m2(from_geojson(json.dumps(scene.outline_geojson)))


def checked_facts(scene: SceneView) -> list[tuple[str, str]]:
    """Return what the check found out, as (label, value)."""
    return [
        ("Size", f"{formats.count(scene.width_px)} × {formats.count(scene.height_px)} px"),
        ("Bands", f"{scene.band_count} × {formats.text(scene.dtype)}"),
        ("Ground resolution", formats.gsd(scene.gsd_m)),
        ("Area", formats.area(scene_area_m2(scene))),
        ("Coordinate system", f"EPSG:{scene.epsg}" if scene.epsg else "custom"),
        ("File", formats.size(scene.size_bytes)),
    ]


def one_line(scene: SceneView) -> str:
    """Return the main facts in one line."""
    facts = (formats.gsd(scene.gsd_m), formats.area(scene_area_m2(scene)), formats.size(scene.size_bytes))
    return " · ".join((*facts, formats.when(scene.created_at)))


def job_url(job: JobView) -> str:
    """Return the address of the map that shows a job; an import is its own scene there."""
    return map_url(job.scene_id or job.id, job.id)


def map_url(scene_id: str, job_id: str | None = None) -> str:
    """Return the address of the map that shows a scene, or one of its jobs."""
    return "/?" + urlencode({"scene": scene_id} | ({"job": job_id} if job_id else {}))
