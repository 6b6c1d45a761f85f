"""Between longitude/latitude (EPSG:4326) and the map's plane (EPSG:3857), both ways, by the spherical formula.

The map's plane is only for showing. Areas are always geodesic, on the WGS84 ellipsoid.
"""

import math
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod
from shapely.geometry.base import BaseGeometry

EARTH_RADIUS_M = 6378137.0
LATITUDE_LIMIT_DEG = 85.051129
WORLD_HALF_M = math.pi * EARTH_RADIUS_M
_WGS84 = Geod(ellps="WGS84")

type Bounds = tuple[float, float, float, float]
"""(west, south, east, north)."""


def to_map(geometry_deg: BaseGeometry) -> BaseGeometry:
    """Return `geometry_deg` (EPSG:4326) in EPSG:3857 metres."""
    return shapely.transform(geometry_deg, _points_to_map)


def to_degrees(geometry_m: BaseGeometry) -> BaseGeometry:
    """Return `geometry_m` (EPSG:3857) in EPSG:4326 degrees."""
    return shapely.transform(geometry_m, _points_to_degrees)


def point_to_degrees(x_m: float, y_m: float) -> tuple[float, float]:
    """Return (lon_deg, lat_deg) of a point of the map; longitudes are wrapped into [-180, 180)."""
    lon_deg = math.degrees(x_m / EARTH_RADIUS_M)
    lat_deg = math.degrees(2 * math.atan(math.exp(y_m / EARTH_RADIUS_M)) - math.pi / 2)
    return (lon_deg + 180.0) % 360.0 - 180.0, lat_deg


def bounds_to_map(bounds_deg: Bounds) -> Bounds:
    """Return bounds in EPSG:3857 metres; a box over the antimeridian (west > east) comes out with east past 180°."""
    west, south, east, north = bounds_deg
    if west > east:
        east += 360.0
    corners = _points_to_map(np.array([[west, south], [east, north]]))
    return tuple(corners.ravel().tolist())


def bounds_to_degrees(bounds_m: Bounds) -> Bounds:
    """Return bounds in degrees, clamped to the world; west > east when the box crosses the antimeridian."""
    west_m, south_m, east_m, north_m = bounds_m
    _, south = point_to_degrees(0.0, max(south_m, -WORLD_HALF_M))
    _, north = point_to_degrees(0.0, min(north_m, WORLD_HALF_M))
    if east_m - west_m >= 2 * WORLD_HALF_M:
        return -180.0, south, 180.0, north
    west, _ = point_to_degrees(west_m, 0.0)
    east, _ = point_to_degrees(east_m, 0.0)
    return west, south, (180.0 if east == -180.0 else east), north


def area_m2(geometry_deg: BaseGeometry) -> float:
    """Return the geodesic area of a geometry in EPSG:4326, in square metres."""
    return abs(_WGS84.geometry_area_perimeter(shapely.orient_polygons(geometry_deg))[0])


def _points_to_map(points_deg: NDArray[Any]) -> NDArray[Any]:
    """(N, 2) degrees to (N, 2) metres."""
    lat_deg = np.clip(points_deg[:, 1], -LATITUDE_LIMIT_DEG, LATITUDE_LIMIT_DEG)
    x_m = np.radians(points_deg[:, 0]) * EARTH_RADIUS_M
    y_m = np.log(np.tan(np.pi / 4 + np.radians(lat_deg) / 2)) * EARTH_RADIUS_M
    return np.column_stack([x_m, y_m])


def _points_to_degrees(points_m: NDArray[Any]) -> NDArray[Any]:
    """(N, 2) metres to (N, 2) degrees."""
    lon_deg = np.degrees(points_m[:, 0] / EARTH_RADIUS_M)
    lat_deg = np.degrees(2 * np.arctan(np.exp(points_m[:, 1] / EARTH_RADIUS_M)) - np.pi / 2)
    return np.column_stack([lon_deg, lat_deg])
