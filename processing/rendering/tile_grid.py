"""Addresses of XYZ map tiles (EPSG:3857, y downwards) and the coordinates of their pixels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processing.errors import ParameterInvalid

TILE_PX = 256
MAX_ZOOM = 24
EARTH_RADIUS_M = 6378137.0
WORLD_SIZE_M = 2 * np.pi * EARTH_RADIUS_M
MAX_LATITUDE_DEG = 85.05112877980659


@dataclass(frozen=True, slots=True)
class TileAddress:
    """One XYZ tile. `ParameterInvalid` when the numbers name no tile."""

    z: int
    x: int
    y: int

    def __post_init__(self) -> None:
        """Refuse numbers outside the pyramid, so that no caller needs checks of its own."""
        if not 0 <= self.z <= MAX_ZOOM:
            raise ParameterInvalid(parameter="z", value=self.z, rule=f"it must lie in [0, {MAX_ZOOM}]")
        last = 2**self.z - 1
        for name, value in (("x", self.x), ("y", self.y)):
            if not 0 <= value <= last:
                raise ParameterInvalid(parameter=name, value=value, rule=f"at zoom {self.z} it must lie in [0, {last}]")

    @property
    def size_m(self) -> float:
        """Side of the tile in metres of EPSG:3857."""
        return float(WORLD_SIZE_M / 2**self.z)

    @property
    def bounds_m(self) -> tuple[float, float, float, float]:
        """(west, south, east, north) in metres of EPSG:3857."""
        west = self.x * self.size_m - WORLD_SIZE_M / 2
        north = WORLD_SIZE_M / 2 - self.y * self.size_m
        return west, north - self.size_m, west + self.size_m, north

    @property
    def bounds_deg(self) -> tuple[float, float, float, float]:
        """(west, south, east, north) in degrees of EPSG:4326."""
        west, south, east, north = self.bounds_m
        lon_deg, lat_deg = mercator_to_degrees(np.array([west, east]), np.array([south, north]))
        return float(lon_deg[0]), float(lat_deg[0]), float(lon_deg[1]), float(lat_deg[1])

    @property
    def parent(self) -> "TileAddress":
        """The tile of the zoom above that holds this one."""
        return TileAddress(self.z - 1, self.x // 2, self.y // 2)


def degrees_to_tile_px(
    lon_lat_deg: NDArray[np.float64], address: TileAddress, tile_px: int = TILE_PX
) -> NDArray[np.float64]:
    """Return (N, 2) pixel coordinates (x right, y down; 0 at the tile's corner) of (N, 2) degrees of EPSG:4326.

    Latitudes beyond the edge of Web Mercator are moved to that edge.
    """
    x_m, y_m = degrees_to_mercator(lon_lat_deg[:, 0], lon_lat_deg[:, 1])
    west, _, _, north = address.bounds_m
    scale = tile_px / address.size_m
    return np.column_stack(((x_m - west) * scale, (north - y_m) * scale))


def degrees_to_mercator(
    lon_deg: NDArray[np.float64], lat_deg: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (x, y) in metres of EPSG:3857; latitudes beyond its edge are moved to it."""
    lat_rad = np.radians(np.clip(lat_deg, -MAX_LATITUDE_DEG, MAX_LATITUDE_DEG))
    return np.radians(lon_deg) * EARTH_RADIUS_M, np.arctanh(np.sin(lat_rad)) * EARTH_RADIUS_M


def bounds_to_mercator(bounds_deg: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """Return (west, south, east, north) in metres of EPSG:3857; west > east stays so, over the antimeridian."""
    west, south, east, north = bounds_deg
    x_m, y_m = degrees_to_mercator(np.array([west, east]), np.array([south, north]))
    return float(x_m[0]), float(y_m[0]), float(x_m[1]), float(y_m[1])


def mercator_to_degrees(
    x_m: NDArray[np.float64], y_m: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (longitude, latitude) in degrees of EPSG:4326 for metres of EPSG:3857."""
    return np.degrees(x_m / EARTH_RADIUS_M), np.degrees(np.arctan(np.sinh(y_m / EARTH_RADIUS_M)))
