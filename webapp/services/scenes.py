"""Scenes: checking and keeping what was uploaded, listing, and removing it again with all that came of it."""

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyproj import CRS
from shapely.geometry import mapping, shape
from sqlalchemy import delete, select

from auth.principals import SYSTEM, Principal
from models.footprint_writes import remove_jobs
from models.job import ProcessingJob
from models.queries import scenes as queries
from models.scene import Scene, StoredFile
from processing.raster_file import SceneBudget
from processing.scene import SceneInfo
from processing.scene_check import check_scene
from webapp.errors import NotFound, SceneInUse
from webapp.resources import Resources
from webapp.services.keeping import kept, stored_file
from webapp.services.uploads import ReceivedFile
from webapp.services.views import SceneView, to_datetime

LIST_LIMIT = 500
TIFF_MEDIA_TYPE = "image/tiff; application=geotiff"


def register_scene(
    resources: Resources, principal: Principal, received: ReceivedFile, scene_id: str | None = None
) -> SceneView:
    """Check a received file in a child process and keep it as a scene; what is refused is removed.

    `scene_id` is what it shall be called, where that is settled already.
    Raises the check's `ProcessingError`, `DiskFull`, `StorageUnavailable`.
    """
    try:
        budget = SceneBudget(max_decoded_bytes=resources.settings.scene_decoded_limit_bytes)
        info = check_scene(received.path, name=received.name, budget=budget)
        return _keep(resources, principal, received, info, scene_id or str(uuid.uuid4()))
    finally:
        received.discard()


def list_scenes(resources: Resources, principal: Principal, limit: int = LIST_LIMIT) -> list[SceneView]:
    """Return the newest scenes, newest first."""
    with resources.database.read(principal) as session:
        rows = queries.list_scenes(session, principal.owner_filter, limit)
        return [_view(scene, size_bytes) for scene, size_bytes, _ in rows]


def get_scene(resources: Resources, principal: Principal, scene_id: str) -> SceneView:
    """Return one scene. Raises `NotFound`."""
    with resources.database.read(principal) as session:
        scene, size_bytes, _ = _found(queries.find_scene(session, scene_id, principal.owner_filter), scene_id)
        return _view(scene, size_bytes)


def get_scene_info(resources: Resources, principal: Principal, scene_id: str) -> SceneInfo:
    """Return what the core knows of a scene. Raises `NotFound`."""
    with resources.database.read(principal) as session:
        scene, _, _ = _found(queries.find_scene(session, scene_id, principal.owner_filter), scene_id)
        return SceneInfo.from_json(scene.info)


def scene_file(resources: Resources, principal: Principal, scene_id: str) -> Path:
    """Return a local path of the scene's raster. Raises `NotFound`, `StorageUnavailable`."""
    with resources.database.read(principal) as session:
        _, _, key = _found(queries.find_scene(session, scene_id, principal.owner_filter), scene_id)
    return resources.storage.local_path(key)


def delete_scene(resources: Resources, principal: Principal, scene_id: str) -> None:
    """Remove a scene, its jobs, their footprints, and its file. Raises `NotFound`, `SceneInUse`.

    Whether it is theirs is asked in their name. The rest is the system's: an administrator may have run jobs on it.
    """
    with resources.database.read(principal) as session:
        _found(queries.find_scene(session, scene_id, principal.owner_filter), scene_id)
    with resources.database.write(SYSTEM) as session:
        scene, _, key = _found(queries.find_scene(session, scene_id, principal.owner_filter), scene_id)
        session.scalars(select(Scene.id).where(Scene.id == scene.id).with_for_update()).one()
        if queries.count_open_jobs(session, scene_id):
            raise SceneInUse(name=scene.name)
        remove_jobs(session, ProcessingJob.scene_id == scene_id)
        session.execute(delete(Scene).where(Scene.id == scene_id))
        session.execute(delete(StoredFile).where(StoredFile.id == scene.file_id))
    resources.storage.delete(key)


def _keep(
    resources: Resources, principal: Principal, received: ReceivedFile, info: SceneInfo, scene_id: str
) -> SceneView:
    """Store the file, then write its rows; without rows the file goes again."""
    stored = stored_file(principal, received, f"scenes/{scene_id}/{{id}}.tif", TIFF_MEDIA_TYPE)
    scene = Scene(
        id=scene_id,
        owner_id=principal.user_id,
        file_id=stored.id,
        name=received.name,
        width_px=info.width_px,
        height_px=info.height_px,
        gsd_m=info.gsd_m,
        info=info.to_json(),
    )
    with kept(resources, principal, received, stored) as session:
        session.add(scene)
        session.flush()
        return _view(scene, received.size_bytes)


def _found[T](row: T | None, scene_id: str) -> T:
    if row is None:
        raise NotFound(kind="scene", id=scene_id)
    return row


def _view(scene: Scene, size_bytes: int) -> SceneView:
    info: Mapping[str, Any] = scene.info
    west, south, east, north = info["bounds_deg"]
    return SceneView(
        id=scene.id,
        name=scene.name,
        width_px=scene.width_px,
        height_px=scene.height_px,
        band_count=info["band_count"],
        dtype=info["dtype"],
        epsg=CRS.from_wkt(info["crs_wkt"]).to_epsg(),
        gsd_m=scene.gsd_m,
        bounds_deg=(west, south, east, north),
        size_bytes=size_bytes,
        created_at=to_datetime(scene.created_at),
        outline_geojson=mapping(shape(info["outline"])),
    )
