"""Scenes made in code: dark ground with bright rectangles on it, which stand for buildings."""

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

GSD_M = 0.3
EPSG = 32616
ORIGIN = (740_000.0, 3_740_000.0)
Rectangle = tuple[int, int, int, int]


def write_scene(
    path: Path,
    size_px: tuple[int, int] = (256, 256),
    rectangles: list[Rectangle] | None = None,
    paint: int | None = None,
    origin: tuple[float, float] = ORIGIN,
) -> Path:
    """Write a (height, width) RGB GeoTIFF; rectangles are (row, column, height, width) in pixels, painted `paint`.

    origin: easting and northing of the left upper corner, in metres.
    """
    rows, columns = size_px
    pixels = np.full((3, rows, columns), 60, np.uint8)
    pixels += np.random.default_rng(7).integers(0, 12, pixels.shape, dtype=np.uint8)
    for row, column, height, width in rectangles if rectangles is not None else [(40, 40, 50, 60)]:
        pixels[:, row : row + height, column : column + width] = paint or 220
    profile = {
        "driver": "GTiff",
        "width": columns,
        "height": rows,
        "count": 3,
        "dtype": "uint8",
        "crs": f"EPSG:{EPSG}",
        "transform": Affine(GSD_M, 0, origin[0], 0, -GSD_M, origin[1]),
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
    }
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(pixels)
    return path


def grid_of_rectangles(size_px: tuple[int, int], step_px: int = 120) -> list[Rectangle]:
    """Return rectangles on a grid over the scene, of sizes that differ."""
    rows, columns = size_px
    places = [(row, column) for row in range(30, rows - 60, step_px) for column in range(30, columns - 60, step_px)]
    return [(row, column, 30 + (row // 7) % 25, 30 + (column // 5) % 25) for row, column in places]
