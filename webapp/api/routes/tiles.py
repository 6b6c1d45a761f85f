"""Map tiles over HTTP."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import Field

from processing.footprint_index.palettes import Style
from processing.rendering.tile_grid import TILE_PX, TileAddress
from webapp.api.deps import CurrentPrincipal, CurrentResources
from webapp.api.schemas.filters import MapFilterParams, parse_view
from webapp.services import footprint_maps, tiles
from webapp.services.footprint_maps import Picture

router = APIRouter(prefix="/tiles", tags=["tiles"])
BASE_AGE_S = 86_400
SCENE_AGE_S = 300
FOOTPRINTS_AGE_S = 5
NAMED_FOOTPRINTS_AGE_S = 3600
"""Where the address names the state of the footprints, which the page does."""


class StyleParams(MapFilterParams):
    """Which footprints, and in which colours."""

    colour_by: str = Field("density", max_length=20, examples=["density", "confidence", "area", "job", "review"])
    theme: str = Field("light", max_length=10, examples=["light", "dark"])

    def style(self) -> Style:
        """Return how to colour. Raises `ParameterInvalid`."""
        return Style(self.colour_by, self.theme)


class FootprintTileQuery(StyleParams):
    """`v` is not looked at: a new value makes browsers ask again."""

    size_px: int = TILE_PX
    v: str | None = Field(None, max_length=100)


class FootprintViewQuery(StyleParams):
    """A picture of one view, for reports. `bbox`: west,south,east,north in degrees."""

    bbox: str = Field(max_length=200, examples=["39.24,-6.05,39.25,-6.04"])
    width: int = Field(1200, ge=1, le=4096)
    height: int = Field(800, ge=1, le=4096)


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
    place = footprint_maps.TilePlace(address, query.size_px)
    picture = footprint_maps.tile(resources, principal, query.map_query(), place, query.style())
    return _picture(request, picture, FOOTPRINTS_AGE_S if query.v is None else NAMED_FOOTPRINTS_AGE_S)


@router.get("/footprints/view.png", response_class=Response)
def footprint_view(
    request: Request,
    resources: CurrentResources,
    principal: CurrentPrincipal,
    query: Annotated[FootprintViewQuery, Query()],
) -> Response:
    """Return a picture of one view of footprints, for reports."""
    frame = footprint_maps.Frame(parse_view(query.bbox), (query.width, query.height))
    picture = footprint_maps.view(resources, principal, query.map_query(), frame, query.style())
    return _picture(request, picture, FOOTPRINTS_AGE_S)


def _picture(request: Request, picture: Picture, age_s: int) -> Response:
    """Answer without drawing where the browser has the picture already."""
    headers = _headers(picture.tag, age_s)
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(picture.png(), media_type="image/png", headers=headers)


def _png(request: Request, body: bytes, age_s: int) -> Response:
    headers = _headers(hashlib.sha256(body).hexdigest()[:32], age_s)
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="image/png", headers=headers)


def _headers(tag: str, age_s: int) -> dict[str, str]:
    # `Vary: Cookie` keeps what one person saw from the next one at the same browser.
    return {"ETag": f'"{tag}"', "Cache-Control": f"private, max-age={age_s}", "Vary": "Cookie, Authorization"}
