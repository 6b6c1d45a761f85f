"""Rasters made in code: dark ground with bright roofs, in any layout that a test needs."""

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp

GROUND, ROOF = 40, 230
UTM = "EPSG:32633"
UTM_ORIGIN = Affine(0.3, 0.0, 500_000.0, 0.0, -0.3, 5_500_000.0)


def paint(shape, roofs, roof=ROOF, ground=GROUND):
    """Return (H, W) uint8 with a rectangle (x0, y0, x1, y1) for every roof."""
    picture = np.full(shape, ground, np.uint8)
    for x0, y0, x1, y1 in roofs:
        picture[y0:y1, x0:x1] = roof
    return picture


def write_scene(path: Path, bands, transform=UTM_ORIGIN, crs=UTM, **profile) -> Path:
    """Write bands (C, H, W), or (H, W) for grey repeated as RGB."""
    bands = np.stack([bands] * 3) if bands.ndim == 2 else bands
    colours = profile.pop("colorinterp", None)
    options = {"driver": "GTiff", "count": bands.shape[0], "height": bands.shape[1], "width": bands.shape[2]}
    options |= {"dtype": bands.dtype, "transform": transform, "crs": crs, "tiled": True}
    options |= {"blockxsize": 256, "blockysize": 256, "compress": "deflate"}
    if bands.shape[0] == 3 and bands.dtype == np.uint8:
        options["photometric"] = "rgb"
    with rasterio.open(path, "w", **(options | profile)) as dataset:
        dataset.write(bands)
        if colours:
            dataset.colorinterp = [getattr(ColorInterp, name) for name in colours]
    return path


def scattered_roofs(rng, shape, count, side_px=(12, 60), gap_px=6):
    """Return rectangles (x0, y0, x1, y1) that keep a gap between each other."""
    taken = np.zeros(shape, bool)
    roofs = []
    for _ in range(count * 20):
        width, height = rng.integers(*side_px, 2)
        x0 = int(rng.integers(0, shape[1] - width))
        y0 = int(rng.integers(0, shape[0] - height))
        around = taken[max(0, y0 - gap_px) : y0 + height + gap_px, max(0, x0 - gap_px) : x0 + width + gap_px]
        if around.any():
            continue
        around[...] = True
        roofs.append((x0, y0, x0 + int(width), y0 + int(height)))
        if len(roofs) == count:
            break
    return roofs
