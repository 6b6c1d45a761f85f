"""Map tiles over HTTP."""

import hashlib
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from processing.rendering.tile_grid import TileAddress
from webapp.api.deps import CurrentPrincipal, CurrentResources
from webapp.api.schemas.answers import MVT, PICTURE, PNG, VECTOR_TILE
from webapp.api.schemas.filters import parse_view
from webapp.api.schemas.tiles import FootprintTileQuery, FootprintViewQuery, VectorTileQuery
from webapp.services import footprint_maps, tiles

router = APIRouter(prefix="/tiles", tags=["tiles"])
BASE_AGE_S = 86_400
SCENE_AGE_S = 300
FOOTPRINTS_AGE_S = 5
NAMED_FOOTPRINTS_AGE_S = 3600
"""Where the address names the state of the footprints, which the page does."""
WHO_ASKS = "Cookie, Authorization, X-API-Key"
"""As `Vary` this keeps what one person saw from the next one at the same browser, or with another key."""


def _address(z: int, x: int, y: int) -> TileAddress:
    return TileAddress(z, x, y)


Address = Annotated[TileAddress, Depends(_address)]


@router.get("/base/{z}/{x}/{y}.png", response_class=Response, responses=PICTURE)
def get_base_tile(
    request: Request, resources: CurrentResources, principal: CurrentPrincipal, address: Address, theme: str = "light"
) -> Response:
    """Return a tile of the base map; `theme` is light or dark."""
    return _png(request, tiles.base_tile(resources, address, theme), BASE_AGE_S)


@router.get("/scenes/{scene_id}/{z}/{x}/{y}.png", response_class=Response, responses=PICTURE)
def get_scene_tile(
    request: Request, scene_id: str, resources: CurrentResources, principal: CurrentPrincipal, address: Address
) -> Response:
    """Return a tile of a scene."""
    return _png(request, tiles.scene_tile(resources, principal, scene_id, address), SCENE_AGE_S)


@router.get("/footprints/{z}/{x}/{y}.png", response_class=Response, responses=PICTURE)
def get_footprint_tile(
    request: Request,
    resources: CurrentResources,
    principal: CurrentPrincipal,
    address: Address,
    query: Annotated[FootprintTileQuery, Query()],
) -> Response:
    """Return a tile of footprints: of one job, of one scene, or all that are yours."""
    place = footprint_maps.TilePlace(address, query.size_px)
    picture = footprint_maps.tile(resources, principal, query.map_query(), place, query.style())
    return _answer(request, picture.tag, _age_s(query.v), (picture.png, PNG))


@router.get("/footprints/{z}/{x}/{y}.mvt", response_class=Response, responses=VECTOR_TILE)
def get_footprint_vector_tile(
    request: Request,
    resources: CurrentResources,
    principal: CurrentPrincipal,
    address: Address,
    query: Annotated[VectorTileQuery, Query()],
) -> Response:
    """Return a Mapbox Vector Tile of footprints: polygons from zoom 14 on, below points with sums; empty: no bytes."""
    found = footprint_maps.vector_tile(resources, principal, query.map_query(), address)
    return _answer(request, found.tag, _age_s(query.v), (found.mvt, MVT))


@router.get("/footprints/view.png", response_class=Response, responses=PICTURE)
def get_footprint_view(
    request: Request,
    resources: CurrentResources,
    principal: CurrentPrincipal,
    query: Annotated[FootprintViewQuery, Query()],
) -> Response:
    """Return a picture of one view of footprints, for reports."""
    frame = footprint_maps.Frame(parse_view(query.bbox), (query.width, query.height))
    picture = footprint_maps.view(resources, principal, query.map_query(), frame, query.style())
    return _answer(request, picture.tag, FOOTPRINTS_AGE_S, (picture.png, PNG))


def _png(request: Request, body: bytes, age_s: int) -> Response:
    return _answer(request, hashlib.sha256(body).hexdigest()[:32], age_s, (lambda: body, PNG))


def _age_s(version: str | None) -> int:
    return FOOTPRINTS_AGE_S if version is None else NAMED_FOOTPRINTS_AGE_S


def _answer(request: Request, tag: str, age_s: int, content: tuple[Callable[[], bytes], str]) -> Response:
    """Answer without making the content where the other side has it already."""
    headers = {"ETag": f'"{tag}"', "Cache-Control": f"private, max-age={age_s}", "Vary": WHO_ASKS}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    make, media_type = content
    return Response(make(), media_type=media_type, headers=headers)
