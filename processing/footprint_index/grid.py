"""The integer grid of the index: Web Mercator, cut into 2^32 by 2^32 units, x to the east and y to the south.

A unit is 0.93 cm at the equator. Tiles of every zoom have corners at whole powers of two, so that a footprint belongs
to exactly one tile and a shift tells which; x wraps around the Earth by itself.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processing.errors import ParameterInvalid
from processing.rendering.tile_grid import WORLD_SIZE_M, TileAddress, degrees_to_mercator

GRID_UNITS = 2**32
UNITS_PER_M = GRID_UNITS / WORLD_SIZE_M
_WGS84_A_M = 6378137.0
_WGS84_E = 0.0818191908426215

BoundsM = tuple[float, float, float, float]


def degrees_to_grid(lon_deg: NDArray[np.float64], lat_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (N, 2) grid coordinates of degrees of EPSG:4326; latitudes beyond Web Mercator are moved to its edge."""
    x_m, y_m = degrees_to_mercator(lon_deg, lat_deg)
    return np.column_stack(((x_m / WORLD_SIZE_M + 0.5) * GRID_UNITS, (0.5 - y_m / WORLD_SIZE_M) * GRID_UNITS))


def grid_x(x_m: float) -> float:
    """Return the grid's x of metres of EPSG:3857."""
    return (x_m / WORLD_SIZE_M + 0.5) * GRID_UNITS


def grid_y(y_m: float) -> float:
    """Return the grid's y of metres of EPSG:3857."""
    return (0.5 - y_m / WORLD_SIZE_M) * GRID_UNITS


@dataclass(frozen=True, slots=True)
class GridWindow:
    """A rectangle of the grid, cut into pixels: a map view or a tile. It may reach over the edges of the world."""

    left: float
    top: float
    units_per_px_x: float
    units_per_px_y: float
    width_px: int
    height_px: int

    def grown(self, margin_px: int) -> "GridWindow":
        """Return the window with so many pixels more on every side."""
        return GridWindow(
            self.left - margin_px * self.units_per_px_x, self.top - margin_px * self.units_per_px_y,
            self.units_per_px_x, self.units_per_px_y, self.width_px + 2 * margin_px, self.height_px + 2 * margin_px,
        )  # fmt: skip

    @property
    def right(self) -> float:
        """The grid's x of the right edge."""
        return self.left + self.units_per_px_x * self.width_px

    @property
    def bottom(self) -> float:
        """The grid's y of the lower edge."""
        return self.top + self.units_per_px_y * self.height_px

    @property
    def turns(self) -> range:
        """How many times around the Earth to move the world so that it meets this window."""
        return range(math.floor(self.left / GRID_UNITS), math.ceil(self.right / GRID_UNITS))

    def pixel_km2(self) -> NDArray[np.float64]:
        """Return (height_px,) the true area in km² of a pixel of each row."""
        side_m = self.units_per_px_x / UNITS_PER_M, self.units_per_px_y / UNITS_PER_M
        rows = self.top + (np.arange(self.height_px) + 0.5) * self.units_per_px_y
        y = np.clip((0.5 - rows / GRID_UNITS) * 2 * np.pi, -np.pi, np.pi)
        return np.asarray(side_m[0] * side_m[1] * 1e-6 / np.cosh(y) ** 2)


def tile_window(address: TileAddress, size_px: int) -> GridWindow:
    """Return the window of an XYZ tile of `size_px` pixels a side."""
    side = GRID_UNITS / 2**address.z
    return GridWindow(address.x * side, address.y * side, side / size_px, side / size_px, size_px, size_px)


def view_window(bounds_m: BoundsM, width_px: int, height_px: int) -> GridWindow:
    """Return the window of a view of (west, south, east, north) metres of EPSG:3857; west > east passes 180°.

    Where its pixels are those of a zoom level, it is moved by less than half a pixel onto that zoom's own pixels.
    """
    left, top, right, bottom = grid_bounds(bounds_m)
    if not (1 <= width_px <= 16384 and 1 <= height_px <= 16384):
        raise ParameterInvalid(parameter="size", value=f"{width_px} x {height_px}", rule="it must be 1 to 16384 pixels")
    across, down = (right - left) / width_px, (bottom - top) / height_px
    exact = 2.0 ** round(math.log2(across))
    if abs(across / exact - 1) < 1e-6 and abs(down / exact - 1) < 1e-6:
        return GridWindow(round(left / exact) * exact, round(top / exact) * exact, exact, exact, width_px, height_px)
    return GridWindow(left, top, across, down, width_px, height_px)


def grid_bounds(bounds_m: BoundsM) -> tuple[float, float, float, float]:
    """Return (left, top, right, bottom) in the grid. `ParameterInvalid` where the bounds are empty or not numbers."""
    west, south, east, north = bounds_m
    if not all(math.isfinite(value) and abs(value) < 10 * WORLD_SIZE_M for value in bounds_m):
        raise ParameterInvalid(parameter="bounds", value=bounds_m, rule="they must be metres of EPSG:3857")
    left, top, right, bottom = grid_x(west), grid_y(north), grid_x(east), grid_y(south)
    right += GRID_UNITS if right < left else 0
    if not (left < right and top < bottom):
        raise ParameterInvalid(parameter="bounds", value=bounds_m, rule="they must enclose an area")
    return left, top, right, bottom


def bounds_area_km2(bounds_m: BoundsM) -> float:
    """Return the area of the view on the WGS84 ellipsoid, in km²; what lies beyond the poles' edge does not count."""
    left, top, right, bottom = grid_bounds(bounds_m)
    share_of_turn = min(1.0, (right - left) / GRID_UNITS)
    edges = np.clip((0.5 - np.array([bottom, top]) / GRID_UNITS) * 2 * np.pi, -np.pi, np.pi)
    south, north = (_zone(math.tanh(edge)) for edge in edges)
    return share_of_turn * math.pi * _WGS84_A_M**2 * (1 - _WGS84_E**2) * (north - south) * 1e-6


def _zone(sine: float) -> float:
    """The area between the equator and a latitude, up to a factor (J. P. Snyder, Map Projections, 1987, eq. 3-12)."""
    turned = _WGS84_E * sine
    return sine / (1 - turned**2) + math.atanh(turned) / _WGS84_E
