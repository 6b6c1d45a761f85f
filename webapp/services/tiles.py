"""Map tiles as PNG bytes: the base map and scenes. Access is decided for every tile."""

from functools import lru_cache
from pathlib import Path

from auth.principals import Principal
from processing.rendering.base_tiles import THEMES, open_base_map
from processing.rendering.png import encode_png
from processing.rendering.scene_tiles import is_large, needs_pyramid, render_scene_tile
from processing.rendering.tile_grid import TileAddress
from webapp.resources import Resources
from webapp.services import scenes
from webapp.services.pyramids import PyramidSource, start_pyramid, wait_for_pyramid

BASEMAP_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "basemap"


def base_tile(resources: Resources, address: TileAddress, theme: str = "light") -> bytes:
    """Return a tile of the shipped base map. Raises `ParameterInvalid` for an unknown theme."""
    return _base_tile(address, theme)


@lru_cache(maxsize=4096)
def _base_tile(address: TileAddress, theme: str) -> bytes:
    return encode_png(open_base_map(BASEMAP_FOLDER).render(address, theme))


def warm_up() -> None:
    """Do what would make the first tile slow: read the outlines, draw the first zooms."""
    for theme in THEMES:
        for z in range(2):
            for x in range(2**z):
                for y in range(2**z):
                    _base_tile(TileAddress(z, x, y), theme)


def scene_tile(resources: Resources, principal: Principal, scene_id: str, address: TileAddress) -> bytes:
    """Return a tile of a scene. Raises `NotFound`, `StorageUnavailable`, `RasterUnreadable`, `TilesNotReady`."""
    source = _source(resources, principal, scene_id)
    pyramid = wait_for_pyramid(resources, source) if needs_pyramid(source.info, address) else None
    return encode_png(render_scene_tile(source.path, source.info, address, pyramid=pyramid))


def prepare_scene(resources: Resources, principal: Principal, scene_id: str) -> None:
    """Begin to make what far-out tiles of a scene need, so that it is there when somebody looks."""
    source = _source(resources, principal, scene_id)
    if is_large(source.info):
        start_pyramid(resources, source)


def _source(resources: Resources, principal: Principal, scene_id: str) -> PyramidSource:
    info = scenes.get_scene_info(resources, principal, scene_id)
    return PyramidSource(scene_id, scenes.scene_file(resources, principal, scene_id), info)

