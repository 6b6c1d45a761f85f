"""A scene as map tiles: the same picture that the detector sees, warped to EPSG:3857.

Near, the scene itself is read. Far out, a large scene is read from its pyramid (`scene_pyramid.py`), so that neither
memory nor time grows with the scene.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from processing.bands import BandLayout, read_layout, read_pixels
from processing.normalize import UNTOUCHED, Stretch, to_picture
from processing.raster_file import Dataset, open_raster
from processing.rendering.tile_grid import TILE_PX, TileAddress
from processing.rendering.tile_to_scene import PixelMap, pixel_maps, sample
from processing.scene import SceneInfo

PYRAMID_FACTOR = 4
"""The pyramid's finest level is the scene at a quarter of its resolution."""
_MARGIN_PX = 2
_LARGEST_READ_PX = 2048**2


@dataclass(frozen=True)
class _Imagery:
    """An open raster and what is needed to show it."""

    dataset: Dataset
    layout: BandLayout
    stretch: Stretch
    has_overviews: bool = False


def render_scene_tile(
    path: Path, info: SceneInfo, address: TileAddress, *, pyramid: Path | None = None, tile_px: int = TILE_PX
) -> NDArray[np.uint8]:
    """Return one tile of a scene: (tile_px, tile_px, 4) uint8 RGBA, transparent outside the imagery and at nodata.

    `pyramid` is the file that `build_pyramid` wrote; it must be given where `needs_pyramid` says so.
    Raises `RasterUnreadable` when the file is damaged.
    """
    tile = np.zeros((tile_px, tile_px, 4), np.uint8)
    if not _bounds_meet(info.bounds_deg, address):
        return tile
    coarseness = _coarseness(info, address, tile_px)
    for pixel_map in pixel_maps(info.crs_wkt, info.pixel_to_crs, address, tile_px):
        if pixel_map.window(info.width_px, info.height_px, _MARGIN_PX) is None:
            continue
        if pyramid is not None and needs_pyramid(info, address, tile_px):
            part = _render_pyramid(pyramid, pixel_map, coarseness)
        else:
            with open_raster(path, name=info.name) as dataset:
                part = _render(_Imagery(dataset, read_layout(dataset), info.stretch), pixel_map, coarseness)
        tile = np.where(tile[..., 3:] > 0, tile, part)
    return tile


def needs_pyramid(info: SceneInfo, address: TileAddress, tile_px: int = TILE_PX) -> bool:
    """Tell whether this tile shows so much of a large scene that it is drawn from the scene's pyramid."""
    coarse = _coarseness(info, address, tile_px) >= PYRAMID_FACTOR
    return is_large(info) and coarse and _bounds_meet(info.bounds_deg, address)


def is_large(info: SceneInfo) -> bool:
    """Tell whether the scene is too large to be read whole for one tile."""
    return info.width_px * info.height_px > _LARGEST_READ_PX


def _coarseness(info: SceneInfo, address: TileAddress, tile_px: int) -> float:
    """Return how many scene pixels lie along one tile pixel, at the scene's middle latitude."""
    middle_rad = np.radians((info.bounds_deg[1] + info.bounds_deg[3]) / 2)
    return float(address.size_m / tile_px * np.cos(middle_rad) / info.gsd_m)


def _bounds_meet(bounds_deg: tuple[float, float, float, float], address: TileAddress) -> bool:
    west, south, east, north = bounds_deg
    tile_west, tile_south, tile_east, tile_north = address.bounds_deg
    if south > tile_north or north < tile_south:
        return False
    if west <= east:
        return west <= tile_east and east >= tile_west
    return tile_east >= west or tile_west <= east


def _render_pyramid(pyramid: Path, pixel_map: PixelMap, coarseness: float) -> NDArray[np.uint8]:
    smaller = pixel_map.scaled(1 / PYRAMID_FACTOR)
    with open_raster(pyramid, name=pyramid.name) as dataset:
        return _render(
            _Imagery(dataset, read_layout(dataset), UNTOUCHED, has_overviews=True), smaller, coarseness / PYRAMID_FACTOR
        )


def _render(imagery: _Imagery, pixel_map: PixelMap, coarseness: float) -> NDArray[np.uint8]:
    size = imagery.dataset.width, imagery.dataset.height
    needed = pixel_map.window(*size, _MARGIN_PX)
    if needed is None:
        return np.zeros((*pixel_map.columns.shape, 4), np.uint8)
    whole = max(1, int(coarseness))
    # An overview is taken as it is: a reading between two of them would pick pixels here and there.
    factor = 1 << (whole.bit_length() - 1) if imagery.has_overviews else whole
    left, top, right, bottom = _aligned(needed, factor, size)
    image = _read(imagery, (left, top, right, bottom), factor)
    return sample(image, pixel_map.moved(-left, -top).scaled(1 / factor))


def _aligned(needed: tuple[int, int, int, int], factor: int, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Widen a window to whole groups of pixels, so that neighbouring tiles average the same pixels."""
    left, top = needed[0] // factor * factor, needed[1] // factor * factor
    right, bottom = -(-needed[2] // factor) * factor, -(-needed[3] // factor) * factor
    return left, top, min(right, size[0]), min(bottom, size[1])


def _read(imagery: _Imagery, bounds_px: tuple[int, int, int, int], factor: int) -> NDArray[np.uint8]:
    """Read a window reduced by a whole factor: (H, W, 4) uint8 RGBA, colours 0 where there is no imagery."""
    left, top, right, bottom = bounds_px
    window = Window(left, top, right - left, bottom - top)
    reduced = -(-(bottom - top) // factor), -(-(right - left) // factor)
    shape = reduced if imagery.has_overviews and factor > 1 else None
    values, valid = read_pixels(imagery.dataset, imagery.layout, window, shape)
    picture = to_picture(values, valid, imagery.stretch)
    rgba = np.dstack((picture, np.where(valid, 255, 0).astype(np.uint8)))
    return average(rgba, factor) if shape is None and factor > 1 else rgba


def average(rgba: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Reduce (H, W, 4) uint8 RGBA by a whole factor; the last row and column may stand for fewer pixels."""
    height, width = rgba.shape[:2]
    down, across = -height % factor, -width % factor
    if down or across:
        rgba = np.pad(rgba, ((0, down), (0, across), (0, 0)))
    size = rgba.shape[1] // factor, rgba.shape[0] // factor
    return np.asarray(cv2.resize(rgba, size, interpolation=cv2.INTER_AREA), np.uint8)
