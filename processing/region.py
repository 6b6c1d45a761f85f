"""A region drawn on a map, and which footprints are in it: those whose bounding box has its centre there."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from processing.errors import ParameterInvalid
from processing.rendering.tile_grid import EARTH_RADIUS_M, degrees_to_mercator

LON_MAX_DEG, LAT_MAX_DEG = 540.0, 90.0
TURN_M = 2 * np.pi * EARTH_RADIUS_M


@dataclass(frozen=True)
class Region:
    """A polygon or multipolygon in EPSG:4326 whose edges are straight on a Web Mercator map.

    Longitudes may run past ±180°. Raises `ParameterInvalid`.
    """

    polygon: BaseGeometry

    def __post_init__(self) -> None:
        """Refuse what encloses nothing, or no place on Earth."""
        kind = self.polygon.geom_type
        if self.polygon.is_empty or not self.polygon.is_valid or self.polygon.area == 0:
            raise ParameterInvalid(parameter="region", value=kind, rule="it must be a valid polygon")
        west, south, east, north = self.polygon.bounds
        if max(abs(west), abs(east)) > LON_MAX_DEG or max(abs(south), abs(north)) > LAT_MAX_DEG:
            raise ParameterInvalid(parameter="region", value=kind, rule="it must be in longitude and latitude")

    @property
    def bounds_deg(self) -> tuple[float, float, float, float]:
        """West, south, east, north of what may be in it; west > east over the antimeridian."""
        west, south, east, north = self.polygon.bounds
        if east - west >= 360.0:
            return -180.0, south, 180.0, north
        return _within_turn(west), south, _within_turn(east), north

    def holds(self, envelopes_deg: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell of (N, 4) boxes in degrees (min_lon, min_lat, max_lon, max_lat) whether the centre is inside."""
        if not len(envelopes_deg):
            return np.zeros(0, np.bool_)
        west_m, south_m = degrees_to_mercator(envelopes_deg[:, 0], envelopes_deg[:, 1])
        east_m, north_m = degrees_to_mercator(envelopes_deg[:, 2], envelopes_deg[:, 3])
        x_m, y_m = (west_m + east_m) / 2, (south_m + north_m) / 2
        drawn = shapely.transform(self.polygon, lambda points: np.column_stack(degrees_to_mercator(*points.T)))
        shapely.prepare(drawn)
        inside = [shapely.contains_xy(drawn, x_m + turn * TURN_M, y_m) for turn in (-1, 0, 1)]
        return np.asarray(np.logical_or.reduce(inside))


def _within_turn(lon_deg: float) -> float:
    return lon_deg if -180.0 <= lon_deg <= 180.0 else (lon_deg + 180.0) % 360.0 - 180.0
