"""Crops of a real scene, or a made-up town where there is none."""

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.windows import Window

SHARED_SCENE = Path(__file__).resolve().parents[2] / "shared" / "data" / "scenes" / "banepa.tif"


def make_scene(path: Path, crop: Window) -> Path:
    """Write a crop of the shared scene where there is one, else a made-up town of the same size."""
    profile = {"driver": "GTiff", "width": crop.width, "height": crop.height, "count": 3, "dtype": "uint8"}
    profile |= {"tiled": True, "compress": "deflate", "photometric": "rgb"}
    if SHARED_SCENE.is_file():
        with rasterio.open(SHARED_SCENE) as source:
            pixels, crs, transform = source.read([1, 2, 3], window=crop), source.crs, source.window_transform(crop)
    else:
        pixels, crs, transform = made_up_town(crop), "EPSG:32633", Affine(0.13, 0, 500_000, 0, -0.13, 5_500_000)
    with rasterio.open(path, "w", crs=crs, transform=transform, **profile) as dataset:
        dataset.write(pixels)
    return path


def made_up_town(crop: Window) -> NDArray[np.uint8]:
    """Return (3, H, W) uint8: noisy ground with bright roofs in rows."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(60, 110, (3, crop.height, crop.width), np.uint8)
    for row in range(60, crop.height - 120, 160):
        for column in range(60, crop.width - 120, 140):
            height, width = rng.integers(50, 110, 2)
            pixels[:, row : row + height, column : column + width] = rng.integers(150, 240, (3, 1, 1))
    return pixels
