"""Map tiles over HTTP."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from processing.rendering.tile_grid import TileAddress
from webapp.api.deps import CurrentPrincipal, CurrentResources
from webapp.services import tiles
from webapp.services.footprints import FootprintQuery

router = APIRouter(prefix="/tiles", tags=["tiles"])
BASE_AGE_S = 86_400
SCENE_AGE_S = 300
FOOTPRINTS_AGE_S = 5


class FootprintTileQuery(BaseModel):
    """Which footprints; `v` is not looked at: a new value makes browsers ask again."""

    model_config = ConfigDict(extra="forbid")

    job_id: str | None = Field(None, max_length=64)
    scene_id: str | None = Field(None, max_length=64)
    min_confidence: float | None = Field(None, ge=0, le=1)
    v: str | None = Field(None, max_length=100)


def _address(z: int, x: int, y: int) -> TileAddress:
    return TileAddress(z, x, y)


Address = Annotated[TileAddress, Depends(_address)]


@router.get("/base/{z}/{x}/{y}.png", response_class=Response)
def base_tile(
    request: Request, resources: CurrentResources, principal: CurrentPrincipal, address: Address, theme: str = "light"
) -> Response:
    """Return a tile of the base map; `theme` is light or dark."""
    return _png(request, tiles.base_tile(resources, address, theme), BASE_AGE_S)


@router.get("/scenes/{scene_id}/{z}/{x}/{y}.png", response_class=Response)
def scene_tile(
    request: Request, scene_id: str, resources: CurrentResources, principal: CurrentPrincipal, address: Address
) -> Response:
    """Return a tile of a scene."""
    return _png(request, tiles.scene_tile(resources, principal, scene_id, address), SCENE_AGE_S)


@router.get("/footprints/{z}/{x}/{y}.png", response_class=Response)
def footprint_tile(
    request: Request,
    resources: CurrentResources,
    principal: CurrentPrincipal,
    address: Address,
    query: Annotated[FootprintTileQuery, Query()],
) -> Response:
    """Return a tile of footprints: of one job, of one scene, or all that are yours."""
    wanted = FootprintQuery(job_id=query.job_id, scene_id=query.scene_id, min_confidence=query.min_confidence)
    return _png(request, tiles.footprint_tile(resources, principal, wanted, address), FOOTPRINTS_AGE_S)


def _png(request: Request, body: bytes, age_s: int) -> Response:
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    # `Vary: Cookie` keeps what one person saw from the next one at the same browser.
    headers = {"ETag": etag, "Cache-Control": f"private, max-age={age_s}", "Vary": "Cookie, Authorization"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="image/png", headers=headers)
