"""Scenes over HTTP."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Query, Request

from webapp.api.deps import CurrentPrincipal, CurrentResources
from webapp.api.receiving import announced_bytes, check_in_thread, feed_body, in_thread
from webapp.api.schemas.scenes import SceneOut, ScenesOut
from webapp.services import pyramids, scenes, tiles
from webapp.services.uploads import begin_upload

router = APIRouter(prefix="/api/v1/scenes", tags=["scenes"])
_CONTENT = {"image/tiff": {"schema": {"type": "string", "format": "binary"}}}
RAW_BODY = {"requestBody": {"required": True, "content": _CONTENT}}


@router.put("", status_code=201, openapi_extra=RAW_BODY)
async def upload_scene(
    request: Request,
    resources: CurrentResources,
    principal: CurrentPrincipal,
    later: BackgroundTasks,
    name: Annotated[str, Query(min_length=1, max_length=500)],
) -> SceneOut:
    """Send a GeoTIFF as the body. It is checked, kept and prepared for the map."""
    upload = await in_thread(begin_upload, resources, principal, name, announced_bytes(request))
    with upload:
        await feed_body(request, upload.name, upload.write)
        received = await in_thread(upload.finish)
    view = await check_in_thread(scenes.register_scene, resources, principal, received)
    later.add_task(tiles.prepare_scene, resources, principal, view.id)
    return SceneOut.model_validate(view)


@router.get("")
def list_scenes(resources: CurrentResources, principal: CurrentPrincipal) -> ScenesOut:
    """List your scenes, newest first; administrators see all."""
    return ScenesOut(scenes=[SceneOut.model_validate(view) for view in scenes.list_scenes(resources, principal)])


@router.get("/{scene_id}")
def get_scene(scene_id: str, resources: CurrentResources, principal: CurrentPrincipal) -> SceneOut:
    """Describe one scene."""
    return SceneOut.model_validate(scenes.get_scene(resources, principal, scene_id))


@router.delete("/{scene_id}", status_code=204)
def delete_scene(scene_id: str, resources: CurrentResources, principal: CurrentPrincipal) -> None:
    """Remove a scene, its finished jobs and their footprints."""
    scenes.delete_scene(resources, principal, scene_id)
    pyramids.forget_pyramid(resources, scene_id)
