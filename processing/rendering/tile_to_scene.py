"""Where each pixel of a map tile lies in a scene, whatever the scene's CRS, rotation or side of the antimeridian."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from processing.rendering.tile_grid import TileAddress

_EXACT_BELOW_ZOOM = 10
_LATTICE_STEPS = 16
_NOWHERE_PX = -1.0e6
_MERCATOR_LIKE = ("mercator", "popular visualisation", "equidistant cylindrical", "plate carree", "equirectangular")
_thread = threading.local()


@dataclass(frozen=True)
class PixelMap:
    """Positions in the scene of a tile's pixel centres. 0 is the corner of the scene's first pixel.

    columns, rows: (tile_px, tile_px) float32 in scene pixels; far outside where the CRS does not reach.
    """

    columns: NDArray[np.float32]
    rows: NDArray[np.float32]

    def moved(self, columns_px: float, rows_px: float) -> "PixelMap":
        """Return the positions after a shift."""
        return PixelMap(self.columns + np.float32(columns_px), self.rows + np.float32(rows_px))

    def scaled(self, factor: float) -> "PixelMap":
        """Return the positions in a raster of another resolution with the same corner."""
        return PixelMap(self.columns * np.float32(factor), self.rows * np.float32(factor))

    def window(self, width_px: int, height_px: int, margin_px: int) -> tuple[int, int, int, int] | None:
        """Return (left, top, right, bottom) of the needed scene pixels; None when tile and scene do not meet."""
        inside = (self.columns > -margin_px) & (self.columns < width_px + margin_px)
        inside &= (self.rows > -margin_px) & (self.rows < height_px + margin_px)
        if not inside.any():
            return None
        columns, rows = self.columns[inside], self.rows[inside]
        left, top = max(0, int(columns.min()) - margin_px), max(0, int(rows.min()) - margin_px)
        right = min(width_px, int(np.ceil(columns.max())) + margin_px)
        bottom = min(height_px, int(np.ceil(rows.max())) + margin_px)
        return (left, top, right, bottom) if right > left and bottom > top else None


def pixel_maps(crs_wkt: str, pixel_to_crs: Affine, address: TileAddress, tile_px: int) -> Iterator[PixelMap]:
    """Yield the tile's positions in the scene, once for each turn around the Earth that may meet it."""
    x, y, period = _tile_in_crs(crs_wkt, address, tile_px)
    crs_to_pixel = ~pixel_to_crs
    far = ~(np.isfinite(x) & np.isfinite(y))
    x, y = np.where(far, 0.0, x), np.where(far, 0.0, y)
    for turn in (0,) if period is None else (0, 1, -1):
        shifted = x + turn * (period or 0.0)
        columns = crs_to_pixel.a * shifted + crs_to_pixel.b * y + crs_to_pixel.c
        rows = crs_to_pixel.d * shifted + crs_to_pixel.e * y + crs_to_pixel.f
        columns[far] = rows[far] = _NOWHERE_PX
        yield PixelMap(columns.astype(np.float32), rows.astype(np.float32))


def _tile_in_crs(
    crs_wkt: str, address: TileAddress, tile_px: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], float | None]:
    """Return x and y, (tile_px, tile_px) in the CRS, of the tile's pixel centres, and the CRS's length of one turn."""
    west, _, east, north = address.bounds_m
    pixel_m = (east - west) / tile_px
    exact = address.z < _EXACT_BELOW_ZOOM
    steps = np.arange(tile_px) + 0.5 if exact else np.linspace(0.0, tile_px, _LATTICE_STEPS + 1)
    x_m, y_m = np.meshgrid(west + steps * pixel_m, north - steps * pixel_m)
    transformer, period = _from_mercator(crs_wkt)
    x, y = transformer.transform(x_m, y_m)
    if exact:
        return np.asarray(x), np.asarray(y), period
    return _spread(np.asarray(x), tile_px), _spread(np.asarray(y), tile_px), period


def _spread(lattice: NDArray[np.float64], tile_px: int) -> NDArray[np.float64]:
    """Interpolate values at 17 x 17 knots to all pixel centres; the map is smooth at such zooms."""
    position = (np.arange(tile_px) + 0.5) / tile_px * _LATTICE_STEPS
    low = np.minimum(position.astype(int), _LATTICE_STEPS - 1)
    share = position - low
    along = lattice[:, low] * (1 - share) + lattice[:, low + 1] * share
    spread: NDArray[np.float64] = along[low] * (1 - share)[:, None] + along[low + 1] * share[:, None]
    return spread


def _from_mercator(crs_wkt: str) -> tuple[Transformer, float | None]:
    """Transformers are costly to make and must not be shared between threads."""
    if not hasattr(_thread, "transformer_of"):
        _thread.transformer_of = lru_cache(maxsize=32)(_make_transformer)
    found: tuple[Transformer, float | None] = _thread.transformer_of(crs_wkt)
    return found


def _make_transformer(crs_wkt: str) -> tuple[Transformer, float | None]:
    crs = CRS.from_wkt(crs_wkt)
    return Transformer.from_crs(3857, crs, always_xy=True), _length_of_turn(crs)


def _length_of_turn(crs: CRS) -> float | None:
    """Return how far apart two neighbouring worlds are along x: only where longitude grows linearly with x."""
    method = (crs.coordinate_operation.method_name if crs.coordinate_operation else "").lower()
    linear = crs.is_geographic or (method.startswith(_MERCATOR_LIKE) and "transverse" not in method)
    if not linear:
        return None
    from_degrees = Transformer.from_crs(4326, crs, always_xy=True)
    x, _ = from_degrees.transform(np.array([10.0, 11.0]), np.array([0.0, 0.0]))
    return float(x[1] - x[0]) * 360.0


def sample(rgba: NDArray[np.uint8], positions: PixelMap) -> NDArray[np.uint8]:
    """Return (T, T, 4) uint8 RGBA of positions in an image, bilinear, with hard edges where imagery ends.

    rgba: (H, W, 4) uint8 with colours weighted by alpha, so 0 where there is no imagery.
    """
    # Neighbours outside the imagery weigh nothing; the division gives the colour its full weight back.
    columns, rows = positions.columns - np.float32(0.5), positions.rows - np.float32(0.5)
    mixed = np.asarray(cv2.remap(rgba, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT), np.uint8)
    weight, colours = mixed[..., 3], mixed[..., :3]
    partly = (weight >= 128) & (weight < 255)
    if partly.any():
        full = colours[partly].astype(np.float32) * (255.0 / weight[partly].astype(np.float32))[:, None]
        colours[partly] = np.minimum(np.round(full), 255).astype(np.uint8)
    mixed[weight < 128] = 0
    weight[weight >= 128] = 255
    return mixed
