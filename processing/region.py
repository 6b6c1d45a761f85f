"""A region drawn on a map, and which footprints are in it: those whose bounding box has its centre there."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from processing.errors import ParameterInvalid
from processing.rendering.tile_grid import EARTH_RADIUS_M, degrees_to_mercator

TURN_M = 2 * np.pi * EARTH_RADIUS_M


@dataclass(frozen=True)
class Region:
    """A polygon or multipolygon in EPSG:4326 whose edges are straight on a Web Mercator map.

    Longitudes may run past ±180°. Raises `ParameterInvalid`.
    """

    polygon: BaseGeometry

    def __post_init__(self) -> None:
        """Refuse what encloses nothing."""
        if self.polygon.is_empty or not self.polygon.is_valid or self.polygon.area == 0:
            raise ParameterInvalid(parameter="region", value=self.polygon.geom_type, rule="it must be a valid polygon")

    @property
    def bounds_deg(self) -> tuple[float, float, float, float]:
        """West, south, east, north of what may be in it; west > east over the antimeridian."""
        west, south, east, north = self.polygon.bounds
        low, high = max(south, -90.0), min(north, 90.0)
        if east - west >= 360.0:
            return -180.0, low, 180.0, high
        return _within_turn(west), low, _within_turn(east), high

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
