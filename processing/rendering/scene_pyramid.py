"""The scene at a quarter of its resolution and coarser, as one small file, so that far-out tiles are fast."""

import os
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, Resampling
from rasterio.windows import Window

from processing.bands import read_layout, read_pixels
from processing.normalize import to_picture
from processing.raster_file import open_raster
from processing.rendering.scene_tiles import PYRAMID_FACTOR, average
from processing.scene import SceneInfo

_BLOCK_PX = 512
_COARSEST_PX = 32
_EVEN_PX = 256
"""Sides are padded to a multiple of this, so that each overview is exactly half of the one before."""


def build_pyramid(path: Path, info: SceneInfo, target: Path) -> None:
    """Write the stretched RGBA picture at 1/4, 1/8, 1/16 … to `target`, whole or not at all; memory stays flat.

    Raises `RasterUnreadable` when the scene is damaged, `OSError` when there is no room.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f"{target.stem}.{os.getpid()}.part")
    try:
        _write_finest_level(path, info, draft)
        _write_overviews(draft)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _write_finest_level(path: Path, info: SceneInfo, draft: Path) -> None:
    width, height = (-(-side // (PYRAMID_FACTOR * _EVEN_PX)) * _EVEN_PX for side in (info.width_px, info.height_px))
    profile = {
        "driver": "GTiff", "width": width, "height": height, "count": 4, "dtype": "uint8", "photometric": "RGB",
        "alpha": "unspecified", "crs": info.crs_wkt, "transform": info.pixel_to_crs @ Affine.scale(PYRAMID_FACTOR),
        "tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "webp", "webp_level": 85,
        "interleave": "pixel", "bigtiff": "if_safer",
    }  # fmt: skip
    with open_raster(path, name=info.name) as source, rasterio.open(draft, "w", **profile) as level:
        level.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)
        layout = read_layout(source)
        for top in range(0, height, _BLOCK_PX):
            for left in range(0, width, _BLOCK_PX):
                block = Window(left, top, min(_BLOCK_PX, width - left), min(_BLOCK_PX, height - top))
                window = _in_scene(block, info)
                if window.width <= 0 or window.height <= 0:
                    continue  # nothing but padding
                values, valid = read_pixels(source, layout, window)
                quarter = _quarter(to_picture(values, valid, info.stretch), valid)
                level.write(quarter, window=Window(left, top, quarter.shape[2], quarter.shape[1]))


def _in_scene(block: Window, info: SceneInfo) -> Window:
    left, top = block.col_off * PYRAMID_FACTOR, block.row_off * PYRAMID_FACTOR
    width = min(block.width * PYRAMID_FACTOR, info.width_px - left)
    return Window(left, top, width, min(block.height * PYRAMID_FACTOR, info.height_px - top))


def _quarter(picture: NDArray[np.uint8], valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return (4, h, w) uint8 with straight colours; a pixel is imagery when half of what it stands for is."""
    small = average(np.dstack((picture, np.where(valid, 255, 0).astype(np.uint8))), PYRAMID_FACTOR)
    weight = small[..., 3:].astype(np.float32)
    colours = np.minimum(small[..., :3] * (255.0 / np.maximum(weight, 1.0)), 255.0)
    imagery = weight >= 128
    rgba = np.dstack((np.where(imagery, np.round(colours), 0), np.where(imagery, 255, 0))).astype(np.uint8)
    return np.moveaxis(rgba, -1, 0)


def _write_overviews(draft: Path) -> None:
    with rasterio.open(draft, "r+", driver="GTiff") as level:
        longest = max(level.width, level.height)
        factors = [2**power for power in range(1, 20) if longest / 2**power >= _COARSEST_PX]
        if factors:
            level.build_overviews(factors, Resampling.average)
