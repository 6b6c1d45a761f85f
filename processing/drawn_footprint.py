"""A footprint that a person drew: checked, and measured as the pipeline measures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from processing.errors import FootprintInvalid
from processing.ground_area import areas_m2

CORNERS_MAX = 10_000
AREA_MIN_M2, AREA_MAX_M2 = 1.0, 4e6
"""A square metre is less than any shed; the largest building there is covers about half of the other."""
REACH_MAX_DEG = 0.1
"""About 11 km: no building reaches so far."""


@dataclass(frozen=True)
class DrawnFootprint:
    """A valid polygon or multipolygon in EPSG:4326 within ±180°, two-dimensional, and its true area."""

    shape: BaseGeometry
    area_m2: float


def read_drawn(geojson: Mapping[str, Any]) -> DrawnFootprint:
    """Check a GeoJSON geometry in longitude and latitude. Nothing is mended. Raises `FootprintInvalid`."""
    drawn = _parsed(geojson)
    if drawn.geom_type not in ("Polygon", "MultiPolygon"):
        raise FootprintInvalid(detail=f"it is a {drawn.geom_type}, not a polygon")
    corners = int(shapely.get_num_coordinates(drawn))
    if corners > CORNERS_MAX:
        raise FootprintInvalid(detail=f"it has {corners} corners, more than {CORNERS_MAX}")
    if drawn.is_empty:
        raise FootprintInvalid(detail="it is empty")
    drawn = shapely.force_2d(drawn)
    _check_range(drawn)
    if not drawn.is_valid:
        raise FootprintInvalid(detail=f"it is not valid: {shapely.is_valid_reason(drawn)}")
    return DrawnFootprint(shapely.orient_polygons(drawn), _checked_area_m2(drawn))


def _parsed(geojson: Mapping[str, Any]) -> BaseGeometry:
    try:
        with np.errstate(invalid="ignore"):  # numbers that are none are judged later, with a clear word
            return shape(geojson)
    except (ShapelyError, AttributeError, KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        raise FootprintInvalid(detail="it is not a GeoJSON geometry") from error


def _check_range(drawn: BaseGeometry) -> None:
    points = shapely.get_coordinates(drawn)
    if not np.isfinite(points).all():
        raise FootprintInvalid(detail="its corners must be finite numbers")
    if np.abs(points[:, 0]).max() > 180 or np.abs(points[:, 1]).max() > 90:
        raise FootprintInvalid(detail="its corners must be longitude within ±180 and latitude within ±90 degrees")
    if max(np.ptp(points[:, 1]), _width_deg(points)) > REACH_MAX_DEG:
        raise FootprintInvalid(detail="it is larger than any building")


def _width_deg(points: NDArray[np.float64]) -> float:
    """(N, 2) degrees; how far it is from west to east, over the antimeridian too, in degrees of the equator."""
    width_deg = min(np.ptp(points[:, 0]), np.ptp(points[:, 0] % 360.0))
    return float(width_deg * np.cos(np.radians(np.abs(points[:, 1]).min())))


def _checked_area_m2(drawn: BaseGeometry) -> float:
    area_m2 = float(areas_m2(np.array([drawn], object))[0])
    if not AREA_MIN_M2 <= area_m2 <= AREA_MAX_M2:
        rule = f"between {AREA_MIN_M2:,.0f} and {AREA_MAX_M2:,.0f} m²"
        raise FootprintInvalid(detail=f"it covers {area_m2:,.2f} m²; a building covers {rule}")
    return area_m2
