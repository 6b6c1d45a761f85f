"""Descriptions of the footprint tiles for other programs: TileJSON, and what the colours mean."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request

from processing.footprint_index.palettes import Style
from processing.footprint_index.vector_tile import FIELDS, LAYER
from processing.rendering.tile_grid import MAX_LATITUDE_DEG
from webapp.api.deps import CurrentPrincipal, CurrentResources
from webapp.api.schemas.filters import MapFilterParams
from webapp.api.schemas.tiles import LegendOut, LegendQuery, StyleParams, TileJsonOut, VectorLayerOut
from webapp.resources import Resources
from webapp.services import footprint_maps
from webapp.services.footprint_maps import BoundsDeg

router = APIRouter(prefix="/tiles/footprints", tags=["tiles"])
MAX_ZOOM_OF_SETS = 18
"""Finer tiles are there, but hold nothing more: viewers enlarge those of this zoom, whose units are 4 cm."""
WORLD_DEG: BoundsDeg = (-180.0, -MAX_LATITUDE_DEG, 180.0, MAX_LATITUDE_DEG)
ATTRIBUTION = "Building footprints extracted from imagery"


@router.get("/tiles.json", response_model_exclude_none=True)
def get_vector_tile_set(
    request: Request,
    resources: CurrentResources,
    principal: CurrentPrincipal,
    query: Annotated[MapFilterParams, Query()],
) -> TileJsonOut:
    """Describe the vector tiles with these filters, as TileJSON for QGIS, MapLibre and others."""
    bounds = footprint_maps.bounds_deg(resources, principal, query.map_query())
    layer = VectorLayerOut(
        id=LAYER,
        description="From zoom 14 on a polygon for each footprint, below a point with sums for each of 64 x 64 cells",
        minzoom=0,
        maxzoom=MAX_ZOOM_OF_SETS,
        fields=dict(FIELDS),
    )
    return _described(request, resources, bounds, "mvt").model_copy(update={"vector_layers": [layer]})


@router.get("/raster.json", response_model_exclude_none=True)
def get_raster_tile_set(
    request: Request, resources: CurrentResources, principal: CurrentPrincipal, query: Annotated[StyleParams, Query()]
) -> TileJsonOut:
    """Describe the tiles as pictures of 256 pixels, with these filters and colours."""
    query.style()
    bounds = footprint_maps.bounds_deg(resources, principal, query.map_query())
    return _described(request, resources, bounds, "png")


@router.get("/legend")
def get_legend(
    resources: CurrentResources, principal: CurrentPrincipal, query: Annotated[LegendQuery, Query()]
) -> LegendOut:
    """Return what the colours of the pictures mean."""
    entries = footprint_maps.colours(resources, principal, Style(query.colour_by, query.theme), query.z)
    return LegendOut.of(query, entries)


def _described(request: Request, resources: Resources, bounds: BoundsDeg | None, suffix: str) -> TileJsonOut:
    return TileJsonOut(
        name="Building footprints",
        description="What the person who asks may see, with the filters of the address",
        attribution=ATTRIBUTION,
        tiles=[_address(request, resources, suffix)],
        minzoom=0,
        maxzoom=MAX_ZOOM_OF_SETS,
        bounds=bounds or WORLD_DEG,
    )


def _address(request: Request, resources: Resources, suffix: str) -> str:
    """Return the address of the tiles with the same parameters, which are checked by then."""
    server = (resources.settings.public_url or str(request.base_url)).rstrip("/")
    asked = urlencode(request.query_params.multi_items())
    return f"{server}{router.prefix}/{{z}}/{{x}}/{{y}}.{suffix}" + (f"?{asked}" if asked else "")
